// Datagrams in and out of UDP sockets, many in one system call, from and to packet slots without a
// copy. Budget: the kernel's 750 to 2,600 ns a datagram, and 100 ns of ours.

import Basics
import CLinux

/// A bound UDP socket.
final class UDPSocket {
  let descriptor: Int32
  let address: Address
  /// The host whose node gets what arrives.
  var host: Int?
  var canSegment: Int32

  /// - Parameter address: port 0 for any.
  init(_ address: Address) throws(NetIOError) {
    var bound = assay_address(address)
    descriptor = try checked(assay_udp_bind(&bound, NetIOLimits.datagramBuffer))
    self.address = bound.address
    canSegment = assay_udp_can_segment(descriptor)
  }

  deinit { assay_close(descriptor) }
}

/// Empty packets that the kernel fills.
struct ReceiveBatch: ~Copyable {
  private let datagrams: UnsafeMutablePointer<assay_datagram>
  private var packets = RingBuffer<Packet>(minimumCapacity: NetIOLimits.receiveBatch)
  private var position = 0

  init() {
    datagrams = .allocate(capacity: NetIOLimits.receiveBatch)
    datagrams.initialize(repeating: assay_datagram(), count: NetIOLimits.receiveBatch)
  }

  deinit { datagrams.deallocate() }

  /// Takes what waits in `socket`, at most a batch. Returns how many, to be fetched with `next`.
  mutating func receive(from socket: UDPSocket, pool: PacketPool) -> Int {
    while packets.count < NetIOLimits.receiveBatch { packets.append(pool.makePacket()) }
    for index in 0..<NetIOLimits.receiveBatch {
      packets.withElement(at: index) { packet in
        packet.withTailroom { room in
          datagrams[index].bytes = room.baseAddress
          datagrams[index].count = UInt32(room.count)
          return 0
        }
      }
    }
    position = 0
    return max(
      0,
      Int(assay_udp_receive(socket.descriptor, datagrams, Int32(NetIOLimits.receiveBatch))))
  }

  /// The next of the received packets, its sender, and whether it was cut.
  mutating func next() -> (remote: Address, isTruncated: Bool) {
    let datagram = datagrams[position]
    position += 1
    packets.withElement(at: 0) { packet in
      packet.withTailroom { _ in Int(datagram.count) }
      packet.ecn = ECN(rawValue: datagram.ecn) ?? .notCapable
    }
    return (datagram.remote.address, datagram.is_truncated != 0)
  }

  /// The packet that `next` spoke of.
  mutating func takePacket() -> Packet {
    guard let packet = packets.popFirst() else { preconditionFailure("no packet was received") }
    return packet
  }

  mutating func removeAll() { packets.removeAll() }
}

/// Packets of one socket on their way to the kernel.
struct SendBatch: ~Copyable {
  private let datagrams: UnsafeMutablePointer<assay_datagram>
  private var packets = RingBuffer<OutgoingPacket>(minimumCapacity: NetIOLimits.sendBatch)
  private(set) var bytes = 0

  init() {
    datagrams = .allocate(capacity: NetIOLimits.sendBatch)
    datagrams.initialize(repeating: assay_datagram(), count: NetIOLimits.sendBatch)
  }

  deinit { datagrams.deallocate() }

  var isEmpty: Bool { packets.isEmpty }
  var isFull: Bool { packets.count == NetIOLimits.sendBatch }

  mutating func append(_ packet: consuming OutgoingPacket) {
    let index = packets.count
    packets.append(packet)
    packets.withElement(at: index) { outgoing in
      datagrams[index].remote = assay_address(outgoing.path.remote)
      datagrams[index].ecn = outgoing.packet.ecn.rawValue
      outgoing.packet.withUnsafeMutableBytes { payload in
        datagrams[index].bytes = payload.baseAddress
        datagrams[index].count = UInt32(payload.count)
      }
      bytes += outgoing.packet.count
    }
  }

  /// Hands everything to the kernel and forgets it.
  mutating func send(over socket: UDPSocket) -> assay_send_result {
    var result = assay_send_result()
    assay_udp_send(
      socket.descriptor, datagrams, Int32(packets.count), &socket.canSegment, &result)
    removeAll()
    return result
  }

  mutating func removeAll() {
    packets.removeAll()
    bytes = 0
  }
}
