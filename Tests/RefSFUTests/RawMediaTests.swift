// Media of clients that are not ours, packet by packet, from a WHIP publisher to a WHEP player.

import Basics
import Testing
import Transport
import Wire

@testable import RefSFU

struct RawMediaTests {
  private static let video = OfferSketch.video("1", RawCall.ids)
  private static let both = OfferSketch([OfferSketch.audio("0", RawCall.ids), video])

  private static func simulcast(_ rids: [String]) -> OfferSketch {
    OfferSketch([
      OfferSketch.audio("0", RawCall.ids),
      video + rids.map { "a=rid:\($0) send" } + [
        "a=simulcast:send \(rids.joined(separator: ";"))"
      ],
    ])
  }

  private func fields(
    _ payloadType: UInt8, _ number: Int, _ timestamp: UInt32, _ ssrc: UInt32
  ) -> RTPFields {
    RTPFields(
      marker: true, payloadType: payloadType, sequenceNumber: UInt16(truncatingIfNeeded: number),
      timestamp: timestamp, ssrc: ssrc)
  }

  /// `count` frames of one VP8 stream, 33 ms apart, keyframes on request.
  private func stream(
    _ call: RawCall, _ peer: RawPeer, _ count: Int, ssrc: UInt32 = 0xC1, from first: Int = 0,
    onto payloadType: UInt8 = 96
  ) {
    for index in first..<(first + count) {
      let key = index == first || peer.takeKeyframeRequests(ssrc) > 0
      call.send(
        peer, fields(payloadType, index, UInt32(index) &* 3_000 &+ 7, ssrc), mid: "1",
        RawFrame.vp8(key: key, picture: UInt16(truncatingIfNeeded: index)))
      call.run(for: .milliseconds(33))
    }
  }

  private func isContinuous(_ packets: [RawPeer.Arrival]) -> Bool {
    zip(packets, packets.dropFirst()).allSatisfy { before, after in
      after.header.sequenceNumber == before.header.sequenceNumber &+ 1
        && Int32(bitPattern: after.header.timestamp &- before.header.timestamp) >= 0
    }
  }

  // MARK: - Roles

  @Test(arguments: ["actpass", "active", "passive"]) func bothRolesInDTLS(_ setup: String) throws {
    let call = RawCall()
    let publisher = try call.publish("p", Self.both, setup: setup)
    let player = try call.play("v", Self.both, setup: setup)
    #expect(publisher.transport.state == .connected && player.transport.state == .connected)
    stream(call, publisher, 30)
    #expect(player.packets.count > 20 && isContinuous(player.packets))
  }

  // MARK: - Answers

  private func types(_ peer: RawPeer) -> Set<UInt8> { Set(peer.packets.map(\.header.payloadType)) }

  private func feed(_ call: RawCall, _ publisher: RawPeer, _ count: Int, from first: Int = 0) {
    for index in first..<(first + count) {
      call.send(
        publisher, fields(111, index, UInt32(index) * 960, 0xB1), mid: "0", [1, 2, 3, 4])
      stream(call, publisher, 1, from: index)
    }
  }

  @Test(arguments: ["active", "passive"]) func subscribersInBothRoles(_ setup: String) throws {
    let call = RawCall()
    let publisher = try call.publish("p", Self.both)
    let viewer = call.subscribe("v", setup: setup)
    feed(call, publisher, 60)
    #expect(viewer.peer.transport.state == .connected)
    #expect(types(viewer.peer).isSuperset(of: [111, 96]) && viewer.leave == nil)
  }

  /// The first section is refused: the transport is that of the others, and they go on.
  @Test(arguments: [0, 1]) func aRejectedSectionGetsNoMedia(_ rejected: Int) throws {
    let call = RawCall()
    let publisher = try call.publish("p", Self.both)
    let viewer = call.subscribe("v") { index, lines in
      if index == rejected { AnswerSketch.reject(&lines) }
    }
    feed(call, publisher, 60)
    let seen = types(viewer.peer).subtracting([97])
    #expect(seen == (rejected == 0 ? [96] : [111]))
    #expect(viewer.leave == nil && viewer.peer.transport.state == .connected)
  }

