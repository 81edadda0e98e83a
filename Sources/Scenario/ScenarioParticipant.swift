// Participants: who they are, what they may do, what they send, watch and say.

import Basics
import Results

extension Scenario {
  /// Participants that are alike.
  public struct Group: Sendable, Equatable {
    public var name: String
    /// Per room; nil for a single participant that bears the group's name.
    public var count: Int?
    public var rooms: [String]
    /// A link of its own for each; nil for a perfect one.
    public var link: String?
    /// Links shared with all who name them, from the participant towards the SFU.
    public var via: [String] = []
    /// The NAT that each is behind; nil for none.
    public var nat: NAT?
    public var hasIPv6 = false
    public var joinAt = Instant.zero
    /// Joins are spread evenly over this span.
    public var joinOver = Duration.zero
    public var leaveAt: Instant?
    public var role = Role.participant
    public var grants = Grants()
    /// What is published from the start.
    public var publish: [Source] = []
    public var camera = VideoSource.camera
    public var screenShare = VideoSource.screenShare
    public var microphone = AudioSource()
    public var subscribe = Subscription.all
    public var view = View()
    public var talk = Talk.always
    public var hasDevices = true
    /// A reconnection policy by its name; nil for the client's own, or one without a name.
    public var reconnect: String?
    /// A policy without a name, in place of a named one.
    public var reconnectPolicy: ReconnectPolicy?
    public var data: DataSource?
    /// A client with a deliberate fault, by its name.
    public var mutant: String?
    public var tags: [String] = []
    /// Every participant of the group, by room, then by number.
    public var members: [Member] = []

    public init(name: String, count: Int? = nil, rooms: [String]) {
      self.name = name
      self.count = count
      self.rooms = rooms
    }
  }

  /// A NAT's behaviour in the terms of RFC 4787.
  public struct NAT: Sendable, Equatable {
    public var mapping = NATDependence.endpointIndependent
    public var filtering = NATDependence.addressDependent
    /// A UDP mapping that sends nothing for so long is forgotten.
    public var lifetime = Duration.seconds(120)

    public init() {}
  }

  /// What of the remote address a NAT looks at.
  public enum NATDependence: String, Sendable, CaseIterable {
    case endpointIndependent, addressDependent, addressAndPortDependent
  }

  /// What a participant is in class; decides the grants that are not written.
  public enum Role: String, Sendable, CaseIterable {
    case participant, teacher, student, viewer, observer
  }

  /// The rights in a participant's token.
  public struct Grants: Sendable, Equatable {
    public var canPublish = true
    public var canSubscribe = true
    public var canPublishData = true
    /// nil for every source.
    public var canPublishSources: [Source]?
    public var roomAdmin = false
    public var hidden = false

    public init() {}
  }

  /// Grants that are written; nil where the old one holds.
  public struct GrantFields: Sendable, Equatable {
    public var canPublish: Bool?
    public var canSubscribe: Bool?
    public var canPublishData: Bool?
    public var canPublishSources: [Source]?
    public var roomAdmin: Bool?
    public var hidden: Bool?

    public init() {}
  }

  public typealias Source = MediaSource

  /// What bots encode.
  public enum VideoCodec: String, Sendable, CaseIterable { case vp8, vp9 }
  /// Who makes the bytes of a picture: the statistical model of RFC 8593, its trace-driven or its
  /// hybrid one, or libvpx.
  public enum VideoEncoder: String, Sendable, CaseIterable { case model, trace, hybrid, libvpx }

  /// Who makes the bytes of a sound: a model with a constant rate, or libopus.
  public enum AudioEncoder: String, Sendable, CaseIterable { case model, libopus }

  public struct VideoSource: Sendable, Equatable {
    public var codec = VideoCodec.vp8
    public var encoder = VideoEncoder.model
    /// Simulcast layers from low to high; one for a track without simulcast.
    public var layers: [VideoLayer]
    public var temporalLayers: Int
    /// A captured stream in place of an encoder.
    public var captured: CapturedTrack?

    /// libwebrtc's and LiveKit's usual ladder for 720p.
    public static let camera = VideoSource(
      layers: [
        VideoLayer(height: 180, framesPerSecond: 15, bitrate: .kbps(160)),
        VideoLayer(height: 360, framesPerSecond: 20, bitrate: .kbps(450)),
        VideoLayer(height: 720, framesPerSecond: 30, bitrate: .kbps(1_700)),
      ], temporalLayers: 1)

    /// LiveKit's usual screen share.
    public static let screenShare = VideoSource(
      layers: [VideoLayer(height: 1_080, framesPerSecond: 15, bitrate: .kbps(2_500))],
      temporalLayers: 1)

    public init(
      codec: VideoCodec = .vp8, encoder: VideoEncoder = .model, layers: [VideoLayer],
      temporalLayers: Int
    ) {
      self.codec = codec
      self.encoder = encoder
      self.layers = layers
      self.temporalLayers = temporalLayers
    }
  }

  public struct VideoLayer: Sendable, Equatable {
    /// Pixel lines; the width is 16/9 of it.
    public var height: Int
    public var framesPerSecond: Double
    public var bitrate: Bitrate
    /// What it is scaled down to while the SFU bounds its rate.
    public var reducedHeight: Int?

