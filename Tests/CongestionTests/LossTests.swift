// Loss and throughput against the published expectations of libwebrtc's loss_based_bwe_v2_test.cc,
// robust_throughput_estimator_unittest.cc and alr_detector_unittest.cc, where they hold for the
// defaults.

import Basics
import Testing

@testable import Congestion

/// Feedback as upstream's tests make it: packets of 15,000 bytes, 250 ms apart.
private struct LossFeedback {
  private static let step = Duration.milliseconds(250)
  private var number: Int64 = 0

  mutating func packets(_ lost: [Bool], from start: Instant) -> [PacketResult] {
    lost.enumerated().map { index, isLost in
      number += 1
      let sentAt = start + LossFeedback.step * index
      let sent = SentPacket(sequenceNumber: number, size: .bytes(15_000), sentAt: sentAt)
      return PacketResult(sent: sent, arrival: isLost ? nil : sentAt + LossFeedback.step)
    }
  }

  static func at(_ steps: Int) -> Instant { .zero + step * steps }
}

@Suite struct LossBasedTests {
  private let received = [false, false]
  private let half = [false, true]
  private let all = [true, true]

  /// An estimator that has seen `feedback`, one message each 500 ms.
  private func estimator(
    _ start: Bitrate, acknowledged: Bitrate? = nil, delayBased: Bitrate? = nil,
    isInALR: Bool = false, _ feedback: [[Bool]]
  ) -> LossBasedBandwidthEstimator {
    var estimator = LossBasedBandwidthEstimator()
    var source = LossFeedback()
    estimator.setRange(minimum: .kbps(10), maximum: .kbps(1_000_000))
    estimator.setEstimate(start)
    if let acknowledged { estimator.setAcknowledged(acknowledged) }
    for (index, lost) in feedback.enumerated() {
      estimator.update(
        source.packets(lost, from: LossFeedback.at(2 * index)), delayBased: delayBased,
        isInALR: isInALR)
    }
    return estimator
  }

  @Test func threeObservationsMakeItReady() {
    #expect(!estimator(.kbps(600), [received, received]).isReady)
    #expect(estimator(.kbps(600), [received, received, received]).isReady)
  }

  @Test func withoutAnyEstimateThereIsNone() {
    var estimator = LossBasedBandwidthEstimator()
    var source = LossFeedback()
    for index in 0..<3 {
      estimator.update(
        source.packets(received, from: LossFeedback.at(2 * index)), delayBased: nil,
        isInALR: false)
    }
    #expect(!estimator.isReady && estimator.estimate == nil)
  }

  @Test func aQuarterSecondMakesAnObservation() {
    var observations = LossObservations()
    let sent = [0, 200, 249, 250].map {
      SentPacket(sequenceNumber: Int64($0), size: .bytes(1_000), sentAt: .milliseconds($0))
    }
    let results = sent.map { PacketResult(sent: $0, arrival: $0.sentAt) }
    let first = observations.add(Array(results[..<3]))
    let second = observations.add([results[3]])
    #expect(!first && second)
    #expect(observations.count == 1)
  }

  @Test func withoutLossTheDelayBasedEstimateHolds() {
    let estimator = estimator(
      .kbps(600), delayBased: .kbps(600), Array(repeating: received, count: 5))
    #expect(estimator.state == .delayBased && estimator.estimate == .kbps(600))
  }

  @Test func allLostGoesDownToWhatIsAcknowledged() {
    let estimator = estimator(
      .kbps(600), acknowledged: .kbps(100), delayBased: .kbps(5_000),
      Array(repeating: all, count: 4))
    #expect(estimator.estimate == .kbps(100) || estimator.estimate! < .kbps(106))
    #expect(estimator.state == .decreasing)
  }

  @Test func theAcknowledgedRateIsTheLeast() {
    let estimator = estimator(
      .kbps(600), acknowledged: .kbps(500), Array(repeating: all, count: 4))
    #expect(estimator.estimate == .kbps(500))
  }

