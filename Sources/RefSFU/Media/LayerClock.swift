// Translates RTP timestamps between the layers of one track through their sender reports
// (RFC 3550 §6.4.1).

import Basics

/// The latest sender report of each layer.
public struct LayerClock: Sendable {
  private struct Report {
    /// 32.32 s.
    var ntp: UInt64
    var timestamp: UInt32
  }

  /// Seconds after which a report says nothing any more.
  private static let longestReport = 3_600.0

  public let clockRate: UInt32
  private var reports: [Report?] = []

  public init(clockRate: UInt32) { self.clockRate = clockRate }

  /// Takes a sender report's NTP and RTP timestamps, which name the same moment.
  public mutating func report(layer: Int, ntp: UInt64, timestamp: UInt32) {
    while reports.count <= layer { reports.append(nil) }
    reports[layer] = Report(ntp: ntp, timestamp: timestamp)
  }

  /// What `layer`'s clock shows at a moment of the publisher's NTP clock; nil before a report.
  func timestamp(of layer: Int, atNTP ntp: UInt64) -> UInt32? {
    guard reports.indices.contains(layer), let report = reports[layer] else { return nil }
    let since = Double(Int64(bitPattern: ntp &- report.ntp)) / 4_294_967_296
    guard abs(since) < LayerClock.longestReport else { return nil }
    return report.timestamp
      &+ UInt32(truncatingIfNeeded: Int64((since * Double(clockRate)).rounded()))
  }

  /// - Parameter order: for each layer from the lowest on, its place so far.
  mutating func reorder(_ order: [Int]) {
    reports = order.map { $0 < reports.count ? reports[$0] : nil }
  }

  /// What `timestamp` of one layer is on the clock of another; nil until both have reported.
  public func translate(_ timestamp: UInt32, from: Int, to: Int) -> UInt32? {
    if from == to { return timestamp }
    guard from >= 0, to >= 0, from < reports.count, to < reports.count,
      let source = reports[from], let target = reports[to]
    else { return nil }
    let between = Double(Int64(bitPattern: source.ntp &- target.ntp)) / 4_294_967_296
    let ticks = Int64((between * Double(clockRate)).rounded())
    return target.timestamp &+ UInt32(truncatingIfNeeded: ticks) &+ timestamp &- source.timestamp
  }
}
