// Signing and checking STUN messages: MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 §14.5, §14.7).

import Basics

/// HMAC-SHA1 (RFC 2104) of a message under a key: 20 bytes. Given by who has a cryptographic
/// library.
public typealias HMACSHA1 = (_ key: [UInt8], _ message: UnsafeRawBufferPointer) -> [UInt8]

extension STUNMessage {
  static let integritySize = 20
  private static let attributeHeaderSize = 4
  private static let fingerprintMask: UInt32 = 0x5354_554E

  /// The message's bytes; signed with `integrityKey` where one is given, which is the password in
  /// ICE (RFC 8489 §9.1.1), and with a fingerprint unless told otherwise.
  public func bytes(
    integrityKey: [UInt8]?, fingerprint: Bool = true, hmacSHA1: HMACSHA1
  ) -> [UInt8] {
    var writer = writeUnsigned()
    if let integrityKey {
      let attributeSize = STUNMessage.attributeHeaderSize + STUNMessage.integritySize
      writer.patchLength(addingAttributeOf: attributeSize)
      let code = writer.bytes.withUnsafeBytes { hmacSHA1(integrityKey, $0) }
      precondition(code.count == STUNMessage.integritySize)
      writer.u16(STUNAttribute.Kind.messageIntegrity)
      writer.u16(UInt16(STUNMessage.integritySize))
      writer.append(code)
    }
    if fingerprint {
      writer.patchLength(addingAttributeOf: STUNMessage.attributeHeaderSize + 4)
      let crc = crc32(writer.bytes.span.bytes)
      writer.u16(STUNAttribute.Kind.fingerprint)
      writer.u16(4)
      writer.u32(crc ^ STUNMessage.fingerprintMask)
    }
    writer.patchLength(addingAttributeOf: 0)
    return writer.bytes
  }

  /// The message's bytes without integrity, with a fingerprint unless told otherwise.
  public func bytes(fingerprint: Bool = true) -> [UInt8] {
    bytes(integrityKey: nil, fingerprint: fingerprint) { _, _ in [] }
  }

  /// Whether MESSAGE-INTEGRITY is there and right; `bytes` are those this message was read from.
  public func hasValidIntegrity(
    in bytes: RawSpan, key: [UInt8], hmacSHA1: HMACSHA1
  ) -> Bool {
    guard let integrityOffset else { return false }
    let valueOffset = integrityOffset + STUNMessage.attributeHeaderSize
    let end = valueOffset + STUNMessage.integritySize
    guard end <= bytes.byteCount else { return false }
    var signed = bytes.array(0..<integrityOffset)
    let length = UInt16(truncatingIfNeeded: end - STUNMessage.headerSize)
    signed[2] = UInt8(truncatingIfNeeded: length >> 8)
    signed[3] = UInt8(truncatingIfNeeded: length)
    let expected = signed.withUnsafeBytes { hmacSHA1(key, $0) }
    // Without an early exit, so that time tells nothing about the code.
    var difference: UInt8 = expected.count == STUNMessage.integritySize ? 0 : 1
    for (index, byte) in expected.prefix(STUNMessage.integritySize).enumerated() {
      difference |= byte ^ (bytes.byte(at: valueOffset + index) ?? ~byte)
    }
    return difference == 0
  }

  /// Whether FINGERPRINT is there, last, and right; `bytes` are those this message was read from.
  public func hasValidFingerprint(in bytes: RawSpan) -> Bool {
    guard let fingerprintOffset else { return false }
    var reader = ByteReader(bytes, fingerprintOffset..<bytes.byteCount)
    guard reader.remaining == STUNMessage.attributeHeaderSize + 4,
      (try? reader.u32()) != nil, let fingerprint = try? reader.u32()
    else { return false }
    return crc32(bytes, count: fingerprintOffset) ^ STUNMessage.fingerprintMask == fingerprint
  }
}

extension ByteWriter {
  /// Sets the header's length to what follows it and an attribute of `size` bytes, which the
  /// checksums count before it is there (RFC 8489 §14.5).
  fileprivate mutating func patchLength(addingAttributeOf size: Int) {
    let length = count + size - STUNMessage.headerSize
    precondition(length <= Int(UInt16.max))
    patch(u16: UInt16(length), at: 2)
  }
}

/// The CRC-32 of ITU V.42 over the first `count` bytes, or all of them.
func crc32(_ bytes: RawSpan, count: Int? = nil) -> UInt32 {
  var crc: UInt32 = 0xFFFF_FFFF
  for offset in 0..<min(count ?? bytes.byteCount, bytes.byteCount) {
    let byte = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    crc = crc32Table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8)
  }
  return ~crc
}

private let crc32Table: [UInt32] = (0..<256 as Range<UInt32>).map { index in
  (0..<8).reduce(index) { crc, _ in crc & 1 != 0 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
}
