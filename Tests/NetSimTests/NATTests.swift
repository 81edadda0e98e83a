// NAT behaviour by the categories of RFC 4787.
import Basics
import Testing

@testable import NetSim

/// Hosts `x` and `y` behind a NAT, hosts `a` and `b` outside.
private struct Home {
  let simulator = Simulator(seed: 1)
  let nat: NATID
  let hosts: [HostID]
  let probes = (0..<4).map { _ in Probe() }
  static let x = IPAddress(v4: 192, 168, 0, 2)
  static let y = IPAddress(v4: 192, 168, 0, 3)
  static let a = IPAddress(v4: 10, 0, 0, 1)
  static let b = IPAddress(v4: 10, 0, 0, 2)
  static let outside = IPAddress(v4: 203, 0, 113, 5)

  init(_ configuration: NATConfiguration = .init()) {
    let simulator = simulator
    nat = simulator.addNAT(ip: Home.outside, configuration)
    hosts = [Home.x, Home.y, Home.a, Home.b].map { ip in
      let host = simulator.addHost(
        name: "\(ip)", interfaces: [Interface(name: "eth0", ip: ip)])
      let delays = ["up": 1, "down": 2]
      let links = ["up", "down"].map {
        simulator.addLink(
          name: "\(ip).\($0)", LinkConfiguration(delay: .milliseconds(delays[$0] ?? 0)))
      }
      simulator.setUplinks(of: host, interface: "eth0", [links[0]])
      simulator.setDownlinks(of: host, interface: "eth0", [links[1]])
      return host
    }
    simulator.setCore([simulator.addLink(name: "core", LinkConfiguration(delay: .milliseconds(10)))]
    )
    for host in hosts.prefix(2) { simulator.setNAT(of: host, interface: "eth0", nat) }
    for (host, probe) in zip(hosts, probes) { simulator.attach(probe, to: host) }
  }

  private func place(_ ip: IPAddress) -> Int {
    [Home.x, Home.y, Home.a, Home.b].firstIndex(of: ip) ?? 0
  }

  /// Sends one packet and waits; what the receiver at `at` got, as it sees its path.
  @discardableResult
  func send(
    _ from: IPAddress, _ fromPort: UInt16, _ to: IPAddress, _ toPort: UInt16,
    at receiver: IPAddress? = nil
  ) -> Probe.Arrival? {
    let probe = probes[place(receiver ?? to)]
    let before = probe.arrivals.count
    let path = Path(local: Address(from, port: fromPort), remote: Address(to, port: toPort))
    simulator.withNode(on: hosts[place(from)]) { _, _, outbox in
      outbox.send(outbox.pool.makePacket([1, 2, 3]), on: path)
    }
    wait(.milliseconds(100))
    return probe.arrivals.count > before ? probe.arrivals.last : nil
  }

  func wait(_ time: Duration) { simulator.run(until: simulator.now + time) }
}

@Suite struct NATTests {
  typealias Dependence = NATConfiguration.Dependence

  @Test(
    arguments: [
      (Dependence.endpointIndependent, 1), (.addressDependent, 2), (.addressAndPortDependent, 3),
    ])
  func mappingsDependOnTheRemote(mapping: Dependence, ports: Int) {
    let home = Home(NATConfiguration(mapping: mapping))
    let seen = [(Home.a, 7), (Home.a, 8), (Home.b, 7), (Home.a, 7)].map {
      home.send(Home.x, 5_000, $0.0, $0.1)?.path.remote
    }
    #expect(seen.allSatisfy { $0?.ip == Home.outside })
    #expect(seen[0] == seen[3])
    #expect(Set(seen).count == ports)
    // Another internal port is always another mapping.
    #expect(!seen.contains(home.send(Home.x, 5_001, Home.a, 7)?.path.remote))
  }

  @Test(
    arguments: [
      (Dependence.endpointIndependent, [true, true, true]),
      (.addressDependent, [true, true, false]),
      (.addressAndPortDependent, [true, false, false]),
    ])
  func filtersDependOnWhomItSentTo(filtering: Dependence, passes: [Bool]) throws {
    let home = Home(NATConfiguration(filtering: filtering))
    let port = try #require(home.send(Home.x, 5_000, Home.a, 7)).path.remote.port
    let replies = [(Home.a, 7), (Home.a, 8), (Home.b, 7)].map {
      home.send($0.0, $0.1, Home.outside, port, at: Home.x)
    }
    #expect(replies.map { $0 != nil } == passes)
    #expect(replies[0]?.path.local == Address(Home.x, port: 5_000))
    #expect(replies[0]?.path.remote == Address(Home.a, port: 7))
    #expect(home.simulator.dropped[.filtered] == passes.filter { !$0 }.count)
  }

  @Test func aPacketCrossesUplinkCoreAndDownlink() throws {
    let home = Home()
    let there = try #require(home.send(Home.x, 5_000, Home.a, 7))
    #expect(there.time == .milliseconds(13))
    let back = home.send(Home.a, 7, Home.outside, there.path.remote.port, at: Home.x)
    #expect(back?.time == .milliseconds(113))
    for name in ["192.168.0.2.up", "core", "10.0.0.1.down", "10.0.0.1.up", "192.168.0.2.down"] {
      let link = try #require(home.simulator.link(named: name))
      #expect(home.simulator.statistics(of: link).delivered == (name == "core" ? 2 : 1))
    }
  }

