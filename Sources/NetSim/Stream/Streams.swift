// Signalling streams over the simulated links: TCP, a TLS handshake, an HTTP exchange, messages.
// Every stream ends at each end with one `closed` or `responded`, unless that end responded itself.
import Basics

extension World {
  // MARK: What nodes ask

  /// Words about a stream that is over are ignored: it may have died a moment ago.
  mutating func perform(_ action: StreamAction, from host: Int) {
    switch action {
    case .connect(let id, let to, let request): connect(id, to: to, request, from: host)
    case .accept(let id): accept(id, on: host)
    case .respond(let id, let response): respond(id, response, on: host)
    case .send(let id, let bytes, let isText):
      guard let index = streams.find(id, on: host), streams[index]?.phase == .open else { return }
      write(.message(bytes, isText: isText), to: index)
      settle(index)
    case .close(let id, let code): close(id, code, on: host)
    }
  }

  private mutating func connect(
    _ id: StreamID, to: Address, _ request: StreamRequest, from host: Int
  ) {
    precondition(streams.find(id, on: host) == nil, "a stream number used twice")
    let local = hosts[host].interfaces.map { interfaces[Int($0)].interface }
      .filter { $0.ip.family == to.ip.family }
      .min { $0.networkCost < $1.networkCost }
    // Without an interface the stream dies at once, on a connection that never sends.
    let from = Address(
      local?.ip ?? IPAddress(v4: 0), port: streams.nextPort(on: host))
    let tcp =
      local == nil
      ? TCPEndpoint(listening: streams.parameters)
      : TCPEndpoint(connectingAt: now, streams.parameters)
    let connection = StreamConnection(
      request: request,
      client: StreamEnd(
        host: host, id: id, path: Path(local: from, remote: to), isClient: true, tcp: tcp))
    let index = StreamEndIndex(
      connection: streams.add(connection, at: now), isServer: false)
    streams.register(index)
    if local == nil { streams.update(index) { $0.tcp.die(.reset) } }
    settle(index)
  }

  private mutating func accept(_ id: StreamID, on host: Int) {
    guard let index = streams.find(id, on: host), index.isServer,
      streams[index]?.phase == .opening
    else { return }
    streams.update(index) { $0.phase = .open }
    write(.accept, to: index)
    settle(index)
  }

  private mutating func respond(_ id: StreamID, _ response: StreamResponse, on host: Int) {
    guard let index = streams.find(id, on: host), index.isServer,
      streams[index]?.phase == .opening
    else { return }
    streams.connections[index.connection].response = response
    write(.response(response), to: index)
    finish(index)
    settle(index)
  }

  private mutating func close(_ id: StreamID, _ code: UInt16, on host: Int) {
    let now = self.now
    guard let index = streams.find(id, on: host), let end = streams[index] else { return }
    switch end.phase {
    case .opening where end.isClient:
      // Nothing to say goodbye to yet.
      streams.update(index) { $0.tcp.abort() }
      conclude(index, .closed(id, .closed(code: code)))
    case .opening, .open:
      write(.close(code), to: index)
      streams.update(index) {
        $0.phase = .closing
        $0.tcp.finish(at: now)
      }
    case .closing, .over: return
    }
    settle(index)
  }

  // MARK: What arrives

  mutating func deliverSegment(_ id: Int32, to host: Int) {
    let now = self.now
    let index = StreamEndIndex(traffic.flights[id].stream)
    let path = traffic.flights[id].path.reversed
    guard !traffic.flights[id].isDamaged else { return drop(id, .checksum) }
    let nextReceived = streams[index]?.tcp.received.next ?? 0
    let acknowledged = streams[index]?.tcp.acknowledged ?? 0
    let packet = traffic.flights.land(id)
    let segment = TCPSegment(
      packet.bytes, nearSequence: nextReceived, nearAcknowledgment: acknowledged)
    let data = packet.bytes.withUnsafeBytes { Array($0[TCPSegment.headerSize...]) }
    if index.isServer, streams[index] == nil {
      guard segment.flags.contains(.syn), hosts[host].node != nil else {
        return refuse(segment, at: index, on: path, host)
      }
      listen(index, on: path, host)
    }
    // Not held while the end changes, or its buffers would be copied.
    let isHere =
      streams[index].map { $0.host == host && $0.path == path && !$0.tcp.isDead } ?? false
    guard isHere else {
      return refuse(segment, at: index, on: path, host)
    }
    streams.update(index) { $0.tcp.receive(segment, data, at: now) }
    settle(index)
  }

