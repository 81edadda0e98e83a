// A datagram in a pool slot, with room before and behind it so that protection happens in place.
// Budget: 15 ns to take and give back a slot. A pool and its packets belong to one thread.

/// Explicit congestion notification of an IP packet (RFC 3168 §5).
public enum ECN: UInt8, Sendable {
  case notCapable = 0
  case ect1 = 1
  case ect0 = 2
  case congestionExperienced = 3
}

/// Slots of equal size for packets. It grows as needed and never shrinks, and lives as long as any
/// packet of it does.
public final class PacketPool {
  /// Bytes of a slot; the largest packet is `slotSize - headroom`.
  public static let slotSize = 2_048
  /// Bytes free before a new packet's first byte.
  public static let headroom = 64
  private static let slotsPerBlock = 64

  private var free: [UnsafeMutableRawPointer] = []
  private var blocks: [UnsafeMutableRawPointer] = []

  public init() {}

  deinit { for block in blocks { block.deallocate() } }

  /// Slots handed out and not yet given back.
  public var inUse: Int { blocks.count * PacketPool.slotsPerBlock - free.count }

  /// An empty packet.
  public func makePacket() -> Packet {
    // The first packet that is out keeps the pool, until the last one is back.
    if inUse == 0 { _ = Unmanaged.passRetained(self) }
    if free.isEmpty { addBlock() }
    return Packet(slot: free.removeLast(), pool: Unmanaged.passUnretained(self))
  }

  /// A packet holding a copy of `bytes`; longer ones are cut at the slot's end.
  public func makePacket(_ bytes: RawSpan) -> Packet {
    var packet = makePacket()
    packet.append(bytes)
    return packet
  }

  public func makePacket(_ bytes: [UInt8]) -> Packet {
    makePacket(bytes.span.bytes)
  }

  private func addBlock() {
    let size = PacketPool.slotSize
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: size * PacketPool.slotsPerBlock, alignment: 64)
    blocks.append(block)
    for i in (0..<PacketPool.slotsPerBlock).reversed() { free.append(block + i * size) }
  }

  fileprivate func release(_ slot: UnsafeMutableRawPointer) {
    free.append(slot)
    if inUse == 0 { Unmanaged.passUnretained(self).release() }
  }
}

/// A packet at rest in a queue: give it back with `Packet(parked:)` exactly once.
public struct ParkedPacket {
  fileprivate let slot: UnsafeMutableRawPointer
  fileprivate let pool: Unmanaged<PacketPool>
  fileprivate let start: Int32
  public let count: Int32
  public let ecn: ECN
}

/// One datagram's payload (no IP or UDP header). Owned by exactly one holder; its slot returns to the
/// pool when it is dropped.
public struct Packet: ~Copyable {
  private let slot: UnsafeMutableRawPointer
  private let pool: Unmanaged<PacketPool>
  private var start: Int
  /// Bytes in the packet.
  public private(set) var count: Int
  public var ecn: ECN

  fileprivate init(slot: UnsafeMutableRawPointer, pool: Unmanaged<PacketPool>) {
    self.slot = slot
    self.pool = pool
    start = PacketPool.headroom
    count = 0
    ecn = .notCapable
  }

  public init(parked: ParkedPacket) {
    slot = parked.slot
    pool = parked.pool
    start = Int(parked.start)
    count = Int(parked.count)
    ecn = parked.ecn
  }

  deinit { pool._withUnsafeGuaranteedRef { $0.release(slot) } }

  /// Trades the packet for a plain value that containers can hold.
  public consuming func park() -> ParkedPacket {
    let parked = ParkedPacket(
      slot: slot, pool: pool, start: Int32(start), count: Int32(count), ecn: ecn)
    discard self
    return parked
  }

  /// A copy in a slot of its own.
  public func copy() -> Packet {
    var other = pool.takeUnretainedValue().makePacket()
    other.start = start
    other.count = count
    other.ecn = ecn
    (other.slot + start).copyMemory(from: slot + start, byteCount: count)
    return other
  }

  /// The packet's bytes, for as long as the packet is not changed.
  public var bytes: RawSpan {
    @_lifetime(borrow self) get {
      _overrideLifetime(RawSpan(_unsafeStart: slot + start, byteCount: count), borrowing: self)
    }
  }

  public var isEmpty: Bool { count == 0 }
  /// Bytes that can still be appended.
  public var tailroom: Int { PacketPool.slotSize - start - count }
  /// Bytes that can still be prepended.
  public var headroom: Int { start }

  /// The bytes as a buffer that C libraries write into; `count` stays.
  public mutating func withUnsafeMutableBytes<R>(
    _ body: (UnsafeMutableRawBufferPointer) -> R
  ) -> R {
    body(UnsafeMutableRawBufferPointer(start: slot + start, count: count))
  }

  /// Lets `body` rewrite the packet in place and beyond its end; it gets the bytes with all tailroom
  /// and returns the new count, which must fit.
  public mutating func withTailroom(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
    let room = PacketPool.slotSize - start
    let newCount = body(UnsafeMutableRawBufferPointer(start: slot + start, count: room))
    precondition(newCount >= 0 && newCount <= room)
    count = newCount
  }

  /// Appends what fits of `span`.
  public mutating func append(_ span: RawSpan) {
    let n = min(span.byteCount, tailroom)
    span.withUnsafeBytes { source in
      if n > 0 { (slot + start + count).copyMemory(from: source.baseAddress!, byteCount: n) }
    }
    count += n
  }

  public mutating func append(_ byte: UInt8) {
    guard tailroom > 0 else { return }
    (slot + start + count).storeBytes(of: byte, as: UInt8.self)
    count += 1
  }

  /// Cuts the packet to its first `n` bytes.
  public mutating func truncate(to n: Int) {
    precondition(n >= 0 && n <= count)
    count = n
  }

  /// Drops the first `n` bytes.
  public mutating func dropFirst(_ n: Int) {
    precondition(n >= 0 && n <= count)
    start += n
    count -= n
  }

  /// Makes room for `n` uninitialised bytes at the front; `n` is at most `headroom`.
  public mutating func growFront(_ n: Int) {
    precondition(n >= 0 && n <= start)
    start -= n
    count += n
  }

  /// Big-endian store; `offset` must lie inside the packet.
  public mutating func store(_ value: UInt8, at offset: Int) {
    precondition(offset >= 0 && offset < count)
    (slot + start + offset).storeBytes(of: value, as: UInt8.self)
  }

  public mutating func store(_ value: UInt16, at offset: Int) {
    precondition(offset >= 0 && offset + 2 <= count)
    (slot + start + offset).storeBytes(of: value.bigEndian, as: UInt16.self)
  }

  public mutating func store(_ value: UInt32, at offset: Int) {
    precondition(offset >= 0 && offset + 4 <= count)
    (slot + start + offset).storeBytes(of: value.bigEndian, as: UInt32.self)
  }

  public mutating func store(_ value: UInt64, at offset: Int) {
    precondition(offset >= 0 && offset + 8 <= count)
    (slot + start + offset).storeBytes(of: value.bigEndian, as: UInt64.self)
  }

  /// Moves `byteCount` bytes from one offset to another, overlap allowed.
  public mutating func moveBytes(from source: Int, to target: Int, byteCount: Int) {
    precondition(source >= 0 && target >= 0 && byteCount >= 0)
    precondition(source + byteCount <= count && target + byteCount <= count)
    let base = slot + start
    (base + target).copyMemory(from: base + source, byteCount: byteCount)
  }
}
