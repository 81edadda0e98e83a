// The rtpdump format of the rtptools: RTP and RTCP packets of one session, without IP.
//
//   #!rtpplay1.0 address/port\n
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                       start, seconds                          |
//   |                       start, microseconds                     |
//   |                       IPv4 address                            |
//   |             port              |            padding            |
//   +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//   |     length of this record     |  bytes of RTP, zero for RTCP  |
//   |                       milliseconds since start                |
//   |                       packet ...                              |
//   +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+

import Basics
import Wire

public struct RTPDump: Equatable, Sendable {
  public struct Packet: Equatable, Sendable {
    /// Since the start; whole milliseconds, 0...0xFFFF_FFFF.
    public var offset: Duration
    public var isRTCP: Bool
    /// At most 65527 bytes.
    public var bytes: [UInt8]
    /// Bytes of the RTP packet that was recorded; more than there are where the file holds only its
    /// beginning.
    public var originalSize: Int

    public init(offset: Duration, isRTCP: Bool, bytes: [UInt8]) {
      self.offset = offset
      self.isRTCP = isRTCP
      self.bytes = bytes
      originalSize = bytes.count
    }
  }

  static let magic = "#!rtpplay1.0 "
  static let recordHeaderSize = 8

  /// Since 1970, whole microseconds.
  public var start: Instant
  /// Where the packets were received or came from.
  public var address: Address
  public var packets: [Packet]

  public init(start: Instant, address: Address, packets: [Packet]) {
    self.start = start
    self.address = address
    self.packets = packets
  }

  /// Reads `file`.
  /// - Throws: `cannotOpen`, `cannotRead` with the number of the packet that is cut or broken.
  public init(_ file: String) throws(CaptureError) {
    let bytes = try InputFile.bytes(file)
    self.init(start: .zero, address: Address(IPAddress(v4: 0), port: 0), packets: [])
    var isHeaderRead = false
    do throws(WireError) {
      guard bytes.starts(with: RTPDump.magic.utf8), let end = bytes.firstIndex(of: 0x0A)
      else { throw .wrongProtocol }
      var reader = ByteReader(bytes.span.bytes, (end + 1)..<bytes.count)
      let (seconds, microseconds) = (Int64(try reader.u32()), Int64(try reader.u32()))
      start = Instant(nanoseconds: seconds * 1_000_000_000 + microseconds * 1_000)
      let ip = IPAddress(v4: try reader.u32())
      address = Address(ip, port: try reader.u16())
      _ = try reader.u16()
      address = RTPDump.address(bytes[RTPDump.magic.utf8.count..<end]) ?? address
      isHeaderRead = true
      while !reader.isAtEnd {
        let length = Int(try reader.u16())
        let rtpSize = Int(try reader.u16())
        let milliseconds = Int(try reader.u32())
        let content = try reader.bytes(length - RTPDump.recordHeaderSize)
        var packet = Packet(
          offset: .milliseconds(milliseconds), isRTCP: rtpSize == 0, bytes: content)
        if rtpSize > content.count { packet.originalSize = rtpSize }
        packets.append(packet)
      }
    } catch {
      throw CaptureError(
        .cannotRead, file: file, packetNumber: isHeaderRead ? packets.count + 1 : nil,
        detail: error == .truncated ? "truncated rtpdump file" : "not an rtpdump file")
    }
  }

  /// What the first line says, as `address/port`; it may be IPv6, which the header cannot hold.
  static func address(_ text: ArraySlice<UInt8>) -> Address? {
    let parts = String(decoding: text, as: UTF8.self).split(separator: "/")
    guard parts.count == 2, let ip = IPAddress(parts[0]), let port = UInt16(parts[1])
    else { return nil }
    return Address(ip, port: port)
  }

  /// Creates `file` or empties it.
  /// - Throws: `cannotOpen`, `cannotWrite`, `tooLarge` for a packet that no record can hold.
  public func write(to file: String) throws(CaptureError) {
    let output = try OutputFile(file)
    var writer = ByteWriter()
    writer.append("\(RTPDump.magic)\(address.ip)/\(address.port)\n".utf8)
    writer.u32(UInt32(truncatingIfNeeded: start.nanoseconds / 1_000_000_000))
    writer.u32(UInt32(truncatingIfNeeded: start.nanoseconds / 1_000 % 1_000_000))
    writer.u32(address.ip.family == .v4 ? UInt32(truncatingIfNeeded: address.ip.low) : 0)
    writer.u16(address.port)
    writer.u16(0)
    try output.write(writer.bytes)
    for (index, packet) in packets.enumerated() {
      let size = packet.bytes.count + RTPDump.recordHeaderSize
      guard size <= Int(UInt16.max) else {
        throw CaptureError(
          .tooLarge, file: file, packetNumber: index + 1,
          detail: "a record cannot hold \(packet.bytes.count) bytes")
      }
      var record = ByteWriter(capacity: size)
      record.u16(UInt16(size))
      record.u16(packet.isRTCP ? 0 : UInt16(clamping: packet.originalSize))
      record.u32(UInt32(truncatingIfNeeded: packet.offset.wholeMilliseconds))
      record.append(packet.bytes)
      try output.write(record.bytes)
    }
    try output.close()
  }
}
