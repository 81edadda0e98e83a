// The event loop: attachment, routing, delays, accounting.
import Basics
import Testing

@testable import NetSim

@Suite struct LoopTests {
  @Test func aPacketTakesTransmissionAndPropagationTime() {
    let pair = Pair(there: LinkConfiguration(rate: .kbps(1_000), delay: .milliseconds(30)))
    // 97 + 28 bytes at 1 Mbit/s: 1 ms.
    pair.send(1, size: 97, every: .milliseconds(1))
    #expect(pair.b.arrivals.map(\.time) == [.milliseconds(31)])
    #expect(pair.b.arrivals.first?.path == pair.path.reversed)
    #expect(pair.a.interfaces.map(\.name) == ["eth0"])
    #expect(pair.statistics.deliveredBytes == 125)
    #expect(pair.simulator.pool.inUse == 0)
  }

  @Test func anUnknownDestinationIsCounted() {
    let pair = Pair()
    let nowhere = Path(
      local: pair.path.local, remote: Address(IPAddress(v4: 10, 9, 9, 9), port: 1))
    let stolen = Path(local: nowhere.remote, remote: pair.path.remote)
    pair.a.departures = [nowhere, stolen].map {
      Probe.Departure(time: .zero, path: $0, bytes: [1])
    }
    pair.attach()
    pair.simulator.run(until: .milliseconds(1))
    #expect(pair.simulator.dropped[.noSuchDestination] == 1)
    #expect(pair.simulator.dropped[.noSuchSource] == 1)
    #expect(pair.simulator.packetsSent == 2)
    #expect(pair.simulator.pool.inUse == 0)
  }

  @Test func theSamePathSharesItsQueue() {
    let pair = Pair(there: LinkConfiguration(rate: .kbps(1_000)))
    pair.send(3, size: 97, every: .zero)
    let expected: [Instant] = [.milliseconds(1), .milliseconds(2), .milliseconds(3)]
    #expect(pair.b.arrivals.map(\.time) == expected)
  }
}

@Suite struct TopologyTests {
  private func address(_ last: UInt8, port: UInt16 = 1) -> Address {
    Address(IPAddress(v4: 10, 0, 0, last), port: port)
  }

  /// Hosts 1...count with a probe each.
  private func world(_ count: UInt8, seed: UInt64 = 1) -> (Simulator, [HostID], [Probe]) {
    let simulator = Simulator(seed: seed)
    let hosts = (1...count).map {
      simulator.addHost(
        name: "host\($0)", interfaces: [Interface(name: "eth0", ip: address($0).ip)])
    }
    return (simulator, hosts, hosts.map { _ in Probe() })
  }

  private func attach(_ simulator: Simulator, _ hosts: [HostID], _ probes: [Probe]) {
    for (host, probe) in zip(hosts, probes) { simulator.attach(probe, to: host) }
  }

  private func departure(
    _ from: UInt8, _ to: UInt8, at time: Instant = .zero, size: Int = 97
  ) -> Probe.Departure {
    Probe.Departure(
      time: time, path: Path(local: address(from), remote: address(to)),
      bytes: [UInt8](repeating: from, count: size))
  }

  @Test func aRouteIsUplinksThenCoreThenDownlinks() {
    let (simulator, hosts, probes) = world(2)
    let delays: [Int] = [1, 2, 4, 8]
    let links = delays.map {
      simulator.addLink(name: "l\($0)", LinkConfiguration(delay: .milliseconds($0)))
    }
    simulator.setUplinks(of: hosts[0], interface: "eth0", [links[0], links[1]])
    simulator.setCore([links[2]])
    simulator.setDownlinks(of: hosts[1], interface: "eth0", [links[3]])
    probes[0].departures = [departure(1, 2)]
    probes[1].departures = [departure(2, 1)]
    attach(simulator, hosts, probes)
    simulator.run(until: .seconds(1))
    #expect(probes[1].arrivals.map(\.time) == [.milliseconds(15)])
    #expect(probes[0].arrivals.map(\.time) == [.milliseconds(4)])
    #expect(simulator.statistics(of: links[2]).delivered == 2)
  }

