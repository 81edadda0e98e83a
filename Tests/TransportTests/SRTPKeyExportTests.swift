// SRTP keys from key log secrets: vectors of an independent HMAC and HKDF, and a handshake of ours.

import Basics
import TestKit
import Testing

@testable import Transport

@Suite struct SRTPKeyExportTests {
  private static let random = (
    client: [UInt8](repeating: 1, count: 32), server: [UInt8](repeating: 2, count: 32)
  )

  /// Client key, server key, client salt, server salt in a row.
  private func material(_ masters: SRTPKeyExport.Masters, _ profile: SRTPProfile) -> [UInt8] {
    let key = profile.keySize
    return Array(masters.client[..<key] + masters.server[..<key])
      + Array(masters.client[key...] + masters.server[key...])
  }

  @Test(arguments: [
    (
      SRTPKeyExport.Hash.sha256,
      """
      3ebf27561d536d433e259ebeff3fde1071c232877f3fb2174d0740e3
      c1256cc26535bdcdd33b3ec9727167b126e12a68ba0dbf07b7630fc976a1aeb9
      """
    ),
    (
      .sha384,
      """
      1a7e34e303c9fc1f302102ca4e62b961214ea5f5fad959fd3843e937
      c7d1f5a21dce2f10450d796be8af0a4e0d3ad2a003f8f1580933d1aae75fc155
      """
    ),
  ])
  func dtls12(_ hash: SRTPKeyExport.Hash, _ expected: String) {
    let masters = SRTPKeyExport.dtls12(
      masterSecret: (0..<48).map { $0 }, clientRandom: Self.random.client,
      serverRandom: Self.random.server, hash: hash, profile: .aes128CMSHA1)
    #expect(material(masters, .aes128CMSHA1) == hex(expected))
  }

  @Test(arguments: [
    (
      SRTPKeyExport.Hash.sha256, "dtls13",
      """
      2eea93880ff2b1cc73b586c1b67d269af694ac64f2e4da0d7899a4a8
      0d48676d3d23e510be9582b3966a5f4a4e5cd6dfb1a79a9188a96ef6
      """
    ),
    (
      .sha256, "tls13 ",
      """
      a536d7900ccf9c9ddb2a740ea4dee46b3fe51ceb050c566b0f54d9bb
      e57ef622e3df10337fa91c34cf11cae371c78d21873c3d304ce03d22
      """
    ),
    (
      .sha384, "dtls13",
      """
      c5bc1653f2758c5d4a3a639acf06b2daade8b08256a63b6ae91a9b36
      a67c7350753183d7bdcab41b3781e3c5ac8d39d39940724314a0ef03
      """
    ),
  ])
  func dtls13(_ hash: SRTPKeyExport.Hash, _ prefix: String, _ expected: String) {
    let size: UInt8 = hash == .sha256 ? 32 : 48
    let masters = SRTPKeyExport.dtls13(
      exporterSecret: (0..<size).map { $0 }, hash: hash, profile: .aeadAES128GCM,
      labelPrefix: prefix)
    #expect(material(masters, .aeadAES128GCM) == hex(expected))
  }
}