  @Test func aHeldSectionGetsNoMediaUntilItIsTaken() throws {
    let call = RawCall()
    let publisher = try call.publish("p", Self.both)
    let viewer = call.subscribe("v") { _, lines in
      if lines[0].hasPrefix("m=video") {
        lines = lines.map { $0 == "a=recvonly" ? "a=inactive" : $0 }
      }
    }
    feed(call, publisher, 60)
    #expect(types(viewer.peer) == [111])
  }

  @Test func retransmissionsAndExtensionsGoToWhoTookThem() throws {
    let call = RawCall()
    let publisher = try call.publish("p", Self.both)
    let viewer = call.subscribe("v") { _, lines in
      guard lines[0].hasPrefix("m=video") else { return }
      lines = lines.filter { !$0.contains(":97") && !$0.contains("sdes:mid") }
      lines[0] = "m=video 9 UDP/TLS/RTP/SAVPF 96"
    }
    feed(call, publisher, 60)
    let video = viewer.peer.packets.filter { $0.header.payloadType == 96 }
    let first = try #require(video.first)
    #expect(video.allSatisfy { $0.extensions.mid == nil })
    call.send(
      viewer.peer,
      .nack(
        GenericNACK(
          senderSSRC: 1, mediaSSRC: first.header.ssrc,
          sequenceNumbers: video.suffix(3).map(\.header.sequenceNumber))))
    feed(call, publisher, 10, from: 60)
    #expect(types(viewer.peer) == [96, 111])
  }

  @Test func aFailedNegotiationIsTold() throws {
    let call = RawCall()
    let viewer = call.subscribe("v", setup: "actpass")
    #expect(viewer.leave != nil && call.sfu.rooms.flatMap(\.participants).isEmpty)
  }

  // MARK: - Identification

  /// RFC 9143 §9.2: neither mid nor announced SSRC, but a payload type of one section only.
  @Test func packetsAreToldByTheirPayloadType() throws {
    let call = RawCall()
    let publisher = try call.publish("p", OfferSketch())
    let player = try call.play("v", Self.both)
    for index in 0..<30 {
      call.send(
        publisher, fields(96, index, UInt32(index) * 3_000, 0xC1), mid: nil,
        RawFrame.vp8(key: index % 10 == 0, picture: UInt16(index)))
      call.send(
        publisher, fields(111, index, UInt32(index) * 960, 0xB1), mid: nil, [1, 2, 3, 4])
      call.run(for: .milliseconds(20))
    }
    let types = Set(player.packets.map(\.header.payloadType))
    #expect(types.isSuperset(of: [96, 111]))
  }

  // MARK: - Layers

  private struct Layer {
    var rid: String
    var width: Int
    var height: Int
    var size: Int
  }

  /// Sends all layers for `seconds`; returns the widths that the player got in the last second.
  private func layers(
    _ layers: [Layer], seconds: Int, isPadding: (Int, Int) -> Bool = { _, _ in false }
  ) throws -> Set<Int> {
    let call = RawCall()
    let publisher = try call.publish("p", Self.simulcast(layers.map(\.rid)))
    let player = try call.play("v", Self.both)
    var numbers = [Int](repeating: 0, count: layers.count)
    for index in 0..<(seconds * 30) {
      for (place, layer) in layers.enumerated() {
        let ssrc = 0xD0 + UInt32(place)
        let timestamp = UInt32(index) * 3_000 + UInt32(place) * 1_000_000
        let fields = fields(96, numbers[place], timestamp, ssrc)
        numbers[place] += 1
        guard !isPadding(place, index / 30) else {
          call.send(publisher, fields, mid: "1", rid: layer.rid, [], padding: 200)
          continue
        }
        let key = index == 0 || publisher.takeKeyframeRequests(ssrc) > 0
        // The last byte tells which one it was.
        let payload = RawFrame.vp8(
          key: key, picture: UInt16(index), width: layer.width, height: layer.height,
          size: layer.size)
        call.send(
          publisher, fields, mid: "1", rid: layer.rid, payload.dropLast() + [UInt8(place)])
      }
      call.run(for: .milliseconds(35))
    }
    let late = player.packets.filter {
      call.now - $0.at < .seconds(1) && !$0.payload.isEmpty && $0.header.payloadType == 96
    }
    #expect(!late.isEmpty)
    return Set(late.map { layers[Int($0.payload.last!)].width })
  }