  @Test func anOverrideReplacesTheWholeRoute() {
    let (simulator, hosts, probes) = world(2)
    let slow = simulator.addLink(name: "slow", LinkConfiguration(delay: .milliseconds(500)))
    let quick = simulator.addLink(name: "quick", LinkConfiguration(delay: .milliseconds(5)))
    simulator.setUplinks(of: hosts[0], interface: "eth0", [slow])
    simulator.setRoute(from: address(1).ip, to: address(2).ip, [quick, quick])
    probes[0].departures = [departure(1, 2), departure(1, 2, at: .milliseconds(100))]
    attach(simulator, hosts, probes)
    simulator.run(until: .milliseconds(50))
    simulator.setRoute(from: address(1).ip, to: address(2).ip, nil)
    simulator.run(until: .seconds(1))
    #expect(probes[1].arrivals.map(\.time) == [.milliseconds(10), .milliseconds(600)])
  }

  @Test func twoSendersShareABottleneck() {
    let (simulator, hosts, probes) = world(3)
    let shared = simulator.addLink(name: "shared", LinkConfiguration(rate: .kbps(1_000)))
    simulator.setDownlinks(of: hosts[2], interface: "eth0", [shared])
    probes[0].departures = [departure(1, 3), departure(1, 3)]
    probes[1].departures = [departure(2, 3)]
    attach(simulator, hosts, probes)
    simulator.run(until: .seconds(1))
    // 1 ms each, one after the other.
    #expect(probes[2].arrivals.map(\.time) == [1, 2, 3].map { .milliseconds($0) })
  }

  @Test func ipv6CostsTwentyBytesMore() {
    let simulator = Simulator(seed: 1)
    let link = simulator.addLink(name: "l", LinkConfiguration())
    let ips = [1, 2].map { IPAddress(v6High: 0x2001_0db8 << 32, low: $0) }
    let hosts = ips.map {
      simulator.addHost(name: "\($0)", interfaces: [Interface(name: "eth0", ip: $0)])
    }
    simulator.setUplinks(of: hosts[0], interface: "eth0", [link])
    let probe = Probe()
    let path = Path(local: Address(ips[0], port: 1), remote: Address(ips[1], port: 2))
    probe.departures = [
      Probe.Departure(time: .zero, path: path, bytes: [UInt8](repeating: 0, count: 100))
    ]
    simulator.attach(probe, to: hosts[0])
    simulator.run(until: .seconds(1))
    #expect(simulator.statistics(of: link).deliveredBytes == 148)
    #expect(simulator.dropped[.noNode] == 1)
  }

  @Test func aRemovedInterfaceDropsWhatIsOnItsWay() {
    let pair = Pair(there: LinkConfiguration(delay: .milliseconds(100)))
    pair.send(3, every: .milliseconds(40), until: .milliseconds(110))
    pair.simulator.removeInterface(named: "eth0", from: pair.hostB)
    #expect(pair.b.interfaces.isEmpty)
    pair.simulator.run(until: .seconds(1))
    #expect(pair.received == [0])
    #expect(pair.simulator.dropped[.noSuchDestination] == 2)
    #expect(pair.simulator.pool.inUse == 0)
  }

  @Test func aReplacedInterfaceKeepsItsLinks() {
    let pair = Pair(there: LinkConfiguration(delay: .milliseconds(10)))
    pair.attach()
    let wifi = Interface(name: "wifi", ip: IPAddress(v4: 10, 0, 0, 77), networkCost: 10)
    pair.simulator.replaceInterface(named: "eth0", on: pair.hostA, with: wifi)
    #expect(pair.a.interfaces == [wifi])
    let path = Path(local: Address(wifi.ip, port: 5), remote: pair.path.remote)
    pair.simulator.withNode(on: pair.hostA) { _, _, outbox in
      outbox.send(outbox.pool.makePacket([1]), on: path)
    }
    pair.simulator.run(until: .seconds(1))
    #expect(pair.b.arrivals.map(\.time) == [.milliseconds(10)])
    #expect(pair.b.arrivals.map(\.path) == [path.reversed])
  }

  @Test func aPartitionCutsBothWays() {
    let (simulator, hosts, probes) = world(3)
    probes[0].departures = [departure(1, 2), departure(1, 3)]
    probes[1].departures = [departure(2, 1), departure(2, 1, at: .milliseconds(20))]
    simulator.setPartition(between: hosts[0], and: hosts[1], true)
    attach(simulator, hosts, probes)
    simulator.run(until: .milliseconds(10))
    simulator.setPartition(between: hosts[1], and: hosts[0], false)
    simulator.run(until: .seconds(1))
    #expect(probes[1].arrivals.isEmpty)
    #expect(probes[2].arrivals.count == 1)
    #expect(probes[0].arrivals.map(\.time) == [.milliseconds(20)])
    #expect(simulator.dropped[.partition] == 2)
  }

