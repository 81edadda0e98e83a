// The loop's TCP side: listeners, connections, and what nodes ask of their streams.

import Basics
import CLinux
import Glibc

extension EventLoop {
  static var readable: UInt32 { UInt32(ASSAY_READABLE) }
  static var writable: UInt32 { UInt32(ASSAY_WRITABLE) }
  static var hungUp: UInt32 { UInt32(ASSAY_HUNG_UP) }

  /// Streams that are not over, of all nodes, and connections on their way to become one.
  public var openConnections: Int { connections.count }

  /// Takes no more connections; those that are there go on.
  public func stopListening() {
    for index in listeners.indices where listeners[index].isOpen {
      if listeners[index].host != nil { _ = assay_epoll_remove(epoll, listeners[index].descriptor) }
      assay_close(listeners[index].descriptor)
      listeners[index].isOpen = false
    }
  }

  // MARK: - Actions

  func perform(_ action: StreamAction, of host: Int) {
    switch action {
    case .connect(let id, let remote, let request):
      connect(id, to: remote, request, of: host)
    case .accept(let id):
      update(id, of: host) { $0.accept() }
    case .respond(let id, let response):
      let now = self.now
      update(id, of: host) { $0.respond(response, at: now) }
    case .send(let id, let bytes, let isText):
      update(id, of: host) { $0.send(bytes, isText: isText) }
    case .close(let id, let code):
      let now = self.now
      update(id, of: host) { $0.close(code: code, at: now) }
    }
  }

  private func update(_ id: StreamID, of host: Int, _ body: (StreamConnection) -> Void) {
    guard let connection = streams[StreamKey(host: host, id: id)] else { return }
    body(connection)
    settle(connection)
  }

  /// Breaks a stream without a word, as a client does that vanishes; its node hears nothing of it. May be
  /// called by the node itself.
  public func abandon(_ id: StreamID, of node: NodeID) {
    guard let connection = streams[StreamKey(host: node.index, id: id)] else { return }
    connection.failed()
    connection.events = []
    settle(connection)
  }

  private func connect(
    _ id: StreamID, to remote: Address, _ request: StreamRequest, of host: Int
  ) {
    precondition(streams[StreamKey(host: host, id: id)] == nil, "a stream number used twice")
    var address = assay_address(remote)
    let descriptor =
      connections.count < NetIOLimits.connections ? assay_tcp_connect(&address) : -EMFILE
    guard descriptor >= 0 else {
      news.append((nil, host, .closed(id, .lost)))
      return
    }
    add(
      descriptor, host: host, id: id, remote: remote, request: request,
      interest: EventLoop.writable)
  }

  // MARK: - Connections

  func acceptConnections(on index: Int) {
    guard let host = listeners[index].host, listeners[index].isOpen else { return }
    for _ in 0..<NetIOLimits.backlog {
      var remote = assay_address()
      let descriptor = assay_tcp_accept(listeners[index].descriptor, &remote)
      if descriptor == -EMFILE || descriptor == -ENFILE {
        _ = assay_epoll_change(
          epoll, listeners[index].descriptor, 0,
          Token(kind: .listener, number: UInt64(index)).value)
        listeners[index].isParked = true
      }
      guard descriptor >= 0 else { return }
      guard connections.count < NetIOLimits.connections || dropOldestHalfOpen() else {
        counters.connectionsDropped += 1
        assay_close(descriptor)
        continue
      }
      counters.connectionsAccepted += 1
      let id = StreamID(hosts[host].nextStream)
      hosts[host].nextStream -= 1
      add(
        descriptor, host: host, id: id, remote: remote.address, request: nil,
        interest: EventLoop.readable)
    }
  }

  /// Makes room at the cost of the connection that has waited longest with its request, so that those
  /// who hold connections open keep nobody out.
  /// - Returns: false where every connection is in use.
  private func dropOldestHalfOpen() -> Bool {
    let waiting = connections.values.filter(\.awaitsRequest)
    guard let oldest = waiting.min(by: { $0.token < $1.token }) else { return false }
    oldest.drop()
    settle(oldest)
    return true
  }

