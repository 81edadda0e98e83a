// Which lost packets to ask for, when, and how often (RFC 4585 §6.2.1; LiveKit nack.go, libwebrtc
// nack_requester.cc).

import Basics

/// The missing packets of one received stream.
///
/// A number is missing once a later one has arrived. It is asked for after `firstDelay`, then again
/// when an answer is overdue, and given up after `maximumTries`. LiveKit and libwebrtc ask again after a
/// round trip, but answers wait for their turn in the sender's pacer and in the queue: at 10 % loss four
/// of five packets were sent twice.
public struct NACKGenerator: Sendable {
  public struct Limits: Equatable, Sendable {
    /// Missing numbers kept at once.
    public var maximumPending: Int
    /// Whether too many missing numbers mean starting over at a keyframe rather than forgetting the
    /// oldest.
    public var clearsWhenFull: Bool
    public var maximumTries: Int
    /// How long reordered packets may take before they are asked for.
    public var firstDelay: Duration
    public var minimumInterval: Duration
    public var maximumInterval: Duration
    /// Each interval is this many times the one before.
    public var backoff: Double
    public var defaultRTT: Duration
    /// Share of a new measurement in the smoothed round-trip time.
    public var rttWeight: Double
    /// Age at which a missing number is given up whatever its tries.
    public var lifetime: Duration
    /// A step of more numbers than this is a stream starting over, not loss.
    public var maximumGap: Int

    /// LiveKit's towards publishers.
    public static let liveKit = Limits(
      maximumPending: 100, clearsWhenFull: false, maximumTries: 5,
      firstDelay: .milliseconds(20), minimumInterval: .milliseconds(20),
      maximumInterval: .milliseconds(400), backoff: 1.25,
      defaultRTT: .milliseconds(70), rttWeight: 0.75, lifetime: .seconds(120),
      maximumGap: 1_000)

    /// libwebrtc's video receiver.
    public static let libwebrtc = Limits(
      maximumPending: 1_000, clearsWhenFull: true, maximumTries: 10, firstDelay: .zero,
      minimumInterval: .milliseconds(20), maximumInterval: .seconds(1),
      backoff: 1, defaultRTT: .milliseconds(100), rttWeight: 1,
      lifetime: .seconds(120), maximumGap: 10_000)
  }

  /// What an arrival meant.
  public enum Arrival: Equatable, Sendable {
    /// The next number, or the first.
    case inOrder
    /// So many numbers before it are missing.
    case gap(Int)
    /// A missing packet came; it had been asked for so many times (0: mere reordering, or
    /// padding with what was sent before).
    case recovered(tries: Int)
    /// An old number that nobody misses.
    case late
    /// The stream started over.
    case restarted
    /// More is missing than `maximumPending`: a keyframe is the way out.
    case overflow
  }

  /// A number asked for at least this often without an answer counts as unanswered.
  public static let unansweredTries = 3

  private struct Missing {
    var number: Int64
    var since: Instant
    var due: Instant
    var tries: Int
    /// The last request, and the one before it.
    var asked: (last: Instant, before: Instant)?
  }

  /// How long answers take, as RFC 6298 §2 has it; half its deviations, since asking twice costs a packet
  /// and asking late a frame.
  private struct AnswerTime {
    var mean: Duration
    var deviation: Duration

    init(_ first: Duration) {
      mean = first
      deviation = first / 8
    }

    mutating func add(_ sample: Duration) {
      let error = sample > mean ? sample - mean : mean - sample
      deviation = deviation * 0.75 + error * 0.25
      mean = mean * 0.875 + sample * 0.125
    }

    /// After this one is overdue.
    var bound: Duration { mean + deviation * 2 }
  }

  public let limits: Limits
  /// Smoothed round-trip time that spaces the tries.
  public private(set) var rtt: Duration
  /// Missing numbers that arrived after having been asked for, or as RTX.
  public private(set) var recovered = 0
  /// Numbers given up after at least `unansweredTries` tries.
  public private(set) var unanswered = 0
  /// Numbers asked for, repeats included.
  public private(set) var requests = 0
  private var missing: [Missing] = []
  private var highest: Int64?
  private var suspect: UInt16?
  private var earliestDue: Instant?
  private var answerTime: AnswerTime?

  public init(limits: Limits = .liveKit) {
    self.limits = limits
    rtt = limits.defaultRTT
  }

  /// Missing numbers still hoped for.
  public var pending: Int { missing.count }

  /// When `due` may have something to ask; nil while nothing is missing.
  public var nextTimeout: Instant? { earliestDue }

  /// Takes a round-trip measurement; zero means unknown and restores the default.
  public mutating func measured(rtt measurement: Duration) {
    guard measurement > .zero else {
      rtt = limits.defaultRTT
      return
    }
    rtt = measurement * limits.rttWeight + rtt * (1 - limits.rttWeight)
  }

