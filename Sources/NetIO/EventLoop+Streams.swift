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
      guard makeRoom(for: remote.address.ip) else {
        counters.connectionsDropped += 1
        assay_close(descriptor)
        continue
      }
      counters.connectionsAccepted += 1
      let id = StreamID(hosts[host].nextStream)
      hosts[host].nextStream -= 1
      add(
        descriptor, host: host, id: id, remote: remote.address, request: nil,
        interest: EventLoop.readable, tls: listeners[index].tls)
    }
  }

  /// Makes room for a connection from `ip` at the cost of one that no node has accepted, the oldest first,
  /// so that those who hold connections open keep nobody out.
  /// - Returns: false where every connection is in use.
  private func makeRoom(for ip: IPAddress) -> Bool {
    let network = EventLoop.network(of: ip)
    if unacceptedByNetwork[network, default: 0] >= NetIOLimits.unacceptedPerAddress {
      return dropOldestUnaccepted { EventLoop.network(of: $0.remote.ip) == network }
    }
    let isFull =
      connections.count >= NetIOLimits.connections
      || unaccepted >= NetIOLimits.unacceptedConnections
    return !isFull || dropOldestUnaccepted { _ in true }
  }

  private func dropOldestUnaccepted(_ matches: (StreamConnection) -> Bool) -> Bool {
    let waiting = connections.values.filter { $0.isUnaccepted && matches($0) }
    guard let oldest = waiting.min(by: { $0.token < $1.token }) else { return false }
    oldest.drop()
    settle(oldest)
    return true
  }

  /// What one owner holds of the address space: an IPv4 address, an IPv6 /64.
  private static func network(of ip: IPAddress) -> IPAddress {
    ip.family == .v6 ? IPAddress(v6High: ip.high, low: 0) : ip
  }

  /// Keeps the counts of connections that no node has accepted.
  private func count(_ connection: StreamConnection, isUnaccepted: Bool) {
    guard connection.isCountedUnaccepted != isUnaccepted else { return }
    connection.isCountedUnaccepted = isUnaccepted
    let network = EventLoop.network(of: connection.remote.ip)
    let left = unacceptedByNetwork[network, default: 0] + (isUnaccepted ? 1 : -1)
    unacceptedByNetwork[network] = left > 0 ? left : nil
    unaccepted += isUnaccepted ? 1 : -1
  }

  /// Drops whoever holds most, where requests that are not whole hold too much together.
  private func limitRequestBytes(_ connection: StreamConnection) {
    guard connection.isUnaccepted,
      connection.requestBytes > NetIOLimits.uncountedRequestBytes
    else { return }
    let waiting = connections.values.filter {
      $0.isUnaccepted && $0.requestBytes > NetIOLimits.uncountedRequestBytes
    }
    guard waiting.reduce(0, { $0 + $1.requestBytes }) > NetIOLimits.requestBytes,
      let largest = waiting.max(by: {
        ($0.requestBytes, $1.token) < ($1.requestBytes, $0.token)
      })
    else { return }
    largest.drop()
    if largest !== connection { settle(largest) }
  }

  private func add(
    _ descriptor: Int32, host: Int, id: StreamID, remote: Address, request: StreamRequest?,
    interest: UInt32, tls: TLSIdentity? = nil
  ) {
    let token = Token(kind: .connection, number: nextConnection)
    let connection = StreamConnection(
      token: nextConnection, host: host, id: id, remote: remote, descriptor: descriptor,
      request: request, at: now)
    connection.interest = interest
    connection.tls = tls.map { TLSSession($0) }
    nextConnection += 1
    connections[connection.token] = connection
    streams[StreamKey(host: host, id: id)] = connection
    count(connection, isUnaccepted: connection.isUnaccepted)
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
      let bytes = UnsafeRawBufferPointer(rebasing: readBuffer[..<Int(count)])
      if let tls = connection.tls {
        if !tls.read(bytes, { connection.read($0, at: now) }) { connection.inputEnded(at: now) }
      } else {
        connection.read(bytes, at: now)
      }
      limitRequestBytes(connection)
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
    count(connection, isUnaccepted: connection.isUnaccepted)
    if connection.phase == .over {
      remove(connection)
      return
    }
    if connection.phase == .ending, !connection.hasOutput, !connection.hasShutDown {
      connection.hasShutDown = true
      if let tls = connection.tls {
        tls.close()
        write(connection)
      }
      assay_shutdown_write(connection.descriptor)
    }
    let isConnecting = connection.phase == .connecting
    let wanted =
      (isConnecting || connection.hasInputEnded ? 0 : EventLoop.readable)
      | (isConnecting || connection.hasOutput ? EventLoop.writable : 0)
    guard wanted != connection.interest else { return }
    connection.interest = wanted
    _ = assay_epoll_change(
      epoll, connection.descriptor, wanted,
      Token(kind: .connection, number: connection.token).value)
  }

  private func write(_ connection: StreamConnection) {
    while connection.phase != .over, connection.phase != .connecting {
      if let tls = connection.tls { encrypt(connection, tls) }
      guard connection.tls.map({ !$0.output.isEmpty }) ?? !connection.output.isEmpty else { return }
      let send = { (bytes: UnsafeRawBufferPointer) in
        assay_write(connection.descriptor, bytes.baseAddress, UInt64(bytes.count))
      }
      let count = connection.tls?.output.withBytes(send) ?? connection.output.withBytes(send)
      if count > 0 {
        connection.tls?.wrote(Int(count))
        connection.wrote(connection.tls == nil ? Int(count) : 0)
      } else {
        if count != -Int64(EAGAIN) { connection.failed() }
        return
      }
    }
  }

  /// Encrypts as much as the socket is likely to take; the rest stays where its limit is kept.
  private func encrypt(_ connection: StreamConnection, _ tls: TLSSession) {
    while !connection.output.isEmpty, tls.output.count < NetIOLimits.readSize {
      let count = connection.output.withBytes(tls.write)
      guard count > 0 else { return }
      connection.wrote(count)
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
