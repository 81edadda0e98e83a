// Figures of streams: RFC 3550 statistics, Wireshark's columns, loss, order, gaps.

import Basics
import Inspection
import Results
import TestKit
import Testing
import Wire

@Suite struct StreamFigureTests {
  /// Audio of 20 ms packets whose arrival varies.
  private func arrival(_ index: Int) -> Double { Double(index) * 20 + Double(index * 7 % 11) }

  @Test func jitterIsThatOfRFC3550() throws {
    let call = try CallCapture()
    var expected = 0.0
    for index in 0..<200 {
      try call.add(rtp(index, timestamp: index * 960, type: 111), at: arrival(index))
      if index > 0 { expected += (abs(arrival(index) - arrival(index - 1) - 20) - expected) / 16 }
    }
    let stream = try #require(try call.inspect(naming((111, "opus", 48_000))).streams.first)
    #expect(abs(try #require(stream.jitter) - expected) < 0.001)
    #expect(stream.codec == "opus")
    #expect(stream.codecOrigin == .flag)
    #expect(stream.kind == .audio)
    #expect(stream.packets == 200)
    #expect(stream.analysis.lost == 0)
    #expect(stream.lastPacket == 200)
  }

  /// Without a name, the rate is told by the timestamps' pace, and said to be.
  @Test func unknownClockIsEstimatedAndSaysSo() throws {
    let call = try CallCapture()
    for index in 0..<200 {
      try call.add(rtp(index, timestamp: index * 960, type: 111), at: arrival(index))
    }
    let report = try call.inspect()
    let stream = try #require(report.streams.first)
    #expect(stream.codec == nil)
    #expect(stream.clockRate == 48_000)
    #expect(stream.clockOrigin == .estimated)
    #expect(report.notes.contains { $0.contains("estimated") })
    #expect(report.hidden.contains { $0.contains("--pt 111=") })
  }

  @Test func staticTypesAreRFC3551s() throws {
    let call = try CallCapture()
    for index in 0..<50 {
      try call.add(rtp(index, timestamp: index * 160, type: 8), at: Double(index) * 20)
    }
    let stream = try #require(try call.inspect().streams.first)
    #expect(stream.codec == "PCMA")
    #expect(stream.codecOrigin == .staticType)
    #expect(stream.jitter == 0)
  }

  @Test func lossOrderAndDuplicatesAreCounted() throws {
    let call = try CallCapture()
    // Across the wrap: 3 lost in a row, one alone, one late, one twice.
    var numbers = Array(65_500..<65_700)
    numbers.removeAll { (65_530...65_532).contains($0) || $0 == 65_600 }
    numbers.swapAt(20, 21)
    numbers.insert(65_510, at: 12)
    for (index, number) in numbers.enumerated() {
      try call.add(rtp(number, timestamp: number * 960, type: 111), at: Double(index) * 20)
    }
    let report = try call.inspect(naming((111, "opus", 48_000)))
    let stream = try #require(report.streams.first)
    #expect(stream.packets == 197)
    #expect(stream.expected == 200)
    #expect(stream.lost == 3)
    #expect(stream.missing == 4)
    #expect(stream.duplicates == 1)
    #expect(stream.reordered == 1)
    #expect(stream.longestBurst == 3)
    #expect(stream.analysis.expected == 200)
    #expect(stream.analysis.hasProblem)
    let burst = try #require(stream.bursts.max { $0.missing < $1.missing })
    #expect(burst.count == 3)
    #expect(burst.missing == 3)
    #expect(report.problems.map(\.kind) == [.loss])
  }

  @Test func aBurstIsNamedWithItsPacket() throws {
    let call = try CallCapture()
    for index in 0..<500 where !(100..<130).contains(index) {
      try call.add(rtp(index, timestamp: index * 960, type: 111), at: Double(index) * 20)
    }
    let report = try call.inspect(naming((111, "opus", 48_000)))
    #expect(
      report.sentence.hasPrefix(
        "Audio of SSRC 0x00000011 lost 30 packets in a row before packet 101 at 14:32:02.600"))
    #expect(report.sentence.contains("192.0.2.1:5000"))
    #expect(report.streams[0].gaps.first?.duration == .milliseconds(620))
  }

  @Test func aNewBeginningIsNoLoss() throws {
    let call = try CallCapture()
    for index in 0..<100 {
      let number = index < 50 ? index : index + 20_000
      try call.add(rtp(number, timestamp: index * 960, type: 111), at: Double(index) * 20)
    }
    let report = try call.inspect(naming((111, "opus", 48_000)))
    #expect(report.streams[0].missing == 0)
    #expect(report.streams[0].sequenceJumps == 1)
    #expect(report.problems.map(\.kind) == [.sequenceJump])
  }

  /// A day of one stream takes no more bins than a minute of it.
  @Test func seriesStayBounded() {
    var series = BinnedSeries()
    for second in 0..<86_400 { series.add(8, at: .seconds(second)) }
    #expect(series.sums.count <= 600)
    #expect(series.binWidth == .seconds(256))
    #expect(series.sums.reduce(0, +) == 8 * 86_400)
    #expect(series.perSecond[3] == 8)
  }

  @Test func otherTrafficIsNoRTP() throws {
    let call = try CallCapture()
    for index in 0..<40 {
      // DNS answers whose identifiers look like RTP's first byte.
      let name: [UInt8] = [3, 119, 119, 119, 7, 101, 120, 97, 109, 112, 108, 101, 0]
      try call.add(
        [0x80, UInt8(index), 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + name, at: Double(index) * 10,
        port: 53)
    }
    #expect(throws: InspectionError.self) { try call.inspect() }
  }

  @Test func theWindowLimitsWhatIsMeasured() throws {
    let call = try CallCapture()
    for index in 0..<500 {
      try call.add(rtp(index, timestamp: index * 960, type: 111), at: Double(index) * 20)
    }
    var options = naming((111, "opus", 48_000))
    options.from = .offset(.seconds(2))
    options.to = .timeOfDay(.seconds(14 * 3_600 + 32 * 60 + 4))
    let report = try call.inspect(options)
    #expect(report.streams[0].packets == 101)
    #expect(report.streams[0].firstPacket == 101)
    #expect(report.notes.contains { $0.contains("399 RTP packets lie outside") })
  }

  @Test func captureTimesWithinAMillisecondLeaveRTPTime() throws {
    let call = try CallCapture()
    for index in 0..<100 {
      try call.add(
        rtp(index, timestamp: index * 3_000, marker: true, payload: vp8(keyframe: index % 30 == 0)),
        at: Double(index) * 0.002)
    }
    let report = try call.inspect()
    #expect(report.clock == .rtp)
    let stream = try #require(report.streams.first)
    #expect(stream.codec == "VP8")
    #expect(stream.codecOrigin == .content)
    #expect(abs(stream.duration.seconds - 3.3) < 0.001)
    #expect(stream.frames?.keyframes == 4)
    #expect(report.notes.first?.contains("RTP timestamps are the clock") ?? false)
    #expect(report.records.outOfOrderTimes == 0)
  }
}

