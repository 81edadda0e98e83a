// The sizes at which a bot shows the others, and what follows for each track it receives.

import Wire

public struct BotView: Sendable, Equatable {
  public enum Tile: Sendable, Equatable {
    case hidden
    /// Pixel lines.
    case height(Int)
  }

  /// A wish about one publisher's video, which goes before all else.
  public struct Wish: Sendable, Equatable {
    public var publisher: String
    public var tile: Tile
    public var framesPerSecond: Double
    public var priority: Int

    public init(publisher: String, tile: Tile, framesPerSecond: Double = 0, priority: Int = 0) {
      self.publisher = publisher
      self.tile = tile
      self.framesPerSecond = framesPerSecond
      self.priority = priority
    }
  }

  /// Whoever spoke last.
  public var speaker: Tile?
  public var others: Tile?
  public var screenShare: Tile?
  /// At most so many cameras are shown, the speaker's among them; nil for all.
  public var tiles: Int?
  public var wishes: [Wish] = []

  public init() {}

  /// Whether there is anything to say at all; without a view the SFU decides.
  public var isEmpty: Bool { self == BotView() }
}

extension BotView {
  /// The settings of each track, in the order of `tracks`; nil where nothing is said.
  func settings(
    for tracks: [(publisher: String, source: TrackSource)], speaker: String?
  ) -> [TrackSettings?] {
    var shown = 0
    // The speaker's tile is counted first, wherever it stands.
    let showsSpeaker = tracks.contains { $0.publisher == speaker && $0.source == .camera }
    if showsSpeaker { shown = 1 }
    return tracks.map { track in
      if let wish = wishes.last(where: { $0.publisher == track.publisher }) {
        return TrackSettings(
          wish.tile, framesPerSecond: wish.framesPerSecond, priority: wish.priority)
      }
      if track.source == .screenShare { return screenShare.map { TrackSettings($0, priority: 1) } }
      if track.publisher == speaker, let tile = self.speaker ?? others {
        return TrackSettings(tile, priority: 1)
      }
      guard let tiles else { return others.map { TrackSettings($0) } }
      if track.publisher != speaker {
        shown += 1
        if shown > tiles { return TrackSettings(.hidden) }
      }
      return others.map { TrackSettings($0) }
    }
  }
}

extension TrackSettings {
  init(_ tile: BotView.Tile, framesPerSecond: Double = 0, priority: Int = 0) {
    switch tile {
    case .hidden: isHidden = true
    case .height(let lines): height = lines
    }
    self.framesPerSecond = framesPerSecond
    self.priority = priority
  }
}
