// What was observed of tracks and of the streams that carry them.

import Basics

/// Samples of one metric, of one participant or of a pair.
public struct SampleSeries: Sendable, Equatable, Codable {
  /// The identifier in the metric catalogue.
  public var metric: String
  /// The publisher's identity for what is per pair; else empty.
  public var peer: String
  /// Nil for what is of no single track.
  public var kind: TrackKind?
  public var source: MediaSource?
  public var samples: MetricSamples

  public init(
    metric: String, peer: String, kind: TrackKind?, source: MediaSource?, samples: MetricSamples
  ) {
    self.metric = metric
    self.peer = peer
    self.kind = kind
    self.source = source
    self.samples = samples
  }
}

/// Totals of a received track, by W3C webrtc-stats names.
public struct InboundTrack: Sendable, Equatable, Codable {
  public var publisher: String
  public var source: String
  public var kind: TrackKind
  public var values: [StatisticValue] = []
  /// Of decoded pictures, in the order in which the heights were first shown.
  public var pictureQuality: [PictureQualityTotal] = []

  public init(publisher: String, source: String, kind: TrackKind) {
    self.publisher = publisher
    self.source = source
    self.kind = kind
  }
}

/// Totals of a sent track, by W3C webrtc-stats names.
public struct OutboundTrack: Sendable, Equatable, Codable {
  public var source: String
  public var kind: TrackKind
  public var packetsSent: Int64
  public var values: [StatisticValue] = []

  public init(source: String, kind: TrackKind, packetsSent: Int64) {
    self.source = source
    self.kind = kind
    self.packetsSent = packetsSent
  }

  /// Nil for a source that scenarios have no word for.
  public var mediaSource: MediaSource? { MediaSource(rawValue: source) }
}

public struct StatisticValue: Sendable, Equatable, Codable {
  public var metric: String
  public var value: Double

  public init(_ metric: String, _ value: Double) {
    self.metric = metric
    self.value = value
  }
}

/// Sums over decoded pictures of one height.
public struct PictureQualityTotal: Sendable, Equatable, Codable {
  /// Pixel lines.
  public var height: Int
  public var pictures: Int
  public var psnr: Double
  public var ssim: Double

  public init(height: Int, pictures: Int, psnr: Double, ssim: Double) {
    self.height = height
    self.pictures = pictures
    self.psnr = psnr
    self.ssim = ssim
  }
}

/// An RTP stream from the SFU to this participant.
public struct StreamRecord: Sendable, Equatable, Codable {
  public var publisher: String
  public var kind: TrackKind
  public var ssrc: UInt32
  public var hasRTX: Bool
  /// Of video: packets that came after they had been asked for, or as RTX.
  public var recoveredPackets: Int
  /// Of video: packets given up after they had been asked for at least three times.
  public var unansweredPackets: Int
  /// Packets that the SFU sent and a link behind it lost.
  public var lostPackets: Int
  /// Of its RTX stream, likewise: answers that never arrived.
  public var lostAnswers: Int
  /// Of video: keyframes that its receiver asked for, and the longest wait for one while packets of the
  /// stream came.
  public var keyframeRequests: Int
  public var longestKeyframeWait: Duration
  /// Sequence numbers that the SFU skipped; nil where its packets were not observed.
  public var skippedSequenceNumbers: Int?

  public init(
    publisher: String, kind: TrackKind, ssrc: UInt32, hasRTX: Bool, recoveredPackets: Int,
    unansweredPackets: Int, lostPackets: Int, lostAnswers: Int, keyframeRequests: Int,
    longestKeyframeWait: Duration,
    skippedSequenceNumbers: Int?
  ) {
    self.publisher = publisher
    self.kind = kind
    self.ssrc = ssrc
    self.hasRTX = hasRTX
    self.recoveredPackets = recoveredPackets
    self.unansweredPackets = unansweredPackets
    self.lostPackets = lostPackets
    self.lostAnswers = lostAnswers
    self.keyframeRequests = keyframeRequests
    self.longestKeyframeWait = longestKeyframeWait
    self.skippedSequenceNumbers = skippedSequenceNumbers
  }
}

/// What was shown of one publisher's video.
public struct PictureRecord: Sendable, Equatable, Codable {
  public enum State: String, Sendable, Codable {
    /// At least one frame was shown in each second.
    case moving
    /// None was, though some should have been.
    case still
    /// None was expected.
    case idle
  }

  /// Seconds that end after `from` and not after `to`.
  public struct Span: Sendable, Equatable, Codable {
    public var from: Instant
    public var to: Instant
    public var state: State

    public init(from: Instant, to: Instant, state: State) {
      self.from = from
      self.to = to
      self.state = state
    }
  }

  /// Without a frame for so long a picture stands still (W3C webrtc-stats counts a freeze long before).
  public static let stillness = Duration.seconds(4)

  public var publisher: String
  /// In order for each track; those of several tracks follow each other.
  public var spans: [Span]
  /// The last frame that was shown in the last four seconds.
  public var lastShown: Instant?
  /// Whether the SFU said that it paused this video at some time in the last seconds of the run.
  public var wasPausedAtEnd: Bool

  public init(publisher: String, spans: [Span], lastShown: Instant?, wasPausedAtEnd: Bool) {
    self.publisher = publisher
    self.spans = spans
    self.lastShown = lastShown
    self.wasPausedAtEnd = wasPausedAtEnd
  }
}

/// When the SFU said that it holds back a publisher's video for lack of bandwidth.
public struct PauseRecord: Sendable, Equatable, Codable {
  public var publisher: String
  public var source: MediaSource
  public var intervals: [Interval]

  public init(publisher: String, source: MediaSource, intervals: [Interval]) {
    self.publisher = publisher
    self.source = source
    self.intervals = intervals
  }
}

/// What became of one publisher's picture, or sound, in one fault.
public struct MediaRecoveryRecord: Sendable, Equatable, Codable {
  public var publisher: String
  public var kind: TrackKind
  /// Of the fault.
  public var begin: Instant
  public var heal: Instant
  /// When the first frame was shown that was captured after the healing; nil for never.
  public var back: Instant?
  /// The longest time without a frame from the fault's beginning until it was back, or the run over.
  public var gap: Duration

  public init(
    publisher: String, kind: TrackKind, begin: Instant, heal: Instant, back: Instant?,
    gap: Duration
  ) {
    self.publisher = publisher
    self.kind = kind
    self.begin = begin
    self.heal = heal
    self.back = back
    self.gap = gap
  }
}
