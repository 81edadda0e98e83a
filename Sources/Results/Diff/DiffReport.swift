// What tells two runs or two captures apart: the first diverging packet, streams side by side, and
// metrics with their direction.

import Basics

public struct DiffReport: Equatable, Sendable {
  public enum Kind: String, Sendable { case runs, captures }

  /// Which way B differs from A.
  public enum Change: String, Sendable, CaseIterable {
    case better, worse
    /// Equal, or a difference that chance explains.
    case same
    /// A difference of a figure of which neither more nor less is worse.
    case changed
    /// Only one of both has it.
    case missing
  }

  /// One of the two.
  public struct Side: Equatable, Sendable {
    /// As given on the command line.
    public var file: String
    public var title: String
    /// Such as seed, trace hash and verdict; the packets and the length of a capture.
    public var details: [String]

    public init(file: String, title: String, details: [String]) {
      self.file = file
      self.title = title
      self.details = details
    }
  }

  /// A metric of one participant, track or stream, in A and in B.
  public struct Row: Equatable, Sendable {
    /// `rider`, `rider < teacher`, or an SSRC.
    public var subject: String
    public var metric: String
    public var unit: String
    public var a: Double?
    public var b: Double?
    public var change: Change
    /// The difference below which chance explains it; nil where the values are equal or missing.
    public var noise: Double?

    public init(
      subject: String, metric: String, unit: String, a: Double?, b: Double?, change: Change,
      noise: Double?
    ) {
      self.subject = subject
      self.metric = metric
      self.unit = unit
      self.a = a
      self.b = b
      self.change = change
      self.noise = noise
    }

    public var difference: Double { (b ?? 0) - (a ?? 0) }
  }

  /// A verdict that differs.
  public struct VerdictRow: Equatable, Sendable {
    public var id: String
    public var a: Verdict?
    public var b: Verdict?
    public var change: Change

    public init(id: String, a: Verdict?, b: Verdict?, change: Change) {
      self.id = id
      self.a = a
      self.b = b
      self.change = change
    }
  }

  /// Where both part for the first time.
  public struct Divergence: Equatable, Sendable {
    /// Packets of the files as Wireshark numbers them; nil where a side lacks the packet, or where
    /// there are no packets.
    public var packetA: Int?
    public var packetB: Int?
    /// Seconds from the start of A.
    public var offset: Double
    /// One sentence.
    public var text: String

    public init(packetA: Int?, packetB: Int?, offset: Double, text: String) {
      self.packetA = packetA
      self.packetB = packetB
      self.offset = offset
      self.text = text
    }
  }

  /// A stream of both, packet by packet.
  public struct StreamPair: Equatable, Sendable {
    public var ssrc: UInt32
    /// `video`, `audio`, `RTX` …; empty where neither file says.
    public var label: String
    /// Where it was captured, as the interface is called; empty without a name.
    public var place: String
    public var packetsA: Int
    public var packetsB: Int
    public var onlyInA = 0
    public var onlyInB = 0
    /// Of the same sequence number, with another header, size or payload.
    public var different = 0
    /// Packets before and after what both files hold of the stream.
    public var outside = 0

    public init(ssrc: UInt32, label: String, place: String, packetsA: Int, packetsB: Int) {
      self.ssrc = ssrc
      self.label = label
      self.place = place
      self.packetsA = packetsA
      self.packetsB = packetsB
    }

    public var isSame: Bool {
      onlyInA == 0 && onlyInB == 0 && different == 0 && outside == 0
    }
  }

  /// A metric over time on both sides.
  public struct Curves: Equatable, Sendable {
    public struct Line: Equatable, Sendable {
      /// Seconds to the first value, and between values.
      public var start: Double
      public var step: Double
      public var values: [Double?]

      public init(start: Double, step: Double, values: [Double?]) {
        self.start = start
        self.step = step
        self.values = values
      }
    }

    public var title: String
    public var unit: String
    public var a: Line
    public var b: Line

    public init(title: String, unit: String, a: Line, b: Line) {
      self.title = title
      self.unit = unit
      self.a = a
      self.b = b
    }
  }

  public var kind: Kind
  public var a: Side
  public var b: Side
  /// What a person would say first: one sentence.
  public var sentence = ""
  /// Every packet, or every figure of runs without packets, is the same.
  public var isIdentical = false
  public var divergence: Divergence?
  public var streams: [StreamPair] = []
  public var verdicts: [VerdictRow] = []
  /// Worse first, then better, changed, missing, same; each in the order of the files.
  public var rows: [Row] = []
  public var curves: [Curves] = []
  public var notes: [String] = []

  public init(kind: Kind, a: Side, b: Side) {
    self.kind = kind
    self.a = a
    self.b = b
  }

  public func count(_ change: Change) -> Int {
    rows.count { $0.change == change } + verdicts.count { $0.change == change }
  }

  /// B is worse in something that chance does not explain.
  public var isWorse: Bool { count(.worse) > 0 }

  public var exitCode: ExitCode { isWorse ? .failed : .passed }

  /// Puts what matters first, and sets `sentence`.
  public mutating func finish() {
    func rank(_ change: Change) -> Int {
      switch change {
      case .worse: 0
      case .better: 1
      case .changed: 2
      case .missing: 3
      case .same: 4
      }
    }
    let order = rows.indices.sorted { (rank(rows[$0].change), $0) < (rank(rows[$1].change), $1) }
    rows = order.map { rows[$0] }
    sentence = verdictText + (divergence.map { " \($0.text)" } ?? "")
  }

  private var verdictText: String {
    if isIdentical {
      return divergence == nil ? "A and B are identical." : "A and B measure the same."
    }
    let (worse, better) = (count(.worse), count(.better))
    func figures(_ count: Int) -> String { "\(count) figure\(count == 1 ? "" : "s")" }
    if worse > 0 {
      let first =
        verdicts.first { $0.change == .worse }.map { "check \($0.id)" }
        ?? rows.first.map { "\($0.metric) of \($0.subject)" } ?? ""
      let rest = better > 0 ? ", better in \(better)" : ""
      return "B is worse in \(figures(worse))\(rest), first \(first)."
    }
    if better > 0 { return "B is better in \(figures(better)) and worse in none." }
    return "A and B are the same within noise."
  }
}
