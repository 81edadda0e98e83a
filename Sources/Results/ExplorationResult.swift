// What an exploration of random worlds found out, and what it covered (assay.explore.v1).

import Basics

public struct ExplorationResult: Sendable, Equatable {
  public static let schema = "assay.explore.v1"

  /// A rule that broke in a world, and the smallest scenario found that still breaks it.
  public struct Violation: Sendable, Equatable {
    public var rule: String
    public var reason: String
    /// The seed of the world.
    public var seed: UInt64
    /// Worlds run until it was found.
    public var after: Int
    /// Relative to the exploration's folder; empty where it was not shrunk.
    public var file = ""
    /// Of the shrunk scenario.
    public var people = 0
    public var faults = 0
    public var seconds = 0.0
    /// Worlds of this exploration that broke the same rule.
    public var worlds = 1

    public init(rule: String, reason: String, seed: UInt64, after: Int) {
      self.rule = rule
      self.reason = reason
      self.seed = seed
      self.after = after
    }
  }

  /// How many worlds had a feature, or judged a rule.
  public struct Count: Sendable, Equatable {
    public var name: String
    public var worlds: Int

    public init(name: String, worlds: Int) {
      self.name = name
      self.worlds = worlds
    }
  }

  public var build: String
  /// Of the first world; the next one has the next seed.
  public var seed: UInt64
  /// The broken SFU that the worlds had; empty for the sound one.
  public var mutant = ""
  /// Worlds run.
  public var runs = 0
  /// Worlds run a second time in search of another hash.
  public var repeated = 0
  public var violations: [Violation] = []
  public var features: [Count] = []
  public var rules: [Count] = []
  public var packets: Int64 = 0
  public var simulatedSeconds = 0.0
  public var wallSeconds = 0.0
  public var workers = 1
  /// Why it ended before all worlds were run; nil for a whole one.
  public var partial: String?

  public init(build: String, seed: UInt64) {
    self.build = build
    self.seed = seed
  }

  public var verdict: Verdict {
    if !violations.isEmpty { return .fail }
    return runs == 0 || partial != nil ? .inconclusive : .pass
  }

  public var worldsPerMinute: Double { wallSeconds > 0 ? Double(runs) * 60 / wallSeconds : 0 }
}

extension ExplorationResult {
  public var json: JSON {
    func counts(_ list: [Count]) -> JSON {
      var object = JSONObject()
      for count in list { object[count.name] = .integer(Int64(count.worlds)) }
      return .object(object)
    }
    var object: JSONObject = [
      "schema": .string(ExplorationResult.schema), "verdict": .string(verdict.rawValue),
      "exitCode": .integer(Int64(verdict.exitCode.rawValue)), "build": .string(build),
    ]
    SeedJSON.write(seed, to: &object)
    object["mutant"] = .string(mutant)
    object["runs"] = .integer(Int64(runs))
    object["repeated"] = .integer(Int64(repeated))
    object["partial"] = partial.map { .string($0) } ?? .null
    object["simulatedSeconds"] = .number(simulatedSeconds)
    object["wallSeconds"] = .number(wallSeconds)
    object["workers"] = .integer(Int64(workers))
    object["worldsPerMinute"] = .number(worldsPerMinute)
    object["packets"] = .integer(packets)
    object["violations"] = .array(violations.map(\.json))
    object["rules"] = counts(rules)
    object["features"] = counts(features)
    return .object(object)
  }
}

extension ExplorationResult.Violation {
  fileprivate var json: JSON {
    var object: JSONObject = ["rule": .string(rule), "reason": .string(reason)]
    SeedJSON.write(seed, to: &object)
    object["after"] = .integer(Int64(after))
    object["worlds"] = .integer(Int64(worlds))
    object["file"] = .string(file)
    object["people"] = .integer(Int64(people))
    object["faults"] = .integer(Int64(faults))
    object["seconds"] = .number(seconds)
    return .object(object)
  }
}
