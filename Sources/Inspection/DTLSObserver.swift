// The handshake of a DTLS association as an onlooker sees it (RFC 6347 §4, RFC 9147 §4, RFC 5764).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   | content type  |            version            |    epoch ...  |
//   |   ... epoch   |       sequence number, 48 bits ...            |
//   |        ...                    |            length             |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   | message type  |           length              |  message ...  |
//   |   ... number  |           fragment offset     |  fragment ... |
//   |         ... length            |  body ...                     |

import Basics
import Results
import Wire

/// What one end has sent.
private struct HandshakeSide {
  var messageNumber: UInt16 = 0
  var message: [UInt8] = []
  var filled = 0
  /// The highest message number whose beginning was seen.
  var highest = -1
  var hasChangedCipher = false
  var hasEncrypted = false
}

final class DTLSObserver {
  private enum ContentType {
    static let changeCipherSpec: UInt8 = 20
    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
  }

  private enum MessageType {
    static let clientHello: UInt8 = 1
    static let serverHello: UInt8 = 2
  }

  private enum Extension {
    static let useSRTP: UInt16 = 14
    static let supportedVersions: UInt16 = 43
  }

  private static let dtls13: UInt16 = 0xFEFC
  /// SHA-256 of "HelloRetryRequest" begins so (RFC 8446 §4.1.3).
  private static let retryRandom: [UInt8] = [0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11]

  private(set) var facts: CapturedTransport.DTLS
  let client: Address
  private(set) var clientRandom: [UInt8] = []
  private(set) var serverRandom: [UInt8] = []
  private(set) var is13 = false
  private(set) var profileIdentifier: UInt16?
  private var sides = [HandshakeSide(), HandshakeSide()]

  init(client: Address, started: Instant) {
    self.client = client
    facts = CapturedTransport.DTLS(client: client, started: started)
  }

  var hasServerHello: Bool { !serverRandom.isEmpty }
  var isComplete: Bool { facts.completed != nil }
  var hasStarted: Bool { !clientRandom.isEmpty }

  /// Whether `bytes` begin a new association: a ClientHello with another random.
  func isAnother(_ bytes: RawSpan) -> Bool {
    guard hasServerHello, let random = DTLSObserver.clientHelloRandom(bytes) else { return false }
    return random != clientRandom
  }

  /// The random of a datagram that begins with the first fragment of a ClientHello.
  static func clientHelloRandom(_ bytes: RawSpan) -> [UInt8]? {
    guard bytes.byteCount >= 59, bytes.byte(at: 0) == ContentType.handshake,
      bytes.byte(at: 13) == MessageType.clientHello, bytes.byte(at: 19) == 0,
      bytes.byte(at: 20) == 0, bytes.byte(at: 21) == 0
    else { return nil }
    return bytes.array(27..<59)
  }

  func receive(_ bytes: RawSpan, fromClient: Bool, at time: Instant) {
    try? readRecords(bytes, fromClient ? 0 : 1, time)
  }

  private func readRecords(
    _ bytes: RawSpan, _ side: Int, _ time: Instant
  ) throws(WireError) {
    var reader = ByteReader(bytes)
    while !reader.isAtEnd {
      let type = try reader.u8()
      if type & 0xE0 == 0x20 {
        // The unified header of DTLS 1.3: encrypted.
        noteEncrypted(side, time)
        return
      }
      _ = try reader.u16()
      let epoch = try reader.u16()
      _ = try reader.take(6)
      let length = Int(try reader.u16())
      let range = try reader.take(length)
      switch type {
      case ContentType.changeCipherSpec: noteCipherChange(side, time)
      case ContentType.alert where epoch == 0: noteAlert(bytes, range)
      case ContentType.handshake where epoch == 0:
        var messages = ByteReader(bytes, range)
        while !messages.isAtEnd { try readFragment(&messages, side) }
      default: if epoch > 0 { sides[side].hasEncrypted = true }
      }
    }
  }

