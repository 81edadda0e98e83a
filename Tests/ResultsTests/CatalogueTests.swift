// The catalogue of metrics and the page that lists it say the same.

import Foundation
import Results
import Testing

@Suite struct CatalogueOfMetrics {
  @Test func thePageListsEveryMetric() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "docs/metrics.md"), encoding: .utf8)
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
    let expected = MetricCatalogue.all.map {
      "| `\($0.name)` | \($0.unit) | \($0.meaning) | \($0.absenceText) |"
    }
    #expect(rows == expected)
  }

  /// A counter has a worst growth, and no worst value; a delay has no worst value at all.
  @Test func absencesFitTheirMetrics() {
    for metric in MetricCatalogue.all {
      switch metric.absence {
      case .countsOnce: #expect(metric.kind == .counter, "\(metric.name)")
      case .counts(let value):
        #expect(metric.lowerIsBetter ? value > 0 : value == 0, "\(metric.name)")
      case .fails: #expect(metric.kind != .counter, "\(metric.name)")
      case .inconclusive, .inconclusiveInRoom: break
      }
    }
  }
}
