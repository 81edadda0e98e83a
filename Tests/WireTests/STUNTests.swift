// STUN against the vectors of RFC 5769, and round trips of every attribute.

import Basics
import TestKit
import Testing
import Wire

struct STUNVector: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let bytes: [UInt8]
  let key: [UInt8]
  let messageClass: STUNMessage.Class
  let attributes: [STUNAttribute]
  var hasFingerprint = true
}

private let shortTermKey = Array("VOkJxbRl1RmTxUk/WvJxBt".utf8)

private let vectors = [
  STUNVector(
    testDescription: "RFC 5769 §2.1, request",
    bytes: hex(
      """
      00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
      80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74
      00 24 00 04 6e 00 01 ff 80 29 00 08 93 2f f9 b1 51 26 3b 36
      00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20
      00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2
      80 28 00 04 e5 7a 3b cf
      """),
    key: shortTermKey, messageClass: .request,
    attributes: [
      .software("STUN test client"), .priority(0x6E00_01FF),
      .iceControlled(tiebreaker: 0x932F_F9B1_5126_3B36), .username("evtj:h6vY"),
    ]),
  STUNVector(
    testDescription: "RFC 5769 §2.2, IPv4 response",
    bytes: hex(
      """
      01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
      80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
      00 20 00 08 00 01 a1 47 e1 12 a6 43
      00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7
      80 28 00 04 c0 7d 4c 96
      """),
    key: shortTermKey, messageClass: .success,
    attributes: [
      .software("test vector"),
      .xorMappedAddress(Address(IPAddress(v4: 192, 0, 2, 1), port: 32_853)),
    ]),
  STUNVector(
    testDescription: "RFC 5769 §2.3, IPv6 response",
    bytes: hex(
      """
      01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
      80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
      00 20 00 14 00 02 a1 47 01 13 a9 fa a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9
      00 08 00 14 a3 82 95 4e 4b e6 7b f1 17 84 c9 7c 82 92 c2 75 bf e3 ed 41
      80 28 00 04 c8 fb 0b 4c
      """),
    key: shortTermKey, messageClass: .success,
    attributes: [
      .software("test vector"),
      .xorMappedAddress(
        Address(IPAddress("2001:db8:1234:5678:11:2233:4455:6677")!, port: 32_853)),
    ]),
  STUNVector(
    testDescription: "RFC 5769 §2.4, request with long-term credentials",
    bytes: hex(
      """
      00 01 00 60 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e
      00 06 00 12 e3 83 9e e3 83 88 e3 83 aa e3 83 83 e3 82 af e3 82 b9 00 00
      00 15 00 1c 66 2f 2f 34 39 39 6b 39 35 34 64 36
      4f 4c 33 34 6f 4c 39 46 53 54 76 79 36 34 73 41
      00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00
      00 08 00 14 f6 70 24 65 6d d6 4a 3e 02 b8 e0 71 2e 85 c9 a2 8c a8 96 66
      """),
    // MD5 of "マトリックス:example.org:TheMatrIX" (RFC 8489 §9.2.2).
    key: hex("e8ca7ad59d5eb0518e312911d2dab2a9"), messageClass: .request,
    attributes: [
      .username("マトリックス"), .nonce("f//499k954d6OL34oL9FSTvy64sA"), .realm("example.org"),
    ], hasFingerprint: false),
]

extension STUNMessage {
  init(_ bytes: [UInt8]) throws(WireError) { try self.init(bytes.span.bytes) }

  func isSigned(in bytes: [UInt8], key: [UInt8]) -> Bool {
    hasValidIntegrity(in: bytes.span.bytes, key: key, hmacSHA1: hmacSHA1)
  }

  func isFingerprinted(in bytes: [UInt8]) -> Bool {
    hasValidFingerprint(in: bytes.span.bytes)
  }
}

private let identifier = STUNTransactionID(high: 0x0102_0304, low: 0x0506_0708_090A_0B0C)

@Test func hmacMatchesRFC2202() {
  let code = Array("what do ya want for nothing?".utf8).withUnsafeBytes {
    hmacSHA1(key: Array("Jefe".utf8), message: $0)
  }
  #expect(code == hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"))
}

@Test(arguments: vectors)
func vectorParsesAndVerifies(_ vector: STUNVector) throws {
  let bytes = vector.bytes
  let message = try STUNMessage(bytes)
  #expect(message.messageClass == vector.messageClass)
  #expect(message.method == STUNMessage.binding)
  #expect(message.attributes == vector.attributes)
  #expect(message.isSigned(in: bytes, key: vector.key))
  #expect(
    !message.isSigned(in: bytes, key: vector.key + [1]))
  #expect(message.isFingerprinted(in: bytes) == vector.hasFingerprint)
}