  /// 100 kbps over what exceeds 5 %: 222 kbps at a half.
  @Test func heavyLossBoundsTheEstimateAtOnce() {
    let estimator = estimator(
      .kbps(2_500), delayBased: .kbps(5_000), Array(repeating: half, count: 3))
    #expect(estimator.state == .decreasing)
    #expect(estimator.estimate! <= .kbps(223) && estimator.estimate! > .kbps(180))
  }

  @Test func averagesLeaveTheBestAndTheWorstOut() {
    let estimator = estimator(
      .kbps(600), delayBased: .kbps(600), [received, half, received, received, received])
    #expect(estimator.lossObservations.averageLoss == 0)
  }

  @Test func aPacketThatComesLateWasNotLost() {
    var observations = LossObservations()
    let packets = (0..<3).map {
      SentPacket(
        sequenceNumber: Int64($0), size: .bytes(1_000), sentAt: .milliseconds(150 * $0))
    }
    _ = observations.add([PacketResult(sent: packets[0], arrival: nil)])
    _ = observations.add([
      PacketResult(sent: packets[0], arrival: .milliseconds(100)),
      PacketResult(sent: packets[1], arrival: .milliseconds(300)),
      PacketResult(sent: packets[2], arrival: .milliseconds(400)),
    ])
    #expect(observations.count == 1 && observations.averageLoss == 0)
  }

  @Test func afterLossTheEstimateIsHeldAndThenGrowsWithPadding() {
    var estimator = LossBasedBandwidthEstimator()
    var source = LossFeedback()
    estimator.setRange(minimum: .kbps(10), maximum: .kbps(1_000_000))
    estimator.setEstimate(.kbps(2_500))
    estimator.setAcknowledged(.kbps(200))
    for index in 0..<3 {
      estimator.update(
        source.packets(half, from: LossFeedback.at(2 * index)), delayBased: .kbps(5_000),
        isInALR: false)
    }
    #expect(estimator.state == .decreasing)
    let low = estimator.estimate!
    var states: [LossBasedBandwidthEstimator.State] = []
    for index in 3..<60 {
      estimator.setAcknowledged(estimator.estimate!)
      estimator.update(
        source.packets(received, from: LossFeedback.at(2 * index)), delayBased: .kbps(5_000),
        isInALR: false)
      states.append(estimator.state)
    }
    #expect(states.contains(.increasingWithPadding))
    #expect(states.last == .delayBased && estimator.estimate == .kbps(5_000))
    #expect(low < .kbps(300))
  }

  @Test func theEstimateIsNoHigherThanTheMaximum() {
    var estimator = LossBasedBandwidthEstimator()
    var source = LossFeedback()
    estimator.setRange(minimum: .kbps(10), maximum: .kbps(1_000))
    for index in 0..<4 {
      estimator.update(
        source.packets(received, from: LossFeedback.at(2 * index)), delayBased: .kbps(2_000),
        isInALR: false)
    }
    #expect(estimator.estimate == .kbps(1_000) && estimator.state == .delayBased)
  }
}

@Suite struct ThroughputTests {
  /// Packets of 1,000 bytes that leave and arrive at set rates, in bytes a second.
  private struct Source {
    var sent = Instant.milliseconds(100_000)
    var arrived = Instant.milliseconds(10_000)
    var number: Int64 = 100

    mutating func packets(_ count: Int, sent sendRate: Int64, arrived arrivalRate: Int64)
      -> [PacketResult]
    {
      (0..<count).map { _ in
        let packet = SentPacket(sequenceNumber: number, size: .bytes(1_000), sentAt: sent)
        number += 1
        sent += DataSize.bytes(1_000) / Bitrate(bitsPerSecond: 8 * sendRate)
        arrived += DataSize.bytes(1_000) / Bitrate(bitsPerSecond: 8 * arrivalRate)
        return PacketResult(sent: packet, arrival: arrived)
      }
    }
  }

  private func expect(_ rate: Bitrate?, bytes: Double, within share: Double = 0.0001) {
    #expect(rate.map { abs(Double($0.bitsPerSecond) / 8 / bytes - 1) <= share } ?? false)
  }

