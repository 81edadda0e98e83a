// The event loop: one world in virtual time on one thread, a pure function of its seed and its inputs.
// Budget: 400 ns per packet and hop.
import Basics

/// A network of hosts and links in virtual time. The caller builds it, lets it `run(until:)`, changes
/// it, lets it run on. Same seed, same build, same calls: same `traceHash`.
public final class Simulator {
  public let seed: UInt64
  public let pool: PacketPool

  var world = World()
  var links: [Link] = []
  var hosts: [Host] = []
  var interfaces: [AttachedInterface] = []
  var interfaceOfIP: [IPAddress: Int32] = [:]
  var routeOverrides: [AddressPair: Int32] = [:]
  var coreList: Int32 = 0
  var partitions: Set<HostPair> = []
  var linkOfName: [String: LinkID] = [:]
  var hostOfName: [String: HostID] = [:]
  var streams = StreamTable()
  private var outbox: Outbox

  /// Datagrams handed over by nodes.
  public private(set) var packetsSent = 0
  /// Datagrams handed to nodes.
  public private(set) var packetsDelivered = 0
  /// Packets lost off any link: no such address, no node, a partition, a failed checksum.
  public internal(set) var dropped = DropCounts()

  /// - Parameter sampling: the interval of `samples(of:)`; nil for none.
  public init(seed: UInt64, pool: PacketPool = PacketPool(), sampling: Duration? = nil) {
    precondition(sampling.map { $0 > .zero } ?? true)
    self.seed = seed
    self.pool = pool
    outbox = Outbox(pool: pool)
    world.sampling = sampling
  }

  deinit { world.flights.removeAll() }

  public var now: Instant { world.now }
  /// Every packet that entered a link: which link, when, how many bytes, which bytes.
  public var traceHash: TraceHash { world.traceHash }

  /// Sees every packet on every link from now on.
  public var tap: (any LinkTap)? {
    get { world.tap }
    set { world.tap = newValue }
  }

  // MARK: Loop

  /// Handles everything due up to and including `end`, which is `now` afterwards.
  public func run(until end: Instant) {
    precondition(end >= world.now, "time runs forward")
    while let next = world.events.nextTime, next <= end {
      guard let (time, event) = world.events.pop() else { break }
      world.now = time
      handle(event)
    }
    world.now = end
  }

  private func handle(_ event: Event) {
    switch event {
    case .transmitted(let link, let epoch):
      links[Int(link)].transmitted(epoch: epoch, &world)
    case .arrived(let id):
      arrive(id)
    case .nodeTimeout(let host):
      timeout(Int(host))
    case .stream(let index):
      handleStream(index)
    }
  }

  private func arrive(_ id: Int32) {
    let link = world.flights[id].link
    if link >= 0 {
      links[Int(link)].delivered(id, &world)
      world.flights[id].hop += 1
    }
    advance(id)
  }

  /// Onto the next link of its route, or to its host.
  private func advance(_ id: Int32) {
    let flight = world.flights[id]
    if let link = world.link(at: Int(flight.hop), of: flight.route) {
      links[Int(link)].enter(id, &world)
    } else {
      deliver(id)
    }
  }

  private func deliver(_ id: Int32) {
    let path = world.flights[id].path
    guard let destination = liveInterface(world.flights[id].destination, path.remote.ip) else {
      return drop(id, .noSuchDestination)
    }
    let host = interfaces[destination].host
    if world.flights[id].stream >= 0 { return deliverSegment(id, to: host) }
    guard let node = hosts[host].node else { return drop(id, .noNode) }
    packetsDelivered += 1
    countCall(host)
    node.receive(world.flights.land(id), on: path.reversed, at: now, into: &outbox)
    settle(host)
  }

  func drop(_ id: Int32, _ reason: DropReason) {
    dropped.add(reason)
    _ = world.flights.land(id)
  }

  // MARK: Nodes

