// The event loop: packets from node to link to link to node, a pure function of its inputs.
// Budget: 400 ns per packet and hop.
import Basics

/// Everything that can be due.
enum Event {
  /// The transmitter of a link is free, or the next opportunity of its trace has come.
  case transmitted(link: Int32, epoch: UInt32)
  /// A packet reaches the end of its link.
  case arrived(Int32)
  case nodeTimeout(host: Int32)
  case streamTimeout(Int32)
  case streamNews
}

/// What links share while packets move: the clock, the pending events, the packets on their way.
struct Traffic {
  var now = Instant.zero
  var events = TimerQueue<Event>()
  var flights = Flights()
  var traceHash = TraceHash()
  var tap: (any LinkTap)?
}

/// One struct, so that the hot path is free of the checks that class properties need.
struct World: ~Copyable {
  var traffic = Traffic()
  var links: [Link] = []
  var hosts: [Host] = []
  var interfaces: [AttachedInterface] = []
  var interfaceOfIP: [IPAddress: Int32] = [:]
  /// Interned lists of links; the first is empty.
  var linkLists: [[Int32]] = [[]]
  var routeOverrides: [AddressPair: Int32] = [:]
  var coreList: Int32 = 0
  var nats: [NAT] = []
  var natOfIP: [IPAddress: Int32] = [:]
  /// The interface that has every address nobody else has; -1 for none.
  var gateway: Int32 = -1
  var partitions: Set<HostPair> = []
  /// Hosts whose stream segments are lost, while their datagrams pass.
  var streamlessHosts: Set<Int> = []
  var linkOfName: [String: LinkID] = [:]
  var hostOfName: [String: HostID] = [:]
  var streams = StreamTable()
  var outbox: Outbox
  var packetsSent = 0
  var packetsDelivered = 0
  var dropped = DropCounts()

  init(pool: PacketPool) { outbox = Outbox(pool: pool) }

  var now: Instant { traffic.now }

  // MARK: Loop

  mutating func run(until end: Instant) {
    while let next = traffic.events.nextTime, next <= end {
      guard let (time, event) = traffic.events.pop() else { break }
      traffic.now = time
      handle(event)
    }
    traffic.now = end
  }

  private mutating func handle(_ event: Event) {
    switch event {
    case .transmitted(let link, let epoch):
      links[Int(link)].transmitted(epoch: epoch, &traffic)
    case .arrived(let id):
      if traffic.flights[id].due == now { arrive(id) }
    case .nodeTimeout(let host):
      timeout(Int(host))
    case .streamTimeout(let end):
      timeoutStream(end)
    case .streamNews:
      tellStreamNews()
    }
  }

  private mutating func arrive(_ id: Int32) {
    let link = traffic.flights[id].link
    if link >= 0 {
      links[Int(link)].delivered(id, &traffic)
      traffic.flights[id].hop += 1
    }
    advance(id)
  }

  /// Onto the next link of its route, or to what stands at its end.
  mutating func advance(_ id: Int32) {
    let hop = Int(traffic.flights[id].hop)
    if let link = link(at: hop, of: traffic.flights[id].route) {
      links[Int(link)].enter(id, &traffic)
      return
    }
    switch traffic.flights[id].leg {
    case .last: deliver(id)
    case .outOf(let nat): leave(nat, id)
    case .into(let nat): enter(nat, id)
    }
  }

  private mutating func deliver(_ id: Int32) {
    let path = traffic.flights[id].path
    guard let destination = liveInterface(traffic.flights[id].destination, path.remote.ip) else {
      return drop(id, .noSuchDestination)
    }
    let host = interfaces[destination].host
    let isDatagram = traffic.flights[id].stream < 0
    if isDatagram, !traffic.flights[id].isProcessed { hosts[host].datagrams.arrived += 1 }
    if hosts[host].isSuspended { return drop(id, .suspended) }
    if !hosts[host].processing.isFree, !traffic.flights[id].isProcessed {
      return process(id, on: host)
    }
    if traffic.flights[id].stream >= 0 { return deliverSegment(id, to: host) }
    guard let node = hosts[host].node else { return drop(id, .noNode) }
    packetsDelivered += 1
    hosts[host].datagrams.handedOver += 1
    countCall(host)
    node.receive(traffic.flights.land(id), on: path.reversed, at: now, into: &outbox)
    settle(host)
  }

  mutating func drop(_ id: Int32, _ reason: DropReason) {
    dropped.add(reason)
    _ = traffic.flights.land(id)
  }

