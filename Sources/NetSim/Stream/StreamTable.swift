// Who talks to whom over which stream.
import Basics

/// One end of a stream.
struct StreamEnd {
  enum Phase {
    /// Until the request is answered.
    case opening
    case open
    /// The node has closed it and waits for the other end's word.
    case closing
    /// The node has heard, or said, the last word.
    case over
  }

  let host: Int
  let id: StreamID
  /// As this end sees it.
  let path: Path
  let isClient: Bool
  var tcp: TCPEndpoint
  var phase = Phase.opening
  /// Handshake flights this end has seen.
  var handshakes = 0
  var isOverLimit = false
  /// The client has begun the handshake or sent its request.
  var hasSpoken = false
  /// The node is gone and hears nothing more.
  var isSilenced = false
  var timers = PendingTimers()
}

struct StreamConnection {
  let request: StreamRequest
  var response: StreamResponse?
  var client: StreamEnd
  /// Exists from the SYN's arrival.
  var server: StreamEnd?
  /// Nobody will speak of it again.
  var isOver = false
}

extension StreamEnd {
  /// The node has heard, or said, the last word, and no segment will follow.
  var isOver: Bool { phase == .over && !tcp.isActive }
}

/// An end by number: twice its connection's place, plus one for the server.
struct StreamEndIndex {
  let value: Int32
  init(_ value: Int32) { self.value = value }
  init(connection: Int, isServer: Bool) {
    value = Int32(truncatingIfNeeded: connection * 2 + (isServer ? 1 : 0))
  }
  var connection: Int { Int(value >> 1) }
  var isServer: Bool { value & 1 == 1 }
  var peer: StreamEndIndex { StreamEndIndex(value ^ 1) }
}

struct StreamTable: ~Copyable {
  struct Key: Hashable {
    var host: Int
    var id: StreamID
  }

  var parameters = StreamParameters()
  var connections: [StreamConnection] = []
  /// What nodes are about to hear, in order; one `Event.streamNews` stands for each.
  var news = RingBuffer<(end: StreamEndIndex, event: StreamEvent)>()
  private var places: [Key: StreamEndIndex] = [:]
  private var numbers: [Int: UInt32] = [:]
  private var ports: [Int: UInt16] = [:]
  /// Connections that are over, and since when; the oldest first.
  private var over = RingBuffer<(connection: Int, since: Instant)>()

  subscript(index: StreamEndIndex) -> StreamEnd? {
    get {
      index.isServer ? connections[index.connection].server : connections[index.connection].client
    }
  }

  /// Changes an end that exists.
  mutating func update<R>(_ index: StreamEndIndex, _ body: (inout StreamEnd) -> R) -> R {
    if index.isServer { return body(&connections[index.connection].server!) }
    return body(&connections[index.connection].client)
  }

  /// A place for a new connection: that of one whose last segments cannot be on their way any more and
  /// whose timers have gone off, else a new one.
  mutating func add(_ connection: StreamConnection, at now: Instant) -> Int {
    if let oldest = over.first, now - oldest.since >= Limits.timeWait,
      connections[oldest.connection].client.timers.isEmpty,
      connections[oldest.connection].server?.timers.isEmpty ?? true
    {
      _ = over.popFirst()
      connections[oldest.connection] = connection
      return oldest.connection
    }
    connections.append(connection)
    return connections.count - 1
  }

  /// Lets go what a connection held, once both its ends are over.
  mutating func retire(_ index: StreamEndIndex, at now: Instant) {
    let place = index.connection
    guard !connections[place].isOver, connections[place].client.isOver,
      connections[place].server?.isOver ?? true
    else { return }
    connections[place].isOver = true
    connections[place].client.tcp.release()
    connections[place].server?.tcp.release()
    over.append((place, now))
  }

  func find(_ id: StreamID, on host: Int) -> StreamEndIndex? {
    places[Key(host: host, id: id)]
  }

  mutating func register(_ index: StreamEndIndex) {
    guard let end = self[index] else { return }
    places[Key(host: end.host, id: end.id)] = index
  }

  mutating func forget(_ end: StreamEnd) { places[Key(host: end.host, id: end.id)] = nil }

  /// The number of the next stream opened towards `host`.
  mutating func nextNumber(on host: Int) -> StreamID {
    let number = numbers[host] ?? .max
    numbers[host] = number - 1
    return StreamID(number)
  }

  mutating func nextPort(on host: Int) -> UInt16 {
    let offset = ports[host] ?? 0
    ports[host] = (offset + 1) % Limits.ephemeralPorts
    return Limits.firstEphemeralPort + offset
  }

  /// The ends on `host`, in a fixed order.
  func ends(on host: Int) -> [StreamEndIndex] {
    (0..<Int32(truncatingIfNeeded: connections.count * 2)).map { StreamEndIndex($0) }
      .filter { self[$0]?.host == host }
  }
}
