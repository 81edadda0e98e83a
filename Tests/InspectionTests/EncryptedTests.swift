// SRTP in captures: opened with a key log, with the wrong one, and left closed.

import Basics
import Capture
import Inspection
import Report
import Results
import TestKit
import Testing
import Transport
import Wire

/// A DTLS handshake as an onlooker sees it, and SRTP under its keys.
private struct SealedCall {
  static let clientRandom = [UInt8](repeating: 0xA1, count: 32)
  static let serverRandom = [UInt8](repeating: 0xB2, count: 32)

  var is13: Bool
  var profile = SRTPProfile.aeadAES128GCM

  var secret: [UInt8] { (0..<(is13 ? 32 : 48)).map { $0 } }

  var keyLog: String {
    func text(_ bytes: [UInt8]) -> String {
      bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    let label = is13 ? "EXPORTER_SECRET" : "CLIENT_RANDOM"
    return "\(label) \(text(SealedCall.clientRandom)) \(text(secret))\n"
  }

  var masters: SRTPKeyExport.Masters {
    is13
      ? SRTPKeyExport.dtls13(exporterSecret: secret, hash: .sha256, profile: profile)
      : SRTPKeyExport.dtls12(
        masterSecret: secret, clientRandom: SealedCall.clientRandom,
        serverRandom: SealedCall.serverRandom, hash: .sha256, profile: profile)
  }

  private func be(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
  }

  private func record(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
    [type, 0xFE, 0xFD] + be(0, 8) + be(body.count, 2) + body
  }

  /// A part of a handshake message.
  private func fragment(
    _ type: UInt8, _ body: [UInt8], _ range: Range<Int>, number: Int = 0
  ) -> [UInt8] {
    record(
      22,
      [type] + be(body.count, 3) + be(number, 2) + be(range.lowerBound, 3) + be(range.count, 3)
        + body[range])
  }

  /// The client's flight in two datagrams, the server's, and both ends' changes of cipher.
  func write(to call: CallCapture) throws {
    let hello = [0xFE, 0xFD] + SealedCall.clientRandom + [0, 0, 0, 2, 0xC0, 0x2B, 1, 0]
    try call.add(fragment(1, hello, 0..<36), at: 10)
    try call.add(fragment(1, hello, 36..<hello.count), at: 11)
    let srtp = be(14, 2) + be(5, 2) + be(2, 2) + be(profile == .aes128CMSHA1 ? 1 : 7, 2) + [0]
    let version = be(43, 2) + be(2, 2) + be(0xFEFC, 2)
    let extensions = is13 ? version : srtp
    let answer =
      [0xFE, 0xFD] + SealedCall.serverRandom + [0] + (is13 ? [0x13, 0x01] : [0xC0, 0x2B]) + [0]
      + be(extensions.count, 2) + extensions
    try call.add(fragment(2, answer, 0..<answer.count), at: 20, back: true)
    if is13 {
      try call.add([0x2F, 1, 2, 3, 4, 5], at: 25, back: true)
      try call.add([0x2F, 1, 2, 3, 4, 5], at: 30)
    } else {
      try call.add(record(20, [1]), at: 25)
      try call.add(record(20, [1]), at: 30, back: true)
    }
  }

  /// SRTP of the DTLS client.
  func sealing() throws -> SRTP {
    let keys = SRTPKeys(profile: profile, local: masters.client, remote: masters.server)
    guard let srtp = SRTP(keys) else { throw SRTPError.malformed }
    return srtp
  }
}

@Suite struct EncryptedTests {
  private func write(
    _ sealed: SealedCall, to call: CallCapture, frames: Int = 90,
    isLost: (Int) -> Bool = { _ in false }
  ) throws {
    try sealed.write(to: call)
    let srtp = try sealed.sealing()
    let pool = PacketPool()
    for frame in 0..<frames {
      // The wrap is passed, so rollover counters matter.
      var packet = pool.makePacket(
        rtp(
          65_500 + frame, timestamp: frame * 3_000, marker: true, payload: vp8(keyframe: frame == 0)
        ))
      try srtp.protectRTP(&packet)
      if isLost(frame) { continue }
      try call.add(Array(packet.bytes.withUnsafeBytes { $0 }), at: 100 + Double(frame) * 1_000 / 30)
      guard frame % 30 == 0 else { continue }
      var compound = pool.makePacket(
        rtcp(
          .senderReport(
            SenderReport(ssrc: 0x11, ntp: 1, rtpTimestamp: 0, packetCount: 0, octetCount: 0)),
          .sourceDescription([SDESChunk(ssrc: 0x11, cname: "x")])))
      try srtp.protectRTCP(&compound)
      try call.add(
        Array(compound.bytes.withUnsafeBytes { $0 }), at: 101 + Double(frame) * 1_000 / 30)
    }
  }

