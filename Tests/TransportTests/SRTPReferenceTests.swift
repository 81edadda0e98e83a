// The vectors of RFC 3711 appendix B and RFC 7714 §16 and §17, which the reference must meet.

import TestKit
import Testing

@Suite struct SRTPReferenceTests {
  @Test(arguments: [
    (0, "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB"),
    (2, "41E95B3BB0A2E8DD477901E4FCA894C0"),
    (65_279, "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE"),
    (65_281, "6A2CC3787889374FBEB4C81B17BA6C44"),
  ])
  func keystreamOfRFC3711(firstBlock: Int, expected: String) {
    let keys = ReferenceKeys(
      encryption: hex("2B7E151628AED2A6ABF7158809CF4F3C"),
      salt: hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"))
    let stream = Primitive.aesCM(
      key: keys.encryption, iv: keys.counterIV(ssrc: [0, 0, 0, 0], index: 0),
      [UInt8](repeating: 0, count: 1_044_512))
    let bytes = hex(expected)
    #expect(Array(stream[(16 * firstBlock)..<(16 * firstBlock + bytes.count)]) == bytes)
  }

  @Test(arguments: [
    (0 as UInt8, "C61E7A93744F39EE10734AFE3FF7A087"),
    (2, "30CBBC08863D8C85D49DB34A9AE1"),
    (
      1,
      """
      CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
      E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
      6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2
      """
    ),
  ])
  func keyDerivationOfRFC3711(label: UInt8, expected: String) {
    let expected = hex(expected)
    let key = Primitive.sessionKey(
      label, expected.count, key: hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
      salt: hex("0EC675AD498AFEEBB6960B3AABE6"))
    #expect(key == expected)
  }

  private func gcm(keySize: UInt8 = 16) -> ReferenceSRTP {
    ReferenceSRTP(gcmKey: Array(0..<keySize), salt: Array("Quid pro quo".utf8))
  }

  /// RFC 7714 §16.1.1 and §16.2.1.
  @Test(arguments: [
    (
      16 as UInt8,
      """
      f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf
      8833899d 7f27beb1 6a9152cf 765ee439 0cce
      """
    ),
    (
      32,
      """
      32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799
      b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13
      """
    ),
  ])
  func packetOfRFC7714(keySize: UInt8, expected: String) {
    let header = hex("8040f17b 8041f8d3 5501a0b2")
    let packet = header + Array("Gallia est omnis divisa in partes tres".utf8)
    let protected = gcm(keySize: keySize).protectRTP(packet, rolloverCounter: 0)
    #expect(protected == header + hex(expected))
  }

  /// RFC 7714 §16.1.3: the tag alone.
  @Test func tagOfRFC7714() {
    let packet =
      hex("8040f17b 8041f8d3 5501a0b2") + Array("Gallia est omnis divisa in partes tres".utf8)
    let keys = gcm().rtp
    let tag = Primitive.aesGCM(
      key: keys.encryption, iv: keys.gcmIV(ssrc: hex("5501a0b2"), index: 0xF17B),
      authenticated: packet, [])
    #expect(tag == hex("22493f82 d2bce397 e9d79e3b 19aa4216"))
  }

  /// RFC 7714 §17.1.
  @Test func controlPacketOfRFC7714() {
    let packet = hex(
      """
      81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef
      deadbeef deadbeef deadbeef deadbeef
      """)
    let expected = hex(
      """
      81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1
      730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4
      """)
    #expect(gcm().protectRTCP(packet, index: 0x5D4) == expected)
  }
}