  private static let sizes = [(320, 180, 300), (640, 360, 600), (1_280, 720, 1_100)]

  private func named(_ rids: [String], highestFirst: Bool) -> [Layer] {
    let sizes = highestFirst ? Self.sizes.reversed() : Self.sizes
    return zip(rids, sizes).map { Layer(rid: $0, width: $1.0, height: $1.1, size: $1.2) }
  }

  @Test(arguments: [["0", "1", "2"], ["h", "m", "l"], ["f", "h", "q"], ["a", "b", "c"]])
  func highestFirstIsUnderstood(_ rids: [String]) throws {
    #expect(try layers(named(rids, highestFirst: true), seconds: 6) == [1_280])
  }

  @Test func lowestFirstIsUnderstood() throws {
    #expect(try layers(named(["0", "1", "2"], highestFirst: false), seconds: 6) == [1_280])
  }

  @Test func fourLayersAreTaken() throws {
    let four =
      named(["1", "2", "3"], highestFirst: true) + [
        Layer(rid: "4", width: 160, height: 90, size: 100)
      ]
    #expect(try layers(four, seconds: 6) == [1_280])
  }

  @Test func paddingKeepsNoLayerAlive() throws {
    let two = [
      Layer(rid: "q", width: 320, height: 180, size: 300),
      Layer(rid: "f", width: 1_280, height: 720, size: 1_000),
    ]
    #expect(try layers(two, seconds: 8) { place, second in place == 1 && second >= 3 } == [320])
  }

  // MARK: - Codecs

  private static let twoCodecs = OfferSketch([
    OfferSketch.audio("0", RawCall.ids),
    [
      "m=video 9 UDP/TLS/RTP/SAVPF 96 106", "c=IN IP4 0.0.0.0", "a=mid:1", "a=sendonly",
      "a=rtcp-mux", "a=rtpmap:96 VP8/90000", "a=rtpmap:106 H264/90000",
      "a=fmtp:106 packetization-mode=1;profile-level-id=42e01f",
    ] + RawCall.ids,
  ])

  private static let parameters: [UInt8] = [
    0x78, 0x00, 0x09, 0x67, 0x42, 0xE0, 0x1F, 0xDA, 0x02, 0x80, 0xBF, 0xE5, 0x00, 0x04, 0x68, 0xCE,
    0x38, 0x80,
  ]

  @Test func aTrackFollowsItsCodec() throws {
    let call = RawCall()
    let publisher = try call.publish("p", Self.twoCodecs)
    let player = try call.play("v", Self.twoCodecs)
    stream(call, publisher, 90)
    for index in 90..<180 {
      let starts = index == 90 || publisher.takeKeyframeRequests(0xC1) > 0
      call.send(
        publisher, fields(106, index, UInt32(index) &* 3_000 &+ 7, 0xC1), mid: "1",
        starts ? Self.parameters : [0x41, 0x9A, 1, 2, 3])
      call.run(for: .milliseconds(33))
    }
    #expect(Set(player.packets.prefix(20).map(\.header.payloadType)) == [96])
    #expect(Set(player.packets.suffix(20).map(\.header.payloadType)) == [106])
    #expect(isContinuous(player.packets))
  }

  /// A key frame whose parameter sets were lost is of no use to a new viewer.
  @Test func aBareKeyframeStartsNobody() throws {
    let call = RawCall()
    let publisher = try call.publish("p", Self.twoCodecs)
    let player = try call.play("v", Self.twoCodecs)
    for index in 0..<30 {
      call.send(
        publisher, fields(106, index, UInt32(index) * 3_000, 0xC1), mid: "1", [0x65, 0x88, 1, 2])
      call.run(for: .milliseconds(33))
    }
    #expect(player.packets.isEmpty && publisher.takeKeyframeRequests(0xC1) > 0)
    call.send(
      publisher, fields(106, 30, 90_000, 0xC1), mid: "1", Self.parameters)
    call.send(publisher, fields(106, 31, 90_000, 0xC1), mid: "1", [0x65, 0x88, 1, 2])
    #expect(player.packets.map(\.payload.first) == [0x78, 0x65])
  }

  // MARK: - Numbers

