// Probes against the published expectations of libwebrtc's probe_controller_unittest.cc,
// probe_bitrate_estimator_unittest.cc and bitrate_prober_unittest.cc.

import Basics
import Testing

@testable import Congestion

private let start = Bitrate(bitsPerSecond: 300)
private let maximum = Bitrate(bitsPerSecond: 10_000)
private let epoch = Instant.milliseconds(100_000)

private func bps(_ value: Int64) -> Bitrate { Bitrate(bitsPerSecond: value) }

@Suite struct ProbeControllerTests {
  private func started() -> (ProbeController, [ProbeCluster]) {
    var controller = ProbeController(at: epoch)
    controller.probesStagnation = false
    _ = controller.setNetworkAvailable(true, at: epoch)
    let probes = controller.setBitrates(start: start, maximum: maximum, at: epoch)
    return (controller, probes)
  }

  /// The state after the first probes have timed out with this estimate.
  private func settled(at estimate: Bitrate) -> (ProbeController, Instant) {
    var (controller, _) = started()
    _ = controller.setEstimate(estimate, limitedBy: .delay, at: epoch)
    let now = epoch + .seconds(5)
    #expect(controller.process(at: now).isEmpty)
    return (controller, now)
  }

  @Test func theFirstProbesAreThreeAndSixTimesTheStart() {
    let (_, probes) = started()
    #expect(probes.map(\.rate) == [bps(900), bps(1_800)])
    #expect(probes[0].duration == .milliseconds(15) && probes[0].minimumPackets == 5)
  }

  @Test func probesWaitForTheNetwork() {
    var controller = ProbeController(at: epoch)
    #expect(controller.setBitrates(start: start, maximum: maximum, at: epoch).isEmpty)
    #expect(controller.setNetworkAvailable(true, at: epoch).count == 2)
  }

  @Test func aHigherMaximumIsProbedFor() {
    var (controller, now) = settled(at: start)
    let probes = controller.setBitrates(start: start, maximum: bps(10_100), at: now)
    #expect(probes.map(\.rate) == [bps(10_100)])
  }

  /// 0.7 of six times the start is 1,260.
  @Test func probingGoesOnWhileItSucceeds() {
    var (controller, _) = started()
    #expect(controller.setEstimate(bps(1_000), limitedBy: .delay, at: epoch).isEmpty)
    let probes = controller.setEstimate(bps(1_800), limitedBy: .delay, at: epoch)
    #expect(probes.map(\.rate) == [bps(3_600)])
  }