  private mutating func listen(_ index: StreamEndIndex, on path: Path, _ host: Int) {
    streams.connections[index.connection].server = StreamEnd(
      host: host, id: streams.nextNumber(on: host), path: path, isClient: false,
      tcp: TCPEndpoint(listening: streams.parameters))
    streams.register(index)
  }

  /// A segment for nobody is answered with a RST (RFC 9293 §3.5.2).
  private mutating func refuse(
    _ segment: TCPSegment, at index: StreamEndIndex, on path: Path, _ host: Int
  ) {
    guard !segment.flags.contains(.rst) else { return }
    let reset = TCPSegment(
      sequence: segment.acknowledgment, acknowledgment: segment.sequence, flags: [.rst, .ack])
    var packet = outbox.pool.makePacket()
    reset.write(into: &packet, path)
    launch(packet, on: path, from: host, to: index.peer)
  }

  private mutating func read(_ index: StreamEndIndex) {
    let records = streams.update(index) { end in
      let (records, count) = StreamRecord.read(end.tcp.received.bytes)
      if count > 0 { end.tcp.received.removeFirst(count) }
      return records
    }
    for record in records { read(record, at: index) }
  }

  private mutating func read(_ record: StreamRecord, at index: StreamEndIndex) {
    let now = self.now
    guard let end = streams[index] else { return }
    switch record.kind {
    case .handshake: continueHandshake(index)
    case .request:
      let request = streams.connections[index.connection].request
      post(.opened(end.id, request, from: end.path.remote), to: index)
    case .accept:
      guard end.phase == .opening else { return }
      streams.update(index) { $0.phase = .open }
      post(.accepted(end.id), to: index)
    case .response:
      guard let response = streams.connections[index.connection].response else { return }
      conclude(index, .responded(end.id, response))
      streams.update(index) { $0.tcp.finish(at: now) }
    case .text, .binary:
      guard end.phase == .open else { return }
      post(.message(end.id, record.payload, isText: record.kind == .text), to: index)
    case .close:
      let code = UInt16(record.payload[0]) << 8 | UInt16(record.payload[1])
      if end.phase != .closing, end.phase != .over { write(.close(code), to: index) }
      conclude(index, .closed(end.id, .closed(code: code)))
      streams.update(index) { $0.tcp.finish(at: now) }
    }
  }

  /// The client speaks first, the server answers, as often as the parameters say.
  private mutating func continueHandshake(_ index: StreamEndIndex) {
    let seen = streams.update(index) { end in
      end.handshakes += 1
      return end.handshakes
    }
    if index.isServer {
      write(.handshake(seen == 1 ? Limits.serverFlight : Limits.laterFlight), to: index)
    } else if seen < streams.parameters.tlsRoundTrips {
      write(.handshake(Limits.laterFlight), to: index)
    } else {
      write(.request(streams.connections[index.connection].request), to: index)
    }
  }

  // MARK: What follows

  private mutating func write(_ record: StreamRecord, to index: StreamEndIndex) {
    let now = self.now
    let isSecure = streams.parameters.tlsRoundTrips > 0
    let bytes = record.bytes(isSecure: isSecure, isMasked: !index.isServer)
    streams.update(index) { $0.tcp.write(bytes, at: now) }
  }

  private mutating func finish(_ index: StreamEndIndex) {
    let now = self.now
    streams.update(index) { end in
      end.phase = .over
      end.tcp.finish(at: now)
    }
    if let end = streams[index] { streams.forget(end) }
  }

  /// After each thing that happened to an end: sends, reads, watches the limit, sets the timer.
  private mutating func settle(_ index: StreamEndIndex) {
    let now = self.now
    startExchange(index)
    read(index)
    flush(index)
    guard let end = streams[index] else { return }
    if end.tcp.isDead || end.tcp.received.isFinished, end.phase != .over {
      conclude(index, .closed(end.id, .lost))
      streams.update(index) { $0.tcp.finish(at: now) }
      flush(index)
    }
    let isOver = end.tcp.unacknowledged > streams.parameters.sendBufferLimit
    if end.isOverLimit, !isOver, end.phase == .open { post(.writable(end.id), to: index) }
    streams.update(index) { $0.isOverLimit = isOver }
    arm(index)
    streams.retire(index, at: now)
  }

