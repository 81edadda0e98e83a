// The path that packets took, from when they arrived: which were lost, how their delay varied, and what
// the bottleneck let through while packets waited before it.

import Basics

/// An RTP packet at the end of the path.
struct PathPacket: Equatable, Sendable {
  /// Seconds of arrival.
  var time: Double
  /// Extended sequence number in its stream.
  var number: Int64
  var stream: Int
  /// Bytes on the wire, IP header included.
  var size: Int
  /// Seconds of media: when it was sent, but for a constant; nil where the packet does not tell, as
  /// behind the first of a frame.
  var mediaTime: Double?
}

struct NetworkEstimate: Equatable, Sendable {
  struct Loss: Equatable, Sendable {
    var packets = 0
    var lost = 0
    /// Of these, lost while the queue was full.
    var overflowed = 0
    /// Good to bad and back, of a Gilbert model that loses everything in its bad state; nil where
    /// losses are independent.
    var gilbert: (p: Double, r: Double)?
    /// Two standard deviations of the rate, which bursts widen.
    var error = 0.0

    /// Without what overflowed, 0...1.
    var rate: Double { packets > 0 ? Double(lost - overflowed) / Double(packets) : 0 }

    static func == (a: Loss, b: Loss) -> Bool {
      a.packets == b.packets && a.lost == b.lost && a.overflowed == b.overflowed
        && a.gilbert?.p == b.gilbert?.p && a.gilbert?.r == b.gilbert?.r && a.error == b.error
    }
  }

  enum Shape: String, Sendable { case none, uniform, normal, halfNormal }

  /// Variation of the delay above its least, milliseconds, while nothing waited at the bottleneck.
  struct Variation: Equatable, Sendable {
    var samples = 0
    var median = 0.0
    var p95 = 0.0
    var maximum = 0.0
    var deviation = 0.0
    var shape = Shape.none
    /// The greatest distance between the distribution and its model, 0...1.
    var error = 0.0
  }

  struct Capacity: Equatable, Sendable {
    /// Bits a second over the intervals in which packets waited.
    var rate: Double
    /// Relative spread of the rate among these intervals (half of p10 to p90 over the median).
    var spread: Double
    /// Seconds in which packets waited.
    var backlogged: Double
    /// Milliseconds at which 1,500 bytes left, where the rate varies; empty for a constant one.
    var trace: [Int] = []
    /// Longest wait, milliseconds.
    var longestQueue: Double
  }

  private(set) var loss = Loss()
  private(set) var variation = Variation()
  private(set) var capacity: Capacity?
  /// Bits a second that passed over the whole.
  private(set) var meanRate = 0.0
  private(set) var seconds = 0.0

  /// A wait of so much above the usual variation is a queue.
  private static let leastQueue = 0.015
  /// A wait of so much is a queue, whatever is usual.
  private static let mostVariation = 0.06
  /// Packets that waited and stand so close together left the same backlog.
  private static let longestGap = 0.25
  private static let interval = 0.2
  /// Fewer seconds of backlog say nothing of a capacity.
  private static let leastBacklog = 1.0
  private static let steadySpread = 0.1
  private static let opportunity = 1_500

  /// - Parameter packets: in the order of arrival.
  init(_ packets: [PathPacket]) {
    guard let first = packets.first, let last = packets.last, last.time > first.time else { return }
    seconds = last.time - first.time
    meanRate = 8 * Double(packets.reduce(0) { $0 + $1.size }) / seconds
    let delays = NetworkEstimate.delays(packets)
    let threshold = NetworkEstimate.queueThreshold(delays)
    let backlogs = NetworkEstimate.backlogs(delays, above: threshold)
    estimateCapacity(packets, backlogs, delays)
    estimateVariation(delays, backlogs)
    estimateLoss(packets, delays)
  }

  // MARK: - Delay

  struct Delay { var time, value: Double }

  /// One-way delays above the least, clock drift taken out, of packets that tell when they were sent.
  static func delays(_ packets: [PathPacket]) -> [Delay] {
    // Every stream has a constant of its own.
    var streams: [Int: [Delay]] = [:]
    for packet in packets {
      guard let media = packet.mediaTime else { continue }
      streams[packet.stream, default: []].append(
        Delay(time: packet.time, value: packet.time - media))
    }
    var all: [Delay] = []
    for key in streams.keys.sorted() { all += aboveLeast(streams[key]!) }
    return all.sorted { $0.time < $1.time }
  }

  private static func aboveLeast(_ delays: [Delay]) -> [Delay] {
    guard delays.count >= 10, let first = delays.first, let last = delays.last else { return [] }
    // Least values of both halves tell the drift, where the capture is long enough.
    var slope = 0.0
    let half = (first.time + last.time) / 2
    if last.time - first.time > 20,
      let early = delays.filter({ $0.time < half }).min(by: { $0.value < $1.value }),
      let late = delays.filter({ $0.time >= half }).min(by: { $0.value < $1.value }),
      late.time - early.time > 5
    {
      let drift = (late.value - early.value) / (late.time - early.time)
      // Clocks differ by parts in a million; more is a queue that never drained.
      if drift.magnitude < 5e-4 { slope = drift }
    }
    let levelled = delays.map {
      Delay(time: $0.time, value: $0.value - slope * ($0.time - first.time))
    }
    let least = levelled.map(\.value).min() ?? 0
    return levelled.map { Delay(time: $0.time, value: $0.value - least) }
  }

