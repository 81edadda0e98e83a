// What the allocator's own order leaves each of the video tracks on one link (docs/ladder.md, "How the SFU
// chooses"): everybody's lowest rung, screens first, then one step for each in turns.

import Basics
import Results
import Scenario

/// A video track that a viewer is sent, as the allocator sees it.
struct OfferedTrack: Equatable {
  struct Rung: Equatable {
    var lines: Int
    var bitrate: Bitrate
    /// A layer made smaller on request: only where nobody takes it whole.
    var isReduced = false
  }

  var publisher: String
  var source: MediaSource
  /// Lowest first, up to what is wanted.
  var rungs: [Rung]
  /// Lines of its tile; 0 where none was told.
  var tile = 0

  var isScreen: Bool { source == .screenShare }

  /// Whether the order between the two is that of their arrival, which a scenario does not tell.
  func isEqual(to other: OfferedTrack) -> Bool {
    isScreen == other.isScreen && tile == other.tile
  }

  fileprivate func goesBefore(_ other: OfferedTrack) -> Bool {
    isScreen != other.isScreen ? isScreen : tile > other.tile
  }
}

extension OfferedTrack {
  /// Of everybody in the room whose video `seat` wants, in the scenario's order.
  static func all(for seat: Evidence.Participant, in evidence: Evidence) -> [OfferedTrack] {
    evidence.participants.flatMap { other -> [OfferedTrack] in
      let identity = other.member.identity
      guard other.member.room == seat.member.room, identity != seat.member.identity else {
        return []
      }
      return other.group.allowedSources.filter { $0.kind == .video }.compactMap { source in
        if case .only(let selection) = seat.group.subscribe,
          !selection.includes(source, of: identity)
        {
          return nil
        }
        return track(source, of: other, in: seat.group.view)
      }
    }
  }

  /// A tile is filled by a layer of this share of its lines, as in LiveKit.
  private static let tolerance = 0.9
  /// The bound below which a layer is made smaller is of what is encoded.
  private static let boundShare = 0.9

  private static func track(
    _ source: MediaSource, of other: Evidence.Participant, in view: Scenario.View
  ) -> OfferedTrack? {
    let isScreen = source == .screenShare
    let tile =
      view.of.last { $0.identity == other.member.identity }?.size
      ?? (isScreen ? view.screenShare : nil)
    if tile == .hidden { return nil }
    var layers = (isScreen ? other.group.screenShare : other.group.camera).layers
    var lines = 0
    if case .height(let wanted) = tile {
      lines = wanted
      let enough = layers.firstIndex { Double($0.height) >= Double(wanted) * tolerance }
      if let enough { layers.removeLast(layers.count - 1 - enough) }
    }
    var rungs: [Rung] = []
    for layer in layers {
      if let reduced = layer.reducedHeight, let below = rungs.last {
        let between = Double(below.bitrate.bitsPerSecond) * Double(layer.bitrate.bitsPerSecond)
        rungs.append(
          Rung(
            lines: reduced, bitrate: .bps(between.squareRoot() * boundShare), isReduced: true))
      }
      rungs.append(Rung(lines: layer.height, bitrate: layer.bitrate))
    }
    return OfferedTrack(
      publisher: other.member.identity, source: source, rungs: rungs, tile: lines)
  }
}

enum LadderShare {
  /// What is known of the capacity, in parts of it. More room may mean less for one track: where it lets another
  /// one in.
  private static let knowledge = [-1.0, -0.5, 0, 0.5, 1].map { 1 + $0 * Ladder.slack }

  /// The right lines of one of `tracks` for a capacity that is known within the slack: from what is left for
  /// it as the last among equals to what is left for it as the first.
  static func accepted(_ index: Int, of tracks: [OfferedTrack], _ usable: Bitrate) -> Set<Int> {
    let low = knowledge.map {
      lines(index, of: tracks, usable * $0, isFirst: false, mayReduce: false)
    }.min()!
    let high = knowledge.map {
      lines(index, of: tracks, usable * $0, isFirst: true, mayReduce: true)
    }.max()!
    return Set([0] + tracks[index].rungs.map(\.lines)).filter { $0 >= low && $0 <= high }
  }

  /// The lines of one track, first or last among its equals; 0 where not even its lowest rung fits.
  static func lines(
    _ index: Int, of tracks: [OfferedTrack], _ budget: Bitrate, isFirst: Bool, mayReduce: Bool
  ) -> Int {
    let own = tracks[index]
    let order = tracks.indices.sorted { a, b in
      let (x, y) = (tracks[a], tracks[b])
      if x.goesBefore(y) || y.goesBefore(x) { return x.goesBefore(y) }
      guard x.isEqual(to: own), (a == index) != (b == index) else { return a < b }
      return (a == index) == isFirst
    }
    let rungs = order.map { tracks[$0].rungs.filter { !$0.isReduced || mayReduce } }
    var left = budget
    var held: [Int?] = order.map { _ in nil }
    func step(_ place: Int) -> Bool {
      let next = (held[place] ?? -1) + 1
      let present = held[place].map { rungs[place][$0].bitrate } ?? .zero
      let more = rungs[place][next].bitrate - present
      guard more <= left else { return false }
      left = left - more
      held[place] = next
      return true
    }
    for place in order.indices where !rungs[place].isEmpty { _ = step(place) }
    for isScreen in [true, false] {
      let peers = order.indices.filter { tracks[order[$0]].isScreen == isScreen }
      var isRising = true
      turns: while isRising {
        isRising = false
        for place in peers {
          guard let present = held[place], present + 1 < rungs[place].count else { continue }
          guard step(place) else { break turns }
          isRising = true
        }
      }
    }
    let place = order.firstIndex(of: index)!
    return held[place].map { rungs[place][$0].lines } ?? 0
  }
}