  /// Lets `body` command the node on `host` and carries out what it leaves in the outbox. Nil when the
  /// host has no node. `body` must not call the simulator.
  public func withNode<R>(
    on host: HostID, _ body: (any Node, Instant, inout Outbox) throws -> R
  ) rethrows -> R? {
    guard let node = hosts[host.index].node else { return nil }
    defer { settle(host.index) }
    return try body(node, now, &outbox)
  }

  func deliver(_ event: StreamEvent, to host: Int) {
    guard let node = hosts[host].node else { return }
    countCall(host)
    node.receive(event, at: now, into: &outbox)
    settle(host)
  }

  func announceInterfaces(of host: Int) {
    guard let node = hosts[host].node else { return }
    let list = hosts[host].interfaces.map { interfaces[Int($0)].interface }
    node.interfacesChanged(list, at: now, into: &outbox)
    settle(host)
  }

  private func timeout(_ host: Int) {
    // Only the earliest timer is alive; later ones that were pushed before it are stale.
    guard hosts[host].timer == now else { return }
    hosts[host].timer = nil
    guard let node = hosts[host].node else { return }
    if let deadline = node.nextTimeout, deadline <= now {
      countCall(host)
      node.handleTimeout(at: now, into: &outbox)
    }
    settle(host)
  }

  /// A node that never lets time pass is a programmer's error, not a slow run.
  private func countCall(_ host: Int) {
    if hosts[host].lastCall != now {
      hosts[host].lastCall = now
      hosts[host].callsAtThisInstant = 0
    }
    hosts[host].callsAtThisInstant += 1
    precondition(
      hosts[host].callsAtThisInstant <= Limits.callsAtOneInstant,
      "a node keeps busy without time passing")
  }

  /// Carries out what a node has left in the outbox, and sets its timer.
  private func settle(_ host: Int) {
    while var outgoing = outbox.packets.popFirst() {
      packetsSent += 1
      send(&outgoing, from: host)
    }
    while let action = outbox.streams.popFirst() { perform(action, from: host) }
    guard let deadline = hosts[host].node?.nextTimeout else { return }
    let time = max(deadline, now)
    if let timer = hosts[host].timer, timer <= time { return }
    hosts[host].timer = time
    world.events.push(.nodeTimeout(host: Int32(truncatingIfNeeded: host)), at: time)
  }

  // MARK: Packets

  private func send(_ outgoing: inout OutgoingPacket, from host: Int) {
    let path = outgoing.path
    var packet = pool.makePacket()
    swap(&packet, &outgoing.packet)
    let size = packet.count + Limits.ipHeader(path.remote.ip) + Limits.udpHeader
    launch(packet.park(), on: path, size: size, from: host)
  }

  /// Sends a packet on its way, or counts why it cannot go.
  /// - Parameter size: bytes on the wire.
  func launch(
    _ parked: ParkedPacket, on path: Path, size: Int, from host: Int, stream: Int32 = -1
  ) {
    guard let source = interfaceOfIP[path.local.ip],
      interfaces[Int(source)].host == host
    else { return discard(parked, .noSuchSource) }
    guard let destination = interfaceOfIP[path.remote.ip] else {
      return discard(parked, .noSuchDestination)
    }
    let receiver = interfaces[Int(destination)].host
    if !partitions.isEmpty, partitions.contains(HostPair(host, receiver)) {
      return discard(parked, .partition)
    }
    let id = world.flights.add(
      Flight(
        packet: parked, path: path, route: route(from: source, to: destination, path),
        size: Int32(truncatingIfNeeded: size), destination: destination, stream: stream))
    if let link = world.link(at: 0, of: world.flights[id].route) {
      links[Int(link)].enter(id, &world)
    } else {
      // Not delivered at once, or two nodes would call each other without end.
      world.events.push(.arrived(id), at: now)
    }
  }

  private func discard(_ parked: ParkedPacket, _ reason: DropReason) {
    dropped.add(reason)
    _ = Packet(parked: parked)
  }
}
