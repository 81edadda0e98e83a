// What an inspection found in a capture: plain values, taken from the packets that were captured.

import Basics

public struct CaptureReport: Equatable, Sendable {
  /// Which clock measures rates, gaps and frames.
  public enum Clock: String, Sendable {
    case capture
    /// The capture's times lie within a millisecond, so each stream's RTP timestamps are its clock.
    case rtp
  }

  public var file = ""
  public var format = ""
  /// What went wrong first and where, or that nothing did: one sentence.
  public var sentence = ""
  public var records = RecordCounts()
  /// Of the first and the last record; since 1970, or since midnight where the file has no date.
  public var start: Instant?
  public var end: Instant?
  public var clock = Clock.capture
  public var transports: [CapturedTransport] = []
  public var streams: [CapturedStream] = []
  /// In the order of time.
  public var timeline: [CaptureEvent] = []
  /// In the order of time.
  public var problems: [CaptureProblem] = []
  /// What encryption or the capture's extent hid.
  public var hidden: [String] = []
  /// What the reader should know about how the figures came about.
  public var notes: [String] = []
  public var comments: [Comment] = []

  public init() {}

  public struct Comment: Equatable, Sendable {
    /// Nil for a comment on the file.
    public var packetNumber: Int?
    public var text: String

    public init(packetNumber: Int?, text: String) {
      self.packetNumber = packetNumber
      self.text = text
    }
  }

  /// What the records of the file were.
  public struct RecordCounts: Equatable, Sendable {
    public var packets = 0
    public var datagrams = 0
    public var rtp = 0
    public var rtcp = 0
    public var stun = 0
    public var dtls = 0
    /// Datagrams of none of these, those included whose RTP was not certain.
    public var other = 0
    public var fragments = 0
    public var reassembled = 0
    public var truncated = 0
    public var relayed = 0
    public var tcpPackets = 0
    public var tcpGaps = 0
    public var notMedia = 0
    public var malformed = 0
    public var unsupportedLink = 0
    /// As the capturing side says.
    public var droppedByCapture: UInt64 = 0
    /// Records whose time is before that of the record in front.
    public var outOfOrderTimes = 0

    public init() {}
  }
}

/// One line of the timeline.
public struct CaptureEvent: Equatable, Sendable {
  public var time: Instant
  public var packetNumber: Int
  public var text: String

  public init(time: Instant, packetNumber: Int, text: String) {
    self.time = time
    self.packetNumber = packetNumber
    self.text = text
  }
}

/// Something that went wrong.
public struct CaptureProblem: Equatable, Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case iceFailed, dtlsFailed, authenticationFailed, freeze, mediaGap, keyframeRequestUnanswered,
      lossBurst, loss, remoteLoss, sequenceJump, streamStops
  }

  public var kind: Kind
  /// Larger is graver; of one kind comparable.
  public var gravity: Double
  public var time: Instant
  public var packetNumber: Int
  public var ssrc: UInt32?
  /// One sentence.
  public var text: String

  public init(
    _ kind: Kind, gravity: Double, time: Instant, packetNumber: Int, ssrc: UInt32?, text: String
  ) {
    self.kind = kind
    self.gravity = gravity
    self.time = time
    self.packetNumber = packetNumber
    self.ssrc = ssrc
    self.text = text
  }
}

/// Two addresses between which packets were seen.
public struct CapturedTransport: Equatable, Sendable {
  /// What one end sent to the other.
  public struct Direction: Equatable, Sendable {
    public var source: Address
    public var destination: Address
    public var packets = 0
    /// Bytes of UDP or TCP payload.
    public var bytes = 0
    public var rtp = 0
    public var stun = 0
    public var dtls = 0
    /// Packets by RTCP type, in the order of types; of encrypted compounds the first packet alone.
    public var rtcp: [RTCPCount] = []
    /// Compounds of which only the first packet's header is in clear.
    public var encryptedCompounds = 0
    public var malformedCompounds = 0
    /// Transport-wide feedback that this end sent, and the packets that it reports on.
    public var transportFeedback = TransportFeedbackCounts()
    /// Bits a second that this end's REMBs estimate.
    public var receiverEstimate = Spread()

    public init(source: Address, destination: Address) {
      self.source = source
      self.destination = destination
    }
  }