  /// Above the usual variation.
  private static func queueThreshold(_ delays: [Delay]) -> Double {
    let sorted = delays.map(\.value).sorted()
    guard !sorted.isEmpty else { return leastQueue }
    // The quarter with the least delay has not waited, unless the link is always full.
    let quiet = sorted[sorted.count / 4]
    return min(max(leastQueue, 3 * quiet), mostVariation)
  }

  private static func backlogs(
    _ delays: [Delay], above threshold: Double
  ) -> [ClosedRange<Double>] {
    var result: [ClosedRange<Double>] = []
    var start: Double?
    var end = 0.0
    for delay in delays {
      if delay.value > threshold, start == nil || delay.time - end <= longestGap {
        start = start ?? delay.time
        end = delay.time
        continue
      }
      if let begin = start, end - begin >= interval { result.append(begin...end) }
      start = delay.value > threshold ? delay.time : nil
      end = delay.time
    }
    if let begin = start, end - begin >= interval { result.append(begin...end) }
    return result
  }

  // MARK: - Capacity

  private mutating func estimateCapacity(
    _ packets: [PathPacket], _ backlogs: [ClosedRange<Double>], _ delays: [Delay]
  ) {
    let total = backlogs.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
    guard total >= NetworkEstimate.leastBacklog else { return }
    var rates: [Double] = []
    var bytes = 0
    var index = 0
    for backlog in backlogs {
      while index < packets.count, packets[index].time <= backlog.lowerBound { index += 1 }
      var part = (start: backlog.lowerBound, bytes: 0)
      while index < packets.count, packets[index].time <= backlog.upperBound {
        let packet = packets[index]
        part.bytes += packet.size
        bytes += packet.size
        if packet.time - part.start >= NetworkEstimate.interval {
          rates.append(8 * Double(part.bytes) / (packet.time - part.start))
          part = (packet.time, 0)
        }
        index += 1
      }
    }
    guard !rates.isEmpty else { return }
    rates.sort()
    let rate = 8 * Double(bytes) / total
    let spread =
      (rates[rates.count * 9 / 10] - rates[rates.count / 10]) / 2 / rates[rates.count / 2]
    var found = Capacity(
      rate: rate, spread: spread, backlogged: total,
      longestQueue: 1_000 * (delays.map(\.value).max() ?? 0))
    if spread > NetworkEstimate.steadySpread {
      found.trace = trace(packets, backlogs, rate: rate)
    }
    capacity = found
  }

  /// Every 1,500 bytes that passed in a backlog are an opportunity at that millisecond; between
  /// backlogs, where nothing tells the capacity, opportunities go on at the mean rate.
  private func trace(
    _ packets: [PathPacket], _ backlogs: [ClosedRange<Double>], rate: Double
  ) -> [Int] {
    let start = packets[0].time
    let end = packets[packets.count - 1].time
    let step = 8 * Double(NetworkEstimate.opportunity) / rate
    var moments: [Int] = []
    func millisecond(_ time: Double) -> Int { max(1, Int(((time - start) * 1_000).rounded())) }
    func fill(_ from: Double, _ to: Double) {
      var time = from + step
      while time <= to, moments.count < 1_000_000 {
        moments.append(millisecond(time))
        time += step
      }
    }
    var position = start
    var index = 0
    for backlog in backlogs {
      fill(position, backlog.lowerBound)
      while index < packets.count, packets[index].time <= backlog.lowerBound { index += 1 }
      var waiting = 0
      while index < packets.count, packets[index].time <= backlog.upperBound {
        waiting += packets[index].size
        while waiting >= NetworkEstimate.opportunity, moments.count < 1_000_000 {
          waiting -= NetworkEstimate.opportunity
          moments.append(millisecond(packets[index].time))
        }
        index += 1
      }
      position = backlog.upperBound
    }
    fill(position, end)
    return moments
  }

  // MARK: - Variation

