// What a run found out: the one value that result.json holds and every report is drawn from.

import Basics

/// A run of one scenario with one seed.
public struct RunResult: Sendable, Equatable {
  public struct Scenario: Sendable, Equatable {
    public var name: String
    public var about: String
    /// As given on the command line.
    public var file: String
    public var sha256: String

    public init(name: String, about: String, file: String, sha256: String) {
      self.name = name
      self.about = about
      self.file = file
      self.sha256 = sha256
    }
  }

  /// What the allocator of the process had given out at a moment of a long run.
  public struct Memory: Sendable, Equatable {
    /// Seconds from the start of the run.
    public var at: Double
    public var bytes: Int64

    public init(at: Double, bytes: Int64) {
      self.at = at
      self.bytes = bytes
    }
  }

  public enum Clock: String, Sendable { case virtual, wall }

  public var verdict: Verdict
  public var exitCode: ExitCode
  public var scenario: Scenario
  /// The matrix cell, such as `links.train.down.delay=30ms`; empty without a matrix.
  public var variant: [(key: String, value: String)] = []
  public var seed: UInt64
  /// Version and commit of Assay.
  public var build: String
  public var clock: Clock = .virtual
  /// Of a run on the wall clock.
  public var harness: HarnessHealth?
  /// The SFU a run on the wall clock was made against, as it was given.
  public var target: String?
  /// Sixteen hexadecimal digits over every packet that entered a link.
  public var traceHash = ""
  public var simulatedSeconds = 0.0
  public var wallSeconds = 0.0
  /// Once an hour of the run's time; like the wall time no two runs need have the same.
  public var memory: [Memory] = []
  /// Datagrams that entered a link.
  public var packets: Int64 = 0
  /// Why the report is PARTIAL; nil for a run that reached its end.
  public var partial: String?
  /// The command that repeats this run.
  public var command = ""
  /// What decides this run's verdict.
  public var assertions: [Assertion] = []
  /// Expectations that a gate judges over all seeds: what this seed measured, deciding nothing alone.
  public var evidence: [Assertion] = []
  public var participants: [Participant] = []
  public var links: [Link] = []
  /// Beside the rooms; empty without any.
  public var flows: [FlowSummary] = []
  /// Of links that flows share, by link and then by time.
  public var phases: [LinkPhase] = []
  public var marks: [TimelineMark] = []
  /// In the order of their beginning; the first ten thousand.
  public var reconnections: [ReconnectionSummary] = []
  /// Of those whom a fault struck, or who watched one of them.
  public var recoveries: [MediaRecovery] = []
  public var series: [Series] = []
  /// Of the real pictures that were shown, smallest height first; empty without any.
  public var pictures: [PictureQuality] = []

  public init(scenario: Scenario, seed: UInt64, build: String) {
    self.scenario = scenario
    self.seed = seed
    self.build = build
    verdict = .inconclusive
    exitCode = .inconclusive
  }

  public static func == (a: RunResult, b: RunResult) -> Bool {
    a.verdict == b.verdict && a.exitCode == b.exitCode && a.scenario == b.scenario
      && a.variant.map { "\($0)=\($1)" } == b.variant.map { "\($0)=\($1)" }
      && a.seed == b.seed && a.build == b.build && a.clock == b.clock
      && a.harness == b.harness && a.target == b.target
      && a.traceHash == b.traceHash && a.simulatedSeconds == b.simulatedSeconds
      && a.wallSeconds == b.wallSeconds && a.packets == b.packets && a.partial == b.partial
      && a.memory == b.memory && a.command == b.command && a.assertions == b.assertions
      && a.evidence == b.evidence
      && a.participants == b.participants && a.links == b.links && a.marks == b.marks
      && a.flows == b.flows && a.phases == b.phases && a.series == b.series
      && a.reconnections == b.reconnections && a.recoveries == b.recoveries
      && a.pictures == b.pictures
  }
}

/// How good the decoded pictures of one height were, over all who saw them.
public struct PictureQuality: Sendable, Equatable {
  /// Pixel lines.
  public var height: Int
  /// Pictures compared with their originals.
  public var pictures: Int
  /// Means of the luma plane: decibels, and 0...1.
  public var psnr: Double
  public var ssim: Double

  public init(height: Int, pictures: Int, psnr: Double, ssim: Double) {
    self.height = height
    self.pictures = pictures
    self.psnr = psnr
    self.ssim = ssim
  }
}

/// An expectation or a rule, judged.
public struct Assertion: Sendable, Equatable {
  public enum Comparison: String, Sendable { case under, atMost, over, atLeast, equals }
  /// Where it comes from: the scenario's `expect`, or a rule that every run is held to.
  public enum Origin: String, Sendable { case expectation, rule }

  public var id: String
  public var origin: Origin = .expectation
  public var verdict: Verdict
  /// Whether the scenario or the expectations file allows it to be unsupported.
  public var isAllowed = false
  /// One sentence: what was expected and seen, or why nothing could be said.
  public var reason = ""
  /// The participants it speaks of, as the scenario names them.
  public var of: String
  public var metric: String
  /// `p95`, `mean`, `max`, `last` …
  public var stat: String
  public var comparison: Comparison
  public var observed: Double?
  public var limit: Double
  /// `ms`, `fps`, `bps`, `%`, `1` …
  public var unit: String
  /// `each`, `worst` or `pooled`.
  public var across = "each"
  /// The fraction of participants (or sessions) that must hold, 0...1; nil for all.
  public var share: Double?
  /// Seconds from the start of the run; nil for the whole run.
  public var window: ClosedRange<Double>?
  /// The track of each publisher that it is of; nil where the expectation names none.
  public var source: MediaSource?
  public var samples = 0
  /// How many samples were due; nil where none was missing.
  public var expected: Int?
  public var worst: Worst?
  /// What each participant (or pair) had.
  public var perParticipant: [Individual] = []
  public var criteria: [String] = []

