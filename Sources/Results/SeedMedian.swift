// An expectation over several seeds: the median of what the runs measured, held against its limit.

import Basics

/// One expectation of one variant, over all its seeds.
public struct SeedMedian: Sendable, Equatable {
  public var scenario: String
  public var variant: [(key: String, value: String)]
  /// Of the expectation.
  public var id: String
  public var of: String
  public var metric: String
  public var stat: String
  public var comparison: Assertion.Comparison
  public var limit: Double
  public var unit: String
  /// The median; nil where any run had no sample, since no data is never a pass.
  public var observed: Double?
  public var lowest: Double?
  public var highest: Double?
  public var seeds: Int
  public var verdict: Verdict
  /// Why the expectations file has it otherwise; empty where it does not.
  public var note = ""

  /// - Parameter runs: of one variant, one for each seed; their expectations stand in one order.
  public static func medians(of runs: [RunResult]) -> [SeedMedian] {
    guard let first = runs.first else { return [] }
    return first.assertions.filter { $0.origin == .expectation }.map { assertion in
      let observed = runs.map { run in
        run.assertions.first { $0.id == assertion.id && $0.origin == .expectation }.flatMap {
          $0.verdict == .inconclusive ? nil : $0.observed
        }
      }
      return SeedMedian(assertion, of: first, observed)
    }
  }

  private init(_ assertion: Assertion, of run: RunResult, _ observed: [Double?]) {
    scenario = run.scenario.name
    variant = run.variant
    id = assertion.id
    of = assertion.of
    metric = assertion.metric
    stat = assertion.stat
    comparison = assertion.comparison
    limit = assertion.limit
    unit = assertion.unit
    seeds = observed.count
    verdict = .inconclusive
    let values = observed.compactMap { $0 }.sorted()
    lowest = values.first
    highest = values.last
    guard values.count == observed.count, !values.isEmpty else { return }
    let middle = values.count / 2
    let median =
      values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
    self.observed = median
    verdict = comparison.holds(median, limit) ? .pass : .fail
  }

  public static func == (a: SeedMedian, b: SeedMedian) -> Bool { a.json == b.json }
}

extension Assertion.Comparison {
  public func holds(_ observed: Double, _ limit: Double) -> Bool {
    switch self {
    case .under: observed < limit
    case .atMost: observed <= limit
    case .over: observed > limit
    case .atLeast: observed >= limit
    case .equals: observed == limit
    }
  }
}

extension SeedMedian {
  var json: JSON {
    var object: JSONObject = ["scenario": .string(scenario)]
    object["variant"] = VariantJSON.write(variant)
    object["id"] = .string(id)
    object["of"] = .string(of)
    object["metric"] = .string(metric)
    object["stat"] = .string(stat)
    object["comparison"] = .string(comparison.rawValue)
    object["limit"] = .optional(limit)
    object["unit"] = .string(unit)
    object["observed"] = .optional(observed)
    object["lowest"] = .optional(lowest)
    object["highest"] = .optional(highest)
    object["seeds"] = .integer(Int64(seeds))
    object["verdict"] = .string(verdict.rawValue)
    if !note.isEmpty { object["note"] = .string(note) }
    return .object(object)
  }

  init(_ reader: ResultReader) throws(ResultError) {
    scenario = try reader["scenario"].text
    variant = try VariantJSON.read(reader.optional("variant"))
    id = try reader["id"].text
    of = try reader["of"].text
    metric = try reader["metric"].text
    stat = try reader["stat"].text
    comparison = try reader["comparison"].word(Assertion.Comparison.self)
    limit = try reader["limit"].number
    unit = try reader["unit"].text
    observed = try reader.optional("observed")?.number
    lowest = try reader.optional("lowest")?.number
    highest = try reader.optional("highest")?.number
    seeds = try reader["seeds"].count
    verdict = try reader["verdict"].word(Verdict.self)
    note = try reader.optional("note")?.text ?? ""
  }
}