  @Test func numbersGoOnWithTheNextTrack() throws {
    let call = RawCall()
    let first = try call.publish("p", Self.both)
    let player = try call.play("v", Self.both)
    stream(call, first, 40)
    call.end(first)
    let before = player.packets.count
    #expect(before > 20)
    let second = try call.publish("p", Self.both)
    stream(call, second, 40, ssrc: 0xE9, from: 60_000)
    #expect(player.packets.count > before + 20)
    #expect(Set(player.packets.map(\.header.ssrc)).count == 1 && isContinuous(player.packets))
    let pictures = player.packets.map {
      UInt16($0.payload[2] & 0x7F) << 8 | UInt16($0.payload[3])
    }
    #expect(zip(pictures, pictures.dropFirst()).allSatisfy { ($1 &- $0) & 0x7FFF == 1 })
    #expect(player.transport.dropped.total == 0)
  }

  // MARK: - Reports

  /// The publisher's video takes 400 ms longer on the way than its audio. Its reports tell when
  /// each was captured, and so do ours.
  @Test func reportsKeepThePublishersRelation() throws {
    let call = RawCall()
    let publisher = try call.publish("p", Self.both)
    let player = try call.play("v", Self.both)
    let start = call.now
    let base: UInt64 = 3_000 << 32
    func ntp(_ span: Duration) -> UInt64 { base + UInt64(span.seconds * 4_294_967_296) }
    var frames = 0
    for step in 0..<400 {
      let since = call.now - start
      call.send(
        publisher, fields(111, step, UInt32(since.seconds * 48_000) &+ 5_000, 0xB1), mid: "0",
        captured: ntp(since), [1, 2, 3, 4])
      if step % 2 == 0, since > .milliseconds(400) {
        let captured = since - .milliseconds(400)
        let key = frames == 0 || publisher.takeKeyframeRequests(0xC1) > 0
        call.send(
          publisher, fields(96, frames, UInt32(captured.seconds * 90_000) &+ 77_777, 0xC1),
          mid: "1", RawFrame.vp8(key: key, picture: UInt16(frames)))
        frames += 1
      }
      if step % 25 == 0 {
        func report(_ ssrc: UInt32, _ rate: Double, _ first: UInt32) -> RTCPPacket {
          .senderReport(
            SenderReport(
              ssrc: ssrc, ntp: ntp(since),
              rtpTimestamp: UInt32(since.seconds * rate) &+ first, packetCount: 1, octetCount: 1))
        }
        call.send(publisher, report(0xB1, 48_000, 5_000), report(0xC1, 90_000, 77_777))
      }
      call.run(for: .milliseconds(20))
    }
    var delays: [UInt8: Double] = [:]
    for arrival in player.packets.suffix(60) {
      guard let report = player.senderReports.last(where: { $0.ssrc == arrival.header.ssrc }) else {
        continue
      }
      let rate = arrival.header.payloadType == 111 ? 48_000.0 : 90_000
      let behind = Double(Int32(bitPattern: report.rtpTimestamp &- arrival.header.timestamp)) / rate
      let reported = NTPTime(report.ntp).instant(epoch: call.sfu.epoch)
      delays[arrival.header.payloadType] = (arrival.at - reported).seconds + behind
    }
    let audio = try #require(delays[111])
    let video = try #require(delays[96])
    #expect(abs(audio) < 0.01 && abs(video - 0.4) < 0.01)
    // From 1900 on (RFC 3550 §4): 2026 is beyond 3.97e9 seconds.
    let newest = try #require(player.senderReports.last)
    #expect(newest.ntp >> 32 > 3_900_000_000)
    // The capturer's clock against ours, within the delay of the way.
    let stamped = try #require(player.packets.last { $0.extensions.absCaptureTime != nil })
    let captured = try #require(stamped.extensions.absCaptureTime)
    let offset = try #require(stamped.extensions.captureClockOffset)
    let ours = NTPTime(captured &- UInt64(bitPattern: offset)).instant(epoch: call.sfu.epoch)
    #expect(abs((stamped.at - ours).seconds) < 0.01)
  }