    public init(height: Int, framesPerSecond: Double, bitrate: Bitrate, reducedHeight: Int? = nil) {
      self.height = height
      self.framesPerSecond = framesPerSecond
      self.bitrate = bitrate
      self.reducedHeight = reducedHeight
    }
  }

  public struct AudioSource: Sendable, Equatable {
    public var bitrate = Bitrate.kbps(32)
    /// Whether silence is not sent (RFC 7587 §3.1.3).
    public var dtx = true
    public var encoder = AudioEncoder.model
    /// Whether libopus repeats frames in the packets behind them where loss is reported.
    public var fec = true
    /// A captured stream in place of an encoder.
    public var captured: CapturedTrack?

    public init(
      bitrate: Bitrate = Bitrate.kbps(32), dtx: Bool = true,
      encoder: AudioEncoder = AudioEncoder.model, fec: Bool = true
    ) {
      self.bitrate = bitrate
      self.dtx = dtx
      self.encoder = encoder
      self.fec = fec
    }
  }

  /// The packets of a captured stream, played with their own times, sizes and losses.
  public struct CapturedTrack: Sendable, Equatable {
    /// As the scenario names the file.
    public var file: String
    /// When the capture's first moment is played.
    public var start: Instant
    public var media: CapturedMedia

    public static let usualStart = Instant.seconds(5)

    public init(file: String, start: Instant = usualStart, media: CapturedMedia) {
      self.file = file
      self.start = start
      self.media = media
    }
  }

  public enum Subscription: Sendable, Equatable {
    case all, none
    case only(Selection)

    /// Whether this source of this publisher is taken.
    public func includes(_ source: Source, of identity: String) -> Bool {
      switch self {
      case .all: true
      case .none: false
      case .only(let selection): selection.includes(source, of: identity)
      }
    }
  }

  /// Tracks by publisher and source.
  public struct Selection: Sendable, Equatable {
    /// Identities.
    public var from: [String]
    public var sources: [Source]

    /// Whether this source of this publisher is meant.
    public func includes(_ source: Source, of identity: String) -> Bool {
      from.contains(identity) && sources.contains(source)
    }

    public init(from: [String], sources: [Source]) {
      self.from = from
      self.sources = sources
    }
  }

  /// The sizes at which a participant shows the others.
  public struct View: Sendable, Equatable {
    /// Who has the floor.
    public var speaker: TileSize?
    public var others: TileSize?
    public var screenShare: TileSize?
    /// At most this many others are shown.
    public var tiles: Int?
    /// By identity; goes before all else.
    public var of: [Tile] = []

    public init(
      speaker: TileSize? = nil, others: TileSize? = nil, screenShare: TileSize? = nil,
      tiles: Int? = nil, of: [Tile] = []
    ) {
      self.speaker = speaker
      self.others = others
      self.screenShare = screenShare
      self.tiles = tiles
      self.of = of
    }
  }

  public struct Tile: Sendable, Equatable {
    public var identity: String
    public var size: TileSize

    public init(identity: String, size: TileSize) {
      self.identity = identity
      self.size = size
    }
  }

  public enum TileSize: Sendable, Equatable {
    case hidden
    /// Pixel lines.
    case height(Int)
  }

  public enum Talk: Sendable, Equatable {
    case always, never
    case spells([Spell])
    /// The members of the group talk one after the other, each for `each`, with `gap` between them.
    case turns(each: Duration, gap: Duration, from: Instant)

    public struct Spell: Sendable, Equatable {
      public var at: Instant
      public var duration: Duration

      public init(at: Instant, duration: Duration) {
        self.at = at
        self.duration = duration
      }
    }
  }
}

extension Scenario.Role {
  /// Rights where the scenario writes none.
  public var grants: Scenario.Grants {
    var grants = Scenario.Grants()
    switch self {
    case .participant, .student: break
    case .teacher: grants.roomAdmin = true
    case .viewer: grants.canPublish = false
    case .observer:
      grants.canPublish = false
      grants.canPublishData = false
      grants.hidden = true
    }
    return grants
  }
}

extension Scenario.Grants {
  public func overridden(by fields: Scenario.GrantFields) -> Scenario.Grants {
    var result = self
    if let value = fields.canPublish { result.canPublish = value }
    if let value = fields.canSubscribe { result.canSubscribe = value }
    if let value = fields.canPublishData { result.canPublishData = value }
    if let value = fields.canPublishSources { result.canPublishSources = value }
    if let value = fields.roomAdmin { result.roomAdmin = value }
    if let value = fields.hidden { result.hidden = value }
    return result
  }
}

extension Scenario.Group {
  /// Whether member `index` talks at `moment`, by the schedule alone.
  public func talks(_ index: Int, at moment: Instant) -> Bool {
    switch talk {
    case .always: return true
    case .never: return false
    case .spells(let spells):
      return spells.contains { moment >= $0.at && moment < $0.at + $0.duration }
    case .turns(let each, let gap, let from):
      let turn = (each + gap).nanoseconds
      guard moment >= from, turn > 0, !members.isEmpty else { return false }
      let elapsed = (moment - from).nanoseconds
      return Int(elapsed / turn) % members.count == index && elapsed % turn < each.nanoseconds
    }
  }
}
