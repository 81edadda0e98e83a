// SRTP packet by packet against the reference, under attack, and on replays (RFC 3711 §3.3).

import Basics
import TestKit
import Testing

@testable import Transport

/// Both ends of a session over one pool, and the reference of the direction from `sender`.
struct SRTPPair: ~Copyable {
  let pool = PacketPool()
  var sender: SRTP
  var receiver: SRTP
  let reference: ReferenceSRTP

  init(_ profile: SRTPProfile, protection: MediaProtection = .srtp, seed: UInt64 = 1) {
    var random = RandomStream(seed: seed, name: "srtp keys")
    let there = random.bytes(profile.keySize + profile.saltSize)
    let back = random.bytes(profile.keySize + profile.saltSize)
    sender = SRTP(
      SRTPKeys(profile: profile, local: there, remote: back), protection: protection)!
    receiver = SRTP(
      SRTPKeys(profile: profile, local: back, remote: there), protection: protection)!
    reference = ReferenceSRTP(profile, master: there)
  }

  mutating func protect(_ bytes: [UInt8], rtcp: Bool = false) throws -> [UInt8] {
    var packet = pool.makePacket(bytes)
    if rtcp { try sender.protectRTCP(&packet) } else { try sender.protectRTP(&packet) }
    return packet.bytes.array
  }

  mutating func unprotect(
    _ bytes: [UInt8], rtcp: Bool = false
  ) -> Result<[UInt8], SRTPError> {
    var packet = pool.makePacket(bytes)
    do throws(SRTPError) {
      if rtcp { try receiver.unprotectRTCP(&packet) } else { try receiver.unprotectRTP(&packet) }
    } catch {
      return .failure(error)
    }
    return .success(packet.bytes.array)
  }
}

/// RTP of many shapes: CSRCs, header extensions, no payload, a full datagram.
private func shapes(sequenceNumber: UInt16, ssrc: UInt32) -> [UInt8] {
  let choice = Int(sequenceNumber % 5)
  let csrcs = choice == 1 ? 3 : 0
  let hasExtension = choice == 2 || choice == 4
  let payload = [200, 33, 17, 0, 1_150][choice]
  var random = RandomStream(seed: UInt64(sequenceNumber), name: "payload")
  return [0x80 | UInt8(csrcs) | (hasExtension ? 0x10 : 0), 96]
    + bigEndian(UInt64(sequenceNumber), 2) + [0, 1, 2, 3] + bigEndian(UInt64(ssrc), 4)
    + random.bytes(4 * csrcs)
    + (hasExtension ? [0xBE, 0xDE, 0, 2, 0x31, 1, 2, 0x40, 7, 0, 0, 0] : [])
    + random.bytes(payload)
}

private func report(ssrc: UInt32, size: Int) -> [UInt8] {
  var random = RandomStream(seed: UInt64(ssrc), name: "report \(size)")
  return [0x80, 201] + bigEndian(UInt64(size / 4 - 1), 2) + bigEndian(UInt64(ssrc), 4)
    + random.bytes(size - 8)
}

@Suite struct SRTPTests {
  /// Three sources whose sequence numbers wrap at different times and twice over.
  @Test(arguments: SRTPProfile.allCases)
  func packetsEqualTheReference(profile: SRTPProfile) throws {
    var pair = SRTPPair(profile)
    var indices: [UInt32: UInt64] = [1: 65_500, 0xDEAD_BEEF: 3, 0xFFFF_FFFF: 40_000]
    for round in 0..<150 {
      for ssrc in [1, 0xDEAD_BEEF, 0xFFFF_FFFF] as [UInt32] {
        let index = indices[ssrc]!
        indices[ssrc] = index + (round % 10 == 9 ? 9_001 : 1)
        let packet = shapes(sequenceNumber: UInt16(truncatingIfNeeded: index), ssrc: ssrc)
        let expected = pair.reference.protectRTP(packet, rolloverCounter: UInt32(index >> 16))
        #expect(try pair.protect(packet) == expected)
        let opened = try pair.unprotect(expected).get()
        #expect(opened == packet)
      }
    }
    #expect(indices.values.allSatisfy { $0 >> 16 >= 2 })
  }