  private func add(
    _ descriptor: Int32, host: Int, id: StreamID, remote: Address, request: StreamRequest?,
    interest: UInt32
  ) {
    let token = Token(kind: .connection, number: nextConnection)
    let connection = StreamConnection(
      token: nextConnection, host: host, id: id, remote: remote, descriptor: descriptor,
      request: request, at: now)
    connection.interest = interest
    nextConnection += 1
    connections[connection.token] = connection
    streams[StreamKey(host: host, id: id)] = connection
    if assay_epoll_add(epoll, descriptor, interest, token.value) < 0 {
      connection.failed()
      settle(connection)
    }
  }

  func handle(_ events: UInt32, on number: UInt64) {
    guard let connection = connections[number] else { return }
    if connection.phase == .connecting {
      if assay_tcp_connected(connection.descriptor) == 0 {
        connection.connected()
      } else {
        connection.failed()
      }
    } else if events & EventLoop.hungUp != 0, connection.hasInputEnded {
      connection.failed()
    } else if events & (EventLoop.readable | EventLoop.hungUp) != 0 {
      read(connection)
    }
    settle(connection)
  }

  private func read(_ connection: StreamConnection) {
    let count = assay_read(
      connection.descriptor, readBuffer.baseAddress, UInt64(readBuffer.count))
    switch count {
    case 1...:
      connection.read(
        UnsafeRawBufferPointer(rebasing: readBuffer[..<Int(count)]), at: now)
    case 0: connection.inputEnded(at: now)
    case -Int64(EAGAIN): break
    default: connection.failed()
    }
  }

  /// After each thing that happened to a connection: writes, passes on its events, waits for what it
  /// waits for, ends it.
  private func settle(_ connection: StreamConnection) {
    write(connection)
    for event in connection.events { news.append((connection, connection.host, event)) }
    connection.events = []
    if connection.phase == .over {
      remove(connection)
      return
    }
    if connection.phase == .ending, connection.output.isEmpty, !connection.hasShutDown {
      connection.hasShutDown = true
      assay_shutdown_write(connection.descriptor)
    }
    let isConnecting = connection.phase == .connecting
    let wanted =
      (isConnecting || connection.hasInputEnded ? 0 : EventLoop.readable)
      | (isConnecting || !connection.output.isEmpty ? EventLoop.writable : 0)
    guard wanted != connection.interest else { return }
    connection.interest = wanted
    _ = assay_epoll_change(
      epoll, connection.descriptor, wanted,
      Token(kind: .connection, number: connection.token).value)
  }

  private func write(_ connection: StreamConnection) {
    while !connection.output.isEmpty, connection.phase != .over,
      connection.phase != .connecting
    {
      let count = connection.output.withBytes {
        assay_write(connection.descriptor, $0.baseAddress, UInt64($0.count))
      }
      if count > 0 {
        connection.wrote(Int(count))
      } else {
        if count != -Int64(EAGAIN) { connection.failed() }
        return
      }
    }
  }

  private func remove(_ connection: StreamConnection) {
    guard connections.removeValue(forKey: connection.token) != nil else { return }
    if connection.wasDropped { counters.connectionsDropped += 1 }
    streams[StreamKey(host: connection.host, id: connection.id)] = nil
    assay_close(connection.descriptor)
  }

  /// Looks for connections that have waited in vain, and listens again where descriptors had run out.
  func sweep() {
    nextSweep = now + NetIOLimits.sweepInterval
    for connection in Array(connections.values) {
      connection.handleTimeout(at: now)
      settle(connection)
    }
    for index in listeners.indices where listeners[index].isParked {
      listeners[index].isParked = false
      _ = assay_epoll_change(
        epoll, listeners[index].descriptor, EventLoop.readable,
        Token(kind: .listener, number: UInt64(index)).value)
    }
  }
}