  @Test(arguments: [
    (false, SRTPProfile.aeadAES128GCM), (false, .aes128CMSHA1), (true, .aeadAES128GCM),
    (true, .aes128CMSHA1),
  ])
  func aKeyLogOpensEveryPacket(_ is13: Bool, _ profile: SRTPProfile) throws {
    let sealed = SealedCall(is13: is13, profile: profile)
    let call = try CallCapture()
    try call.addSecrets(sealed.keyLog)
    try write(sealed, to: call)
    let report = try call.inspect()
    let transport = try #require(report.transports.first)
    #expect(transport.srtp.opened == 93)
    #expect(transport.srtp.failed == 0)
    #expect(transport.media == .opened)
    #expect(transport.dtls.first?.version == (is13 ? "DTLS 1.3" : "DTLS 1.2"))
    #expect(transport.dtls.first?.completed != nil)
    #expect(transport.forward.rtcp.map(\.type) == ["SR", "SDES"])
    let stream = try #require(report.streams.first)
    #expect(stream.payload == .opened)
    #expect(stream.codec == "VP8")
    #expect(stream.frames?.keyframes == 1)
    #expect(report.hidden.isEmpty)
    #expect(report.problems.isEmpty)
  }

  @Test(arguments: [false, true]) func closedMediaStillGiveHeaders(_ is13: Bool) throws {
    let sealed = SealedCall(is13: is13)
    let call = try CallCapture()
    try write(sealed, to: call) { (40..<50).contains($0) }
    let report = try call.inspect(naming((96, "VP8", 90_000)))
    let stream = try #require(report.streams.first)
    #expect(stream.payload == .encrypted)
    #expect(stream.missing == 10)
    #expect(stream.jitter != nil)
    #expect(stream.frames?.count == 80)
    #expect(stream.frames?.keyframes == nil)
    #expect(stream.frames?.freezeCount == 1)
    #expect(report.transports[0].media == .closed)
    // Of each compound, the first packet alone.
    #expect(report.transports[0].forward.rtcp.map(\.type) == ["SR"])
    #expect(report.hidden.contains { $0.contains(is13 ? "EXPORTER_SECRET" : "CLIENT_RANDOM") })
    #expect(report.sentence.contains("10 packets lost"))
  }

  @Test func wrongSecretsAreSaid() throws {
    let sealed = SealedCall(is13: false)
    let call = try CallCapture()
    try write(sealed, to: call)
    var options = naming((96, "VP8", 90_000))
    let other = String(repeating: "ff", count: 48)
    let random = String(repeating: "a1", count: 32)
    options.keyLog.add(Array("CLIENT_RANDOM \(random) \(other)\n".utf8))
    let report = try call.inspect(options)
    #expect(report.transports[0].srtp.opened == 0)
    #expect(report.transports[0].srtp.failed == 93)
    #expect(report.problems.first?.kind == .authenticationFailed)
    #expect(report.streams[0].packets == 90)
  }