  /// We count a source's SRTCP packets from 0, as RFC 3711 §3.2.1 says, and libsrtp2 from 1.
  @Test(arguments: SRTPProfile.allCases)
  func controlPacketsEqualTheReference(profile: SRTPProfile) throws {
    var pair = SRTPPair(profile)
    let first: UInt32 = profile == .aeadAES128GCM ? 0 : 1
    for index in first..<(first + 100) {
      for ssrc in [7, 0x8000_0000] as [UInt32] {
        let packet = report(ssrc: ssrc, size: 8 + 4 * Int(index % 50))
        let expected = pair.reference.protectRTCP(packet, index: index)
        #expect(try pair.protect(packet, rtcp: true) == expected)
        let opened = try pair.unprotect(expected, rtcp: true).get()
        #expect(opened == packet)
      }
    }
  }

  /// Indices that no sender of ours counts up to in a test.
  @Test(arguments: SRTPProfile.allCases, [0, 5, 0x1_0000, 0x7FFF_FFFE] as [UInt32])
  func highControlIndicesAreRead(profile: SRTPProfile, index: UInt32) throws {
    var pair = SRTPPair(profile)
    let packet = report(ssrc: 9, size: 32)
    let opened = try pair.unprotect(
      pair.reference.protectRTCP(packet, index: index), rtcp: true
    ).get()
    #expect(opened == packet)
  }

  @Test(arguments: SRTPProfile.allCases, [false, true])
  func everyDamagedByteFails(profile: SRTPProfile, rtcp: Bool) throws {
    var pair = SRTPPair(profile)
    let clear = rtcp ? report(ssrc: 5, size: 28) : shapes(sequenceNumber: 4_002, ssrc: 5)
    let good = try pair.protect(clear, rtcp: rtcp)
    for damaged in everyBitFlip(of: good) {
      let result = pair.unprotect(damaged, rtcp: rtcp)
      #expect(throws: SRTPError.self) { try result.get() }
    }
    for cut in everyTruncation(of: good) {
      let result = pair.unprotect(cut, rtcp: rtcp)
      #expect(throws: SRTPError.self) { try result.get() }
    }
    let opened = try pair.unprotect(good, rtcp: rtcp).get()
    #expect(opened == clear, "failures leave the session as it was")
  }

  /// RFC 3711 §3.3.1 at its edges: half the number space ahead, and back, in a later rollover.
  @Test(arguments: SRTPProfile.allCases, [1, 100, 32_767, 32_768, 40_000, 65_535] as [UInt64])
  func rolloverIsGuessedAsTheRFCSays(profile: SRTPProfile, low: UInt64) throws {
    for jump in [-32_769, -32_768, -32_767, 32_767, 32_768, 32_769] as [Int64] {
      var pair = SRTPPair(profile)
      // To rollover 2 in steps that leave no doubt.
      for index in [20_000, 50_000, 80_000, 110_000, 131_072, 131_072 + low / 2, 131_072 + low]
        as [UInt64]
      {
        let number = UInt16(truncatingIfNeeded: index)
        _ = try pair.protect(shapes(sequenceNumber: number, ssrc: 1))
      }
      let number = UInt16(truncatingIfNeeded: Int64(low) + jump)
      let guess: UInt32 =
        if low < 32_768 {
          Int(number) - Int(low) > 32_768 ? 1 : 2
        } else {
          Int(low) - 32_768 > Int(number) ? 3 : 2
        }
      let packet = shapes(sequenceNumber: number, ssrc: 1)
      let sealed = try? pair.protect(packet)
      let expected = pair.reference.protectRTP(packet, rolloverCounter: guess)
      #expect(sealed == nil || sealed == expected, "from \(low) by \(jump)")
    }
  }

  @Test(arguments: SRTPProfile.allCases)
  func replaysAndOldPacketsAreRefused(profile: SRTPProfile) throws {
    var pair = SRTPPair(profile)
    func packet(_ number: UInt16) -> [UInt8] {
      pair.reference.protectRTP(shapes(sequenceNumber: number, ssrc: 1), rolloverCounter: 0)
    }
    let (newest, inside) = (packet(5_000), packet(4_500))
    let (edge, outside) = (packet(3_977), packet(3_976))
    _ = try pair.unprotect(newest).get()
    _ = try pair.unprotect(inside).get()
    _ = try pair.unprotect(edge).get()
    for again in [newest, inside, edge, outside] {
      let result = pair.unprotect(again)
      #expect(throws: SRTPError.replayed) { try result.get() }
    }
  }

