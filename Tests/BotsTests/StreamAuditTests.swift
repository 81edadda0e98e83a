// The checks of a strict receiver against packets written by hand: what is a fault, and what is only the
// network's doing.

import Basics
import Results
import Testing
import Transport
import Wire

@testable import Bots

@Suite struct StreamAuditing {
  /// A stream of VP8 with three temporal layers, one packet a frame, 30 frames a second.
  private struct Stream {
    var audit = StreamAudit(
      RemoteTrack.Identity(
        publisherSID: "PA_1", trackSID: "TR_1", mid: "1", ssrc: 7, rtxSSRC: nil, kind: .video,
        codec: .vp8))
    var faults = ProtocolAudit()
    var number: Int64 = 65_530
    var timestamp: UInt32 = .max - 9_000
    var picture: UInt16 = 0x7FFA
    var temporalIndex: UInt8 = 250
    var now = Instant.zero
    var isStamped = true

    /// - Parameter interval: since the frame before.
    mutating func send(
      temporalLayer: UInt8 = 0, isLost: Bool = false,
      interval: Duration = .milliseconds(33)
    ) {
      number += 1
      now += interval
      timestamp &+= UInt32(interval.seconds * 90_000)
      picture = (picture + 1) & 0x7FFF
      if temporalLayer == 0 { temporalIndex &+= 1 }
      if isLost { return }
      audit.received(number, at: now)
      audit.began(
        .init(
          timestamp: timestamp, arrival: now, captured: isStamped ? now : nil,
          picture: .init(
            id: picture, isLong: true, temporalIndex: temporalIndex,
            temporalLayer: temporalLayer)), 7, at: now, &faults)
    }

    mutating func send(_ layers: [UInt8]) { for layer in layers { send(temporalLayer: layer) } }

    func found(_ fault: ProtocolFault) -> Int? {
      faults.counts.first { $0.fault == fault }?.found
    }
  }

  @Test func aSoundStreamWrapsWithoutFault() {
    var stream = Stream()
    for _ in 0..<10 { stream.send([0, 2, 1, 2]) }
    #expect(stream.found(.pictureID) == 0)
    #expect(stream.found(.temporalIndex) == 0)
    #expect(stream.found(.timestamp) == 0)
    #expect(stream.faults.total == 0)
  }

  @Test(arguments: [1, 9_001, 0x7FFE]) func aPictureIdThatJumpsOrStaysIsAFault(step: UInt16) {
    var stream = Stream()
    stream.send([0, 1])
    stream.picture = (stream.picture &+ step &- 1) & 0x7FFF
    stream.send([0])
    #expect(stream.found(.pictureID) == (step == 1 ? 0 : 1))
  }

  @Test func whatFollowsALossIsNotJudged() {
    var stream = Stream()
    stream.send([0, 1])
    stream.send(isLost: true)
    stream.picture &+= 5_000
    stream.temporalIndex &+= 40
    stream.timestamp &+= 1 << 30
    stream.send([0])
    #expect(stream.faults.total == 0)
    stream.send([0])
    #expect(stream.found(.pictureID) == 0)
  }

  @Test func temporalLayerZeroIsCounted() {
    var stream = Stream()
    stream.send([0, 1])
    // A frame was lost on the way to the SFU.
    stream.temporalIndex &+= 1
    stream.send([1, 0])
    #expect(stream.found(.temporalIndex) == 0)
    stream.temporalIndex &+= 101
    stream.send([1])
    #expect(stream.found(.temporalIndex) == 1)
    stream.temporalIndex &-= 30
    stream.send([0])
    #expect(stream.found(.temporalIndex) == 2)
    // Another frame of the lowest layer under the same number.
    stream.temporalIndex &-= 1
    stream.send([0])
    #expect(stream.found(.temporalIndex) == 3)
  }

  @Test(arguments: [true, false]) func aTimestampThatJumpsIsAFault(isStamped: Bool) {
    var stream = Stream()
    stream.isStamped = isStamped
    stream.send([0, 0])
    stream.timestamp &+= 900_001
    stream.send([0])
    #expect(stream.found(.timestamp) == 1)
    stream.timestamp &-= 1_800_000
    stream.send([0])
    #expect(stream.found(.timestamp) == 2)
  }

  @Test func aPauseIsNoJump() {
    var stream = Stream()
    stream.isStamped = false
    stream.send([0, 0])
    stream.timestamp &+= 1 << 30
    stream.send(interval: .seconds(3))
    #expect(stream.found(.timestamp) == 0)
  }

  @Test func reportsAreMissedWhereMediaGoesOn() {
    var stream = Stream()
    for _ in 0..<310 { stream.send() }
    stream.audit.checkReports(7, at: stream.now, &stream.faults)
    #expect(stream.found(.senderReports) == 1)
    // A few packets of silence, and a stream that began five seconds ago, owe none.
    for _ in 0..<99 { stream.send(interval: .milliseconds(150)) }
    stream.audit.checkReports(7, at: stream.now, &stream.faults)
    for _ in 0..<150 { stream.send() }
    stream.audit.checkReports(7, at: stream.now, &stream.faults)
    #expect(stream.faults.counts.first { $0.fault == .senderReports }?.checks == 1)
  }

  @Test(arguments: [0.0, 0.5, -0.25]) func theErrorOfAReportIsFound(seconds: Double) throws {
    var stream = Stream()
    stream.now = .zero + .seconds(100)
    stream.send()
    let epoch = Duration.seconds(1_767_225_600)
    let sent = stream.now + .milliseconds(10)
    let report = SenderReport(
      ssrc: 7, ntp: NTPTime(sent, epoch: NTPTime.unixEpoch + epoch).value,
      rtpTimestamp: stream.timestamp &+ UInt32(900) &- UInt32(bitPattern: Int32(seconds * 90_000)),
      packetCount: 1, octetCount: 1)
    stream.audit.received(report, epoch: epoch, at: stream.now)
    let error = try #require(stream.audit.clock.error)
    #expect((error - .seconds(seconds)).magnitude < .milliseconds(1))
  }

  @Test func midAndPayloadTypeAreWhatWasNegotiated() throws {
    var map = RTPExtensionMap()
    map[.mid] = 1
    for (payloadType, mid, takes) in [(96, "1", true), (96, "2", false), (34, "1", false)] {
      var stream = Stream()
      var extensions = RTPExtensions()
      extensions.mid = ShortName(mid)
      var packet = PacketPool().makePacket(
        [0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 1, 2, 3])
      let plain = try RTPHeader(packet.bytes)
      packet.rewriteRTP(
        plain,
        RTPFields(
          marker: false, payloadType: UInt8(payloadType), sequenceNumber: 1, timestamp: 1, ssrc: 7),
        extensions: extensions, map: map)
      let header = try RTPHeader(packet.bytes)
      let admits = stream.audit.admits(
        packet.bytes, header, isRTX: false, map, at: .zero, &stream.faults)
      #expect(admits == takes)
      #expect(stream.faults.total == (takes ? 0 : 1))
    }
  }
}
