// Writing and rewriting RTP headers in place (RFC 3550 §5.1). Budget: 20 ns to rewrite one.

import Basics

/// The header fields that a sender, or a forwarder, chooses for a packet.
public struct RTPFields: Equatable, Sendable {
  public var marker: Bool
  /// 0...127.
  public var payloadType: UInt8
  public var sequenceNumber: UInt16
  public var timestamp: UInt32
  public var ssrc: UInt32

  public init(
    marker: Bool, payloadType: UInt8, sequenceNumber: UInt16, timestamp: UInt32, ssrc: UInt32
  ) {
    self.marker = marker
    self.payloadType = payloadType
    self.sequenceNumber = sequenceNumber
    self.timestamp = timestamp
    self.ssrc = ssrc
  }

  /// The fields as a received packet has them.
  public init(_ header: RTPHeader) {
    self.init(
      marker: header.marker, payloadType: header.payloadType,
      sequenceNumber: header.sequenceNumber, timestamp: header.timestamp, ssrc: header.ssrc)
  }

  /// Writes the twelve bytes of the fixed header without CSRCs.
  fileprivate func write(
    hasExtension: Bool, hasPadding: Bool, to target: UnsafeMutableRawBufferPointer
  ) {
    let first: UInt8 = 0x80 | (hasPadding ? 0x20 : 0) | (hasExtension ? 0x10 : 0)
    let second: UInt8 = (marker ? 0x80 : 0) | (payloadType & 0x7F)
    target.storeBytes(of: first, as: UInt8.self)
    target.storeBytes(of: second, toByteOffset: 1, as: UInt8.self)
    target.storeBytes(of: sequenceNumber.bigEndian, toByteOffset: 2, as: UInt16.self)
    target.storeBytes(of: timestamp.bigEndian, toByteOffset: 4, as: UInt32.self)
    target.storeBytes(of: ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
  }
}

extension Packet {
  /// Makes an empty packet an RTP packet with these fields and those of the extensions that have an
  /// id in `map`; the payload is appended afterwards.
  public mutating func beginRTP(
    _ fields: RTPFields, extensions: RTPExtensions, map: RTPExtensionMap
  ) {
    precondition(isEmpty, "an RTP packet begins in an empty packet")
    let layout = extensions.layout(map)
    withTailroom { room in
      fields.write(hasExtension: layout.elements > 0, hasPadding: false, to: room)
      if layout.elements > 0 {
        let block = UnsafeMutableRawBufferPointer(rebasing: room[RTPHeader.fixedSize...])
        extensions.write(map, layout, to: block)
      }
      return RTPHeader.fixedSize + layout.blockSize
    }
  }

  /// Replaces the header's fields and the whole extension block in place; payload and padding stay
  /// untouched, CSRCs are dropped. `header` is this packet's own and no longer holds afterwards.
  /// A packet so large that the block finds no room goes without one.
  public mutating func rewriteRTP(
    _ header: RTPHeader, _ fields: RTPFields, extensions: RTPExtensions, map: RTPExtensionMap
  ) {
    var layout = extensions.layout(map)
    var growth = RTPHeader.fixedSize + layout.blockSize - header.headerSize
    if growth > max(0, headroom - RTX.originalSequenceNumberSize) {
      layout = RTPExtensionLayout()
      growth = RTPHeader.fixedSize - header.headerSize
    }
    if growth > 0 { growFront(growth) } else { dropFirst(-growth) }
    withUnsafeMutableBytes { bytes in
      fields.write(
        hasExtension: layout.elements > 0, hasPadding: header.paddingSize > 0, to: bytes)
      if layout.elements > 0 {
        let block = UnsafeMutableRawBufferPointer(rebasing: bytes[RTPHeader.fixedSize...])
        extensions.write(map, layout, to: block)
      }
    }
  }
}

extension Packet {
  /// Appends `count` bytes of padding, 1...255, to an RTP packet that has none (RFC 3550 §5.1).
  public mutating func appendPadding(_ count: UInt8) {
    precondition(count > 0)
    guard tailroom >= Int(count), let first = bytes.byte(at: 0) else { return }
    for _ in 1..<count { append(UInt8(0)) }
    append(count)
    store(first | 0x20, at: 0)
  }
}
