// What only the whole loop shows, on RFC 8867's path: 50 ms one way and a queue of 300 ms.

import Basics
import NetSim
import Testing

@testable import Congestion

@Suite struct FlowTests {
  private func link(_ kbps: Int64, loss: Double = 0) -> LinkConfiguration {
    LinkConfiguration(
      rate: .kbps(kbps), delay: .milliseconds(50), queue: .time(.milliseconds(300)),
      loss: loss > 0 ? .bernoulli(loss) : .none)
  }

  /// RFC 8867 §5.1: 1, 2.5, 0.6 and 1 Mbps at 0, 40, 60 and 80 s, against what Chromium 156
  /// reached.
  @Test func variableCapacity() {
    let flow = Flow(link(1_000))
    flow.run(until: 40)
    flow.setRate(.kbps(2_500))
    flow.run(until: 60)
    flow.setRate(.kbps(600))
    flow.run(until: 80)
    flow.setRate(.kbps(1_000))
    flow.run(until: 99)
    // The source's 1,500 kbps, its sound and their headers.
    let phases = [
      (5.0, 40.0, 1_000.0, 0.86, 65.0), (45, 60, 1_564, 0.97, 24), (65, 80, 600, 0.8, 137),
      (85, 99, 1_000, 0.77, 80),
    ]
    for (from, to, capacity, utilization, queue) in phases {
      #expect(flow.rate(from, to).kbps / capacity > utilization)
      #expect(flow.queue(from, to) < queue)
    }
    #expect(flow.rate(62, 64).kbps <= 610)
  }

  /// What was learnt of a wide path is nothing to start with on a narrow one.
  @Test func anotherNetworkBeginsAnew() {
    var sender = PacedSender<Int>(CongestionConfiguration(), firstNumber: 1, at: .zero)
    sender.networkRouteChanged(at: .zero)
    #expect(!sender.controller.isMeasured, "nothing was sent, so there is nothing to forget")
    var controller = CongestionController(CongestionConfiguration(), at: .zero)
    controller.setAllocated(maximum: .kbps(5_000), at: .zero)
    controller.begin(at: .zero)
    _ = controller.takeProbes()
    // A packet of 1,250 bytes a millisecond, 10 Mbps, on a path that lets all through in 20 ms.
    var now = Instant.zero
    func send(_ numbers: Range<Int64>) -> ArrivalFeedback {
      var feedback = ArrivalFeedback()
      for number in numbers {
        now += .milliseconds(1)
        controller.sent(SentPacket(sequenceNumber: number, size: .bytes(1_250), sentAt: now))
        feedback.entries.append(.init(sequenceNumber: number, arrival: now + .milliseconds(20)))
      }
      return feedback
    }
    for round in Int64(0)..<200 {
      let feedback = send(round * 50..<(round + 1) * 50)
      controller.received(feedback, at: now + .milliseconds(40))
    }
    #expect(controller.target > .kbps(500))
    let late = send(10_000..<10_050)
    let revision = controller.revision
    controller.networkRouteChanged(at: now)
    #expect(controller.target == .kbps(300), "libwebrtc's start")
    #expect(controller.revision > revision && controller.acknowledged == nil)
    #expect(controller.isMeasured, "the start is one to go by")
    #expect(controller.takeProbes().map(\.rate) == [.kbps(900), .kbps(1_800)])
    controller.received(late, at: now + .milliseconds(40))
    #expect(controller.target == .kbps(300), "feedback on the last network says nothing")
  }

  @Test(arguments: [(0.01, 1_000), (0.05, 1_000), (0.1, 1_000)] as [(Double, Int64)])
  func randomLossIsNoCongestion(loss: Double, kbps: Int64) {
    let flow = Flow(link(kbps, loss: loss))
    flow.run(until: 40)
    #expect(flow.rate(10, 40).kbps > 0.78 * Double(kbps) * (1 - loss))
  }

  @Test func aStillSourceIsProbedWithPaddingOnly() {
    var source = FlowSource()
    source.maximum = .kbps(150)
    let flow = Flow(link(5_000), source: source)
    flow.run(until: 20)
    // Probes up to twice what could be sent, and no padding beside them.
    #expect(flow.sender.paddingBytes < flow.sender.mediaBytes / 20)
    #expect(flow.sender.sender.controller.target > .kbps(300))
  }

  /// Each fault shows in the figures that its verdict looks at.
  @Test func mutantsShow() {
    func flow(_ mutant: CongestionConfiguration.Mutant?) -> Flow {
      var configuration = CongestionConfiguration()
      configuration.mutant = mutant
      let flow = Flow(link(1_000), configuration: configuration)
      flow.run(until: 20)
      return flow
    }
    let sound = flow(nil)
    #expect(flow(.trendlineOff).queue(5, 20) > 2 * sound.queue(5, 20))
    #expect(flow(.probeOff).rate(0, 2).kbps < 0.8 * sound.rate(0, 2).kbps)
    #expect(flow(.endlessPadding).sender.paddingBytes > 2 * sound.sender.paddingBytes)
  }

  @Test func theSameSeedGivesTheSameRun() {
    func hash() -> String {
      let flow = Flow(seed: 7, link(800))
      flow.run(until: 10)
      return flow.simulator.traceHash.hex
    }
    #expect(hash() == hash())
  }

  /// Departures in 6.18 seconds, told back as REMB: the estimate finds a rate that is too high.
  @Test func receiverSide() {
    var estimator = ReceiveSideEstimator()
    var delay = Duration.zero
    var estimates: [Bitrate] = []
    for index in 0..<4_000 {
      let sent = Instant.milliseconds(5 * index)
      // 1.92 Mbps into 1.5 Mbps for the second half.
      if index > 2_000 { delay += .microseconds(1_400) }
      let units = UInt32(truncatingIfNeeded: (sent.nanoseconds << 18) / 1_000_000_000)
      let now = sent + delay
      estimator.received(departure: units & 0xFF_FFFF, size: .bytes(1_200), at: now)
      if let estimate = estimator.estimate(at: now) { estimates.append(estimate) }
    }
    #expect(estimates.count > 20)
    #expect(estimates.last! < .kbps(1_500))
    #expect(estimates.max()! > .kbps(1_900))
  }
}
