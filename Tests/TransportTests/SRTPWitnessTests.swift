// Our AEAD_AES_128_GCM against libsrtp2's, packet by packet in both directions (RFC 7714).

import Basics
import CSRTP
import Testing

@testable import Transport

@Suite struct SRTPWitnessTests {
  private let key = (0..<28).map { UInt8($0 * 7 + 3) }
  private let pool = PacketPool()

  private func rtp(_ sequenceNumber: UInt16, ssrc: UInt32, size: Int) -> [UInt8] {
    var bytes: [UInt8] = [0x90, 96, UInt8(sequenceNumber >> 8), UInt8(sequenceNumber & 255)]
    bytes += [0, 0, 1, 2] + (0..<4).map { UInt8(truncatingIfNeeded: ssrc >> (24 - 8 * $0)) }
    bytes += [0xBE, 0xDE, 0, 1, 0x10, 0x31, 0, 0]
    return bytes + (0..<size).map { UInt8(truncatingIfNeeded: $0) }
  }

  private func rtcp(ssrc: UInt32) -> [UInt8] {
    [0x80, 201, 0, 1] + (0..<4).map { UInt8(truncatingIfNeeded: ssrc >> (24 - 8 * $0)) }
      + [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]
  }

  @Test func bothSealTheSameBytes() throws {
    let ours = try #require(SRTPGCM(masterKey: key, encrypts: true))
    let theirs = try #require(LibSRTPSession(.aeadAES128GCM, key: key, ssrc_any_outbound))
    for (step, number) in [65_530, 65_533, 65_535, 0, 1, 65_534, 7, 400].enumerated() {
      for ssrc: UInt32 in [7, 0xDEAD_BEEF] {
        let bytes = rtp(UInt16(number), ssrc: ssrc, size: step * 150)
        var a = pool.makePacket(bytes)
        var b = pool.makePacket(bytes)
        try ours.protectRTP(&a)
        try theirs.run(&b, srtp_protect)
        #expect(a.bytes.array == b.bytes.array, "sequence number \(number)")
        var c = pool.makePacket(rtcp(ssrc: ssrc))
        var d = pool.makePacket(rtcp(ssrc: ssrc))
        try ours.protectRTCP(&c)
        try theirs.run(&d, srtp_protect_rtcp)
        // libsrtp2 counts its first SRTCP packet as 1, we as 0: the indices follow each other.
        let index = d.bytes.array.suffix(4)
        #expect(index.first == 0x80 && c.count == d.count)
      }
    }
  }

  @Test func eachOpensWhatTheOtherSealed() throws {
    let seal = try #require(SRTPGCM(masterKey: key, encrypts: true))
    let open = try #require(SRTPGCM(masterKey: key, encrypts: false))
    let theirSeal = try #require(LibSRTPSession(.aeadAES128GCM, key: key, ssrc_any_outbound))
    let theirOpen = try #require(LibSRTPSession(.aeadAES128GCM, key: key, ssrc_any_inbound))
    for number in [65_530, 65_534, 65_535, 2, 0, 1, 900] {
      let bytes = rtp(UInt16(number), ssrc: 9, size: 500)
      var a = pool.makePacket(bytes)
      try seal.protectRTP(&a)
      try theirOpen.run(&a, srtp_unprotect)
      #expect(a.bytes.array == bytes)
      var b = pool.makePacket(bytes)
      try theirSeal.run(&b, srtp_protect)
      try open.unprotectRTP(&b)
      #expect(b.bytes.array == bytes)
      var c = pool.makePacket(rtcp(ssrc: 9))
      try seal.protectRTCP(&c)
      try theirOpen.run(&c, srtp_unprotect_rtcp)
      #expect(c.bytes.array == rtcp(ssrc: 9))
      var d = pool.makePacket(rtcp(ssrc: 9))
      try theirSeal.run(&d, srtp_protect_rtcp)
      try open.unprotectRTCP(&d)
      #expect(d.bytes.array == rtcp(ssrc: 9))
    }
  }

  @Test func everyDamagedByteIsNoticed() throws {
    let seal = try #require(SRTPGCM(masterKey: key, encrypts: true))
    var packet = pool.makePacket(rtp(5, ssrc: 9, size: 40))
    try seal.protectRTP(&packet)
    let sealed = packet.bytes.array
    for index in sealed.indices {
      let open = try #require(SRTPGCM(masterKey: key, encrypts: false))
      var damaged = sealed
      damaged[index] ^= 0x01
      var copy = pool.makePacket(damaged)
      #expect(throws: SRTPError.self) { try open.unprotectRTP(&copy) }
    }
    for size in sealed.indices {
      let open = try #require(SRTPGCM(masterKey: key, encrypts: false))
      var cut = pool.makePacket(Array(sealed.prefix(size)))
      #expect(throws: SRTPError.self) { try open.unprotectRTP(&cut) }
    }
  }
}