  /// Compounds of which only the first header parses, without a handshake in the capture.
  @Test func aCaptureFromMidCallIsSeenToBeEncrypted() throws {
    let call = try CallCapture()
    for index in 0..<100 {
      try call.add(rtp(index, timestamp: index * 3_000, marker: true), at: Double(index) * 33)
      guard index % 20 == 10 else { continue }
      let header = rtcp(.receiverReport(ReceiverReport(ssrc: 0x11)))
      try call.add(
        header + [UInt8](repeating: 0x3A, count: 24), at: Double(index) * 33 + 1)
    }
    let report = try call.inspect(naming((96, "VP8", 90_000)))
    #expect(report.transports[0].media == .closed)
    #expect(report.streams[0].frames?.keyframes == nil)
    #expect(report.hidden.contains { $0.contains("begins after a DTLS handshake") })
  }

  @Test func aHandshakeThatFailsIsTheFirstThing() throws {
    let call = try CallCapture()
    let hello = [UInt8](repeating: 7, count: 40)
    for index in 0..<4 {
      let body: [UInt8] = [1, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 40] + hello
      try call.add(
        [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, UInt8(index), 0, UInt8(body.count)] + body,
        at: Double(index) * 1_000)
    }
    for index in 0..<10 {
      try call.add(
        rtp(index, timestamp: index * 960, type: 0), at: 4_000 + Double(index) * 20, port: 7_777)
    }
    let report = try call.inspect()
    #expect(report.sentence.hasPrefix("DTLS between 192.0.2.1:5000 and 10.0.0.7:6000 began"))
    #expect(report.sentence.contains("3 retransmissions"))
  }
}

@Suite struct BadInputTests {
  @Test func damageNamesItsPacketAndThePartBeforeItCanBeHad() throws {
    let call = try CallCapture()
    for index in 0..<50 {
      try call.add(rtp(index, timestamp: index * 160, type: 0), at: Double(index) * 20)
    }
    _ = try call.inspect()
    let cut = try TemporaryFile(containing: try call.file.bytes.dropLast(10))
    do {
      _ = try CaptureInspection.inspect(cut.path, InspectionOptions())
      Issue.record("no error")
    } catch {
      guard case .capture(let fault) = error else { throw error }
      #expect(fault.packetNumber == 50)
    }
    var options = InspectionOptions()
    options.allowsDamage = true
    let report = try CaptureInspection.inspect(cut.path, options)
    #expect(report.streams[0].packets == 49)
    #expect(report.notes.contains { $0.contains("packet 50") })
  }

  @Test func nothingToSayIsSaidWhy() throws {
    let call = try CallCapture()
    try call.add([1, 2, 3], at: 0)
    do {
      _ = try call.inspect()
      Issue.record("no error")
    } catch let error as InspectionError {
      #expect(error.description.contains("no RTP in 1 packets"))
    }
  }

  /// No damage to a capture traps, whatever it hits.
  @Test func damageNeverTraps() throws {
    let call = try CallCapture()
    for index in 0..<6 {
      try call.add(
        rtp(
          index, timestamp: index * 3_000, marker: true,
          payload: vp8(keyframe: index == 0, size: 20)),
        at: Double(index) * 20)
    }
    try call.add(
      rtcp(.pictureLossIndication(senderSSRC: 9, mediaSSRC: 0x11)), at: 130, back: true)
    _ = try call.inspect()
    let whole = try call.file.bytes
    var options = InspectionOptions()
    options.allowsDamage = true
    for bit in stride(from: 0, to: 8 * whole.count, by: 7) {
      var bytes = whole
      bytes[bit / 8] ^= 0x80 >> UInt8(bit % 8)
      let file = try TemporaryFile(containing: bytes)
      if let report = try? CaptureInspection.inspect(file.path, options) {
        _ = InspectionText.render(report)
        _ = InspectionPage.render(report, build: "")
      }
    }
  }
}
