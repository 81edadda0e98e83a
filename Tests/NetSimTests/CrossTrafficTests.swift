// Cross traffic against what is known of TCP: the response functions, fairness, and a full queue.
import Basics
import Testing

@testable import NetSim

/// TCP flows over one link, each between two hosts of its own.
private struct Dumbbell {
  let simulator: Simulator
  let link: LinkID
  private(set) var sources: [TCPSource] = []
  private(set) var sinks: [TCPSink] = []
  private var hosts: [HostID] = []

  init(_ configuration: LinkConfiguration, seed: UInt64 = 1) {
    simulator = Simulator(seed: seed)
    link = simulator.addLink(name: "bottleneck", configuration)
  }

  mutating func add(
    _ demand: TCPSource.Demand = .unlimited, _ control: TCPCongestionControl = .newReno,
    delay: Duration, buffer: Int = 4_194_304
  ) {
    let number = sources.count
    let near = IPAddress(v4: 10 << 24 | UInt32(number * 2 + 1))
    let far = IPAddress(v4: 10 << 24 | UInt32(number * 2 + 2))
    let path = Path(local: Address(near, port: 1), remote: Address(far, port: 2))
    let source = TCPSource(
      demand, control: control, on: path,
      random: RandomStream(seed: simulator.seed, name: "flow/\(number)"))
    let sink = TCPSink(buffer: buffer, on: path.reversed)
    let a = simulator.addHost(name: "a\(number)", interfaces: [Interface(name: "e", ip: near)])
    let b = simulator.addHost(name: "b\(number)", interfaces: [Interface(name: "e", ip: far)])
    let access = simulator.addLink(name: "access\(number)", LinkConfiguration(delay: delay))
    let back = simulator.addLink(name: "back\(number)", LinkConfiguration(delay: delay))
    simulator.setUplinks(of: a, interface: "e", [access, link])
    simulator.setUplinks(of: b, interface: "e", [back])
    simulator.attach(source, to: a)
    simulator.attach(sink, to: b)
    sources.append(source)
    sinks.append(sink)
    hosts.append(a)
  }

  func start(_ number: Int) {
    _ = simulator.withNode(on: hosts[number]) { node, now, outbox in
      (node as? TCPSource)?.start(at: now, into: &outbox)
    }
  }

  func run(seconds: Double) {
    for number in sources.indices { start(number) }
    simulator.run(until: .seconds(seconds))
  }

  /// Mean segments a round trip, by what arrived in order.
  func window(_ number: Int, roundTrip: Double, seconds: Double) -> Double {
    Double(sinks[number].delivered) / Double(CrossTrafficSegment.maximumSize) / seconds * roundTrip
  }
}

@Suite struct CrossTrafficTests {
  @Test(arguments: [0.001, 0.01])
  func newRenoFollowsTheInverseSquareRootOfLoss(_ loss: Double) {
    var network = Dumbbell(LinkConfiguration(loss: .bernoulli(loss)))
    network.add(delay: .milliseconds(50))
    network.run(seconds: 300)
    // Mathis et al., 1997: 0.87 segments over the root of p with delayed acknowledgments, 1.22
    // without; timeouts take some of it at 1 %.
    let window = network.window(0, roundTrip: 0.1, seconds: 300)
    #expect((0.6...1.25).contains(window * loss.squareRoot()))
  }

  @Test func cubicFollowsItsResponseFunction() {
    var network = Dumbbell(LinkConfiguration(loss: .bernoulli(0.001)))
    network.add(.unlimited, .cubic, delay: .milliseconds(200))
    network.run(seconds: 400)
    // RFC 9438 §5.1 at 400 ms and 0.1 %: 1.054 × 0.4^0.75 / 0.001^0.75 = 94 segments; a Reno flow
    // has 38.
    let window = network.window(0, roundTrip: 0.4, seconds: 400)
    #expect((66...120).contains(window))
  }

  @Test(arguments: TCPCongestionControl.allCases)
  func fillsAQueueOf300Milliseconds(_ control: TCPCongestionControl) {
    var network = Dumbbell(LinkConfiguration(rate: .kbps(2_000)))
    network.add(.unlimited, control, delay: .milliseconds(25))
    network.run(seconds: 60)
    let statistics = network.simulator.statistics(of: network.link)
    #expect(statistics.maximumQueueDelay > .milliseconds(280))
    #expect(statistics.maximumQueueDelay <= .milliseconds(306))
    #expect(statistics.deliveredBytes * 8 > 2_000_000 * 57)
    #expect(network.sources[0].statistics.fastRecoveries > 3)
  }

  @Test(arguments: TCPCongestionControl.allCases)
  func twoFlowsShareALink(_ control: TCPCongestionControl) {
    var network = Dumbbell(LinkConfiguration(rate: .kbps(4_000)))
    for _ in 0..<2 { network.add(.unlimited, control, delay: .milliseconds(25)) }
    network.start(0)
    network.simulator.run(until: .seconds(10))
    let before = network.sinks[0].delivered
    network.start(1)
    network.simulator.run(until: .seconds(130))
    let a = Double(network.sinks[0].delivered - before)
    let b = Double(network.sinks[1].delivered)
    let jain = (a + b) * (a + b) / (2 * (a * a + b * b))
    #expect(jain > 0.95)
    #expect((a + b) * 8 > 0.9 * 4_000_000 * 120)
  }

