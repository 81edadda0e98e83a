// The SFU behind the simulator's links on the wall clock: a node that any real-time driver runs.

import Basics
import NetSim
import RefSFU
import Signal

/// Puts a link of its own between each participant and the SFU, both ways, for datagrams and for
/// signalling. The SFU runs inside a simulator whose time is the driver's; each participant is a
/// host there, in the address range of carriers' NATs (RFC 6598), since that is what it looks like.
/// Requests that no participant makes, such as an administrator's, pass by the links.
public final class SFUBehindLinks: Node {
  public let sfu: SFU
  public let network: Network
  private(set) var clock: WallClock
  var seats: [NetworkSeat] = []
  private let only: String?
  private let sfuHost: HostID
  /// Whoever has not said who it is: no link, and nothing is sent back to it.
  private let outside: HostID
  private var seatOfRemote: [Address: Int] = [:]
  private var simulatedStream: [StreamID: (seat: Int, id: StreamID)] = [:]
  private var isAttached = false

  /// - Parameters:
  ///   - only: the identity that has a link from the beginning; everybody for nil.
  ///   - pool: that of the driver, which its packets come from.
  public init(
    _ sfu: SFU, network: Network, only: String? = nil, seed: UInt64, pool: PacketPool
  ) {
    self.sfu = sfu
    self.network = network
    self.only = only
    let simulator = Simulator(seed: seed, pool: pool)
    // The real connection is a plain one, and real silence is the driver's to notice.
    simulator.streamParameters.tlsRoundTrips = 0
    simulator.streamParameters.keepAlive = nil
    clock = WallClock(simulator, origin: .zero)
    sfuHost = simulator.addHost(name: "sfu", interfaces: [])
    outside = simulator.addHost(
      name: "outside", interfaces: NetworkSeat.interfaces(number: 0))
    simulator.attach(Gateway(), to: outside)
  }

  /// How late the simulated network did what was due, in microseconds: the error that running on a
  /// busy machine adds to the links' delays. Nothing adds up, since what is late keeps its moment.
  public var lag: Histogram { clock.lag }

  // MARK: - Node

