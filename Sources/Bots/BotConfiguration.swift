// What a bot is told before it starts: who it is, what it publishes, what it costs to do so.

import Basics
import Codecs
import Congestion
import Results
import Transport
import Wire

public struct BotConfiguration: Sendable {
  public var identity: String
  public var room: String
  /// The access token it presents.
  public var token: String
  /// Where the SFU answers HTTP and WebSockets.
  public var signalAddress: Address
  public var tracks: [LocalTrackConfiguration] = []
  /// Whether the SFU shall subscribe it to everything.
  public var subscribesByItself = true
  /// What it asks for where the SFU does not subscribe it by itself; nil for nothing.
  public var selection: TrackSelection?
  public var playout = PlayoutDelay.Configuration()
  /// Keep one video delay sample of so many, where many people look at many.
  public var delayDecimation = 1
  /// Whether it decodes what libvpx and libopus encoded, and judges the result.
  public var decodesMedia = false
  /// Whether it opens data channels on joining.
  public var usesData = false
  public var protection = MediaProtection.srtp
  /// UDP port of the publisher transport; the subscriber transport has the next one.
  public var port: UInt16 = 50_000
  /// What the token lets it do, so that it notices when it gets more.
  public var maySubscribe = true
  public var mayPublish = TrackSource.all
  public var reconnectPolicy = ReconnectPolicy.liveKitRust
  public var mutant: ClientMutant?
  /// How its uplink is controlled.
  public var congestion = CongestionConfiguration()
  /// How it tells the SFU what its downlink carries.
  public var bandwidthFeedback = BandwidthFeedback.transportWide
  /// Where sequence numbers, timestamps and picture ids begin.
  public var startValues = StartValues.random
  /// Unix time at the run's start.
  public var epoch = Duration.seconds(1_767_225_600)

  public init(identity: String, room: String, token: String, signalAddress: Address) {
    self.identity = identity
    self.room = room
    self.token = token
    self.signalAddress = signalAddress
  }
}

/// Tracks of others, published now or later.
public struct TrackSelection: Sendable {
  /// Identities of their publishers.
  public var publishers: [String]
  public var sources: [TrackSource]

  public init(publishers: [String], sources: [TrackSource]) {
    self.publishers = publishers
    self.sources = sources
  }

  func covers(_ source: TrackSource, of publisher: String) -> Bool {
    publishers.contains(publisher) && sources.contains(source)
  }
}

/// A track to publish.
public struct LocalTrackConfiguration: Sendable {
  public enum Media: Sendable {
    case audio(AudioSource.Configuration)
    /// Layers smallest first.
    case video(VideoSource.Configuration)
  }

  /// Who makes the bytes of frames.
  public enum Coding: Sendable, Equatable {
    /// The statistical model of VP8 (RFC 8593) or of Opus.
    case model
    case libvpx(VideoCodec)
    case libopus(usesFEC: Bool)
    /// Packets of a capture, whose first moment is played at `from`; one layer.
    case captured(CapturedMedia, from: Instant)

    /// Whether the other end has to decode it to judge it.
    public var isDecoded: Bool {
      switch self {
      case .model, .captured: false
      case .libvpx, .libopus: true
      }
    }
  }

  public var source: TrackSource
  public var media: Media
  public var coding = Coding.model
  /// Whether it is published on joining, or waits for a command.
  public var isPublishedAtOnce: Bool

  public init(source: TrackSource, media: Media, isPublishedAtOnce: Bool = true) {
    self.source = source
    self.media = media
    self.isPublishedAtOnce = isPublishedAtOnce
  }

  public var codec: CodecProfile {
    guard case .video = media else { return .opus }
    return coding == .libvpx(.vp9) ? .vp9 : .vp8
  }
}

enum BotLimits {
  /// LiveKit: clients cut what is larger, so that a message stays below 16 KiB.
  static let dataSize = 15_000
  /// Reliable messages kept for a resume.
  static let dataHistory = 1_024
  static let second = Duration.seconds(1)
  /// LiveKit JS: the transports must be up this long after joining.
  static let mediaTimeout = Duration.seconds(15)
  /// What is remembered frame by frame of a track that has ended.
  static let endedTrackMemory = Duration.seconds(10)
  /// Ended tracks that keep a record of their own each.
  static let endedTracks = 64
  static let pingInterval = Duration.seconds(5)
  static let reconnectTimeout = ReconnectPolicy.attemptTimeout
  static let reportsPerPacket = 20
  /// Packets of a muted track are a fault only this long after the word, beside a round trip.
  static let muteGrace = Duration.milliseconds(200)
  /// So are packets of a track that has ended, or that is the bot's no longer: the offer may overtake
  /// them, as nothing holds it back.
  static let stragglerGrace = Duration.milliseconds(200)
  /// Rids by layer, as LiveKit names them: LOW, MEDIUM, HIGH.
  static let rids = ["q", "h", "f"].map { ShortName($0)! }
}
