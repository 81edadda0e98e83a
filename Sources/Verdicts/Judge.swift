// A record judged: metrics, the scenario's expectations and the rules that every run is held to.

import Basics
import Results
import Scenario

/// What a record says about a scenario.
public struct Judgement {
  /// Expectations in the scenario's order, then rules.
  public private(set) var assertions: [Assertion]
  private let evidence: Evidence
  private let measurement: Measurement

  /// What was measured.
  public var metrics: some MetricSource { measurement.store }

  public init(of record: RunRecord, for scenario: Scenario) {
    evidence = Evidence(record, of: scenario)
    measurement = Measurement(evidence)
    let store = measurement.store
    assertions =
      scenario.expectations.map { $0.judged(by: store, duration: scenario.duration) }
      + Rules(evidence: evidence, store: store, due: measurement.due).judged()
      + record.judgedAsWhole()
  }

  /// Puts what reports draw into `result`: people, links, flows, marks, series, assertions.
  public func fill(_ result: inout RunResult) {
    result.assertions = assertions
    result.memory = evidence.record.hourlyMemory
    ResultAssembly(evidence: evidence, store: measurement.store).fill(&result)
    measurement.flows.fill(&result, from: measurement.store)
  }
}
