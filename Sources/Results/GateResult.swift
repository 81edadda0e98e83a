// What a gate found out over several runs (assay.gate.v1).

import Basics

/// The verdicts of a set of runs, each of which has a directory of its own beside this result.
public struct GateResult: Sendable, Equatable {
  public static let schema = "assay.gate.v1"

  public struct Run: Sendable, Equatable {
    public var scenario: String
    public var seed: UInt64
    /// The matrix cell; empty without a matrix.
    public var variant: [(key: String, value: String)]
    /// The SFU on real sockets that it ran against; nil in virtual time.
    public var target: String?
    /// Of its rules alone where its expectations are judged over all seeds.
    public var verdict: Verdict
    public var traceHash: String
    public var simulatedSeconds: Double
    public var wallSeconds: Double
    /// The path of its result.json, relative to the gate's own directory.
    public var result: String

    public init(_ run: RunResult, result: String) {
      scenario = run.scenario.name
      seed = run.seed
      variant = run.variant
      target = run.target
      verdict = run.verdict
      traceHash = run.traceHash
      simulatedSeconds = run.simulatedSeconds
      wallSeconds = run.wallSeconds
      self.result = result
    }

    public static func == (a: Run, b: Run) -> Bool {
      a.scenario == b.scenario && a.seed == b.seed
        && a.variant.map { "\($0)=\($1)" } == b.variant.map { "\($0)=\($1)" }
        && a.target == b.target && a.verdict == b.verdict
        && a.traceHash == b.traceHash
        && a.simulatedSeconds == b.simulatedSeconds && a.wallSeconds == b.wallSeconds
        && a.result == b.result
    }
  }

  public var verdict: Verdict
  public var exitCode: ExitCode
  public var runs: [Run]
  /// Of scenarios that are judged over all their seeds.
  public var medians: [SeedMedian]

  /// The checks of all runs and the medians: the figures that every output gives.
  public var checks: CheckCount

  /// Judged from the runs and the medians; without a run nothing was selected.
  /// - Parameter runs: each with the path of its result.json, relative to the gate's directory.
  public init(of runs: [(run: RunResult, result: String)], medians: [SeedMedian] = []) {
    let checks = runs.reduce(CheckCount()) { $0 + CheckCount($1.run) }
    self.init(
      runs: runs.map { Run($0.run, result: $0.result) }, medians: medians,
      checks: medians.reduce(into: checks) { $0.add($1.verdict) })
  }

  private init(runs: [Run], medians: [SeedMedian], checks: CheckCount) {
    self.runs = runs
    self.medians = medians
    self.checks = checks
    verdict = Verdict.combined(runs.map(\.verdict) + medians.map(\.verdict))
    exitCode = runs.isEmpty ? .nothingSelected : verdict.exitCode
  }
}

extension GateResult {
  public var json: JSON {
    var object: JSONObject = [
      "schema": .string(GateResult.schema), "verdict": .string(verdict.rawValue),
      "exitCode": .integer(Int64(exitCode.rawValue)), "checks": checks.json,
      "runs": .array(runs.map(\.json)),
    ]
    if !medians.isEmpty { object["medians"] = .array(medians.map(\.json)) }
    return .object(object)
  }

  public init(parsing text: String) throws(ResultError) {
    try self.init(json: try ResultReader.parse(text))
  }

  public init(json: JSON) throws(ResultError) {
    let root = try ResultReader(json, schema: GateResult.schema)
    self.init(
      runs: try root["runs"].list(Run.init),
      medians: try root.optional("medians")?.list(SeedMedian.init) ?? [], checks: CheckCount())
    checks = try root.optional("checks").map(CheckCount.init) ?? CheckCount()
    verdict = try root["verdict"].word(Verdict.self)
    exitCode = try root["exitCode"].exitCode()
  }
}

extension GateResult.Run {
  fileprivate var json: JSON {
    var object: JSONObject = ["scenario": .string(scenario)]
    SeedJSON.write(seed, to: &object)
    object["variant"] = VariantJSON.write(variant)
    if let target { object["target"] = .string(target) }
    object["verdict"] = .string(verdict.rawValue)
    object["traceHash"] = .string(traceHash)
    object["simulatedSeconds"] = .number(simulatedSeconds)
    object["wallSeconds"] = .number(wallSeconds)
    object["result"] = .string(result)
    return .object(object)
  }

  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    scenario = try reader["scenario"].text
    seed = try SeedJSON.read(reader)
    variant = try VariantJSON.read(reader.optional("variant"))
    target = try reader.optional("target")?.text
    verdict = try reader["verdict"].word(Verdict.self)
    traceHash = try reader["traceHash"].text
    simulatedSeconds = try reader["simulatedSeconds"].number
    wallSeconds = try reader["wallSeconds"].number
    result = try reader["result"].text
  }
}