  @Test func noResultEndsTheFirstProbing() {
    var (controller, _) = started()
    #expect(controller.process(at: epoch + .seconds(5)).isEmpty)
    #expect(
      controller.setEstimate(bps(1_800), limitedBy: .delay, at: epoch + .seconds(5)).isEmpty)
  }

  @Test func whatCouldBeSentBoundsFurtherProbes() {
    var (controller, _) = started()
    #expect(controller.setAllocated(start, at: epoch).isEmpty)
    let probes = controller.setEstimate(bps(1_800), limitedBy: .delay, at: epoch)
    #expect(probes.map(\.rate) == [bps(600)])
  }

  @Test func moreToSendIsProbedForInALROnly() {
    var (controller, now) = settled(at: bps(9_999))
    controller.alrStart = now
    let probes = controller.setAllocated(bps(10_001), at: now)
    #expect(probes.count == 2 && probes[0].rate == maximum)
    controller.alrStart = nil
    #expect(controller.setAllocated(bps(10_002), at: now).isEmpty)
  }

  @Test func allocationProbesStayBelowTwiceTheEstimate() {
    var (controller, now) = settled(at: start)
    controller.alrStart = now
    #expect(controller.setAllocated(maximum, at: now).map(\.rate) == [bps(600)])
    let further = controller.setEstimate(bps(450), limitedBy: .delay, at: now)
    #expect(further.count == 1 && further[0].rate > bps(450))
  }

  @Test func initialProbingIsRepeatedUntilTheAllocationIsKnown() {
    var controller = ProbeController(at: epoch)
    controller.probesStagnation = false
    controller.repeatsInitialProbing = true
    _ = controller.setNetworkAvailable(true, at: epoch)
    _ = controller.setBitrates(start: start, maximum: maximum, at: epoch)
    var moments: [Duration] = []
    for step in 1...60 {
      let now = epoch + .milliseconds(100) * step
      guard let probe = controller.process(at: now).first else { continue }
      moments.append(now - epoch)
      #expect(probe.duration == .milliseconds(100) && probe.minimumDelta == .milliseconds(20))
    }
    #expect(moments == [1_100, 2_200, 3_300, 4_400].map { .milliseconds($0) })
  }

  @Test func aRecoveryIsProbedForInALR() {
    var (controller, _) = started()
    controller.probesPeriodicallyInALR = false
    _ = controller.setEstimate(bps(500), limitedBy: .delay, at: epoch)
    controller.alrStart = epoch
    let now = epoch + .milliseconds(5_001)
    _ = controller.process(at: now)
    _ = controller.setEstimate(bps(250), limitedBy: .delay, at: now)
    #expect(controller.recovered(at: now).map(\.rate) == [bps(425)])
  }

  @Test(arguments: [(2_999, true), (3_001, false)])
  func aRecoveryIsProbedForSoonAfterALR(milliseconds: Int, isProbed: Bool) {
    var (controller, _) = started()
    _ = controller.setEstimate(bps(500), limitedBy: .delay, at: epoch)
    let now = epoch + .milliseconds(5_001)
    _ = controller.process(at: now)
    _ = controller.setEstimate(bps(250), limitedBy: .delay, at: now)
    controller.alrEnd = now
    #expect(controller.recovered(at: now + .milliseconds(milliseconds)).isEmpty == !isProbed)
  }

  @Test func anOldDropIsForgotten() {
    var (controller, _) = started()
    _ = controller.setEstimate(bps(500), limitedBy: .delay, at: epoch)
    controller.alrStart = epoch
    let now = epoch + .milliseconds(5_001)
    _ = controller.process(at: now)
    _ = controller.setEstimate(bps(250), limitedBy: .delay, at: now)
    #expect(controller.recovered(at: now + .milliseconds(5_001)).isEmpty)
  }

  @Test func anApplicationLimitedPathIsProbedEveryFiveSeconds() {
    var (controller, _) = started()
    _ = controller.setEstimate(bps(500), limitedBy: .delay, at: epoch)
    controller.alrStart = epoch
    #expect(controller.process(at: epoch + .seconds(5)).map(\.rate) == [bps(1_000)])
    _ = controller.setEstimate(bps(500), limitedBy: .delay, at: epoch + .seconds(5))
    #expect(controller.process(at: epoch + .seconds(9)).isEmpty)
    #expect(controller.process(at: epoch + .seconds(10)).count == 1)
  }

  @Test(arguments: [BandwidthLimit.loss, .delayIncreased, .roundTrip])
  func noProbesWhileTheyWouldDoHarm(limit: BandwidthLimit) {
    var (controller, now) = settled(at: bps(500))
    controller.alrStart = epoch
    _ = controller.setEstimate(bps(500), limitedBy: limit, at: now)
    #expect(controller.process(at: now + .seconds(5)).isEmpty)
  }

  @Test func lossThatLessensAllowsHalfAsMuchAgain() {
    var (controller, now) = settled(at: bps(500))
    controller.alrStart = epoch
    _ = controller.setEstimate(bps(500), limitedBy: .lossIncreasing, at: now)
    #expect(controller.process(at: now + .seconds(5)).map(\.rate) == [bps(750)])
  }

  /// On a path that carries no more than the estimate, a trial queues 50 ms at most; it lasts no longer
  /// than 200 ms.
  @Test(arguments: [(500, 450, 200), (500, 250, 50), (5_000, 250, 15)])
  func aTrialLastsAsLongAsItDoesNoHarm(rate: Int64, estimate: Int64, milliseconds: Double) {
    var (controller, now) = settled(at: bps(estimate))
    let probes = controller.request(bps(rate), isCongested: false, at: now)
    #expect(probes.map(\.duration) == [.milliseconds(milliseconds)])
  }

  @Test func whatIsAskedForIsTriedUnlessAQueueStands() {
    var (controller, now) = settled(at: bps(500))
    _ = controller.setEstimate(bps(500), limitedBy: .delayIncreased, at: now)
    let intoQueue = controller.request(bps(900), isCongested: true, at: now)
    #expect(intoQueue.isEmpty)
    let probes = controller.request(bps(900), isCongested: false, at: now)
    #expect(probes.map(\.rate) == [bps(900)] && probes[0].mark.isTrial)
    let belowTarget = controller.request(bps(400), isCongested: false, at: now)
    #expect(belowTarget.isEmpty)
    _ = controller.setEstimate(bps(500), limitedBy: .loss, at: now)
    let intoLoss = controller.request(bps(900), isCongested: false, at: now)
    #expect(intoLoss.isEmpty)
  }

  @Test func aStagnantEstimateIsTriedWithProbesThatMustPass() {
    var (controller, now) = settled(at: bps(500))
    controller.probesStagnation = true
    let probes = controller.process(at: now + .seconds(3))
    #expect(probes.map(\.rate) == [bps(750)] && probes[0].mustPass)
    let next = controller.setEstimate(bps(750), limitedBy: .delay, at: now + .seconds(3))
    #expect(next.map(\.rate) == [bps(1_125)] && next[0].mustPass)
  }

  @Test func whatIsKnownToBeFullIsNotTried() {
    var (controller, now) = settled(at: bps(500))
    controller.probesStagnation = true
    now += .seconds(3)
    controller.standingQueue = .milliseconds(10)
    #expect(controller.process(at: now).isEmpty)
    controller.standingQueue = .zero
    controller.knownCapacity = bps(520)
    #expect(controller.process(at: now).isEmpty)
    controller.knownCapacity = bps(510)
    #expect(controller.process(at: now).map(\.rate) == [bps(750)])
  }
}