/// The first three vectors pad with spaces, which changes the codes but no length; the last pads
/// with zeros and comes out byte for byte.
@Test(arguments: vectors)
func vectorIsBuiltAgain(_ vector: STUNVector) throws {
  let message = try STUNMessage(vector.bytes)
  let built = message.bytes(
    integrityKey: vector.key, fingerprint: vector.hasFingerprint, hmacSHA1: hmacSHA1)
  #expect(built.count == vector.bytes.count)
  if !vector.hasFingerprint { #expect(built == vector.bytes) }
  let again = try STUNMessage(built)
  #expect(again == message)
  #expect(again.isSigned(in: built, key: vector.key))
  #expect(again.isFingerprinted(in: built) == vector.hasFingerprint)
}

/// Any changed bit is seen by the parser or by a check.
@Test(arguments: vectors)
func everyChangedBitIsSeen(_ vector: STUNVector) {
  for bytes in everyBitFlip(of: vector.bytes) {
    guard let message = try? STUNMessage(bytes) else { continue }
    let intact =
      message.isSigned(in: bytes, key: vector.key)
      && message.isFingerprinted(in: bytes) == vector.hasFingerprint
    #expect(!intact)
  }
  for bytes in everyTruncation(of: vector.bytes) {
    #expect(throws: WireError.self) { try STUNMessage(bytes) }
  }
}

@Test(
  arguments: [
    .mappedAddress(Address(IPAddress(v4: 10, 1, 2, 3), port: 4)),
    .xorMappedAddress(Address(IPAddress("fe80::1")!, port: 65_535)),
    .username("a:b"), .realm(""), .nonce("n"), .software("Assay"),
    .errorCode(487, reason: "Role Conflict"), .errorCode(300, reason: ""),
    .unknownAttributes([0x7FFF, 1]), .priority(.max), .useCandidate,
    .iceControlled(tiebreaker: .max), .iceControlling(tiebreaker: 1),
    .networkCost(networkID: 2, cost: 50),
    .unknown(type: 0xC058, value: [1, 2, 3, 4, 5]),
  ] as [STUNAttribute])
func attributeSurvivesTheRoundTrip(_ attribute: STUNAttribute) throws {
  let message = STUNMessage(.request, transactionID: identifier, attributes: [attribute])
  let bytes = message.bytes(integrityKey: shortTermKey, hmacSHA1: hmacSHA1)
  #expect(bytes.count % 4 == 0)
  #expect(try STUNMessage(bytes).attributes == [attribute])
}

@Test func everyMethodAndClassSurvives() throws {
  for messageClass in [STUNMessage.Class.request, .indication, .success, .error] {
    for method in 0..<0x1000 as Range<UInt16> {
      let message = STUNMessage(messageClass, method: method, transactionID: identifier)
      let read = try STUNMessage(message.bytes(fingerprint: false))
      #expect(read == message)
    }
  }
}

@Test func accessorsFindTheirAttributes() throws {
  let message = STUNMessage(
    .request, transactionID: identifier,
    attributes: [
      .unknown(type: 0x7F00, value: []), .unknown(type: 0x8F00, value: []), .username("x:y"),
      .priority(7), .useCandidate, .iceControlling(tiebreaker: 9),
      .networkCost(networkID: 1, cost: 10), .errorCode(401, reason: "Unauthenticated"),
    ])
  #expect(message.username == "x:y")
  #expect(message.priority == 7)
  #expect(message.usesCandidate)
  #expect(message.iceControlling == 9)
  #expect(message.iceControlled == nil)
  #expect(message.networkCost == 10)
  #expect(message.errorCode == 401)
  #expect(message.unknownRequiredAttributes == [0x7F00])
}

@Test func attributesBehindIntegrityAreIgnored() throws {
  var bytes = STUNMessage(.request, transactionID: identifier)
    .bytes(integrityKey: shortTermKey, fingerprint: false, hmacSHA1: hmacSHA1)
  bytes += hex("0025 0000")
  bytes[3] += 4
  let message = try STUNMessage(bytes)
  #expect(message.attributes.isEmpty)
  #expect(
    message.isSigned(in: bytes, key: shortTermKey))
}

@Test(arguments: [
  ("0001 0000 2112a443 000000000000000000000000", WireError.wrongProtocol),
  ("8001 0000 2112a442 000000000000000000000000", .wrongProtocol),
  ("0001 0004 2112a442 000000000000000000000000", .badLength),
  ("0001 0003 2112a442 000000000000000000000000 800000", .badLength),
  ("0001 0008 2112a442 000000000000000000000000 00240005 00000000", .truncated),
  ("0001 0008 2112a442 000000000000000000000000 80280003 00000000", .badLength),
  ("0001 000c 2112a442 000000000000000000000000 00200008 00030000 00000000", .badValue),
  ("0001 0008 2112a442 000000000000000000000000 00090004 00000763", .badValue),
  ("0001 0008 2112a442 000000000000000000000000 00250004 00000000", .badLength),
])
func malformedMessageIsRefused(_ text: String, _ error: WireError) {
  #expect(throws: error) { try STUNMessage(hex(text)) }
}

@Test func textThatIsNotUTF8StaysBytes() throws {
  let bytes = hex("0001 0008 2112a442 000000000000000000000000 00060002 c3280000")
  let message = try STUNMessage(bytes)
  #expect(message.attributes == [.unknown(type: 6, value: [0xC3, 0x28])])
}
