// Which rates lost how much, and how likely a given bandwidth makes that (libwebrtc
// modules/congestion_controller/goog_cc/loss_based_bwe_v2.cc, revision 3710345).

import Basics

/// The last fifteen quarter seconds of sending.
public struct LossObservations: Sendable {
  private struct Observation {
    var size: Double
    var lost: Double
    var rate: Double
  }

  private static let windowSize = 15
  private static let shortest = Duration.milliseconds(250)
  private static let weight = 0.9
  private static let leastInherentLoss = 1e-3
  private static let inherentLossOffset = 0.05
  private static let inherentLossBalance = 100_000.0
  private static let newtonStep = 0.75
  private static let biasFactor = 0.0002
  private static let logBiasFactor = 0.02
  private static let preferenceThreshold = 0.2
  private static let preferenceSmoothing = 0.002
  /// A burst at so many median rates may well have lost what it lost to itself.
  private static let medianRateFactor = 2.0
  /// Powers of the weight.
  private static let weights = (0..<windowSize).map { RealMath.pow(weight, Double($0)) }

  /// Made so far.
  public private(set) var count = 0
  /// The share of bytes lost, weighted, without the best and the worst observation.
  public private(set) var averageLoss = 0.0
  /// When the last packet of the newest observation left.
  public private(set) var lastSend: Instant?
  /// Kilobytes and bit/s, by number modulo the window.
  private var observations: [Observation] = []
  private var gathered = DataSize.zero
  private var lost: [(sequenceNumber: Int64, size: DataSize)] = []

  public init() {}

  /// Adds one feedback message.
  /// - Returns: whether it completed an observation.
  mutating func add(_ results: [PacketResult]) -> Bool {
    var first = Instant.distantFuture
    var last = Instant(nanoseconds: .min)
    for result in results {
      let number = result.sent.sequenceNumber
      if result.arrival != nil {
        if !lost.isEmpty { lost.removeAll { $0.sequenceNumber == number } }
      } else if !lost.contains(where: { $0.sequenceNumber == number }) {
        lost.append((number, result.sent.size))
      }
      gathered += result.sent.size
      first = min(first, result.sent.sentAt)
      last = max(last, result.sent.sentAt)
    }
    let start = lastSend ?? first
    lastSend = start
    let span = last - start
    guard span >= LossObservations.shortest else { return false }
    lastSend = last
    let lostBytes = lost.reduce(0) { $0 + $1.size.bytes }
    let observation = Observation(
      size: Double(gathered.bytes) / 1_000, lost: Double(lostBytes) / 1_000,
      rate: Double((gathered / span).bitsPerSecond))
    if observations.count < LossObservations.windowSize {
      observations.append(observation)
    } else {
      observations[count % LossObservations.windowSize] = observation
    }
    count += 1
    gathered = .zero
    lost.removeAll(keepingCapacity: true)
    noteAverageLoss()
    return true
  }

  /// The temporal weight of the observation in slot `index`.
  private func weight(_ index: Int) -> Double {
    let newest = (count - 1) % LossObservations.windowSize
    let age = newest - index
    return LossObservations.weights[age < 0 ? age + LossObservations.windowSize : age]
  }

  private mutating func noteAverageLoss() {
    var total = 0.0
    var lost = 0.0
    var least = (rate: 1.0, size: 0.0, lost: 0.0)
    var most = (rate: 0.0, size: 0.0, lost: 0.0)
    var rateOfMost = 0.0
    for (index, observation) in observations.enumerated() {
      let weight = weight(index)
      total += weight * observation.size
      lost += weight * observation.lost
      guard count > 3 else { continue }
      let rate = observation.size > 0 ? observation.lost / observation.size : 0
      if rate > most.rate {
        most = (rate, weight * observation.size, weight * observation.lost)
        rateOfMost = observation.rate
      }
      if rate < least.rate {
        least = (rate, weight * observation.size, weight * observation.lost)
      }
    }
    let trimmed = total - least.size - most.size
    let isBurst = medianRate * LossObservations.medianRateFactor <= rateOfMost
    if isBurst || trimmed <= 0 {
      averageLoss = total > 0 ? lost / total : 0
    } else {
      averageLoss = max(0, (lost - least.lost - most.lost) / trimmed)
    }
  }

  private var medianRate: Double {
    let rates = observations.map(\.rate).filter { $0 > 0 }.sorted()
    guard !rates.isEmpty else { return 0 }
    let middle = rates.count / 2
    return rates.count % 2 == 0 ? (rates[middle - 1] + rates[middle]) / 2 : rates[middle]
  }

  // MARK: - Likelihood

  /// The inherent loss that fits `bandwidth` best: one step of Newton's method from `loss`.
  func inherentLoss(at bandwidth: Bitrate, from loss: Double) -> Double {
    let rate = Double(bandwidth.bitsPerSecond)
    let start = feasible(loss, at: rate)
    var first = 0.0
    var second = 0.0
    for (index, observation) in observations.enumerated() {
      let p = probability(start, rate, observation.rate)
      let weight = weight(index)
      let received = observation.size - observation.lost
      first += weight * (observation.lost / p - received / (1 - p))
      second -= weight * (observation.lost / (p * p) + received / ((1 - p) * (1 - p)))
    }
    if second >= 0 { second = -1e-6 }
    return feasible(start - LossObservations.newtonStep * first / second, at: rate)
  }

  func objective(inherentLoss: Double, bandwidth: Bitrate) -> Double {
    let rate = Double(bandwidth.bitsPerSecond)
    let kbps = rate / 1_000
    let bias =
      adjusted(LossObservations.biasFactor) * kbps
      + adjusted(LossObservations.logBiasFactor) * RealMath.log(1 + kbps)
    var sum = 0.0
    for (index, observation) in observations.enumerated() {
      let p = probability(inherentLoss, rate, observation.rate)
      let received = observation.size - observation.lost
      // Most observations lost nothing.
      let ofLost = observation.lost > 0 ? observation.lost * RealMath.log(p) : 0
      let weight = weight(index)
      sum += weight * (ofLost + received * RealMath.log(1 - p))
      sum += weight * bias * observation.size
    }
    return sum
  }

  /// How likely a packet is lost that was sent at `rate` over such a path.
  private func probability(_ inherent: Double, _ bandwidth: Double, _ rate: Double) -> Double {
    let inherent = min(max(inherent, 0), 1)
    var p = inherent
    if rate > bandwidth { p += (1 - inherent) * (rate - bandwidth) / rate }
    return min(max(p, 1e-6), 1 - 1e-6)
  }

  private func feasible(_ loss: Double, at bandwidth: Double) -> Double {
    let most =
      bandwidth > 0
      ? min(
        1, LossObservations.inherentLossOffset + LossObservations.inherentLossBalance / bandwidth)
      : 1
    return min(max(loss, LossObservations.leastInherentLoss), most)
  }

  /// Prefers higher bandwidths while little is lost, lower ones while much is.
  private func adjusted(_ factor: Double) -> Double {
    let distance = LossObservations.preferenceThreshold - averageLoss
    return factor * distance / (LossObservations.preferenceSmoothing + abs(distance))
  }
}
