// Packets on their way, in a slab whose entries queue up by index: no allocation per packet.
import Basics

/// The links from one interface to another: three interned lists, one after the other.
struct Route {
  var up: Int32
  var core: Int32 = 0
  var down: Int32 = 0
}

/// A packet between two hosts.
struct Flight {
  var packet: ParkedPacket
  /// As the sender sees it.
  var path: Path
  var route: Route
  var leg = Leg.last
  var hop: Int32 = 0
  /// The link it is on.
  var link: Int32 = -1
  /// The next one in the same queue, or in the free list.
  var next: Int32 = -1
  /// Bytes on the wire.
  var size: Int32
  /// The host that sent it.
  var sender: Int32
  /// The interface it goes to; -1 before a NAT has found it.
  var destination: Int32
  /// The stream it belongs to; -1 for a datagram.
  var stream: Int32 = -1
  var isLive = true
  var isDamaged = false
  /// Its host has spent the time that it takes.
  var isProcessed = false
  var isBackground = false
  var enteredAt = Instant.zero
  /// When it arrives; an arrival event of another time is stale.
  var due = Instant.distantFuture

  var ipProtocol: IPProtocol { stream < 0 ? .udp : .tcp }
}

/// All packets on their way.
struct Flights {
  private var slab: [Flight] = []
  private var firstFree: Int32 = -1

  mutating func add(_ flight: Flight) -> Int32 {
    guard firstFree >= 0 else {
      slab.append(flight)
      return Int32(slab.count - 1)
    }
    let id = firstFree
    firstFree = slab[Int(id)].next
    slab[Int(id)] = flight
    return id
  }

  subscript(id: Int32) -> Flight {
    get { slab[Int(id)] }
    _modify { yield &slab[Int(id)] }
  }

  var onLinks: Int { slab.count { $0.isLive && $0.link >= 0 } }

  /// Ends the flight and hands out its packet.
  mutating func land(_ id: Int32) -> Packet {
    slab[Int(id)].isLive = false
    slab[Int(id)].due = .distantFuture
    slab[Int(id)].next = firstFree
    firstFree = id
    return Packet(parked: slab[Int(id)].packet)
  }

  /// Lets `body` change the packet where it is.
  mutating func withPacket<R>(_ id: Int32, _ body: (inout Packet) -> R) -> R {
    var packet = Packet(parked: slab[Int(id)].packet)
    let result = body(&packet)
    slab[Int(id)].packet = packet.park()
    return result
  }

  /// A second flight with a copy of the packet.
  mutating func duplicate(_ id: Int32) -> Int32 {
    var copy = slab[Int(id)]
    copy.packet = withPacket(id) { $0.copy().park() }
    copy.next = -1
    return add(copy)
  }

  /// Gives all packets back to their pool.
  mutating func removeAll() {
    for flight in slab where flight.isLive { _ = Packet(parked: flight.packet) }
    slab = []
    firstFree = -1
  }
}

/// Flights in the order they came.
struct FlightQueue {
  private var head: Int32 = -1
  private var tail: Int32 = -1
  private(set) var count = 0
  /// Bytes on the wire.
  private(set) var bytes = 0

  mutating func append(_ id: Int32, _ flights: inout Flights) {
    flights[id].next = -1
    if tail >= 0 { flights[tail].next = id } else { head = id }
    tail = id
    count += 1
    bytes += Int(flights[id].size)
  }

  mutating func popFirst(_ flights: inout Flights) -> Int32? {
    guard head >= 0 else { return nil }
    let id = head
    head = flights[id].next
    if head < 0 { tail = -1 }
    count -= 1
    bytes -= Int(flights[id].size)
    return id
  }
}
