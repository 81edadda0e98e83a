// One RTP stream of a capture: an SSRC between two addresses (RFC 3550).

import Basics

public struct CapturedStream: Equatable, Sendable {
  public enum Kind: String, Sendable { case audio, video, unknown }

  /// Where the knowledge of a codec or a clock rate comes from.
  public enum Origin: String, Sendable {
    case sdp, flag
    /// The static payload types of RFC 3551.
    case staticType = "static"
    /// The payload itself, where it is certain.
    case content
    /// The pace of timestamps against the capture's time; nothing says so.
    case estimated
  }

  public enum Role: Equatable, Sendable {
    case media
    /// RFC 4588; of which SSRC, where that is known.
    case retransmission(of: UInt32?)
    case forwardErrorCorrection(of: UInt32?)
  }

  public enum Payload: String, Sendable {
    case clear
    /// Decrypted with the key log.
    case opened
    case encrypted
  }

  public struct PayloadType: Equatable, Sendable {
    public var number: UInt8
    public var packets: Int
    /// Such as `VP8/90000`; nil where nothing says.
    public var codec: String?
    public var origin: Origin?

    public init(number: UInt8, packets: Int, codec: String?, origin: Origin?) {
      self.number = number
      self.packets = packets
      self.codec = codec
      self.origin = origin
    }
  }

  // MARK: What it is

  public var ssrc: UInt32
  public var source: Address
  public var destination: Address
  public var relayedPeer: Address?
  public var role = Role.media
  public var kind = Kind.unknown
  public var payloadTypes: [PayloadType] = []
  /// Of the payload type that most packets have.
  public var codec: String?
  public var codecOrigin: Origin?
  /// Hz.
  public var clockRate: Int?
  public var clockOrigin: Origin?
  public var payload = Payload.clear
  public var mid: String?
  public var rid: String?
  /// As the sender's SDES says: hostile text.
  public var cname: String?

  // MARK: How much there was

  public var firstPacket = 0
  public var lastPacket = 0
  public var start = Instant.zero
  public var end = Instant.zero
  public var packets = 0
  /// Bytes of UDP payload.
  public var bytes = 0
  public var packetSize = Spread()
  public var paddingOnly = 0
  public var markers = 0
  /// Packets by ECN mark: not capable, ECT(1), ECT(0), CE.
  public var ecn = [0, 0, 0, 0]
  /// Bits a second of UDP payload.
  public var bitrate: BinnedSeries = BinnedSeries()

  // MARK: RFC 3550

  /// Highest sequence number, extended, less the first one, plus one (RFC 3550 A.3).
  public var expected = 0
  /// Expected less received; negative with duplicates (RFC 3550 §6.4.1).
  public var lost: Int { expected - packets }
  /// Milliseconds; the estimator of RFC 3550 A.8 after the last packet. Nil without a clock rate.
  public var jitter: Double?
  /// Milliseconds, the greatest value of that estimator.
  public var maximumJitter: Double?
  public var duplicates = 0
  /// Packets that arrived after one with a higher sequence number.
  public var reordered = 0
  public var sequenceJumps = 0
  public var timestampJumps = 0
  public var analysis = StreamAnalysis()

  // MARK: Loss

  /// Sequence numbers that never arrived in this stream.
  public var missing = 0
  /// Of these, those that a retransmission in another stream carried.
  public var repaired = 0
  /// Of these, those whose repair cannot be judged because retransmissions are encrypted.
  public var repairIsHidden = false
  public var bursts: [LossEvent] = []
  public var burstCount = 0
  public var longestBurst = 0
  /// The longest times without a packet, longest first.
  public var gaps: [Gap] = []

  // MARK: Media and feedback

  public var frames: CapturedFrames?
  public var keyframeRequests: [KeyframeRequest] = []
  public var keyframeRequestCount = 0
  public var reports: ReceivedReports?
  public var senderReports = 0
  public var nacks = NACKCounts()
  public var hasGoodbye = false

  public init(ssrc: UInt32, source: Address, destination: Address) {
    self.ssrc = ssrc
    self.source = source
    self.destination = destination
  }

  public var duration: Duration { end - start }

  /// `video`, `audio`, `RTX`, `FEC`, or `stream` where nothing says.
  public var label: String {
    switch role {
    case .retransmission: "RTX"
    case .forwardErrorCorrection: "FEC"
    case .media: kind == .unknown ? "stream" : kind.rawValue
    }
  }

  /// Missing numbers that no retransmission repaired, as far as the capture shows.
  public var residualLoss: Int { max(0, missing - repaired) }

  /// Mean bits a second of UDP payload; nil for a stream of one moment.
  public var meanBitrate: Double? {
    duration > .zero ? Double(8 * bytes) / duration.seconds : nil
  }
}