  @Test func aTimerMovedLaterFiresOnceAndOneMovedEarlierFiresEarly() {
    let simulator = Simulator(seed: 1)
    let host = simulator.addHost(name: "h", interfaces: [])
    let clock = Clock()
    clock.deadlines = [.milliseconds(10), .milliseconds(50), .milliseconds(50)]
    simulator.attach(clock, to: host)
    simulator.withNode(on: host) { _, _, _ in clock.deadlines[0] = .milliseconds(20) }
    simulator.withNode(on: host) { _, _, _ in clock.deadlines[0] = .milliseconds(5) }
    simulator.run(until: .seconds(1))
    #expect(clock.fired == [.milliseconds(5), .milliseconds(50), .milliseconds(50)])
  }

  @Test func aNodeThatSpinsIsTrapped() async {
    await #expect(processExitsWith: .failure) {
      let simulator = Simulator(seed: 1)
      let host = simulator.addHost(name: "h", interfaces: [])
      let clock = Clock()
      clock.deadlines = Array(repeating: .zero, count: 200_000)
      simulator.attach(clock, to: host)
      simulator.run(until: .seconds(1))
    }
  }
}

/// Wants to be called at set times.
private final class Clock: Node {
  var deadlines: [Instant] = []
  var fired: [Instant] = []
  var nextTimeout: Instant? { fired.count < deadlines.count ? deadlines[fired.count] : nil }

  func handleTimeout(at now: Instant, into outbox: inout Outbox) { fired.append(now) }
  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {}
  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}
  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}
}

@Suite struct DeterminismTests {
  /// A run that makes use of every kind of chance.
  private func run(seed: UInt64) -> (hash: String, received: [Int]) {
    let link = LinkConfiguration(
      rate: .kbps(2_000), delay: .milliseconds(20), loss: .gilbertElliott(p: 0.05, r: 0.4),
      jitter: .normal(.milliseconds(5), reorders: true),
      reordering: Reordering(probability: 0.1), duplication: 0.05, corruption: 0.05)
    let pair = Pair(seed: seed, there: link, back: link)
    pair.b.onEvent = { event, _, outbox in
      if case .opened(let id, _, _) = event {
        outbox.send(.accept(id))
        outbox.send(.send(id, [UInt8](repeating: 5, count: 20_000), isText: false))
      }
    }
    pair.attachedOnce()
    let to = pair.path.remote
    pair.simulator.withNode(on: pair.hostA) { _, _, outbox in
      outbox.send(.connect(StreamID(1), to: to, StreamRequest(kind: .webSocket, target: "/")))
    }
    pair.simulator.run(until: .seconds(20))
    #expect(pair.simulator.pool.inUse == 0)
    return (pair.simulator.traceHash.hex, pair.received)
  }

  @Test func theSameSeedGivesTheSameRun() {
    let first = run(seed: 42)
    let second = run(seed: 42)
    #expect(first == second)
    #expect(first.hash != run(seed: 43).hash)
  }

  @Test func aWorldThrownAwayReturnsItsPackets() {
    let pool = PacketPool()
    do {
      let simulator = Simulator(seed: 1, pool: pool)
      let link = simulator.addLink(
        name: "l", LinkConfiguration(rate: .kbps(10), delay: .milliseconds(1_000)))
      let ips = [1, 2].map { IPAddress(v4: 10, 0, 0, $0) }
      let hosts = ips.map {
        simulator.addHost(name: "\($0)", interfaces: [Interface(name: "eth0", ip: $0)])
      }
      simulator.setUplinks(of: hosts[0], interface: "eth0", [link])
      let probe = Probe()
      let path = Path(local: Address(ips[0], port: 1), remote: Address(ips[1], port: 2))
      probe.departures = (0..<5).map {
        Probe.Departure(time: .milliseconds($0), path: path, bytes: [1, 2, 3])
      }
      simulator.attach(probe, to: hosts[0])
      simulator.run(until: .milliseconds(40))
      #expect(pool.inUse == 5)
    }
    #expect(pool.inUse == 0)
  }
}

extension Pair {
  /// With 500 numbered packets of growing size, 3 ms apart.
  fileprivate func attachedOnce() {
    a.departures = (0..<500).map { i in
      let number = (0..<4).map { UInt8(truncatingIfNeeded: i >> (24 - 8 * $0)) }
      return Probe.Departure(
        time: .milliseconds(i * 3), path: path,
        bytes: number + [UInt8](repeating: UInt8(i & 255), count: i))
    }
    attach()
  }
}