  // MARK: Nodes

  mutating func deliver(_ event: StreamEvent, to host: Int) {
    guard let node = hosts[host].node else { return }
    countCall(host)
    node.receive(event, at: now, into: &outbox)
    settle(host)
  }

  mutating func announceInterfaces(of host: Int) {
    guard let node = hosts[host].node else { return }
    // A sleeping device looks around when it wakes.
    if hosts[host].isSuspended {
      hosts[host].missedInterfaces = true
      return
    }
    let list = hosts[host].interfaces.map { interfaces[Int($0)].interface }
    node.interfacesChanged(list, at: now, into: &outbox)
    settle(host)
  }

  private mutating func timeout(_ host: Int) {
    hosts[host].timers.fire()
    if hosts[host].isSuspended { return }
    guard let node = hosts[host].node else { return }
    if let deadline = node.nextTimeout, deadline <= now {
      countCall(host)
      node.handleTimeout(at: now, into: &outbox)
    }
    settle(host)
  }

  /// A node that never lets time pass is a programmer's error, not a slow run.
  private mutating func countCall(_ host: Int) {
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
  mutating func settle(_ host: Int) {
    while var outgoing = outbox.packets.popFirst() {
      packetsSent += 1
      hosts[host].processing.spend(at: now)
      send(&outgoing, from: host)
    }
    while let action = outbox.streams.popFirst() { perform(action, from: host) }
    guard !hosts[host].isSuspended, let deadline = hosts[host].node?.nextTimeout else { return }
    let time = max(deadline, now)
    guard hosts[host].timers.arm(time) else { return }
    traffic.events.push(.nodeTimeout(host: Int32(truncatingIfNeeded: host)), at: time)
  }

  // MARK: Packets

  private mutating func send(_ outgoing: inout OutgoingPacket, from host: Int) {
    let path = outgoing.path
    var packet = outbox.pool.makePacket()
    swap(&packet, &outgoing.packet)
    let size = packet.count + Limits.ipHeader(path.remote.ip) + Limits.udpHeader
    launch(packet.park(), on: path, size: size, from: host)
  }

  /// Sends a packet on its way, or counts why it cannot go.
  /// - Parameter size: bytes on the wire.
  mutating func launch(
    _ parked: ParkedPacket, on path: Path, size: Int, from host: Int, stream: Int32 = -1
  ) {
    guard let source = interface(of: host, at: path.local.ip) ?? gateway(on: host) else {
      return discard(parked, .noSuchSource, path, isDatagram: stream < 0)
    }
    guard let first = firstLeg(from: source, path) else {
      return discard(parked, .noSuchDestination, path, isDatagram: stream < 0)
    }
    if first.destination >= 0 {
      let other = interfaces[Int(first.destination)].host
      guard mayPass(host, other, isStream: stream >= 0) else {
        return discard(parked, .partition, path, isDatagram: stream < 0)
      }
    }
    let id = traffic.flights.add(
      Flight(
        packet: parked, path: path, route: first.route, leg: first.leg,
        size: Int32(truncatingIfNeeded: size), sender: Int32(truncatingIfNeeded: host),
        destination: first.destination, stream: stream,
        isBackground: hosts[host].isBackground))
    let delay = stream < 0 ? Duration.zero : hosts[host].streamDelay
    if delay == .zero, let link = link(at: 0, of: traffic.flights[id].route) {
      links[Int(link)].enter(id, &traffic)
    } else {
      // Not delivered at once, or two nodes would call each other without end.
      traffic.flights[id].due = now + delay
      traffic.events.push(.arrived(id), at: now + delay)
    }
  }

  /// Whether packets of a stream, or datagrams, get from one host to the other at all.
  func mayPass(_ a: Int, _ b: Int, isStream: Bool) -> Bool {
    if isStream, !streamlessHosts.isEmpty,
      streamlessHosts.contains(a) || streamlessHosts.contains(b)
    {
      return false
    }
    return partitions.isEmpty || !partitions.contains(HostPair(a, b))
  }

  private mutating func discard(
    _ parked: ParkedPacket, _ reason: DropReason, _ path: Path, isDatagram: Bool
  ) {
    dropped.add(reason)
    let packet = Packet(parked: parked)
    traffic.tap?.packet(
      on: .none, event: .dropped(reason), path: path, protocol: isDatagram ? .udp : .tcp,
      bytes: packet.bytes, ecn: packet.ecn, at: now)
  }
}
