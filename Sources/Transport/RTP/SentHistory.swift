// What was sent lately under which sequence number, and whether a NACK for it deserves an answer
// (RFC 4585 §6.2.1; LiveKit's sequencer.go and its limits).

import Basics

/// Records of sent packets by sequence number. Grows by doubling while the records it would
/// overwrite are younger than `maximumAge`, so a slow stream stays small.
public struct SentHistory<Record> {
  public struct Limits: Equatable, Sendable {
    /// Most records held; rounded up to a power of two.
    public var capacity: Int
    /// Older packets are worth nothing to a receiver.
    public var maximumAge: Duration
    /// Answers to one number.
    public var maximumAnswers: Int
    /// A repeat within the lesser of this and two round trips is the same request again.
    public var repeatInterval: Duration

    public init(
      capacity: Int, maximumAge: Duration = .seconds(2), maximumAnswers: Int = 3,
      repeatInterval: Duration = .milliseconds(100)
    ) {
      self.capacity = capacity
      self.maximumAge = maximumAge
      self.maximumAnswers = maximumAnswers
      self.repeatInterval = repeatInterval
    }

    public static var video: Limits { Limits(capacity: 512) }
    public static var audio: Limits { Limits(capacity: 256) }
  }

  private struct Slot {
    var record: Record
    var sequenceNumber: UInt16
    var sentAt: Instant
    var answeredAt: Instant
    var answers: Int
  }

  private static var smallestSize: Int { 16 }

  public let limits: Limits
  private var slots: [Slot?]
  /// Records held, however old.
  public private(set) var count = 0

  public init(limits: Limits) {
    precondition(limits.capacity > 0 && limits.capacity <= 32_768)
    self.limits = limits
    slots = Array(repeating: nil, count: Self.smallestSize)
  }

  /// Remembers `record`; whatever it displaces is handed to `release`.
  public mutating func store(
    _ record: Record, sequenceNumber: UInt16, at now: Instant, release: (Record) -> Void
  ) {
    while let old = slots[index(sequenceNumber)], old.sequenceNumber != sequenceNumber,
      now - old.sentAt <= limits.maximumAge, slots.count < limits.capacity
    {
      grow(release: release)
    }
    let index = index(sequenceNumber)
    if let old = slots[index] {
      release(old.record)
      count -= 1
    }
    slots[index] = Slot(
      record: record, sequenceNumber: sequenceNumber, sentAt: now, answeredAt: now, answers: 0)
    count += 1
  }

  /// The record of `sequenceNumber`, when a NACK for it shall be answered now; counts as an answer.
  public mutating func answer(
    _ sequenceNumber: UInt16, at now: Instant, rtt: Duration
  ) -> Record? {
    let index = index(sequenceNumber)
    guard var slot = slots[index], slot.sequenceNumber == sequenceNumber,
      now - slot.sentAt <= limits.maximumAge, slot.answers < limits.maximumAnswers
    else { return nil }
    if slot.answers > 0, now - slot.answeredAt < min(limits.repeatInterval, rtt * 2) {
      return nil
    }
    slot.answers += 1
    slot.answeredAt = now
    slots[index] = slot
    return slot.record
  }

  /// The record of `sequenceNumber` without counting an answer, unless it is too old.
  public func record(of sequenceNumber: UInt16, at now: Instant) -> Record? {
    guard let slot = slots[index(sequenceNumber)], slot.sequenceNumber == sequenceNumber,
      now - slot.sentAt <= limits.maximumAge
    else { return nil }
    return slot.record
  }

  /// Gives up every record that is too old, or all of them for nil.
  public mutating func removeExpired(at now: Instant?, release: (Record) -> Void) {
    for index in slots.indices {
      guard let slot = slots[index] else { continue }
      if let now, now - slot.sentAt <= limits.maximumAge { continue }
      release(slot.record)
      slots[index] = nil
      count -= 1
    }
  }

  private func index(_ sequenceNumber: UInt16) -> Int {
    Int(sequenceNumber) & (slots.count - 1)
  }

  private mutating func grow(release: (Record) -> Void) {
    let old = slots
    slots = Array(repeating: nil, count: old.count * 2)
    for slot in old {
      guard let slot else { continue }
      // Two slots never collide here: they differed in the lower bits already.
      slots[index(slot.sequenceNumber)] = slot
    }
  }
}