  @Test func theReceiversWindowLimits() {
    var network = Dumbbell(LinkConfiguration())
    network.add(delay: .milliseconds(50), buffer: 15_000)
    network.run(seconds: 10)
    let window = network.window(0, roundTrip: 0.1, seconds: 10)
    #expect((9...10.1).contains(window))
  }

  @Test func comesBackFromABlackoutBySlowStart() {
    var network = Dumbbell(LinkConfiguration(rate: .kbps(2_000)))
    network.add(delay: .milliseconds(25))
    network.run(seconds: 20)
    network.simulator.configure(network.link) { $0.isBlackedOut = true }
    network.simulator.run(until: .seconds(25))
    let during = network.sources[0].statistics
    #expect(during.timeouts >= 3)
    network.simulator.configure(network.link) { $0.isBlackedOut = false }
    let before = network.sinks[0].delivered
    network.simulator.run(until: .seconds(45))
    #expect((network.sinks[0].delivered - before) * 8 > 2_000_000 * 10)
  }

  @Test func everyByteArrivesOnceThroughLossAndReordering() {
    var network = Dumbbell(
      LinkConfiguration(
        rate: .kbps(5_000), loss: .bernoulli(0.02),
        reordering: Reordering(probability: 0.02, extraDelay: .milliseconds(20))))
    let size = 200_000
    network.add(
      .downloads(size: size...size, pause: .seconds(2), startsOn: true),
      delay: .milliseconds(20))
    network.run(seconds: 60)
    let downloads = network.sources[0].statistics.downloads
    #expect(downloads > 8)
    #expect(network.sinks[0].delivered >= downloads * size)
    #expect(network.sinks[0].delivered < (downloads + 1) * size)
  }

  @Test func downloadsPauseAndHaveTheirSize() {
    var network = Dumbbell(LinkConfiguration(rate: .kbps(2_000)))
    let demand = TCPSource.Demand.downloads(
      size: 30_000...50_000, pause: .seconds(10), startsOn: false)
    for _ in 0..<10 { network.add(demand, delay: .milliseconds(25)) }
    network.run(seconds: 300)
    let downloads = network.sources.reduce(0) { $0 + $1.statistics.downloads }
    let bytes = network.sinks.reduce(0) { $0 + $1.delivered }
    // A pause of 10 s and a download of some 0.4 s: about 29 each.
    #expect((230...350).contains(downloads))
    #expect((35_000...45_000).contains(bytes / downloads))
  }

  @Test func stopsWhereItIs() {
    var network = Dumbbell(LinkConfiguration(rate: .kbps(2_000)))
    network.add(delay: .milliseconds(25))
    network.run(seconds: 5)
    network.sources[0].stop()
    network.simulator.run(until: .seconds(6))
    let delivered = network.sinks[0].delivered
    network.simulator.run(until: .seconds(60))
    #expect(network.sinks[0].delivered == delivered)
  }

  @Test func constantRateIsConstantAndFollowsChanges() {
    let pair = Pair()
    let source = UDPSource(
      .init(rate: .kbps(3_000)), on: pair.path, random: RandomStream(seed: 1, name: "udp"))
    let sink = UDPSink()
    pair.simulator.attach(source, to: pair.hostA)
    pair.simulator.attach(sink, to: pair.hostB)
    _ = pair.simulator.withNode(on: pair.hostA) { _, now, _ in source.start(at: now) }
    pair.simulator.run(until: .seconds(10))
    _ = pair.simulator.withNode(on: pair.hostA) { _, now, _ in
      source.setRate(.kbps(1_500), at: now)
    }
    pair.simulator.run(until: .seconds(20))
    let halves = [sink.received.bytes.prefix(50), sink.received.bytes.dropFirst(50).prefix(50)]
      .map { $0.reduce(0, +) * 8 / 10 }
    #expect(abs(halves[0] - 3_000_000) < 3_000)
    #expect(abs(halves[1] - 1_500_000) < 3_000)
    #expect(pair.statistics.enteredBytes % 1_500 == 0)
  }

  @Test func burstsAndSilencesHaveTheirMeans() {
    let pair = Pair()
    let source = UDPSource(
      .init(rate: .kbps(1_000), bursts: (on: .seconds(2), off: .seconds(6))), on: pair.path,
      random: RandomStream(seed: 3, name: "udp"))
    let sink = UDPSink()
    pair.simulator.attach(source, to: pair.hostA)
    pair.simulator.attach(sink, to: pair.hostB)
    _ = pair.simulator.withNode(on: pair.hostA) { _, now, _ in source.start(at: now) }
    pair.simulator.run(until: .seconds(2_000))
    let rate = Double(sink.received.total) * 8 / 2_000
    #expect((200_000...300_000).contains(rate))
  }
}
