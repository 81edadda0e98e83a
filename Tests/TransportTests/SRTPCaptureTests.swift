// A captured call of aiortc: its SRTP keys from the key log of its DTLS, every packet opened
// (RFC 5705 §4, RFC 5764 §4.2).

import Basics
import Capture
import Foundation
import TestKit
import Testing
import Wire

@testable import Transport

private let capture = sharedFile("captures/aiortc-encrypted.pcapng")
private let keyLog = sharedFile("captures/aiortc-encrypted.keylog")

/// The first hello of `type` (1 client, 2 server) of a capture.
private func hello(
  _ type: UInt8, in datagrams: [UDPDatagram]
) -> (random: [UInt8], source: Address)? {
  for datagram in datagrams {
    let bytes = datagram.payload
    // A record's header has 13 bytes, a handshake message's 12, then two of version.
    guard bytes.count > 59, bytes[0] == 22, bytes[13] == type else { continue }
    return (Array(bytes[27..<59]), datagram.source)
  }
  return nil
}

@Suite struct SRTPCaptureTests {
  @Test(.enabled(if: capture != nil && keyLog != nil, needsShared))
  func everyPacketOfTheCaptureOpens() throws {
    let datagrams = try CaptureReader.datagrams(of: capture!)
    let client = try #require(hello(1, in: datagrams))
    let server = try #require(hello(2, in: datagrams))
    let words = try String(contentsOfFile: keyLog!, encoding: .utf8)
      .split(separator: "\n")[0].split(separator: " ")
    #expect(words[0] == "CLIENT_RANDOM")
    #expect(hex(String(words[1])) == client.random)
    let profile = SRTPProfile.aeadAES256GCM
    let material = Primitive.tlsPRF(
      secret: hex(String(words[2])), label: "EXTRACTOR-dtls_srtp",
      seed: client.random + server.random, count: 2 * (profile.keySize + profile.saltSize))
    let clientMaster = Array(material[0..<32] + material[64..<76])
    let serverMaster = Array(material[32..<64] + material[76..<88])

    let fromClient = SRTP(SRTPKeys(profile: profile, local: serverMaster, remote: clientMaster))!
    let fromServer = SRTP(SRTPKeys(profile: profile, local: clientMaster, remote: serverMaster))!
    let pool = PacketPool()
    var opened = (rtp: 0, rtcp: 0)
    var failures: [Int] = []
    for datagram in datagrams {
      let kind = PacketKind(datagram.payload.span.bytes)
      guard kind == .rtp || kind == .rtcp else { continue }
      var packet = pool.makePacket(datagram.payload)
      let isFromClient = datagram.source == client.source
      do throws(SRTPError) {
        switch (kind, isFromClient) {
        case (.rtp, true): try fromClient.unprotectRTP(&packet)
        case (.rtp, false): try fromServer.unprotectRTP(&packet)
        case (_, true): try fromClient.unprotectRTCP(&packet)
        case (_, false): try fromServer.unprotectRTCP(&packet)
        }
      } catch {
        failures.append(datagram.packetNumber)
        continue
      }
      if kind == .rtp { opened.rtp += 1 } else { opened.rtcp += 1 }
      let master = isFromClient ? clientMaster : serverMaster
      #expect(isSealedAgain(packet.bytes.array, kind, master, as: datagram.payload))
    }
    #expect(failures == [])
    #expect(opened.rtp == 1_170)
    #expect(opened.rtcp == 54)
  }

  /// Whether the reference makes of the clear packet what aiortc made of it.
  private func isSealedAgain(
    _ clear: [UInt8], _ kind: PacketKind, _ master: [UInt8], as sealed: [UInt8]
  ) -> Bool {
    let reference = ReferenceSRTP(.aeadAES256GCM, master: master)
    if kind == .rtcp {
      let index = sealed.suffix(4).reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
      return reference.protectRTCP(clear, index: index & 0x7FFF_FFFF) == sealed
    }
    // The call is too short for more than one wrap.
    return (0...1).contains { reference.protectRTP(clear, rolloverCounter: $0) == sealed }
  }
}