  public var nextTimeout: Instant? { clock.nextTimeout }

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    clock.advance(to: now)
    letOut(into: &outbox)
  }

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {
    clock.advance(to: now)
    for old in clock.simulator.interfaces(of: sfuHost) {
      clock.simulator.removeInterface(named: old.name, from: sfuHost)
    }
    for interface in interfaces { clock.simulator.addInterface(interface, to: sfuHost) }
    if !isAttached { clock.simulator.attach(sfu, to: sfuHost) }
    isAttached = true
    handleTimeout(at: now, into: &outbox)
  }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    clock.advance(to: now)
    if let owner = sfu.owner(ofUfragIn: packet.bytes) {
      seatOfRemote[path.remote] = seat(of: owner.identity, in: owner.room)
    }
    if let index = seatOfRemote[path.remote] {
      let local = seats[index].simulated(path)
      send(packet, on: Path(local: local, remote: path.local), from: seats[index].host)
    } else {
      let local = Address(NetworkSeat.ip(number: 0, path.local.ip.family), port: 9)
      send(packet, on: Path(local: local, remote: path.local), from: outside)
    }
    handleTimeout(at: now, into: &outbox)
  }

  private func send(_ packet: consuming Packet, on path: Path, from host: HostID) {
    let parked = packet.park()
    _ = clock.simulator.withNode(on: host) { _, _, outbox in
      outbox.send(Packet(parked: parked), on: path)
    }
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    clock.advance(to: now)
    switch event {
    case .opened(let id, let request, _):
      if let owner = sfu.owner(of: request, at: now) {
        open(id, request, seat: seat(of: owner.identity, in: owner.room))
      } else {
        askDirectly(id, request, at: now, into: &outbox)
      }
    case .message(let id, let bytes, let isText):
      send(id) { .send($0, bytes, isText: isText) }
    case .closed(let id, let closure):
      // Without a close frame (RFC 6455 §7.1.5) the SFU is told the same.
      let code: UInt16 = if case .closed(let code) = closure { code } else { 1_006 }
      send(id) { .close($0, code: code) }
      if let known = simulatedStream.removeValue(forKey: id) {
        seats[known.seat].realStream[known.id] = nil
      }
    case .accepted, .responded, .writable: break
    }
    handleTimeout(at: now, into: &outbox)
  }

  /// Lets `body` command the SFU, whose packets take their links.
  public func withSFU(
    at now: Instant, into outbox: inout Outbox, _ body: (SFU, Instant, inout Outbox) -> Void
  ) {
    clock.advance(to: now)
    clock.simulator.withNode(on: sfuHost) { _, now, outbox in body(sfu, now, &outbox) }
    handleTimeout(at: now, into: &outbox)
  }

  // MARK: - Seats

  /// Puts `link` between a participant and the SFU from now on.
  func put(_ link: Network.NamedLink, at index: Int, at now: Instant) {
    clock.advance(to: now)
    seats[index].link = link
    clock.simulator.configure(seats[index].up) { $0 = link.up }
    clock.simulator.configure(seats[index].down) { $0 = link.down }
  }

  private func seat(of identity: String, in room: String) -> Int {
    if let index = seats.firstIndex(where: { $0.identity == identity && $0.room == room }) {
      return index
    }
    let link = only == nil || only == identity ? network.initialLink(of: identity) : nil
    let seat = NetworkSeat(
      identity: identity, room: room, number: UInt32(seats.count + 1), link: link,
      in: clock.simulator)
    seats.append(seat)
    return seats.count - 1
  }

  // MARK: - Streams

  private func open(_ id: StreamID, _ request: StreamRequest, seat index: Int) {
    guard let address = sfuAddress else { return }
    seats[index].openedStreams += 1
    let simulated = StreamID(seats[index].openedStreams)
    seats[index].realStream[simulated] = id
    simulatedStream[id] = (index, simulated)
    send(id) { .connect($0, to: address, request) }
  }

  private var sfuAddress: Address? {
    clock.simulator.interfaces(of: sfuHost).first.map { Address($0.ip, port: 0) }
  }

  private func send(_ id: StreamID, _ action: (StreamID) -> StreamAction) {
    guard let known = simulatedStream[id] else { return }
    let host = seats[known.seat].host
    _ = clock.simulator.withNode(on: host) { _, _, outbox in outbox.send(action(known.id)) }
  }

  /// Asks the SFU past all links. It answers such requests at once.
  private func askDirectly(
    _ id: StreamID, _ request: StreamRequest, at now: Instant, into outer: inout Outbox
  ) {
    // Of the numbers that the SFU would give, so that no simulated stream has it.
    let reserved = StreamID(1)
    var answers: [StreamAction] = []
    clock.simulator.withNode(on: sfuHost) { node, now, outbox in
      let from = Address(NetworkSeat.ip(number: 0, .v4), port: 9)
      node.receive(.opened(reserved, request, from: from), at: now, into: &outbox)
      for _ in 0..<outbox.streams.count {
        guard let action = outbox.streams.popFirst() else { break }
        if action.stream == reserved { answers.append(action) } else { outbox.send(action) }
      }
    }
    for case .respond(_, let response) in answers { outer.send(.respond(id, response)) }
  }

  // MARK: - What comes out

  private func letOut(into outbox: inout Outbox) {
    for index in seats.indices {
      let gateway = seats[index].gateway
      while var outgoing = gateway.packets.popFirst() {
        // Seen from the gateway, `local` is the participant.
        let path = outgoing.path
        guard let remote = seats[index].remote(at: path.local.port) else { continue }
        outgoing.path = Path(local: path.remote, remote: remote)
        outbox.packets.append(outgoing)
      }
      while let event = gateway.streams.popFirst() { letOut(event, of: index, into: &outbox) }
    }
  }

  private func letOut(_ event: StreamEvent, of index: Int, into outbox: inout Outbox) {
    let seat = seats[index]
    switch event {
    case .accepted(let id):
      if let real = seat.realStream[id] { outbox.send(.accept(real)) }
    case .message(let id, let bytes, let isText):
      if let real = seat.realStream[id] { outbox.send(.send(real, bytes, isText: isText)) }
    case .responded(let id, let response):
      if let real = forget(id, of: index) { outbox.send(.respond(real, response)) }
    case .closed(let id, let closure):
      let code: UInt16 = if case .closed(let code) = closure { code } else { 1_011 }
      if let real = forget(id, of: index) { outbox.send(.close(real, code: code)) }
    case .opened, .writable: break
    }
  }

  private func forget(_ id: StreamID, of index: Int) -> StreamID? {
    guard let real = seats[index].realStream.removeValue(forKey: id) else { return nil }
    simulatedStream[real] = nil
    return real
  }
}

extension StreamAction {
  var stream: StreamID {
    switch self {
    case .connect(let id, _, _), .accept(let id), .respond(let id, _), .send(let id, _, _),
      .close(let id, _):
      id
    }
  }
}
