// Flows between two hosts of their own, beside the rooms: media without an SFU, and cross traffic.

import Basics

extension Scenario {
  /// Flows that are alike.
  public struct FlowGroup: Sendable, Equatable {
    public var name: String
    /// nil for a single flow that bears the group's name.
    public var count: Int?
    /// A link of its own for each, next to the sender.
    public var link: String?
    /// Links shared with all who name them, from the sender on: their `up` is forward.
    public var via: [String] = []
    public var direction = FlowDirection.forward
    public var start = Instant.zero
    /// nil for the end of the run.
    public var stop: Instant?
    public var kind: FlowKind
    public var tags: [String] = []

    public init(name: String, kind: FlowKind) {
      self.name = name
      self.kind = kind
    }

    /// `tcp`, or `tcp-1`, `tcp-2` …
    public var names: [String] {
      count.map { (1...$0).map { "\(name)-\($0)" } } ?? [name]
    }
  }

  /// Forward packets take `up` of the links in `via`, backward ones `down`; feedback the other.
  public enum FlowDirection: String, Sendable, CaseIterable { case forward, backward }

  public enum FlowKind: Sendable, Equatable {
    case media(MediaFlow)
    case tcp(TCPFlow)
    case udp(UDPFlow)
  }

  /// A camera and a microphone under congestion control, received as a client would. The defaults
  /// are RFC 8867 §4.3.
  public struct MediaFlow: Sendable, Equatable {
    public var model = EncoderKind.statistical
    public var height = 720
    public var framesPerSecond = 30
    public var startBitrate = Bitrate.kbps(150)
    public var minimumBitrate = Bitrate.kbps(150)
    public var maximumBitrate = Bitrate.kbps(1_500)
    /// How long a new target rate waits for the last one (tau_v of RFC 8593); not
    /// for the trace-driven model.
    public var latency = Duration.milliseconds(100)
    /// Zero for none.
    public var audioBitrate = Bitrate.kbps(20)
    /// Whether its packets are ECN-capable.
    public var ecn = false
    public var controller = Controller.gcc

    public init() {}

    /// The most that its encoders produce.
    public var sourceMaximum: Bitrate { maximumBitrate + audioBitrate }
  }

  /// The models of RFC 8593 §5, §6 and §7.
  public enum EncoderKind: String, Sendable, CaseIterable { case statistical, trace, hybrid }

  /// What decides a media flow's rate: congestion control, the same with a part broken on purpose,
  /// or nothing.
  public enum Controller: String, Sendable, CaseIterable {
    case gcc, none
    /// `CongestionConfiguration.Mutant`
    case trendlineOff, probeOff, endlessPadding
  }

  /// RFC 5681 and RFC 9438.
  public enum TCPControl: String, Sendable, CaseIterable { case newReno, cubic }

  public struct TCPFlow: Sendable, Equatable {
    public var control = TCPControl.newReno
    /// nil for data without end.
    public var downloads: Downloads?
  }

  /// RFC 8868 §5.1: files one after the other, an exponential pause between two.
  public struct Downloads: Sendable, Equatable {
    public var smallest = DataSize(bytes: 30_000)
    public var largest = DataSize(bytes: 50_000)
    public var pause = Duration.seconds(10)
    /// So many flows of the group begin with a file, the others with a pause.
    public var startOn = 0
  }

  public struct UDPFlow: Sendable, Equatable {
    public var rate: Bitrate
    public var packet = DataSize(bytes: 1_500)
    /// Mean lengths of bursts and silences; nil for one burst.
    public var bursts: Bursts?
  }

  public struct Bursts: Sendable, Equatable {
    public var on: Duration
    public var off: Duration
  }
}
