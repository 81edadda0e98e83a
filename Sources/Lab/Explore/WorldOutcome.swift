// What became of one explored world: which rules it broke, and what it exercised.

import Basics
import Results
import Scenario

public struct WorldOutcome: Sendable, Equatable {
  /// A rule or expectation that failed, and its sentence.
  public struct Violation: Sendable, Equatable {
    public var rule: String
    public var reason: String

    public init(rule: String, reason: String) {
      self.rule = rule
      self.reason = reason
    }
  }

  public var violations: [Violation]
  /// Assertions that had something to judge.
  public var judged: [String]
  public var traceHash: String
  public var simulatedSeconds: Double
  public var packets: Int64
  public var features: [String]

  /// Runs the scenario with its own seed.
  public init(running scenario: Scenario) throws {
    let result = try Runner.run(ScenarioVariant(assignments: [], scenario: scenario), sha256: "")
    violations = result.assertions.filter { $0.verdict == .fail }.map {
      Violation(rule: $0.id, reason: $0.reason)
    }
    judged = result.assertions.filter { $0.verdict == .pass || $0.verdict == .fail }.map(\.id)
    traceHash = result.traceHash
    simulatedSeconds = result.simulatedSeconds
    packets = result.packets
    features = scenario.features
  }

  /// Runs the scenario with its own seed; where its SFU is a mutant, what the sound one breaks there too
  /// is no violation.
  public init(exploring scenario: Scenario) throws {
    self = try WorldOutcome(running: scenario)
    guard scenario.sfu.mutant != nil, !violations.isEmpty else { return }
    var sound = scenario
    sound.sfu.mutant = nil
    let own = try WorldOutcome(running: sound)
    violations.removeAll { own.breaks($0.rule) }
  }

  public func breaks(_ rule: String) -> Bool { violations.contains { $0.rule == rule } }
}

extension WorldOutcome {
  public var json: JSON {
    [
      "violations": .array(
        violations.map { ["rule": .string($0.rule), "reason": .string($0.reason)] }),
      "judged": .array(judged.map { .string($0) }), "traceHash": .string(traceHash),
      "simulatedSeconds": .number(simulatedSeconds), "packets": .integer(packets),
      "features": .array(features.map { .string($0) }),
    ]
  }

  public init?(json: JSON) {
    guard let violations = json["violations"]?.array, let judged = json["judged"]?.array,
      let hash = json["traceHash"]?.string, let seconds = json["simulatedSeconds"]?.number,
      let packets = json["packets"]?.integer, let features = json["features"]?.array
    else { return nil }
    self.violations = violations.map {
      Violation(rule: $0["rule"]?.string ?? "", reason: $0["reason"]?.string ?? "")
    }
    self.judged = judged.compactMap(\.string)
    traceHash = hash
    simulatedSeconds = seconds
    self.packets = packets
    self.features = features.compactMap(\.string)
  }
}

extension WorldOutcome {
  /// Of a world that never came to a result.
  public init(broken violation: Violation) {
    violations = [violation]
    judged = []
    traceHash = ""
    simulatedSeconds = 0
    packets = 0
    features = []
  }
}