  private mutating func estimateVariation(
    _ delays: [Delay], _ backlogs: [ClosedRange<Double>]
  ) {
    var index = 0
    let quiet = delays.filter { delay in
      while index < backlogs.count, backlogs[index].upperBound < delay.time { index += 1 }
      return index == backlogs.count || delay.time < backlogs[index].lowerBound
    }.map { 1_000 * $0.value }.sorted()
    guard quiet.count >= 20 else { return }
    let mean = quiet.reduce(0, +) / Double(quiet.count)
    variation.samples = quiet.count
    variation.median = quiet[quiet.count / 2]
    variation.p95 = quiet[quiet.count * 95 / 100]
    variation.maximum = quiet[quiet.count - 1]
    variation.deviation =
      (quiet.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(quiet.count)).squareRoot()
    // Less is the sender's own timer.
    guard variation.p95 >= 1 else { return }
    let (p95, deviation) = (variation.p95, variation.deviation)
    let models: [(Shape, (Double) -> Double)] = [
      (.uniform, { min(1, max(0, 0.95 * $0 / p95)) }),
      (.halfNormal, { 2 * NetworkEstimate.normal($0 / (p95 / 1.959964)) - 1 }),
      (.normal, { NetworkEstimate.normal(($0 - mean) / max(1e-9, deviation)) }),
    ]
    for (shape, cumulative) in models {
      let distance = NetworkEstimate.distance(quiet, cumulative)
      if variation.shape == .none || distance < variation.error {
        variation.shape = shape
        variation.error = distance
      }
    }
  }

  /// Kolmogorov's distance.
  private static func distance(_ sorted: [Double], _ cumulative: (Double) -> Double) -> Double {
    var worst = 0.0
    for (index, value) in sorted.enumerated() {
      let expected = cumulative(value)
      let low = Double(index) / Double(sorted.count)
      let high = Double(index + 1) / Double(sorted.count)
      worst = max(worst, (expected - low).magnitude, (expected - high).magnitude)
    }
    return worst
  }

  /// The standard normal distribution: Abramowitz and Stegun 26.2.17, within 7.5e-8.
  static func normal(_ x: Double) -> Double {
    let t = 1 / (1 + 0.2316419 * x.magnitude)
    let polynomial =
      ((((1.330274429 * t - 1.821255978) * t + 1.781477937) * t - 0.356563782) * t + 0.319381530)
      * t
    let tail = 0.3989422804014327 * RealMath.exp(-x * x / 2) * polynomial
    return x >= 0 ? 1 - tail : tail
  }

  // MARK: - Loss

  private mutating func estimateLoss(_ packets: [PathPacket], _ delays: [Delay]) {
    let order = NetworkEstimate.outcomes(packets)
    loss.packets = order.count
    guard !order.isEmpty else { return }
    // What was lost beside packets that waited as long as any was lost to a full queue.
    let full = capacity.map { 0.8 * $0.longestQueue / 1_000 } ?? .infinity
    var index = 0
    var outcomes: [Bool] = []
    for outcome in order {
      if outcome.isLost { loss.lost += 1 }
      while index + 1 < delays.count, delays[index + 1].time <= outcome.time { index += 1 }
      let waited = delays.indices.contains(index) ? delays[index].value : 0
      if outcome.isLost, waited >= full {
        loss.overflowed += 1
      } else {
        outcomes.append(outcome.isLost)
      }
    }
    fitLoss(outcomes)
  }

  private mutating func fitLoss(_ outcomes: [Bool]) {
    let lost = outcomes.count { $0 }
    guard lost > 0, lost < outcomes.count else { return }
    var bursts = 0
    var previous = false
    for isLost in outcomes {
      if isLost, !previous { bursts += 1 }
      previous = isLost
    }
    let rate = Double(lost) / Double(outcomes.count)
    let p = Double(bursts) / Double(outcomes.count - lost)
    let r = Double(bursts) / Double(lost)
    // Independent losses leave the bad state with 1 - rate; three deviations of r tell.
    let deviation = (rate * (1 - rate) / Double(lost)).squareRoot()
    let correlation = max(0, 1 - p - r)
    if 1 - rate - r > 3 * max(deviation, 1 / Double(lost)) { loss.gilbert = (p, r) }
    // Of a two-state chain: the variance of its mean.
    let widening = loss.gilbert == nil ? 1 : (1 + correlation) / max(1e-9, 1 - correlation)
    loss.error = 2 * (rate * (1 - rate) * widening / Double(outcomes.count)).squareRoot()
  }

  struct Outcome {
    var time: Double
    var isLost: Bool
  }

  /// All packets of all streams in the order in which they were sent, as far as numbers tell.
  static func outcomes(_ packets: [PathPacket]) -> [Outcome] {
    var streams: [Int: [(number: Int64, time: Double)]] = [:]
    for packet in packets {
      streams[packet.stream, default: []].append((packet.number, packet.time))
    }
    var all: [Outcome] = []
    for key in streams.keys.sorted() {
      let order = streams[key]!.sorted { ($0.number, $0.time) < ($1.number, $1.time) }
      for (position, packet) in order.enumerated() {
        if position > 0 {
          let before = order[position - 1]
          let missing = packet.number - before.number - 1
          // More is a new beginning (RFC 3550 A.1).
          if missing > 0, missing < Int64(InspectionLimits.maximumDropout) {
            for step in 1...missing {
              let share = Double(step) / Double(missing + 1)
              all.append(
                Outcome(
                  time: before.time + share * (packet.time - before.time), isLost: true))
            }
          }
          if missing < 0 { continue }
        }
        all.append(Outcome(time: packet.time, isLost: false))
      }
    }
    return all.sorted { $0.time < $1.time }
  }
}