  @Test func tenPacketsAreEnough() {
    var source = Source()
    var estimator = RobustThroughputEstimator()
    estimator.add(source.packets(9, sent: 100_000, arrived: 100_000))
    #expect(estimator.bitrate == nil)
    estimator.add(source.packets(1, sent: 100_000, arrived: 100_000))
    expect(estimator.bitrate, bytes: 100_000)
  }

  @Test func itFollowsChanges() {
    var source = Source()
    var estimator = RobustThroughputEstimator()
    for rate in [100_000, 200_000, 50_000] as [Int64] {
      for _ in 0..<3 {
        for _ in 0..<rate / 10_000 {
          estimator.add(source.packets(10, sent: rate, arrived: rate))
        }
      }
      expect(estimator.bitrate, bytes: Double(rate))
    }
  }

  @Test(arguments: [(100_000, 25_000), (50_000, 100_000)] as [(Int64, Int64)])
  func theLesserRateCounts(sent: Int64, arrived: Int64) {
    var source = Source()
    var estimator = RobustThroughputEstimator()
    estimator.add(source.packets(20, sent: sent, arrived: arrived))
    expect(estimator.bitrate, bytes: Double(min(sent, arrived)), within: 0.05)
  }

  @Test func halfLostIsHalfTheRate() {
    var source = Source()
    var estimator = RobustThroughputEstimator()
    let all = source.packets(20, sent: 100_000, arrived: 100_000)
    estimator.add(all.enumerated().filter { $0.offset % 2 == 0 }.map(\.element))
    expect(estimator.bitrate, bytes: 50_000, within: 0.05)
  }

  @Test func feedbackMayBeOutOfOrder() {
    var source = Source()
    var estimator = RobustThroughputEstimator()
    estimator.add(source.packets(20, sent: 100_000, arrived: 100_000))
    let late = source.packets(10, sent: 100_000, arrived: 100_000)
    estimator.add(source.packets(10, sent: 100_000, arrived: 100_000))
    #expect(estimator.bitrate! < Bitrate(bitsPerSecond: 800_000))
    estimator.add(late)
    expect(estimator.bitrate, bytes: 100_000)
  }

  @Test func aReceiverWhoseClockIsSetBackStartsAnew() {
    var source = Source()
    var estimator = RobustThroughputEstimator()
    estimator.add(source.packets(20, sent: 100_000, arrived: 100_000))
    source.arrived = source.arrived - .seconds(2)
    estimator.add(source.packets(9, sent: 100_000, arrived: 100_000))
    #expect(estimator.bitrate == nil)
    estimator.add(source.packets(11, sent: 100_000, arrived: 100_000))
    expect(estimator.bitrate, bytes: 100_000)
  }
}

@Suite struct ALRTests {
  private struct Traffic {
    var detector = ALRDetector()
    var milliseconds = 1_000

    init() { detector.setEstimate(.kbps(300)) }

    mutating func run(_ span: Int, percent: Int) {
      for _ in 0..<span / 10 {
        milliseconds += 10
        detector.sent(
          .bytes(300_000 * percent * 10 / (8 * 100 * 1_000)), at: .milliseconds(milliseconds))
      }
    }
  }

  @Test func itStartsWithLittleAndEndsWithMuch() {
    var traffic = Traffic()
    traffic.run(1_000, percent: 90)
    #expect(traffic.detector.start == nil)
    traffic.run(1_500, percent: 20)
    #expect(traffic.detector.start != nil)
    traffic.run(4_000, percent: 100)
    #expect(traffic.detector.start == nil)
  }

  @Test func aSpikeDoesNotEndIt() {
    var traffic = Traffic()
    traffic.run(1_000, percent: 20)
    #expect(traffic.detector.start != nil)
    traffic.run(100, percent: 150)
    #expect(traffic.detector.start != nil)
    traffic.run(3_000, percent: 100)
    #expect(traffic.detector.start == nil)
  }

  @Test func aLowerEstimateEndsItALittleLater() {
    var traffic = Traffic()
    traffic.run(1_000, percent: 20)
    traffic.detector.setEstimate(.kbps(60))
    #expect(traffic.detector.start != nil)
    traffic.run(1_000, percent: 50)
    #expect(traffic.detector.start == nil)
  }
}