  private func readFragment(_ reader: inout ByteReader, _ side: Int) throws(WireError) {
    let type = try reader.u8()
    let length = Int(try reader.u24())
    let number = try reader.u16()
    let offset = Int(try reader.u24())
    let size = Int(try reader.u24())
    let fragment = try reader.bytes(size)
    if offset == 0 {
      if Int(number) <= sides[side].highest { facts.retransmissions += 1 }
      sides[side].highest = max(sides[side].highest, Int(number))
    }
    guard type == MessageType.clientHello || type == MessageType.serverHello,
      length <= InspectionLimits.handshakeMessageSize, offset + size <= length
    else { return }
    if sides[side].message.count != length || sides[side].messageNumber != number {
      sides[side].message = [UInt8](repeating: 0, count: length)
      sides[side].messageNumber = number
      sides[side].filled = 0
    }
    sides[side].message.replaceSubrange(offset..<(offset + size), with: fragment)
    if offset <= sides[side].filled {
      sides[side].filled = max(sides[side].filled, offset + size)
    }
    let message = sides[side].message
    if type == MessageType.clientHello, side == 0, sides[side].filled >= 34 {
      clientRandom = Array(message[2..<34])
    } else if type == MessageType.serverHello, side == 1, sides[side].filled == length {
      try? readServerHello(message.span.bytes)
    }
  }

  private func readServerHello(_ message: RawSpan) throws(WireError) {
    var reader = ByteReader(message)
    _ = try reader.u16()
    let random = try reader.bytes(32)
    if random.starts(with: DTLSObserver.retryRandom) { return }
    _ = try reader.take(Int(try reader.u8()))
    facts.cipherSuite = try reader.u16()
    _ = try reader.u8()
    serverRandom = random
    facts.version = "DTLS 1.2"
    guard reader.remaining >= 2 else { return }
    _ = try reader.u16()
    while reader.remaining >= 4 {
      let type = try reader.u16()
      let size = Int(try reader.u16())
      var value = ByteReader(message, try reader.take(size))
      if type == Extension.supportedVersions, try value.u16() == DTLSObserver.dtls13 {
        is13 = true
        facts.version = "DTLS 1.3"
      } else if type == Extension.useSRTP, try value.u16() == 2 {
        let identifier = try value.u16()
        profileIdentifier = identifier
        facts.profile = DTLSObserver.profileName(identifier)
      }
    }
  }

  private func noteCipherChange(_ side: Int, _ time: Instant) {
    sides[side].hasChangedCipher = true
    if sides[0].hasChangedCipher, sides[1].hasChangedCipher, !is13, facts.completed == nil {
      facts.completed = time
    }
  }

  /// In DTLS 1.3 the client's Finished comes after the server's flight.
  private func noteEncrypted(_ side: Int, _ time: Instant) {
    sides[side].hasEncrypted = true
    if is13 || facts.version.isEmpty, side == 0, sides[1].hasEncrypted || !hasServerHello,
      facts.completed == nil, hasServerHello
    {
      facts.completed = time
    }
  }

  private func noteAlert(_ bytes: RawSpan, _ range: Range<Int>) {
    guard range.count == 2, facts.alerts.count < 8, let code = bytes.byte(at: range.lowerBound + 1)
    else { return }
    facts.alerts.append(DTLSObserver.alertNames[code] ?? "alert \(code)")
  }

  /// RFC 5764 §4.1.2, RFC 7714 §14.2.
  private static func profileName(_ identifier: UInt16) -> String {
    switch identifier {
    case 0x0001: "SRTP_AES128_CM_HMAC_SHA1_80"
    case 0x0002: "SRTP_AES128_CM_HMAC_SHA1_32"
    case 0x0007: "SRTP_AEAD_AES_128_GCM"
    case 0x0008: "SRTP_AEAD_AES_256_GCM"
    default: "profile \(identifier)"
    }
  }

  /// RFC 8446 §6.
  private static let alertNames: [UInt8: String] = [
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
    40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
    44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 50: "decode_error", 51: "decrypt_error",
    70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    90: "user_canceled", 109: "missing_extension", 110: "unsupported_extension",
  ]
}