@Suite struct ProbeEstimateTests {
  private struct Packet {
    var cluster = 0
    var size: Int
    var sent: Int
    var arrived: Int
  }

  private func estimate(
    _ packets: [Packet], packetsWanted: Int = 5, bytesWanted: Int = 5_000, mustPass: Bool = false
  ) -> Bitrate? {
    var estimator = ProbeBitrateEstimator()
    var last: Bitrate?
    for packet in packets {
      let sent = SentPacket(
        sequenceNumber: 0, size: .bytes(packet.size), sentAt: .milliseconds(packet.sent),
        probe: ProbeMark(
          id: packet.cluster, minimumPackets: packetsWanted,
          minimumSize: .bytes(bytesWanted), mustPass: mustPass))
      last = estimator.add(PacketResult(sent: sent, arrival: .milliseconds(packet.arrived)))
    }
    return last
  }

  private func packets(_ values: [(Int, Int, Int)], cluster: Int = 0) -> [Packet] {
    values.map { Packet(cluster: cluster, size: $0.0, sent: $0.1, arrived: $0.2) }
  }

  private func expect(_ estimate: Bitrate?, _ bps: Double) {
    #expect(estimate.map { abs(Double($0.bitsPerSecond) - bps) <= 10 } ?? false)
  }

  @Test func fourOfFiveWillDo() {
    expect(
      estimate(packets([(1_000, 0, 10), (1_000, 10, 20), (1_000, 20, 30), (1_000, 30, 40)])),
      800_000)
    #expect(
      estimate(packets([(2_000, 0, 10), (2_000, 10, 20), (2_000, 20, 30)])) == nil)
  }

  @Test func fourFifthsOfTheBytesWillDo() {
    let five = (0..<5).map { (800, 10 * $0, 10 * $0 + 10) }
    #expect(estimate(packets(five), bytesWanted: 6_000) == nil)
    let six = (0..<6).map { (150, 10 * $0, 10 * $0 + 10) }
    expect(estimate(packets(six), bytesWanted: 1_000), 120_000)
  }

  @Test func aLargeCluster() {
    let large = (0..<25).map { (12_500, $0, $0 + 5) }
    expect(
      estimate(packets(large), packetsWanted: 30, bytesWanted: 312_500), 100_000_000)
  }

  @Test func arrivalMayBeALittleFasterButNotTwice() {
    expect(
      estimate(packets([(1_000, 0, 15), (1_000, 10, 30), (1_000, 20, 35), (1_000, 30, 40)])),
      800_000)
    #expect(
      estimate(packets([(1_000, 0, 19), (1_000, 10, 22), (1_000, 20, 25), (1_000, 40, 27)]))
        == nil)
    #expect(
      estimate(packets([(1_000, 0, 50), (1_000, 10, 50), (1_000, 20, 50), (1_000, 40, 50)]))
        == nil)
  }

  @Test func slowArrivalIsTheCapacity() {
    let slow = packets([(1_000, 0, 10), (1_000, 10, 40), (1_000, 20, 70), (1_000, 30, 85)])
    expect(estimate(slow), 0.95 * 320_000)
    #expect(estimate(slow, mustPass: true) == nil)
  }

  @Test func theLastSentAndTheFirstArrivedCountForNothing() {
    expect(
      estimate(
        packets([
          (1_000, 0, 10), (1_000, 10, 20), (1_000, 20, 30), (1_000, 30, 40), (1_500, 40, 50),
        ])), 800_000)
    expect(
      estimate(packets([(1_500, 0, 10), (1_000, 10, 20), (1_000, 20, 30), (1_000, 30, 40)])),
      0.95 * 800_000)
  }

  @Test func clustersAreApart() {
    let first = packets([(1_000, 0, 10), (1_000, 10, 20), (1_000, 20, 30)])
    let second = packets(
      [(1_000, 60, 70), (1_000, 65, 77), (1_000, 70, 84), (1_000, 75, 90)], cluster: 1)
    expect(estimate(first + second), 0.95 * 1_200_000)
    let late = packets([(1_000, 6_040, 6_060)])
    #expect(estimate(first + second + late) == nil)
  }
}