  public struct RTCPCount: Equatable, Sendable {
    public var type: String
    public var count: Int

    public init(type: String, count: Int) {
      self.type = type
      self.count = count
    }
  }

  public struct TransportFeedbackCounts: Equatable, Sendable {
    public var messages = 0
    public var packets = 0
    /// Of these, those reported as not received.
    public var lost = 0
    /// Feedback packets missing by their own count.
    public var missingMessages = 0

    public init() {}
  }

  /// Connectivity checks between the two (RFC 8445).
  public struct ICE: Equatable, Sendable {
    public var requests = 0
    public var responses = 0
    public var errors = 0
    /// Requests that no captured response answers.
    public var unanswered = 0
    public var firstCheck: Instant?
    public var firstResponse: Instant?
    public var nominated: Instant?
    /// Milliseconds from request to response as captured.
    public var roundTrip = Spread()

    public init() {}
  }

  public struct DTLS: Equatable, Sendable {
    /// `DTLS 1.2`, `DTLS 1.3`.
    public var version = ""
    public var cipherSuite: UInt16?
    /// The SRTP protection profile; empty where DTLS 1.3 hides it or none was negotiated.
    public var profile = ""
    public var client: Address
    public var started: Instant
    public var completed: Instant?
    public var retransmissions = 0
    /// Alert descriptions that were sent in clear.
    public var alerts: [String] = []

    public init(client: Address, started: Instant) {
      self.client = client
      self.started = started
    }
  }

  /// How its media could be read.
  public enum Media: String, Sendable {
    case none, clear, opened, closed
  }

  /// The end that sent first, to the other.
  public var forward: Direction
  public var backward: Direction
  public var protocolName: String
  /// The peer behind a TURN server.
  public var relayedPeer: Address?
  public var ice: ICE?
  public var dtls: [DTLS] = []
  public var media = Media.none
  public var srtp = SRTPCounts()

  public init(forward: Direction, backward: Direction, protocolName: String) {
    self.forward = forward
    self.backward = backward
    self.protocolName = protocolName
  }

  public struct SRTPCounts: Equatable, Sendable {
    /// RTP and RTCP packets that authenticated.
    public var opened = 0
    public var failed = 0
    public var firstFailure: Int?
    /// Seen before under the same index.
    public var repeated = 0
    /// Cut by the snapshot length, so that they cannot be authenticated.
    public var cut = 0

    public init() {}
  }
}

/// Least, mean and greatest of measured values.
public struct Spread: Equatable, Sendable {
  public private(set) var count = 0
  public private(set) var minimum = 0.0
  public private(set) var maximum = 0.0
  private var sum = 0.0

  public init() {}

  public var mean: Double { count == 0 ? 0 : sum / Double(count) }

  public mutating func add(_ value: Double) {
    minimum = count == 0 ? value : Swift.min(minimum, value)
    maximum = count == 0 ? value : Swift.max(maximum, value)
    sum += value
    count += 1
  }
}

/// Sums over time in bins whose width doubles when there are too many: constant memory.
public struct BinnedSeries: Equatable, Sendable {
  private let limit: Int
  public private(set) var binWidth: Duration
  public private(set) var sums: [Double] = []

  /// - Parameters:
  ///   - binWidth: at first.
  ///   - limit: of the number of bins; even.
  public init(binWidth: Duration = .seconds(1), limit: Int = 600) {
    self.binWidth = binWidth
    self.limit = limit
  }

  /// Adds `value` at `offset` from the series' start; what is before it falls into the first bin.
  public mutating func add(_ value: Double, at offset: Duration) {
    var index = offset.nanoseconds > 0 ? Int(offset.nanoseconds / binWidth.nanoseconds) : 0
    while index >= limit {
      for bin in 0..<(sums.count + 1) / 2 {
        sums[bin] = sums[2 * bin] + (2 * bin + 1 < sums.count ? sums[2 * bin + 1] : 0)
      }
      sums.removeLast(sums.count / 2)
      binWidth = binWidth * 2
      index /= 2
    }
    if index >= sums.count {
      sums.append(contentsOf: repeatElement(0, count: index + 1 - sums.count))
    }
    sums[index] += value
  }

  /// The sums for each second.
  public var perSecond: [Double] { sums.map { $0 / binWidth.seconds } }
}
