// One end of a signalling stream on a TCP connection, sans I/O: an HTTP exchange or a WebSocket.

import Basics

final class StreamConnection {
  enum Phase {
    /// A client's TCP connection is being made.
    case connecting
    /// The request, or on the client's side the answer, is being read.
    case opening
    /// The node has the request.
    case answering
    /// A WebSocket.
    case open
    /// The node has closed it and waits for the other end's word.
    case closing
    /// Our last word is in the output; after it the connection ends.
    case ending
    /// The socket can go.
    case over
  }

  let token: UInt64
  let host: Int
  let id: StreamID
  let remote: Address
  let descriptor: Int32
  private(set) var phase: Phase
  /// For the node, oldest first, until taken.
  var events: [StreamEvent] = []
  var output = OutputQueue()
  /// Nil for plain HTTP.
  var tls: TLSSession?
  /// Whether anything waits for the kernel.
  var hasOutput: Bool { !output.isEmpty || tls?.output.isEmpty == false }
  /// The other end was too slow, or silent for too long.
  private(set) var wasDropped = false
  /// The node wants to hear no more messages.
  private(set) var isClosedByNode = false
  /// The other end writes no more.
  private(set) var hasInputEnded = false
  /// What the loop waits for on the socket.
  var interest: UInt32 = 0
  /// Our last word has been followed by the end of our side.
  var hasShutDown = false

  private let clientRequest: StreamRequest?
  private let webSocketKey: String?
  private var reader: HTTPReader
  private var frames: WebSocketFrames?
  /// What arrived before the node had answered.
  private var early: [UInt8] = []
  private var isWebSocket = false
  private var deadline: Instant
  private var lastHeard: Instant
  private var hasPinged = false
  private var isKnownToNode: Bool
  private var hasConcluded = false
  private var isOverMark = false

  /// - Parameter request: of a client; nil for a server's end.
  init(
    token: UInt64, host: Int, id: StreamID, remote: Address, descriptor: Int32,
    request: StreamRequest?, at now: Instant
  ) {
    self.token = token
    self.host = host
    self.id = id
    self.remote = remote
    self.descriptor = descriptor
    clientRequest = request
    webSocketKey = request?.kind == .webSocket ? WebSocketHandshake.makeKey() : nil
    reader = HTTPReader(request == nil ? .request : .response)
    phase = request == nil ? .opening : .connecting
    isKnownToNode = request != nil
    deadline = now + NetIOLimits.openingTimeout
    lastHeard = now
  }

  private var isServer: Bool { clientRequest == nil }

  /// Whether a client has connected and no node has accepted it as a WebSocket: it may be anybody.
  var isUnaccepted: Bool {
    switch phase {
    case .opening, .answering, .ending: isServer && frames == nil
    case .connecting, .open, .closing, .over: false
    }
  }
  /// Whether the loop counts it as such.
  var isCountedUnaccepted = false

  /// Bytes of a request that are kept.
  var requestBytes: Int { reader.heldBytes + early.count }

  // MARK: - What the node wants

  func accept() {
    guard phase == .answering, isWebSocket, let key = reader.header("sec-websocket-key") else {
      return
    }
    output.append(HTTPWriter.switchingProtocols(key: key))
    phase = .open
    frames = WebSocketFrames(isServer: true)
    let first = early
    early = []
    if !first.isEmpty { first.withUnsafeBytes(readFrames) }
  }

  func respond(_ response: StreamResponse, at now: Instant) {
    guard phase == .answering else { return }
    hasConcluded = true
    write(response, at: now)
  }

  func send(_ bytes: [UInt8], isText: Bool) {
    guard phase == .open, let frames else { return }
    frames.send(bytes, isText: isText)
    takeFrames()
  }

  func close(code: UInt16, at now: Instant) {
    isClosedByNode = true
    switch phase {
    case .connecting, .opening: conclude(.closed(id, .closed(code: code)))
    case .answering: conclude(.closed(id, .lost))
    case .open:
      frames?.close(code: code)
      takeFrames()
      phase = .closing
      deadline = now + NetIOLimits.closingTimeout
    case .closing, .ending, .over: break
    }
  }

  // MARK: - What happens on the socket

  /// The client's TCP connection is made.
  func connected() {
    guard phase == .connecting, let clientRequest else { return }
    phase = .opening
    output.append(
      HTTPWriter.request(clientRequest, host: remote, webSocketKey: webSocketKey))
  }

  func read(_ bytes: UnsafeRawBufferPointer, at now: Instant) {
    lastHeard = now
    hasPinged = false
    switch phase {
    case .opening: readMessage(bytes, at: now)
    case .answering:
      early.append(contentsOf: bytes)
      if early.count > NetIOLimits.readSize { drop() }
    case .open, .closing: readFrames(bytes)
    case .connecting, .ending, .over: break
    }
    if phase == .ending { deadline = min(deadline, now + NetIOLimits.closingTimeout) }
  }

  /// The other end writes no more.
  func inputEnded(at now: Instant) {
    hasInputEnded = true
    switch phase {
    case .opening:
      if !isServer { readMessage(UnsafeRawBufferPointer(start: nil, count: 0), at: now) }
      if phase == .opening { conclude(.closed(id, .lost)) }
    case .connecting, .open, .closing: conclude(.closed(id, .lost))
    case .ending where !hasOutput: phase = .over
    case .answering, .ending, .over: break
    }
  }

