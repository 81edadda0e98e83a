// The contract between a node (SFU or bot) and its driver (NetSim in virtual time, NetIO on sockets).

/// A participant in a network that knows only datagrams, signalling streams and the time it is told.
/// It owns no clock, randomness, socket or thread, and never iterates an unordered collection.
///
/// The driver calls one method at a time, then carries out what lies in the outbox, then waits until
/// `nextTimeout` or the next arrival.
public protocol Node: AnyObject {
  /// When `handleTimeout` wants to be called; nil for never. Read after every call.
  var nextTimeout: Instant? { get }

  /// A datagram arrived; `path.remote` is its sender.
  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox)

  /// Something happened on a signalling stream.
  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox)

  /// The host's interfaces are now these (called once at the start, and on every change).
  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox)

  /// `nextTimeout` has come.
  func handleTimeout(at now: Instant, into outbox: inout Outbox)
}

/// A signalling stream (WebSocket or HTTP exchange) of one node. Streams that a node opens are numbered
/// by the node, upward from 1; streams opened towards it by its driver, downward from `UInt32.max`.
public struct StreamID: Hashable, Comparable, Sendable {
  public let number: UInt32
  public init(_ number: UInt32) { self.number = number }
  public static func < (a: StreamID, b: StreamID) -> Bool { a.number < b.number }
}

/// The request that opens a stream.
public struct StreamRequest: Sendable {
  public enum Kind: Sendable { case webSocket, http }

  public var kind: Kind
  /// `GET`, `POST` …; a WebSocket is a `GET`.
  public var method: String
  /// Path and query, as in the request line.
  public var target: String
  /// Field names in lower case.
  public var headers: [(name: String, value: String)]
  /// The body of an HTTP request; empty for a WebSocket.
  public var body: [UInt8]

  public init(
    kind: Kind, method: String = "GET", target: String,
    headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    self.kind = kind
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
  }

  public func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }
}

/// The answer to a request: the refusal of a WebSocket, or an HTTP response.
public struct StreamResponse: Sendable {
  public var status: Int
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  public func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }
}

/// Why a stream ended.
public enum StreamClosure: Sendable, Equatable {
  /// A WebSocket close frame with this code (RFC 6455 §7.4).
  case closed(code: UInt16)
  /// The connection broke, or was never made, without a word.
  case lost
}

/// What a driver tells a node about its streams.
public enum StreamEvent: Sendable {
  /// Somebody opened a stream towards this node, which answers with `accept` or `respond`.
  case opened(StreamID, StreamRequest, from: Address)
  /// The stream this node opened was accepted.
  case accepted(StreamID)
  /// The request was answered without becoming a stream; the stream is over.
  case responded(StreamID, StreamResponse)
  case message(StreamID, [UInt8], isText: Bool)
  /// Bytes queued on the stream fell below the driver's limit again.
  case writable(StreamID)
  case closed(StreamID, StreamClosure)
}

/// What a node asks of its driver about streams.
public enum StreamAction: Sendable {
  /// Open a stream to `to`; answered by `accepted`, `responded` or `closed`.
  case connect(StreamID, to: Address, StreamRequest)
  case accept(StreamID)
  case respond(StreamID, StreamResponse)
  case send(StreamID, [UInt8], isText: Bool)
  case close(StreamID, code: UInt16)
}

/// A datagram on its way out of a node.
public struct OutgoingPacket: ~Copyable {
  public var path: Path
  public var packet: Packet

  public init(path: Path, packet: consuming Packet) {
    self.path = path
    self.packet = packet
  }
}

/// Where a node leaves what it wants done. The driver empties it after each call.
public struct Outbox: ~Copyable {
  /// Where the node takes empty packets from.
  public let pool: PacketPool
  public var packets = RingBuffer<OutgoingPacket>(minimumCapacity: 64)
  public var streams = RingBuffer<StreamAction>()

  public init(pool: PacketPool) { self.pool = pool }

  public mutating func send(_ packet: consuming Packet, on path: Path) {
    packets.append(OutgoingPacket(path: path, packet: packet))
  }

  public mutating func send(_ action: StreamAction) { streams.append(action) }
}
