// Which numbers of a stream are new.

import Testing
import Transport

@Suite struct SeenNumbersTests {
  private var seen = SeenNumbers()

  /// Which of these, one after the other, are new.
  private mutating func new(_ numbers: [UInt16]) -> [Bool] {
    var result: [Bool] = []
    for number in numbers { result.append(seen.insert(number)) }
    return result
  }

  @Test mutating func eachNumberIsNewOnce() {
    // Across the wrap, with holes.
    let numbers = (0..<5_000).map { UInt16(truncatingIfNeeded: 65_000 + 3 * $0) }
    let last = Array(numbers.suffix(300))
    let first = new(numbers)
    #expect(first.allSatisfy { $0 })
    let again = new(last)
    #expect(!again.contains(true))
    // What was missing may come late, once.
    let late = last.map { $0 &- 1 }
    let (once, twice) = (new(late), new(late))
    #expect(once.allSatisfy { $0 } && !twice.contains(true))
  }

  @Test mutating func theLastOneAgainIsOldHoweverLateItComes() {
    let answers = new([7, 7, 8, 7])
    #expect(answers == [true, false, true, false])
  }

  @Test mutating func whatIsTooOldToTellIsNotNew() {
    _ = new(Array(0..<3_000))
    let answers = new([1_900, 2_500])
    #expect(answers == [false, false], "1,099 before the last, and one that came")
  }

  @Test mutating func aStreamMayStartOver() {
    _ = new(Array(20_000..<20_100))
    let answers = new([500, 501, 502, 502, 501])
    #expect(answers == [true, true, true, false, false])
  }

  @Test mutating func oneStrayNumberChangesNothing() {
    _ = new(Array(20_000..<20_100))
    let answers = new([500, 20_099, 20_100])
    #expect(answers == [true, false, true])
  }
}
