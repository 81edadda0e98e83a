// The cellular capacity model: its own statistics, and its fit to recorded links.
import Basics
import Foundation
import TestKit
import Testing

@testable import NetSim

@Suite struct CellularCapacityTests {
  /// Long enough for the slow part of the rate to come round often.
  static let length = Duration.seconds(3_600)

  @Test(arguments: CellularCapacity.profiles.map(\.name))
  func ratesFollowTheQuantiles(_ name: String) throws {
    let profile = try #require(CellularCapacity.profiles.first { $0.name == name })
    let statistics = CapacityTraceStatistics(try profile.trace(length: Self.length, seed: 7))
    for (level, quantile) in zip(CellularCapacity.levels, profile.quantiles)
    where (0.25...0.75).contains(level) {
      let made = statistics.quantile(level)
      // Outages take a few percent off.
      #expect((0.8...1.15).contains(made / quantile), "\(level): \(made) for \(quantile)")
    }
  }

  @Test(arguments: CellularCapacity.profiles.map(\.name))
  func autocorrelationFallsAsTheTimeConstantsSay(_ name: String) throws {
    let profile = try #require(CellularCapacity.profiles.first { $0.name == name })
    let statistics = CapacityTraceStatistics(try profile.trace(length: Self.length, seed: 7))
    for lag in [1, 5, 10] {
      let decay = { (constant: Duration) in exp(-Double(lag) / constant.seconds) }
      let expected =
        profile.slowShare * decay(profile.slow) + (1 - profile.slowShare) * decay(profile.fast)
      // The quantiles bend the scale, Poisson deliveries and outages add noise of their own.
      #expect(abs(statistics.autocorrelation(lag: lag) - expected) < 0.15, "lag \(lag) s")
    }
  }

  @Test func outagesComeAsOftenAndLastAsLongAsAsked() throws {
    var profile = try #require(CellularCapacity.profiles.last)
    profile.outagesPerMinute = 4
    profile.medianOutage = .milliseconds(600)
    profile.longestOutage = .seconds(2)
    let statistics = CapacityTraceStatistics(try profile.trace(length: Self.length, seed: 9))
    // 60 s an outage of 0.6 s every 15 s: 240 of them, give or take three deviations.
    #expect((190...290).contains(statistics.outages.count))
    #expect((0.5...0.75).contains(statistics.medianOutage.seconds))
    #expect(statistics.outages.last! <= .milliseconds(2_050))
    #expect(statistics.outages.first! >= CellularCapacity.shortestOutage)
  }

  @Test func aSeedGivesOneTrace() throws {
    let profile = CellularCapacity.profiles[0]
    let first = try profile.trace(length: .seconds(60), seed: 1)
    #expect(try profile.trace(length: .seconds(60), seed: 1) == first)
    #expect(try profile.trace(length: .seconds(60), seed: 2) != first)
  }

  /// A profile and the recording that it was fitted to.
  static let recordings = [
    ("lte-narrow-up", "ATT-LTE-driving.up"), ("lte-narrow-down", "ATT-LTE-driving.down"),
    ("lte-wide-up", "TMobile-LTE-short.up"), ("lte-wide-down", "TMobile-LTE-short.down"),
  ]

  @Test(
    .enabled(if: sharedFile("traces/ATT-LTE-driving.up") != nil, needsShared),
    arguments: recordings)
  func profilesFitTheirRecordings(_ name: String, _ file: String) throws {
    let profile = try #require(CellularCapacity.profiles.first { $0.name == name })
    let path = try #require(sharedFile("traces/\(file)"))
    let recorded = CapacityTraceStatistics(
      try CapacityTrace(text: String(contentsOfFile: path, encoding: .utf8)))
    let made = CapacityTraceStatistics(try profile.trace(length: Self.length, seed: 7))
    #expect((0.85...1.15).contains(made.mean / recorded.mean), "mean \(made.mean)")
    for share in [0.25, 0.5, 0.75, 0.95] {
      #expect((0.75...1.25).contains(made.quantile(share) / recorded.quantile(share)), "\(share)")
    }
    for lag in [1, 2, 5] {
      let difference = made.autocorrelation(lag: lag) - recorded.autocorrelation(lag: lag)
      #expect(abs(difference) < 0.2, "lag \(lag) s: \(difference)")
    }
    #expect((0.5...2).contains(made.outagesPerMinute / recorded.outagesPerMinute))
    #expect((0.66...1.5).contains(made.medianOutage / recorded.medianOutage))
  }
}