@Suite struct ProberTests {
  private func cluster(_ kbps: Int64, id: Int = 1, at now: Instant = .zero) -> ProbeCluster {
    ProbeCluster(id: id, rate: .kbps(kbps), requestedAt: now)
  }

  @Test func aProbeWaitsForAPacketLargeEnough() {
    var prober = BitrateProber()
    prober.add(cluster(1_000))
    #expect(prober.nextTime(at: .zero) == nil)
    prober.packetComes(.bytes(199))
    #expect(!prober.isActive)
    prober.packetComes(.bytes(200))
    #expect(prober.nextTime(at: .milliseconds(3)) == .milliseconds(3))
  }

  /// 900 kbps in bursts of 1,000 bytes: one each 8.9 ms, five at least, of 15 ms at least.
  @Test func burstsKeepTheRate() {
    var prober = BitrateProber()
    prober.add(cluster(900))
    prober.packetComes(.bytes(1_000))
    var now = Instant.zero
    var bursts = 0
    while let next = prober.nextTime(at: now) {
      now = next
      guard prober.mark(at: now) != nil else { break }
      prober.burstSent(.bytes(1_000), at: now)
      bursts += 1
    }
    #expect(bursts == 5)
    #expect(now - .zero == DataSize.bytes(4_000) / Bitrate.kbps(900))
  }

  @Test func aLateProbeIsGivenUp() {
    var prober = BitrateProber()
    prober.add(cluster(900))
    prober.add(cluster(1_800, id: 2))
    prober.packetComes(.bytes(1_000))
    #expect(prober.mark(at: .zero)?.id == 1)
    prober.burstSent(.bytes(1_000), at: .zero)
    #expect(prober.mark(at: .milliseconds(30))?.id == 2)
  }

  @Test func oldProbesAreDropped() {
    var prober = BitrateProber()
    prober.add(cluster(900))
    prober.add(cluster(1_800, id: 2, at: .milliseconds(5_001)))
    prober.packetComes(.bytes(1_000))
    #expect(prober.mark(at: .milliseconds(5_001))?.id == 2)
  }
}