  /// - Parameter isRetransmission: whether it came as RTX, which is no reordering even where nobody asked:
  ///   senders pad with what they sent before.
  public mutating func received(
    _ sequenceNumber: UInt16, isRetransmission: Bool = false, at now: Instant
  ) -> Arrival {
    guard let highest else {
      self.highest = Int64(sequenceNumber)
      return .inOrder
    }
    let step = Int64(Int16(bitPattern: sequenceNumber &- UInt16(truncatingIfNeeded: highest)))
    let number = highest + step
    if step > Int64(limits.maximumGap) {
      restart(at: number)
      return .restarted
    }
    if step < -Int64(limits.maximumGap) {
      // RFC 3550 §A.1: believe in a restart when two numbers from there follow each other.
      guard suspect == sequenceNumber else {
        suspect = sequenceNumber &+ 1
        return .late
      }
      restart(at: number)
      return .restarted
    }
    suspect = nil
    guard step > 0 else { return fill(number, isRetransmission, at: now) }
    self.highest = number
    return step == 1 ? .inOrder : miss((highest + 1)..<number, at: now)
  }

  /// The numbers to ask for now, lowest first. Each returned number counts as asked.
  public mutating func due(at now: Instant) -> [UInt16] {
    guard let earliestDue, earliestDue <= now else { return [] }
    var numbers: [UInt16] = []
    var kept = 0
    var next: Instant?
    for index in missing.indices {
      var entry = missing[index]
      let expired = now - entry.since > limits.lifetime
      if entry.due <= now || expired {
        if expired || entry.tries >= limits.maximumTries {
          giveUp(entry)
          continue
        }
        entry.tries += 1
        entry.asked = (now, entry.asked?.last ?? now)
        entry.due = now + interval(afterTries: entry.tries)
        numbers.append(UInt16(truncatingIfNeeded: entry.number))
      }
      next = earlier(next, entry.due)
      missing[kept] = entry
      kept += 1
    }
    missing.removeLast(missing.count - kept)
    self.earliestDue = next
    requests += numbers.count
    return numbers
  }

  /// A frame that ends with this number was decoded: whatever is missing before it, nobody needs any more
  /// (libwebrtc NackRequester::ClearUpTo). It was not left unanswered.
  public mutating func clear(through sequenceNumber: UInt16) {
    guard let highest, let first = missing.first else { return }
    let step = Int16(bitPattern: sequenceNumber &- UInt16(truncatingIfNeeded: highest))
    let last = highest + Int64(step)
    guard first.number <= last else { return }
    missing.removeAll { $0.number <= last }
    earliestDue = missing.lazy.map(\.due).min()
  }

  /// Forgets all missing numbers, as after a keyframe that needs none of them.
  public mutating func clear() {
    for entry in missing { giveUp(entry) }
    missing.removeAll(keepingCapacity: true)
    earliestDue = nil
  }

  private mutating func restart(at number: Int64) {
    clear()
    highest = number
    suspect = nil
  }

  private mutating func miss(_ numbers: Range<Int64>, at now: Instant) -> Arrival {
    let excess = missing.count + numbers.count - limits.maximumPending
    if excess > 0 && limits.clearsWhenFull {
      clear()
      return .overflow
    }
    if excess > 0 {
      let forgotten = min(excess, missing.count)
      for entry in missing[..<forgotten] { giveUp(entry) }
      missing.removeFirst(forgotten)
    }
    let due = now + limits.firstDelay
    for number in numbers.suffix(limits.maximumPending) {
      missing.append(Missing(number: number, since: now, due: due, tries: 0))
    }
    earliestDue = earlier(earliestDue, due)
    return excess > 0 ? .overflow : .gap(numbers.count)
  }

  private mutating func fill(
    _ number: Int64, _ isRetransmission: Bool, at now: Instant
  ) -> Arrival {
    var low = 0
    var high = missing.count
    while low < high {
      let middle = (low + high) / 2
      if missing[middle].number < number { low = middle + 1 } else { high = middle }
    }
    guard low < missing.count, missing[low].number == number else { return .late }
    let entry = missing.remove(at: low)
    if missing.isEmpty { earliestDue = nil }
    if entry.asked != nil || isRetransmission { recovered += 1 }
    if let asked = entry.asked { note(asked, answeredAt: now) }
    return .recovered(tries: entry.tries)
  }

  /// What comes sooner than half a round trip after a request answers the one before it.
  private mutating func note(
    _ asked: (last: Instant, before: Instant), answeredAt now: Instant
  ) {
    let isEarlier = now - asked.last < rtt / 2
    let taken = now - (isEarlier ? asked.before : asked.last)
    guard taken >= rtt / 2 else { return }
    if answerTime == nil { answerTime = AnswerTime(taken) } else { answerTime?.add(taken) }
  }

  private mutating func giveUp(_ entry: Missing) {
    if entry.tries >= NACKGenerator.unansweredTries { unanswered += 1 }
  }

  private func interval(afterTries tries: Int) -> Duration {
    var interval = max(rtt, answerTime?.bound ?? rtt)
    for _ in 1..<max(tries, 1) where interval < limits.maximumInterval {
      interval = interval * limits.backoff
    }
    return max(limits.minimumInterval, min(limits.maximumInterval, interval))
  }
}