  @Test(arguments: SRTPProfile.allCases)
  func replayedControlPacketsAreRefused(profile: SRTPProfile) throws {
    var pair = SRTPPair(profile)
    func packet(_ index: UInt32) -> [UInt8] {
      pair.reference.protectRTCP(report(ssrc: 1, size: 28), index: index)
    }
    let (newest, late, old) = (packet(5_000), packet(4_990), packet(100))
    _ = try pair.unprotect(newest, rtcp: true).get()
    _ = try pair.unprotect(late, rtcp: true).get()
    for again in [newest, late, old] {
      let result = pair.unprotect(again, rtcp: true)
      #expect(throws: SRTPError.replayed) { try result.get() }
    }
  }

  @Test(arguments: SRTPProfile.allCases)
  func aRetransmissionHasTheSameBytes(profile: SRTPProfile) throws {
    var pair = SRTPPair(profile)
    let packet = shapes(sequenceNumber: 10, ssrc: 1)
    let first = try pair.protect(packet)
    _ = try pair.protect(shapes(sequenceNumber: 11, ssrc: 1))
    #expect(try pair.protect(packet) == first)
  }

  @Test(arguments: SRTPProfile.allCases)
  func cleartextKeepsTheOverhead(profile: SRTPProfile) throws {
    var secret = SRTPPair(profile)
    var clear = SRTPPair(profile, protection: .cleartext)
    for (packet, rtcp) in [
      (shapes(sequenceNumber: 4, ssrc: 1), false), (report(ssrc: 1, size: 28), true),
    ] {
      let sent = try clear.protect(packet, rtcp: rtcp)
      #expect(try secret.protect(packet, rtcp: rtcp).count == sent.count)
      #expect(Array(sent.prefix(packet.count)) == packet)
      let opened = try clear.unprotect(sent, rtcp: rtcp).get()
      #expect(opened == packet)
    }
  }

  /// A stream that is over is forgotten, and others go on.
  @Test(arguments: SRTPProfile.allCases) func aForgottenStreamIsGone(profile: SRTPProfile) throws {
    var pair = SRTPPair(profile)
    func packet(_ number: UInt16, _ ssrc: UInt32) -> [UInt8] {
      shapes(sequenceNumber: number, ssrc: ssrc)
    }
    for ssrc: UInt32 in [1, 2] {
      _ = try pair.unprotect(try pair.protect(packet(9, ssrc))).get()
    }
    pair.sender.forget([1], areOurs: true)
    pair.receiver.forget([1], areOurs: false)
    // The one beside it, and one in its place.
    for (number, ssrc): (UInt16, UInt32) in [(10, 2), (3, 7)] {
      let sealed = try pair.protect(packet(number, ssrc))
      #expect(try pair.unprotect(sealed).get() == packet(number, ssrc))
      let again = pair.unprotect(sealed)
      #expect(throws: SRTPError.replayed) { try again.get() }
    }
    // What it was is not known any more.
    #expect(try pair.unprotect(try pair.protect(packet(9, 1))).get() == packet(9, 1))
  }

  @Test func aWrongKeyIsNotAuthentic() throws {
    var pair = SRTPPair(.aeadAES128GCM)
    var stranger = SRTPPair(.aeadAES128GCM, seed: 2)
    let result = pair.unprotect(try stranger.protect(shapes(sequenceNumber: 1, ssrc: 1)))
    #expect(throws: SRTPError.authenticationFailed) { try result.get() }
  }

  @Test func whatDoesNotFitIsMalformed() {
    var pair = SRTPPair(.aeadAES128GCM)
    let full = [0x80, 96] + [UInt8](repeating: 0, count: PacketPool.slotSize)
    #expect(throws: SRTPError.malformed) { try pair.protect(full) }
    let short = pair.unprotect([0x80, 96, 0])
    #expect(throws: SRTPError.malformed) { try short.get() }
  }
}
