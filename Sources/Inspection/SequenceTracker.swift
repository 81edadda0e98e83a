// Which sequence numbers of a stream arrived, which are missing and which were repaired.

import Basics
import Results

/// Numbers that were skipped, and what became of them.
struct SkippedRange {
  var first: Int64
  var event: LossEvent

  func contains(_ number: Int64) -> Bool {
    number >= first && number < first + Int64(event.count)
  }
}

struct SequenceTracker {
  enum Arrival: Equatable {
    case first, next
    /// So many numbers were skipped.
    case gap(Int)
    case late, duplicate
    /// A step too far to be loss: the sender began anew (RFC 3550 A.1).
    case jump
  }

  private static let window = Int64(InspectionLimits.sequenceWindow)
  private static let words = InspectionLimits.sequenceWindow / 64

  private var received = [UInt64](repeating: 0, count: words)
  private var repairs = [UInt64](repeating: 0, count: words)
  private var first: Int64 = 0
  private var highest: Int64 = -1
  /// Of numbers that left the window.
  private var run = 0
  private var expectedBefore = 0
  private var finishedMissing = 0
  private(set) var repaired = 0
  private(set) var duplicates = 0
  private(set) var reordered = 0
  private(set) var jumps = 0
  private(set) var gapCount = 0
  private(set) var longestRun = 0
  /// Numbers skipped, whether or not they came later.
  private(set) var skipped = 0
  /// The worst losses; recent ones still change.
  private(set) var events: [SkippedRange] = []

  var expected: Int { highest < 0 ? 0 : expectedBefore + Int(highest - first) + 1 }

  /// The extended number that `value` most likely has.
  func extend(_ value: UInt16) -> Int64 {
    guard highest >= 0 else { return Int64(value) + 0x1_0000 }
    return highest + Int64(Int16(bitPattern: value &- UInt16(truncatingIfNeeded: highest)))
  }

  mutating func receive(
    _ number: Int64, at time: Instant, packetNumber: Int, silence: Duration
  ) -> Arrival {
    guard highest >= 0 else {
      start(at: number)
      return .first
    }
    let step = number - highest
    if step > Int64(InspectionLimits.maximumDropout) || step <= -SequenceTracker.window {
      finishWindow()
      expectedBefore = expected
      jumps += 1
      start(at: number)
      return .jump
    }
    guard step > 0 else {
      if isSet(received, number) || number < first - SequenceTracker.window {
        duplicates += 1
        return .duplicate
      }
      set(&received, number)
      reordered += 1
      if number < first { first = number } else { fill(number) }
      return .late
    }
    advance(to: number)
    guard step > 1 else { return .next }
    let missing = Int(step - 1)
    skipped += missing
    gapCount += 1
    note(
      number - Int64(missing),
      LossEvent(
        time: time, packetNumber: packetNumber, count: missing, missing: missing, repaired: 0,
        silence: silence))
    return .gap(missing)
  }

  /// A retransmission in another stream carried this number; whether that filled a gap.
  mutating func repair(_ value: UInt16) -> Int64? {
    guard highest >= 0 else { return nil }
    let number = extend(value)
    guard number >= first, number <= highest, highest - number < SequenceTracker.window,
      !isSet(received, number), !isSet(repairs, number)
    else { return nil }
    set(&repairs, number)
    repaired += 1
    for index in events.indices.reversed() where events[index].contains(number) {
      events[index].event.repaired += 1
      break
    }
    return number
  }

  /// Numbers that never arrived and the longest run of them, once the capture is over.
  func finished() -> (missing: Int, longestRun: Int) {
    var copy = self
    copy.finishWindow()
    return (copy.finishedMissing, copy.longestRun)
  }

  // MARK: - Window

  private mutating func start(at number: Int64) {
    first = number
    highest = number
    for index in received.indices {
      received[index] = 0
      repairs[index] = 0
    }
    set(&received, number)
  }

  private mutating func advance(to number: Int64) {
    var next = highest + 1
    while next <= number {
      leave(next - SequenceTracker.window)
      clear(&received, next)
      clear(&repairs, next)
      next += 1
    }
    highest = number
    set(&received, number)
  }

  private mutating func finishWindow() {
    guard highest >= 0 else { return }
    var number = max(first, highest - SequenceTracker.window + 1)
    while number <= highest {
      leave(number)
      number += 1
    }
    endRun()
  }

  /// Counts a number that can no longer arrive.
  private mutating func leave(_ number: Int64) {
    guard number >= first else { return }
    if isSet(received, number) {
      endRun()
    } else {
      finishedMissing += 1
      run += 1
    }
  }

  private mutating func endRun() {
    longestRun = max(longestRun, run)
    run = 0
  }

  private mutating func fill(_ number: Int64) {
    for index in events.indices.reversed() where events[index].contains(number) {
      events[index].event.missing -= 1
      return
    }
  }

  private mutating func note(_ first: Int64, _ event: LossEvent) {
    if events.count == InspectionLimits.eventsPerStream {
      let least = events.indices.min { events[$0].event.missing < events[$1].event.missing }!
      events.remove(at: least)
    }
    events.append(SkippedRange(first: first, event: event))
  }

  private func isSet(_ bits: [UInt64], _ number: Int64) -> Bool {
    bits[Int(number >> 6) & (SequenceTracker.words - 1)] & (1 << UInt64(number & 63)) != 0
  }

  private func set(_ bits: inout [UInt64], _ number: Int64) {
    bits[Int(number >> 6) & (SequenceTracker.words - 1)] |= 1 << UInt64(number & 63)
  }

  private func clear(_ bits: inout [UInt64], _ number: Int64) {
    bits[Int(number >> 6) & (SequenceTracker.words - 1)] &= ~(1 << UInt64(number & 63))
  }
}
