// The bots' side of a run on real sockets: their hosts and links, simulated on the wall clock, as one
// node of an event loop. Every address inside has a UDP socket of its own outside, as behind a NAT with
// endpoint-independent mapping (RFC 4787 §4.1).

import Basics
import NetIO
import NetSim

final class EmulatedNetwork: Node {
  private(set) var clock: WallClock
  private(set) var sockets: [Address] = []
  private let gateway: Gateway
  private let host: HostID
  /// Where the SFU answers HTTP and WebSockets.
  private let server: Address
  /// Unowned, since the loop owns this node.
  private unowned let loop: EventLoop
  private var node: NodeID?
  private var socketOfHost: [Address: Address] = [:]
  private var hostOfSocket: [Address: Address] = [:]
  private var outsideStream: [StreamID: StreamID] = [:]
  private var insideStream: [StreamID: StreamID] = [:]
  private var streamsOpened: UInt32 = 0
  /// Addresses inside that got no socket.
  private(set) var socketsRefused = 0

  /// - Parameters:
  ///   - host: where `gateway` is attached, the simulator's gateway.
  ///   - server: where streams that reach the gateway lead.
  init(
    _ simulator: Simulator, gateway: Gateway, on host: HostID, to server: Address,
    by loop: EventLoop
  ) throws(NetIOError) {
    self.gateway = gateway
    self.host = host
    self.server = server
    self.loop = loop
    clock = WallClock(simulator, origin: loop.now, beat: .milliseconds(20))
    node = try loop.attach(self, interfaces: [], sockets: [])
  }

  /// Notes a stall that ended just now, before anything else moves simulated time on.
  func noteStall(at now: Instant) { clock.noteStall(at: now) }

  // MARK: - Node

  var nextTimeout: Instant? { clock.nextTimeout }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    clock.advance(to: now)
    if let inside = hostOfSocket[path.local] {
      let parked = packet.park()
      _ = clock.simulator.withNode(on: host) { _, _, outbox in
        outbox.send(Packet(parked: parked), on: Path(local: path.remote, remote: inside))
      }
    }
    handOver(into: &outbox)
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    clock.advance(to: now)
    switch event {
    case .accepted(let id): tell(id) { .accept($0) }
    case .responded(let id, let response): tell(id, isLast: true) { .respond($0, response) }
    case .message(let id, let bytes, let isText):
      tell(id) { .send($0, bytes, isText: isText) }
    case .closed(let id, let closure):
      tell(id, isLast: true) { .close($0, code: closure.code) }
    case .opened, .writable: break
    }
    handOver(into: &outbox)
  }

  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}

  func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    clock.advance(to: now)
    handOver(into: &outbox)
  }

  // MARK: - Out

  /// Passes on what has reached the gateway.
  private func handOver(into outbox: inout Outbox) {
    while var outgoing = gateway.packets.popFirst() {
      let path = outgoing.path
      guard let socket = socket(of: path.remote) else { continue }
      outgoing.path = Path(local: socket, remote: path.local)
      outbox.packets.append(outgoing)
    }
    while let event = gateway.streams.popFirst() { pass(event, into: &outbox) }
  }

  /// The address under which the SFU reaches an address inside: that of its socket.
  func outsideAddress(of inside: Address) -> Address? {
    guard let socket = socket(of: inside), let ip = LocalAddress.towards(server) else { return nil }
    return Address(ip, port: socket.port)
  }

  /// The socket of an address inside; opened when it first sends, or goes into a candidate.
  private func socket(of inside: Address) -> Address? {
    if let known = socketOfHost[inside] { return known }
    guard let node,
      let socket = try? loop.bind(Address(IPAddress(v4: 0), port: 0), for: node)
    else {
      socketsRefused += 1
      return nil
    }
    socketOfHost[inside] = socket
    hostOfSocket[socket] = inside
    sockets.append(socket)
    return socket
  }

  private func pass(_ event: StreamEvent, into outbox: inout Outbox) {
    switch event {
    case .opened(let inside, let request, from: _):
      streamsOpened += 1
      let outside = StreamID(streamsOpened)
      outsideStream[inside] = outside
      insideStream[outside] = inside
      outbox.send(.connect(outside, to: server, request))
    case .message(let inside, let bytes, let isText):
      guard let outside = outsideStream[inside] else { return }
      outbox.send(.send(outside, bytes, isText: isText))
    case .closed(let inside, let closure):
      guard let outside = outsideStream.removeValue(forKey: inside) else { return }
      insideStream[outside] = nil
      switch closure {
      case .closed(let code): outbox.send(.close(outside, code: code))
      case .lost: if let node { loop.abandon(outside, of: node) }
      }
    case .accepted, .responded, .writable: break
    }
  }

  // MARK: - In

  /// Lets the gateway do something with the stream that `outside` stands for.
  private func tell(
    _ outside: StreamID, isLast: Bool = false, _ action: (StreamID) -> StreamAction
  ) {
    guard let inside = insideStream[outside] else { return }
    if isLast {
      insideStream[outside] = nil
      outsideStream[inside] = nil
    }
    _ = clock.simulator.withNode(on: host) { _, _, outbox in outbox.send(action(inside)) }
  }
}

extension StreamClosure {
  /// RFC 6455 §7.4.1: 1006 stands for a connection that broke, and is never on a real wire.
  fileprivate var code: UInt16 {
    switch self {
    case .closed(let code): code
    case .lost: 1_006
    }
  }
}