/// The columns of Wireshark's RTP stream analysis, by its rules: minimum and mean leave out packets
/// with a marker, though the mean divides by all.
public struct StreamAnalysis: Equatable, Sendable {
  /// Milliseconds; -1 where no packet counts.
  public var minimumDelta = -1.0
  public var meanDelta = 0.0
  public var maximumDelta = 0.0
  /// The packet after the longest delta.
  public var maximumDeltaPacket = 0
  public var minimumJitter = -1.0
  public var meanJitter = 0.0
  public var maximumJitter = 0.0
  /// Milliseconds; positive where timestamps run ahead of the capture.
  public var maximumSkew = 0.0
  /// Parts in a million by which the sender's clock runs fast, by least squares.
  public var clockDrift: Double?
  public var expected = 0
  public var lost = 0
  public var sequenceErrors = 0
  /// The payload type changed, or a sequence number was wrong.
  public var hasProblem = false

  public init() {}
}

/// Consecutive sequence numbers that did not arrive.
public struct LossEvent: Equatable, Sendable {
  /// Of the packet behind the gap.
  public var time: Instant
  public var packetNumber: Int
  /// Numbers of the gap.
  public var count: Int
  /// Of these, those that never arrived in the stream.
  public var missing: Int
  public var repaired: Int
  /// Time without a packet around the gap.
  public var silence: Duration

  public init(
    time: Instant, packetNumber: Int, count: Int, missing: Int, repaired: Int, silence: Duration
  ) {
    self.time = time
    self.packetNumber = packetNumber
    self.count = count
    self.missing = missing
    self.repaired = repaired
    self.silence = silence
  }
}

/// A time without a packet.
public struct Gap: Equatable, Sendable {
  /// Its end.
  public var time: Instant
  public var packetNumber: Int
  public var duration: Duration
  /// Sequence numbers missing across it: none where the sender was silent.
  public var missing: Int

  public init(time: Instant, packetNumber: Int, duration: Duration, missing: Int) {
    self.time = time
    self.packetNumber = packetNumber
    self.duration = duration
    self.missing = missing
  }
}

/// Frames of a video stream, by timestamp and marker.
public struct CapturedFrames: Equatable, Sendable {
  public struct Freeze: Equatable, Sendable {
    /// Its end, when the next frame became complete.
    public var time: Instant
    public var packetNumber: Int
    public var duration: Duration
    /// Sequence numbers missing since the frame before it.
    public var missing: Int

    public init(time: Instant, packetNumber: Int, duration: Duration, missing: Int) {
      self.time = time
      self.packetNumber = packetNumber
      self.duration = duration
      self.missing = missing
    }
  }

  /// Distinct timestamps with media.
  public var count = 0
  /// Frames of which every packet arrived or was repaired, and that could be decoded as far as the
  /// payload tells.
  public var complete = 0
  public var incomplete = 0
  /// Complete frames that refer to one that was not.
  public var undecodable = 0
  /// Nil where the payload does not tell.
  public var keyframes: Int?
  /// Seconds between keyframes.
  public var keyframeInterval = Spread()
  /// Milliseconds between frames.
  public var interval = Spread()
  public var freezeCount = 0
  public var totalFreezesDuration = Duration.zero
  /// The longest, in the order of time.
  public var freezes: [Freeze] = []
  /// `640x360`, in the order of their first appearance.
  public var resolutions: [String] = []
  /// Frames a second.
  public var rate = BinnedSeries()

  public init() {}
}

public struct KeyframeRequest: Equatable, Sendable {
  public enum Kind: String, Sendable {
    case pli = "PLI"
    case fir = "FIR"
  }

  public var kind: Kind
  public var time: Instant
  public var packetNumber: Int
  /// Further requests before the answer.
  public var repeats = 0
  /// Until the first packet of the next keyframe; nil where none came.
  public var answeredAfter: Duration?
  public var answerPacket: Int?

  public init(_ kind: Kind, time: Instant, packetNumber: Int) {
    self.kind = kind
    self.time = time
    self.packetNumber = packetNumber
  }
}

/// What receivers report about a stream (RFC 3550 §6.4.1), as the capture saw it pass.
public struct ReceivedReports: Equatable, Sendable {
  public var count = 0
  public var cumulativeLost = 0
  /// 0...1.
  public var maximumFractionLost = 0.0
  public var maximumFractionPacket = 0
  public var maximumFractionTime = Instant.zero
  /// Milliseconds.
  public var jitter = Spread()
  /// Milliseconds between the capturing point and the receiver, from LSR and DLSR.
  public var roundTrip = Spread()

  public init() {}
}

public struct NACKCounts: Equatable, Sendable {
  public var messages = 0
  /// Sequence numbers asked for, repeats included.
  public var requested = 0

  public init() {}
}
