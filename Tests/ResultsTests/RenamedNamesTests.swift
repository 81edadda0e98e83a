// Old names lead to names that there are.

import Testing

@testable import Results

@Suite struct RenamedNamesTests {
  @Test func everyNewNameExists() {
    for (old, new) in RenamedNames.metrics {
      #expect(MetricCatalogue.metric(named: new) != nil, "\(new)")
      #expect(MetricCatalogue.metric(named: old) == nil, "\(old)")
    }
    for (old, new) in RenamedNames.rules {
      #expect(Rule.named("rule/\(new)") != nil, "\(new)")
      #expect(Rule.named("rule/\(old)") == nil, "\(old)")
      #expect(RenamedNames.current(of: "rule/\(old)") == "rule/\(new)")
    }
    for (old, new) in RenamedNames.mutants {
      #expect(Mutant(rawValue: new) != nil, "\(new)")
      #expect(Mutant(rawValue: old) == nil, "\(old)")
    }
    #expect(RenamedNames.current(of: "assay.joined") == nil)
  }
}
