// Nodes that tests attach to simulated hosts.
import Basics

@testable import NetSim

/// Sends packets at set times and remembers what arrives.
final class Probe: Node {
  struct Arrival: Equatable {
    var time: Instant
    var bytes: [UInt8]
    var path: Path
    var ecn: ECN
  }

  struct Departure {
    var time: Instant
    var path: Path
    var bytes: [UInt8]
    var ecn = ECN.notCapable
  }

  private(set) var arrivals: [Arrival] = []
  private(set) var events: [(time: Instant, event: StreamEvent)] = []
  private(set) var interfaces: [Interface] = []
  /// In the order of their time.
  var departures: [Departure] = []
  private var sent = 0
  var onEvent: (StreamEvent, Instant, inout Outbox) -> Void = { _, _, _ in }

  var nextTimeout: Instant? { sent < departures.count ? departures[sent].time : nil }

  func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    while sent < departures.count, departures[sent].time <= now {
      var packet = outbox.pool.makePacket(departures[sent].bytes)
      packet.ecn = departures[sent].ecn
      outbox.send(packet, on: departures[sent].path)
      sent += 1
    }
  }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    let bytes = packet.bytes.withUnsafeBytes { Array($0) }
    arrivals.append(Arrival(time: now, bytes: bytes, path: path, ecn: packet.ecn))
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    events.append((now, event))
    onEvent(event, now, &outbox)
  }

  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {
    self.interfaces = interfaces
  }
}

/// Two hosts with one link in each direction, `there` and `back`.
struct Pair {
  let simulator: Simulator
  let a = Probe()
  let b = Probe()
  let hostA: HostID
  let hostB: HostID
  let there: LinkID
  let back: LinkID
  let path = Path(
    local: Address(IPAddress(v4: 10, 0, 0, 1), port: 1000),
    remote: Address(IPAddress(v4: 10, 0, 0, 2), port: 2000))

  init(
    seed: UInt64 = 1, there: LinkConfiguration = .init(), back: LinkConfiguration = .init(),
    sampling: Duration? = nil
  ) {
    simulator = Simulator(seed: seed)
    hostA = simulator.addHost(
      name: "a", interfaces: [Interface(name: "eth0", ip: path.local.ip)])
    hostB = simulator.addHost(
      name: "b", interfaces: [Interface(name: "eth0", ip: path.remote.ip)])
    self.there = simulator.addLink(name: "there", there)
    self.back = simulator.addLink(name: "back", back)
    if let sampling {
      for link in [self.there, self.back] { simulator.sample(link, every: sampling) }
    }
    simulator.setUplinks(of: hostA, interface: "eth0", [self.there])
    simulator.setDownlinks(of: hostA, interface: "eth0", [self.back])
  }

  /// Attach after the departures are set.
  func attach() {
    simulator.attach(a, to: hostA)
    simulator.attach(b, to: hostB)
  }

  /// Sends `count` packets of `size` payload bytes from a to b, one each `interval`, and runs to
  /// `end`. Each begins with its number, big-endian.
  func send(
    _ count: Int, size: Int = 100, every interval: Duration, ecn: ECN = .notCapable,
    until end: Instant? = nil
  ) {
    for i in 0..<count {
      var bytes = [UInt8](repeating: 0, count: size)
      for k in 0..<4 { bytes[k] = UInt8(truncatingIfNeeded: i >> (24 - 8 * k)) }
      a.departures.append(
        Probe.Departure(
          time: .zero + interval * i, path: path, bytes: bytes, ecn: ecn))
    }
    attach()
    simulator.run(until: end ?? .zero + interval * count + .milliseconds(60_000))
  }

  /// The numbers of the packets that reached b, in order of arrival.
  var received: [Int] {
    b.arrivals.map { $0.bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) } }
  }

  var statistics: LinkStatistics { simulator.statistics(of: there) }
}