  @Test func reportsComeAtRandomIntervalsWithTheirNames() throws {
    let call = RawCall()
    let publisher = try call.publish("p", Self.both)
    let player = try call.play("v", Self.both)
    stream(call, publisher, 600)
    let moments = publisher.reports.filter {
      if case .receiverReport = $0.packet { true } else { false }
    }.map(\.at)
    let spans = zip(moments, moments.dropFirst()).map { ($1 - $0).seconds }
    #expect(spans.count > 10 && spans.allSatisfy { (0.5...1.52).contains($0) })
    #expect(Set(spans.map { ($0 * 100).rounded() }).count > 5)
    let names = player.reports.contains {
      if case .sourceDescription = $0.packet { true } else { false }
    }
    #expect(names)
  }
}

struct LayerOrderTests {
  private func places(_ rids: [RIDDescription]) -> LayerOrder { LayerOrder(rids, announced: []) }

  private func rids(_ names: [String]) -> [RIDDescription] {
    names.map { RIDDescription(id: $0, direction: .send) }
  }

  @Test func names() {
    #expect(places(rids(["f", "h", "q"])).places == [2, 1, 0])
    #expect(places(rids(["f", "h", "q"])).isKnown)
    #expect(places(rids(["q", "f"])).isKnown)
    #expect(places(rids(["h", "m", "l"])).places == [2, 1, 0])
    #expect(!places(rids(["h", "m", "l"])).isKnown)
    #expect(places(rids(["0", "1", "2"])).places == [0, 1, 2])
  }

  @Test func restrictions() {
    let limited = zip(["a", "b", "c"], ["720", "180", "360"]).map {
      RIDDescription(
        id: $0, direction: .send, restrictions: [SDPParameter("max-height", $1)])
    }
    #expect(places(limited).places == [1, 2, 0])
  }

  @Test func qualitiesByName() {
    func qualities(_ names: [String]) -> [Int] {
      LayerOrder.qualities(names.map { ShortName($0) })
    }
    #expect(qualities(["q", "f"]) == [0, 2] && qualities(["h", "f"]) == [1, 2])
    #expect(qualities(["0", "1", "2", "3"]) == [0, 1, 2, 2])
  }

  @Test func measuresCorrect() {
    #expect(LayerOrder.corrected([3, 2, 1], margin: 1) == [2, 1, 0])
    #expect(LayerOrder.corrected([1, 2, 3], margin: 1) == nil)
    #expect(LayerOrder.corrected([0, 3, 1], margin: 1) == [0, 2, 1])
    #expect(LayerOrder.corrected([110, 100], margin: 1.3) == nil)
  }
}

struct SenderClockTests {
  private let epoch = Duration.seconds(1_000)

  private func report(_ clock: inout SenderClock, theirs: Duration, at now: Duration) {
    clock.report(
      ntp: NTPTime(.zero + theirs, epoch: .zero).value, at: .zero + now, epoch: epoch)
  }

  @Test func theLeastDelayCounts() throws {
    var clock = SenderClock()
    #expect(clock.captureOffset(nil) == nil)
    report(&clock, theirs: .seconds(1), at: .seconds(1) + .milliseconds(80))
    report(&clock, theirs: .seconds(2), at: .seconds(2) + .milliseconds(20))
    report(&clock, theirs: .seconds(3), at: .seconds(3) + .milliseconds(300))
    let seconds = Double(try #require(clock.offset)) / 4_294_967_296
    #expect(abs(seconds - 1_000.02) < 0.001)
    #expect(clock.captureOffset(5) == 5 - clock.offset!)
  }

  @Test func aClockThatWasSetIsFollowed() throws {
    var clock = SenderClock()
    report(&clock, theirs: .seconds(100), at: .seconds(1))
    report(&clock, theirs: .seconds(50), at: .seconds(2))
    let seconds = Double(try #require(clock.offset)) / 4_294_967_296
    #expect(abs(seconds - 952) < 0.001)
  }
}

struct H264SizeTests {
  private func size(_ bytes: [UInt8]) -> VideoResolution? {
    VideoResolution(h264: bytes.span.bytes, 0..<bytes.count)
  }

  @Test func sequenceParameterSets() {
    let baseline: [UInt8] = [0x67, 0x42, 0x00, 0x1F, 0xDA, 0x01, 0x40, 0x16, 0xE8]
    #expect(size(baseline) == VideoResolution(width: 1_280, height: 720))
    #expect(size([0x67, 0x42]) == nil && size([]) == nil && size([0x67]) == nil)
  }
}