  /// The connection broke, or was never made.
  func failed() { conclude(.closed(id, .lost)) }

  /// The kernel took `count` bytes of the output.
  func wrote(_ count: Int) {
    output.removeFirst(count)
    if isOverMark, output.count < NetIOLimits.writableMark {
      isOverMark = false
      if phase == .open { events.append(.writable(id)) }
    }
    if phase == .ending, !hasOutput, hasInputEnded { phase = .over }
  }

  func handleTimeout(at now: Instant) {
    switch phase {
    case .open:
      if now - lastHeard >= NetIOLimits.silence {
        drop()
      } else if now - lastHeard >= NetIOLimits.pingInterval, !hasPinged {
        hasPinged = true
        frames?.ping()
        takeFrames()
      }
    case .over: break
    case .ending: if deadline <= now { phase = .over }
    case .closing: if deadline <= now { conclude(.closed(id, .lost)) }
    case .connecting, .opening, .answering: if deadline <= now { drop() }
    }
  }

  // MARK: - Opening

  private func readMessage(_ bytes: UnsafeRawBufferPointer, at now: Instant) {
    do throws(HTTPFailure) {
      guard case .complete(let consumed) = try reader.read(bytes) else { return }
      let rest = UnsafeRawBufferPointer(rebasing: bytes[consumed...])
      if isServer { requested(rest, at: now) } else { answered(rest) }
    } catch {
      if isServer {
        write(StreamResponse(status: error.status), at: now)
      } else {
        conclude(.closed(id, .lost))
      }
    }
  }

  private func requested(_ rest: UnsafeRawBufferPointer, at now: Instant) {
    isWebSocket = reader.header("upgrade", has: "websocket")
    if isWebSocket, case .failure(let refusal) = WebSocketHandshake.key(of: reader) {
      write(refusal.response, at: now)
      return
    }
    phase = .answering
    early = Array(rest)
    isKnownToNode = true
    let request = StreamRequest(
      kind: isWebSocket ? .webSocket : .http, method: reader.method, target: reader.target,
      headers: reader.headers, body: reader.body)
    reader.releaseBody()
    events.append(.opened(id, request, from: remote))
  }

  private func answered(_ rest: UnsafeRawBufferPointer) {
    guard let webSocketKey, reader.status == 101 else {
      conclude(
        .responded(
          id,
          StreamResponse(status: reader.status, headers: reader.headers, body: reader.body)))
      return
    }
    guard reader.header("upgrade", has: "websocket"),
      reader.header("sec-websocket-accept") == WebSocketHandshake.accept(key: webSocketKey)
    else {
      conclude(.closed(id, .lost))
      return
    }
    phase = .open
    frames = WebSocketFrames(isServer: false)
    events.append(.accepted(id))
    if !rest.isEmpty { readFrames(rest) }
  }

  private func write(_ response: StreamResponse, at now: Instant) {
    output.append(HTTPWriter.response(response, withoutBody: reader.method == "HEAD"))
    phase = .ending
    deadline = now + NetIOLimits.openingTimeout
  }

  // MARK: - Frames

  private func readFrames(_ bytes: UnsafeRawBufferPointer) {
    guard let frames else { return }
    let isReadable = frames.read(bytes)
    for message in frames.messages where !isClosedByNode {
      events.append(.message(id, message.bytes, isText: message.isText))
    }
    frames.messages = []
    takeFrames()
    if let code = frames.receivedClose {
      end(.closed(id, .closed(code: code)))
    } else if !isReadable {
      end(.closed(id, .closed(code: frames.sentClose ?? 1_002)))
    }
  }

  private func takeFrames() {
    guard let frames, !frames.output.isEmpty else { return }
    output.append(frames.output)
    frames.output.removeAll(keepingCapacity: true)
    // Pongs, too: whoever pings and reads nothing makes the server write.
    if output.count > NetIOLimits.sendQueue { drop() }
    if output.count > NetIOLimits.writableMark { isOverMark = true }
  }

  // MARK: - Ending

  /// The last word, both ways.
  private func end(_ event: StreamEvent) {
    guard phase == .open || phase == .closing else { return }
    conclude(event)
    phase = .ending
    deadline = lastHeard + NetIOLimits.closingTimeout
  }

  /// Ends it without a word.
  func drop() {
    wasDropped = true
    output = OutputQueue()
    conclude(.closed(id, .lost))
  }

  /// The last that the node hears.
  private func conclude(_ event: StreamEvent) {
    phase = .over
    guard isKnownToNode, !hasConcluded else { return }
    hasConcluded = true
    events.append(event)
  }
}

/// Bytes that wait for the kernel.
struct OutputQueue {
  private var bytes: [UInt8] = []
  private var start = 0

  var count: Int { bytes.count - start }
  var isEmpty: Bool { count == 0 }

  mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

  mutating func removeFirst(_ n: Int) {
    start += n
    if start == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= NetIOLimits.writableMark)
      start = 0
    } else if start >= NetIOLimits.readSize, start >= bytes.count / 2 {
      bytes.removeFirst(start)
      start = 0
    }
  }

  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
  }
}