  @Test func onlyWhatGoesOutKeepsAMappingAlive() throws {
    let home = Home(NATConfiguration(lifetime: .seconds(30)))
    let first = try #require(home.send(Home.x, 5_000, Home.a, 7)).path.remote
    home.wait(.seconds(20))
    #expect(home.send(Home.x, 5_000, Home.a, 7)?.path.remote == first)
    home.wait(.seconds(20))
    #expect(home.send(Home.a, 7, first.ip, first.port, at: Home.x) != nil)
    home.wait(.seconds(12))
    #expect(home.send(Home.a, 7, first.ip, first.port, at: Home.x) == nil)
    #expect(home.simulator.dropped[.noMapping] == 1)
    let second = home.send(Home.x, 5_000, Home.a, 7)?.path.remote
    #expect(second != nil && second != first)
  }

  @Test func aRebindingChangesWhatIsSeen() throws {
    let home = Home()
    let first = try #require(home.send(Home.x, 5_000, Home.a, 7)).path.remote
    home.simulator.rebind(home.nat)
    #expect(home.send(Home.a, 7, first.ip, first.port, at: Home.x) == nil)
    let second = try #require(home.send(Home.x, 5_000, Home.a, 7)).path.remote
    #expect(second.ip == first.ip && second.port != first.port)
    let moved = IPAddress(v4: 203, 0, 113, 99)
    home.simulator.rebind(home.nat, to: moved)
    #expect(home.send(Home.x, 5_000, Home.a, 7)?.path.remote.ip == moved)
    #expect(home.send(Home.a, 7, second.ip, second.port, at: Home.x) == nil)
    #expect(home.simulator.dropped[.noSuchDestination] == 1)
  }

  @Test(arguments: [true, false]) func hairpinning(hairpins: Bool) throws {
    let home = Home(NATConfiguration(hairpins: hairpins))
    let y = try #require(home.send(Home.y, 6_000, Home.a, 7)).path.remote
    home.send(Home.y, 6_000, Home.outside, 9, at: Home.x)
    let arrival = home.send(Home.x, 5_000, y.ip, y.port, at: Home.y)
    #expect((arrival != nil) == hairpins)
    // REQ-9a: the source is the external address too.
    if let arrival { #expect(arrival.path.remote.ip == Home.outside) }
  }

  @Test func privateAddressesAreKnownOnlyInside() {
    let home = Home()
    #expect(home.send(Home.a, 7, Home.x, 5_000) == nil)
    #expect(home.simulator.dropped[.noSuchDestination] == 1)
    let arrival = home.send(Home.x, 5_000, Home.y, 6_000)
    #expect(arrival?.path.remote == Address(Home.x, port: 5_000))
    #expect(arrival?.time == .milliseconds(103))
  }

  @Test func portsArePreservedWhileTheyAreFree() {
    let home = Home(NATConfiguration(preservesPorts: true))
    #expect(home.send(Home.x, 5_000, Home.a, 7)?.path.remote.port == 5_000)
    let other = home.send(Home.y, 5_000, Home.a, 7)?.path.remote.port
    #expect(other != nil && other != 5_000)
  }

  @Test func aPartitionHoldsThroughTheNAT() {
    let home = Home(NATConfiguration(filtering: .endpointIndependent))
    let port = home.send(Home.x, 5_000, Home.b, 7)?.path.remote.port ?? 0
    home.simulator.setPartition(between: home.hosts[0], and: home.hosts[2], true)
    #expect(home.send(Home.x, 5_000, Home.a, 7) == nil)
    #expect(home.send(Home.a, 7, Home.outside, port, at: Home.x) == nil)
    #expect(home.simulator.dropped[.partition] == 2)
  }

  @Test func streamsCrossTheNATAndDieOfItsRebinding() {
    let home = Home()
    home.probes[2].onEvent = { event, _, outbox in
      if case .opened(let id, _, _) = event { outbox.send(.accept(id)) }
    }
    home.simulator.withNode(on: home.hosts[0]) { _, _, outbox in
      let request = StreamRequest(kind: .webSocket, target: "/rtc")
      outbox.send(.connect(StreamID(1), to: Address(Home.a, port: 443), request))
    }
    home.wait(.seconds(1))
    guard case .opened(_, _, let from)? = home.probes[2].events.first?.event,
      case .accepted? = home.probes[0].events.first?.event
    else {
      Issue.record("the stream was not opened")
      return
    }
    #expect(from.ip == Home.outside)
    home.simulator.rebind(home.nat)
    home.simulator.withNode(on: home.hosts[0]) { _, _, outbox in
      outbox.send(.send(StreamID(1), [1], isText: true))
    }
    home.wait(.seconds(1))
    guard case .closed(_, .lost)? = home.probes[0].events.last?.event else {
      Issue.record("the stream outlived its address")
      return
    }
  }
}