  public struct Worst: Sendable, Equatable {
    public var participant: String
    /// The one second in which it was worst; seconds from the start of the run.
    public var window: ClosedRange<Double>?

    public init(participant: String, window: ClosedRange<Double>? = nil) {
      self.participant = participant
      self.window = window
    }
  }

  public struct Individual: Sendable, Equatable {
    /// `rider`, or `rider<teacher` for what rider has of teacher.
    public var participant: String
    public var observed: Double?
    public var samples: Int
    /// How many were due; nil where none was missing.
    public var expected: Int?
    public var verdict: Verdict

    public init(participant: String, observed: Double?, samples: Int, verdict: Verdict) {
      self.participant = participant
      self.observed = observed
      self.samples = samples
      self.verdict = verdict
    }
  }

  public init(
    id: String, verdict: Verdict, of: String, metric: String, stat: String,
    comparison: Comparison, observed: Double?, limit: Double, unit: String
  ) {
    self.id = id
    self.verdict = verdict
    self.of = of
    self.metric = metric
    self.stat = stat
    self.comparison = comparison
    self.observed = observed
    self.limit = limit
    self.unit = unit
  }
}

/// What became of one participant.
public struct Participant: Sendable, Equatable {
  public var identity: String
  /// The scenario's name for its kind: `student` for `student-7`.
  public var group: String
  public var room: String
  public var joined = false
  public var connectMs: Double?
  public var timeToFirstFrameMs: Double?
  public var reconnects = 0
  /// Why it is not in the room any more; nil while it is.
  public var left: String?
  /// Whether its call succeeded (definition D2); nil for one that never asked to join.
  public var succeeded: Bool?
  public var inbound: [TrackStatistics] = []
  public var outbound: [TrackStatistics] = []

  public init(identity: String, group: String, room: String) {
    self.identity = identity
    self.group = group
    self.room = room
  }
}

/// The totals of one track as one participant sent or received it, by W3C webrtc-stats names.
public struct TrackStatistics: Sendable, Equatable {
  /// The other end: the publisher of an inbound track, empty for an outbound one.
  public var peer: String
  /// `camera`, `microphone`, `screenShare` …
  public var source: String
  /// `audio` or `video`.
  public var kind: String
  /// Metric name and value, in a fixed order.
  public var values: [Value] = []

  public struct Value: Sendable, Equatable {
    public var metric: String
    public var value: Double
    public init(_ metric: String, _ value: Double) {
      self.metric = metric
      self.value = value
    }
  }

  public init(peer: String, source: String, kind: String) {
    self.peer = peer
    self.source = source
    self.kind = kind
  }
}

/// One direction of a link: who it joins, how it was set, and what passed.
public struct Link: Sendable, Equatable {
  public var name: String
  /// Host names in the topology picture; the hub is `SFU` or `network`.
  public var from: String
  public var to: String
  /// As a person would say it: `2 Mbps, 30 ms, queue 300 ms, loss 1 %`.
  public var configuration: String
  public var sentPackets: Int64 = 0
  public var sentBytes: Int64 = 0
  public var deliveredPackets: Int64 = 0
  public var deliveredBytes: Int64 = 0
  /// Packets not delivered, by reason (`queue`, `loss`, `blackout` …), in a fixed order.
  public var dropped: [Dropped] = []
  public var maximumQueueMs = 0.0

  public struct Dropped: Sendable, Equatable {
    public var reason: String
    public var packets: Int64
    public init(reason: String, packets: Int64) {
      self.reason = reason
      self.packets = packets
    }
  }

  public init(name: String, from: String, to: String, configuration: String) {
    self.name = name
    self.from = from
    self.to = to
    self.configuration = configuration
  }
}

/// Something the scenario did: a moment, or a span while it lasted.
public struct TimelineMark: Sendable, Equatable {
  public enum Kind: String, Sendable { case impairment, event }
  public var kind: Kind
  /// Seconds from the start of the run.
  public var at: Double
  public var until: Double?
  /// `train.down: rate 250 kbps`, `rider leaves` …
  public var label: String
  /// The link or participant it happened to; empty for the room.
  public var subject: String

  public init(kind: Kind, at: Double, until: Double?, label: String, subject: String) {
    self.kind = kind
    self.at = at
    self.until = until
    self.label = label
    self.subject = subject
  }
}

/// A metric of one participant over time, at a fixed step, for the charts.
public struct Series: Sendable, Equatable {
  public var participant: String
  /// `assay.endToEndDelay`, or `linkCapacity` for a limit line.
  public var metric: String
  /// The publisher where the metric is per pair, the link where it is a link's; else empty.
  public var subject: String
  /// `camera`, `screenShare`: of the publisher's tracks the one meant; empty where there is no single one.
  public var source = ""
  public var unit: String
  /// Seconds from the start of the run to the first value, and between values.
  public var start: Double
  public var step: Double
  /// nil where there was no sample.
  public var values: [Double?]

  public init(
    participant: String, metric: String, subject: String, unit: String, start: Double,
    step: Double, values: [Double?]
  ) {
    self.participant = participant
    self.metric = metric
    self.subject = subject
    self.unit = unit
    self.start = start
    self.step = step
    self.values = values
  }
}