  /// The client's first words, once the connection is made.
  private mutating func startExchange(_ index: StreamEndIndex) {
    guard !index.isServer, let end = streams[index], end.tcp.state == .established,
      !end.hasSpoken
    else { return }
    streams.update(index) { $0.hasSpoken = true }
    if streams.parameters.tlsRoundTrips > 0 {
      write(.handshake(Limits.clientHello), to: index)
    } else {
      write(.request(streams.connections[index.connection].request), to: index)
    }
  }

  private mutating func flush(_ index: StreamEndIndex) {
    let segments = streams.update(index) { $0.tcp.takeOutgoing() }
    guard let end = streams[index] else { return }
    for segment in segments {
      var packet = outbox.pool.makePacket()
      segment.write(into: &packet, end.path)
      if segment.count > 0 { end.tcp.appendPayload(of: segment, to: &packet) }
      launch(packet, on: end.path, from: end.host, to: index.peer)
    }
  }

  private mutating func launch(
    _ packet: consuming Packet, on path: Path, from host: Int, to index: StreamEndIndex
  ) {
    let size = packet.count + Limits.ipHeader(path.remote.ip)
    launch(packet.park(), on: path, size: size, from: host, stream: index.value)
  }

  mutating func arm(_ index: StreamEndIndex) {
    guard let deadline = streams[index]?.tcp.nextTimeout else { return }
    let time = max(deadline, now)
    guard streams.update(index, { $0.timers.arm(time) }) else { return }
    traffic.events.push(.streamTimeout(index.value), at: time)
  }

  mutating func timeoutStream(_ value: Int32) {
    let now = self.now
    let index = StreamEndIndex(value)
    if let host = streams[index]?.host, hosts[host].isSuspended {
      return streams.update(index) { $0.timers.fire() }
    }
    streams.update(index) { end in
      end.timers.fire()
      if let deadline = end.tcp.nextTimeout, deadline <= now { end.tcp.timeout(at: now) }
    }
    settle(index)
  }

  // MARK: What nodes hear

  /// Nodes hear of streams in events of their own, so that no node is called from within another.
  mutating func post(_ event: StreamEvent, to index: StreamEndIndex) {
    streams.news.append((index, event))
    traffic.events.push(.streamNews, at: now)
  }

  /// The last that a node hears of a stream.
  private mutating func conclude(_ index: StreamEndIndex, _ event: StreamEvent) {
    guard let end = streams[index], end.phase != .over else { return }
    streams.update(index) { $0.phase = .over }
    streams.forget(end)
    post(event, to: index)
  }

  mutating func tellStreamNews() {
    guard let (index, event) = streams.news.popFirst(), let end = streams[index],
      !end.isSilenced
    else { return }
    switch event {
    case .message, .writable:
      // The node closed the stream while this lay before it.
      if end.phase == .closing { return }
    default: break
    }
    if hosts[end.host].isSuspended {
      hosts[end.host].missedNews.append((index, event))
      return
    }
    deliver(event, to: end.host)
  }

  // MARK: Ends

  /// The node on `host` is gone: its connections are reset, and it hears nothing of it.
  mutating func resetStreams(of host: Int) {
    for index in streams.ends(on: host) {
      streams.update(index) { end in
        end.isSilenced = true
        if end.tcp.isActive { end.tcp.abort() }
        end.phase = .over
      }
      if let end = streams[index] { streams.forget(end) }
      flush(index)
      streams.retire(index, at: now)
    }
  }

  /// The address is gone: streams over it die at this end now, at the other in its own time.
  mutating func loseStreams(of host: Int, at ip: IPAddress) {
    for index in streams.ends(on: host) {
      guard let end = streams[index], end.tcp.isActive, end.path.local.ip == ip else { continue }
      streams.update(index) { $0.tcp.die(.reset) }
      conclude(index, .closed(end.id, .lost))
      streams.retire(index, at: now)
    }
  }
}
