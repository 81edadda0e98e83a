// Nodes and plain sockets for the tests of the event loop.

import Basics
import CLinux
import NetIO

let loopback = IPAddress(v4: 127, 0, 0, 1)
let loopbackInterface = Interface(name: "lo", ip: loopback)

/// Sends back what it gets: datagrams to their sender, messages on their stream, request bodies.
final class EchoNode: Node {
  var events: [String] = []
  var requests: [StreamRequest] = []
  /// Whether WebSockets are accepted.
  var refusal: StreamResponse?
  /// Messages of this many bytes are sent at each message that arrives, instead of an echo.
  var flood: Int?
  var ecn: [ECN] = []

  var nextTimeout: Instant? { nil }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    ecn.append(packet.ecn)
    outbox.send(packet, on: path)
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .opened(let id, let request, _):
      requests.append(request)
      events.append("opened \(request.method) \(request.target)")
      if request.kind == .webSocket, refusal == nil {
        outbox.send(.accept(id))
      } else {
        let response = refusal ?? StreamResponse(status: 200, body: request.body)
        outbox.send(.respond(id, response))
      }
    case .message(let id, let bytes, let isText):
      events.append("message \(bytes.count)")
      if let flood {
        outbox.send(.send(id, [UInt8](repeating: 7, count: flood), isText: false))
      } else {
        outbox.send(.send(id, bytes, isText: isText))
      }
    case .writable: events.append("writable")
    case .closed(_, let closure): events.append("\(closure)")
    case .accepted, .responded: break
    }
  }

  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}

  func handleTimeout(at now: Instant, into outbox: inout Outbox) {}
}

/// Remembers what it gets.
final class ListeningNode: Node {
  var datagrams: [[UInt8]] = []
  var ecn: [ECN] = []
  var isAccepted = false
  var responses: [StreamResponse] = []
  var messages: [(bytes: [UInt8], isText: Bool)] = []
  var closures: [StreamClosure] = []
  var timeouts = 0
  var nextTimeout: Instant?

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    datagrams.append(packet.bytes.withUnsafeBytes { Array($0) })
    ecn.append(packet.ecn)
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .accepted: isAccepted = true
    case .responded(_, let response): responses.append(response)
    case .message(_, let bytes, let isText): messages.append((bytes, isText))
    case .closed(_, let closure): closures.append(closure)
    case .opened, .writable: break
    }
  }

  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}

  func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    timeouts += 1
    nextTimeout = nil
  }
}

extension EventLoop {
  /// Runs until `condition` holds; false where it has not within 20 s.
  func reaches(_ condition: () -> Bool) -> Bool {
    let end = now + .seconds(20)
    while !condition() {
      guard now < end else { return false }
      run(until: now + .milliseconds(2))
    }
    return true
  }
}

/// A server with an `EchoNode`, and plain TCP connections to it.
final class EchoServer {
  let loop: EventLoop
  let node = EchoNode()
  let address: Address

  init() throws {
    loop = try EventLoop()
    address = try loop.listen(on: Address(loopback, port: 0))
    _ = try loop.attach(
      node, interfaces: [loopbackInterface], sockets: [], listeners: [address])
  }

  func connect() -> PlainConnection { PlainConnection(to: address, loop) }

  /// Sends one request and returns all that comes back.
  func exchange(_ request: String) -> String {
    let connection = connect()
    connection.send(Array(request.utf8))
    return String(decoding: connection.readToEnd(), as: UTF8.self)
  }
}

/// A TCP connection without any protocol, in the thread of the loop that it talks to.
final class PlainConnection {
  private let descriptor: Int32
  private let loop: EventLoop
  private(set) var received: [UInt8] = []
  private(set) var hasEnded = false

  init(to address: Address, _ loop: EventLoop) {
    self.loop = loop
    var remote = assay_address()
    remote.family = 4
    remote.port = address.port
    remote.ip.0 = 127
    remote.ip.3 = 1
    descriptor = assay_tcp_connect(&remote)
  }

  deinit { assay_close(descriptor) }

  func send(_ bytes: [UInt8]) {
    var start = 0
    let sent = loop.reaches {
      let count = bytes[start...].withUnsafeBytes {
        assay_write(descriptor, $0.baseAddress, UInt64($0.count))
      }
      if count > 0 { start += Int(count) }
      // Whoever has been closed on has sent all it can.
      return start == bytes.count || count == -104 || count == -32
    }
    precondition(sent, "the server takes no bytes")
  }

  func finish() { assay_shutdown_write(descriptor) }

  /// Takes what is there.
  func read() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !hasEnded {
      let count = assay_read(descriptor, &buffer, UInt64(buffer.count))
      guard count > 0 else {
        hasEnded = count == 0 || count == -104
        return
      }
      received += buffer[..<Int(count)]
    }
  }

  func readToEnd() -> [UInt8] {
    let ended = loop.reaches {
      read()
      return hasEnded
    }
    precondition(ended, "the server does not close")
    return received
  }

  func read(count: Int) -> [UInt8] {
    _ = loop.reaches {
      read()
      return received.count >= count || hasEnded
    }
    let bytes = Array(received.prefix(count))
    received.removeFirst(bytes.count)
    return bytes
  }

  /// Makes it a WebSocket.
  func upgrade() -> String {
    send(Array(webSocketRequest().utf8))
    _ = loop.reaches {
      read()
      return String(decoding: received, as: UTF8.self).contains("\r\n\r\n") || hasEnded
    }
    let text = String(decoding: received, as: UTF8.self)
    received = []
    return text
  }

  /// Sends a masked frame.
  func send(frame opcode: UInt8, _ payload: [UInt8], fin: Bool = true, masked: Bool = true) {
    var bytes: [UInt8] = [opcode | (fin ? 0x80 : 0)]
    let mask: [UInt8] = [1, 2, 3, 4]
    let bit: UInt8 = masked ? 0x80 : 0
    switch payload.count {
    case 0..<126: bytes.append(bit | UInt8(payload.count))
    case 126..<65_536:
      bytes += [bit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    default:
      bytes.append(bit | 127)
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
      }
    }
    if masked { bytes += mask }
    for (index, byte) in payload.enumerated() {
      bytes.append(masked ? byte ^ mask[index & 3] : byte)
    }
    send(bytes)
  }

  /// The next frame, unmasked: opcode with FIN, payload.
  func readFrame() -> (UInt8, [UInt8])? {
    let head = read(count: 2)
    guard head.count == 2 else { return nil }
    var count = Int(head[1])
    if count == 126 { count = read(count: 2).reduce(0) { $0 << 8 | Int($1) } }
    if count == 127 { count = read(count: 8).reduce(0) { $0 << 8 | Int($1) } }
    return (head[0], read(count: count))
  }
}

func webSocketRequest(_ extra: String = "", version: String = "13") -> String {
  "GET /rtc?x=1 HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    + "Sec-WebSocket-Version: \(version)\r\n\(extra)\r\n"
}
