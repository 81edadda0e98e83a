// Rules about the SFU as a whole, from records that no world made.

import Basics
import Results
import Testing

@testable import Verdicts

@Suite struct MemoryVerdicts {
  /// - Parameter bytes: in use at the end of each ten minutes.
  private func record(_ bytes: [Int64]) -> RunRecord {
    var record = RunRecord(end: .seconds(Double(600 * bytes.count)))
    record.server = ServerRecord()
    record.server?.memory = bytes.enumerated().map { index, bytes in
      .init(at: .seconds(Double(600 * (index + 1))), bytes: bytes)
    }
    return record
  }

  /// - Parameter bytes: in use at the end of each ten minutes, in thousands.
  private func verdict(_ bytes: [Int64]) -> Verdict? {
    record(bytes.map { $0 * 1_000 }).judgedAsWhole().first { $0.id == "rule/memory-flat" }?.verdict
  }

  @Test func flatMemoryPasses() {
    #expect(verdict([1_000, 9_000] + Array(repeating: 20_000, count: 10)) == .pass)
    let wavy: [Int64] = [20_500, 21_900, 20_000, 1, 2, 3]
    #expect(verdict(Array(repeating: 20_000, count: 6) + wavy) == .pass)
  }

  @Test func aLeakFails() {
    // One percent every ten minutes for four hours.
    #expect(verdict((0..<24).map { 20_000 + 200 * $0 }) == .fail)
    // A peak that was given back was taken all the same.
    #expect(
      verdict(Array(repeating: 20_000, count: 8) + [23_000] + Array(repeating: 20_000, count: 8))
        == .fail)
  }

  @Test func aShortRunSaysNothing() {
    #expect(verdict(Array(repeating: 20_000, count: 11)) == nil)
    #expect(verdict([]) == nil)
  }

  @Test func theHoursAreInTheResult() {
    #expect(
      record((1...13).map(Int64.init)).hourlyMemory == [
        .init(at: 3_600, bytes: 6), .init(at: 7_200, bytes: 12),
      ])
  }
}

@Suite struct WholeRules {
  private func verdict(_ id: String, _ record: RunRecord) -> Assertion? {
    record.judgedAsWhole().first { $0.id == id }
  }

  @Test func aMissingPacketFails() throws {
    var record = RunRecord(end: .seconds(1))
    // Where nobody sent anything there is nothing to add up.
    #expect(verdict("rule/packets-add-up", record)?.verdict == .skipped)
    record.packetsSent = 9
    #expect(verdict("rule/packets-add-up", record)?.verdict == .pass)
    record.unaccounted = [PacketDifference("datagrams to ada", -1)]
    let broken = try #require(verdict("rule/packets-add-up", record))
    #expect(broken.verdict == .fail && broken.reason.contains("-1 of the datagrams to ada"))
  }

  @Test func aQueueBeyondItsBoundFails() throws {
    var record = RunRecord(end: .seconds(1))
    record.server = ServerRecord()
    record.server?.queues = [.init(name: "pacer", held: 4, limit: 4, unit: "packets")]
    #expect(verdict("rule/queues-bounded", record)?.verdict == .pass)
    record.server?.queues.append(.init(name: "signalling", held: 5, limit: 4, unit: "B"))
    #expect(verdict("rule/queues-bounded", record)?.verdict == .fail)
  }

  @Test func whatIsLeftBehindFails() {
    var record = RunRecord(end: .seconds(1))
    record.server = ServerRecord()
    #expect(record.nothingLeft == nil)
    record.server?.leftovers = []
    #expect(record.nothingLeft?.verdict == .pass)
    record.server?.leftovers = [PacketDifference("rooms", 1)]
    #expect(record.nothingLeft?.verdict == .fail)
  }
}
