// Which numbers of a stream are new.

import Testing
import Transport

@Suite struct SeenNumbersTests {
  @Test func eachNumberIsNewOnce() {
    var seen = SeenNumbers()
    // Across the wrap, with holes.
    let numbers = (0..<5_000).map { UInt16(truncatingIfNeeded: 65_000 + 3 * $0) }
    #expect(numbers.allSatisfy { seen.insert($0) })
    #expect(numbers.suffix(300).allSatisfy { !seen.insert($0) })
    // What was missing may come late, once.
    let late = numbers.suffix(300).map { $0 &- 1 }
    #expect(late.allSatisfy { seen.insert($0) })
    #expect(late.allSatisfy { !seen.insert($0) })
  }

  @Test func theLastOneAgainIsOldHoweverLateItComes() {
    var seen = SeenNumbers()
    #expect(seen.insert(7))
    #expect(!seen.insert(7))
  }

  @Test func whatIsTooOldToTellIsNotNew() {
    var seen = SeenNumbers()
    for number in 0..<UInt16(3_000) { _ = seen.insert(number) }
    #expect(!seen.insert(1_900), "1,099 before the last")
    #expect(!seen.insert(2_500))
  }

  @Test func aStreamMayStartOver() {
    var seen = SeenNumbers()
    for number in 20_000..<UInt16(20_100) { _ = seen.insert(number) }
    #expect(seen.insert(500) && seen.insert(501) && seen.insert(502))
    #expect(!seen.insert(502) && !seen.insert(501))
  }

  @Test func oneStrayNumberChangesNothing() {
    var seen = SeenNumbers()
    for number in 20_000..<UInt16(20_100) { _ = seen.insert(number) }
    _ = seen.insert(500)
    #expect(!seen.insert(20_099) && seen.insert(20_100))
  }
}
