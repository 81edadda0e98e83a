// Drives nodes in real time on real sockets: the counterpart of NetSim's simulator. One thread.

import Basics
import CLinux

/// A node of an event loop.
public struct NodeID: Hashable, Sendable {
  let index: Int
}

/// Nodes, their sockets and the monotonic clock; its `Instant.zero` is the loop's own beginning.
///
/// Nodes must not call it from within its calls to them. Packets live in `pool`, so nodes may not
/// outlive the loop.
public final class EventLoop {
  struct Host {
    let node: any Node
    /// Of the next stream opened towards the node.
    var nextStream = UInt32.max
  }

  struct Listener {
    let descriptor: Int32
    let address: Address
    var host: Int?
    var isOpen = true
    /// Nil for plain HTTP.
    var tls: TLSIdentity?
    /// Waits for a descriptor to become free.
    var isParked = false
  }

  struct StreamKey: Hashable {
    let host: Int
    let id: StreamID
  }

  public let pool = PacketPool()
  public internal(set) var counters = Counters()
  let epoll: Int32
  var hosts: [Host] = []
  var listeners: [Listener] = []
  var connections: [UInt64: StreamConnection] = [:]
  var streams: [StreamKey: StreamConnection] = [:]
  /// Connections that no node has accepted as a WebSocket, and by the network they came from.
  var unaccepted = 0
  var unacceptedByNetwork: [IPAddress: Int] = [:]
  /// What nodes are about to hear of their streams.
  var news = RingBuffer<(connection: StreamConnection?, host: Int, event: StreamEvent)>()
  var nextConnection: UInt64 = 0
  var nextSweep = Instant.zero
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: NetIOLimits.readSize, alignment: 16)
  private var sockets: [UDPSocket] = []
  private var socketByAddress: [Address: Int] = [:]
  private var outbox: Outbox
  private var incoming = ReceiveBatch()
  private var outgoing = SendBatch()
  private let start: Int64

  public init() throws(NetIOError) {
    epoll = try checked(assay_epoll_open())
    start = assay_monotonic_nanoseconds()
    outbox = Outbox(pool: pool)
  }

  deinit {
    outbox.packets.removeAll()
    incoming.removeAll()
    outgoing.removeAll()
    for connection in connections.values { assay_close(connection.descriptor) }
    for listener in listeners where listener.isOpen { assay_close(listener.descriptor) }
    assay_close(epoll)
    readBuffer.deallocate()
  }

  public var now: Instant { Instant(nanoseconds: assay_monotonic_nanoseconds() - start) }

  // MARK: - Nodes and their sockets

  /// Binds a UDP socket; returns its address with the port it got where `address` has none.
  public func bind(_ address: Address) throws(NetIOError) -> Address {
    let socket = try UDPSocket(address)
    socketByAddress[socket.address] = sockets.count
    sockets.append(socket)
    return socket.address
  }

  /// Binds another UDP socket for a node that is attached already, which alone may call this from within
  /// a call to it.
  public func bind(_ address: Address, for node: NodeID) throws(NetIOError) -> Address {
    let bound = try bind(address)
    try receive(on: sockets.count - 1, for: node.index)
    return bound
  }

  private func receive(on socket: Int, for host: Int) throws(NetIOError) {
    sockets[socket].host = host
    let token = Token(kind: .socket, number: UInt64(socket)).value
    _ = try checked(
      assay_epoll_add(epoll, sockets[socket].descriptor, EventLoop.readable, token))
  }

  /// Datagrams that came for any socket and found its buffer full, as the kernel counts them.
  public var socketDrops: UInt64 {
    sockets.reduce(0) { $0 + UInt64(max(0, assay_udp_drops($1.descriptor))) }
  }

  /// Listens for HTTP and WebSockets, over TLS where there is an identity; returns the address with its
  /// port.
  public func listen(
    on address: Address, tls: TLSIdentity? = nil
  ) throws(NetIOError) -> Address {
    var bound = assay_address(address)
    let descriptor = try checked(assay_tcp_listen(&bound, NetIOLimits.backlog))
    listeners.append(
      Listener(descriptor: descriptor, address: bound.address, tls: tls))
    return bound.address
  }

  /// Gives `node` its sockets and listeners, which must have been opened here, and tells it of its
  /// interfaces.
  public func attach(
    _ node: any Node, interfaces: [Interface], sockets addresses: [Address],
    listeners listening: [Address] = []
  ) throws(NetIOError) -> NodeID {
    let host = hosts.count
    hosts.append(Host(node: node))
    for address in addresses {
      guard let index = socketByAddress[address] else {
        preconditionFailure("\(address) is not bound")
      }
      try receive(on: index, for: host)
    }
    for index in listeners.indices where listening.contains(listeners[index].address) {
      listeners[index].host = host
      let token = Token(kind: .listener, number: UInt64(index)).value
      _ = try checked(
        assay_epoll_add(epoll, listeners[index].descriptor, EventLoop.readable, token))
    }
    node.interfacesChanged(interfaces, at: now, into: &outbox)
    settle(host)
    flush()
    return NodeID(index: host)
  }

  /// Lets `body` command a node and carries out what it leaves in the outbox.
  public func withNode<R>(
    _ id: NodeID, _ body: (any Node, Instant, inout Outbox) throws -> R
  ) rethrows -> R {
    defer {
      settle(id.index)
      flush()
    }
    return try body(hosts[id.index].node, now, &outbox)
  }

  // MARK: - Running

  /// Drives the nodes until `end`, or until `condition` is false; it is asked a few times a second at
  /// least.
  public func run(until end: Instant = .distantFuture, while condition: () -> Bool = { true }) {
    var events = [assay_event](repeating: assay_event(), count: Int(NetIOLimits.eventsPerWait))
    repeat {
      handleTimeouts()
      tellNews()
      flush()
      let count = assay_epoll_wait(epoll, &events, NetIOLimits.eventsPerWait, patience(until: end))
      for event in events.prefix(max(0, Int(count))) {
        handle(event)
        tellNews()
      }
      flush()
    } while now < end && condition()
  }

  /// Nanoseconds until something is due.
  private func patience(until end: Instant) -> Int64 {
    let now = self.now
    var next = min(end, now + NetIOLimits.longestWait)
    if !connections.isEmpty { next = min(next, nextSweep) }
    for host in hosts { next = min(next, host.node.nextTimeout ?? next) }
    return max(0, (next - now).nanoseconds)
  }

  private func handleTimeouts() {
    for index in hosts.indices {
      let now = self.now
      guard let due = hosts[index].node.nextTimeout, due <= now else { continue }
      counters.lag.record((now - due).wholeMicroseconds)
      hosts[index].node.handleTimeout(at: now, into: &outbox)
      settle(index)
    }
    if nextSweep <= now { sweep() }
  }

  private func handle(_ event: assay_event) {
    let token = Token(value: event.token)
    switch token.kind {
    case .socket: receive(on: sockets[Int(token.number)])
    case .listener: acceptConnections(on: Int(token.number))
    case .connection: handle(event.events, on: token.number)
    }
  }

  // MARK: - Datagrams

  private func receive(on socket: UDPSocket) {
    guard let host = socket.host else { return }
    for _ in 0..<NetIOLimits.batchesInARow {
      let count = incoming.receive(from: socket, pool: pool)
      guard count > 0 else { return }
      counters.received.batches += 1
      let now = self.now
      for _ in 0..<count {
        let (remote, isTruncated) = incoming.next()
        let packet = incoming.takePacket()
        guard !isTruncated else {
          counters.truncated += 1
          continue
        }
        counters.received.packets += 1
        counters.received.bytes += UInt64(packet.count)
        hosts[host].node.receive(
          packet, on: Path(local: socket.address, remote: remote), at: now, into: &outbox)
        settle(host)
        if outbox.packets.count >= NetIOLimits.sendBatch { flush() }
      }
      if count < NetIOLimits.receiveBatch { return }
    }
  }

  /// Hands all packets that nodes have sent to the kernel.
  func flush() {
    var current: UDPSocket?
    while let packet = outbox.packets.popFirst() {
      if current?.address != packet.path.local || outgoing.isFull {
        if let current { send(over: current) }
        current = socketByAddress[packet.path.local].map { sockets[$0] }
      }
      if current == nil {
        counters.unroutable += 1
      } else {
        outgoing.append(packet)
      }
    }
    if let current { send(over: current) }
  }

  private func send(over socket: UDPSocket) {
    guard !outgoing.isEmpty else { return }
    counters.sent.bytes += UInt64(outgoing.bytes)
    let result = outgoing.send(over: socket)
    counters.sent.packets += UInt64(result.sent)
    counters.sent.batches += UInt64(result.calls)
    counters.messagesSent += UInt64(result.messages)
    counters.sendErrors += UInt64(result.failed)
  }

  // MARK: - What nodes leave and hear

  /// Carries out what a node wants of its streams; its packets wait for `flush`.
  private func settle(_ host: Int) {
    while let action = outbox.streams.popFirst() { perform(action, of: host) }
  }

  /// Nodes hear of streams one event at a time, and never from within another call to them.
  private func tellNews() {
    while let (connection, host, event) = news.popFirst() {
      switch event {
      case .message, .writable: if connection?.isClosedByNode == true { continue }
      default: break
      }
      hosts[host].node.receive(event, at: now, into: &outbox)
      settle(host)
    }
  }
}

/// What an event of epoll belongs to.
struct Token {
  enum Kind: UInt64 { case socket, listener, connection }

  let value: UInt64

  init(kind: Kind, number: UInt64) { value = kind.rawValue << 56 | number }
  init(value: UInt64) { self.value = value }

  var kind: Kind { Kind(rawValue: value >> 56) ?? .connection }
  var number: UInt64 { value & 0xFF_FFFF_FFFF_FFFF }
}