@Suite struct FeedbackTests {
  /// Loss behind the capturing point is the receiver's to report.
  @Test func remoteLossIsToldApart() throws {
    let call = try CallCapture()
    for index in 0..<500 {
      try call.add(rtp(index, timestamp: index * 960, type: 111), at: Double(index) * 20)
      guard index % 50 == 49 else { continue }
      let sent = SenderReport(
        ssrc: 0x11, ntp: UInt64(index + 1) << 32, rtpTimestamp: 0, packetCount: 0, octetCount: 0)
      try call.add(rtcp(.senderReport(sent)), at: Double(index) * 20 + 1)
      let block = ReportBlock(
        ssrc: 0x11, fractionLost: 51, cumulativeLost: Int32(index / 5),
        extendedHighestSequenceNumber: UInt32(index), jitter: 480,
        lastSenderReport: sent.compactNTP, delaySinceLastSenderReport: 655)
      try call.add(
        rtcp(.receiverReport(ReceiverReport(ssrc: 9, reports: [block]))),
        at: Double(index) * 20 + 51, back: true)
    }
    let report = try call.inspect(naming((111, "opus", 48_000)))
    let reports = try #require(report.streams[0].reports)
    #expect(reports.count == 10)
    #expect(reports.cumulativeLost == 99)
    #expect(abs(reports.maximumFractionLost - 51.0 / 256) < 1e-9)
    #expect(abs(reports.jitter.mean - 10) < 1e-9)
    // 50 ms less the receiver's 10.
    #expect(abs(reports.roundTrip.mean - 40) < 0.1)
    #expect(report.problems.map(\.kind) == [.remoteLoss])
    #expect(report.sentence.contains("between the capturing point and receiver 10.0.0.7:6000"))
    let transport = try #require(report.transports.first)
    #expect(transport.forward.rtcp == [.init(type: "SR", count: 10)])
    #expect(transport.backward.rtcp == [.init(type: "RR", count: 10)])
  }

  @Test func typesAreCountedAndNamesAreKept() throws {
    let call = try CallCapture()
    for index in 0..<20 {
      try call.add(rtp(index, timestamp: index * 960, type: 111), at: Double(index) * 20)
    }
    try call.add(
      rtcp(
        .receiverReport(ReceiverReport(ssrc: 0x11)),
        .sourceDescription([SDESChunk(ssrc: 0x11, cname: "<b>me</b>")]),
        .bye(ssrcs: [0x11], reason: [])), at: 401)
    try call.add(
      rtcp(
        .nack(GenericNACK(senderSSRC: 9, mediaSSRC: 0x11, sequenceNumbers: [3, 4, 9])),
        .receiverEstimatedMaximumBitrate(
          REMB(senderSSRC: 9, bitrate: Bitrate(bitsPerSecond: 500_000), ssrcs: [0x11])),
        .transportFeedback(
          TransportFeedback(
            senderSSRC: 9, mediaSSRC: 0x11, baseSequenceNumber: 1, referenceTime: 1,
            feedbackCount: 0, packets: [.received(delta: 1), .lost, .received(delta: 2)]))),
      at: 402, back: true)
    let report = try call.inspect(naming((111, "opus", 48_000)))
    let transport = try #require(report.transports.first)
    #expect(transport.forward.rtcp.map(\.type) == ["RR", "SDES", "BYE"])
    #expect(transport.backward.rtcp.map(\.type) == ["NACK", "transport-cc", "REMB"])
    #expect(transport.backward.transportFeedback.packets == 3)
    #expect(transport.backward.transportFeedback.lost == 1)
    #expect(transport.backward.receiverEstimate.maximum == 500_000)
    #expect(report.streams[0].nacks.requested == 3)
    #expect(report.streams[0].cname == "<b>me</b>")
    #expect(report.streams[0].hasGoodbye)
    #expect(report.problems.isEmpty)
  }
}
