// Video in a capture: frames, freezes, keyframes and what asked for them, retransmissions.

import Basics
import Inspection
import Report
import Results
import TestKit
import Testing
import Wire

@Suite struct VideoTests {
  /// 30 frames a second of two packets each; packets for which `isLost` holds are not written.
  private func write(
    _ call: CallCapture, frames: Range<Int>, keyframes: Set<Int>,
    isLost: (Int) -> Bool = { _ in false }
  ) throws {
    for frame in frames {
      for part in 0..<2 {
        let number = 2 * frame + part
        if isLost(number) { continue }
        let payload =
          part == 0 ? vp8(keyframe: keyframes.contains(frame)) : vp8(keyframe: false, starts: false)
        try call.add(
          rtp(number, timestamp: frame * 3_000, marker: part == 1, payload: payload),
          at: Double(frame) * 1_000 / 30 + Double(part))
      }
    }
  }

  @Test func aCleanCallHasNothingToReport() throws {
    let call = try CallCapture()
    try write(call, frames: 0..<300, keyframes: [0])
    let report = try call.inspect()
    #expect(report.problems.isEmpty)
    #expect(report.sentence.hasPrefix("Nothing went wrong"))
    let frames = try #require(report.streams[0].frames)
    #expect(frames.count == 300)
    #expect(frames.complete == 300)
    #expect(frames.keyframes == 1)
    #expect(frames.resolutions == ["640x360"])
    #expect(frames.freezeCount == 0)
    #expect(abs(frames.interval.mean - 1_000.0 / 30) < 0.1)
  }

  /// The sentence that the report exists for.
  @Test func aFreezeIsToldWithItsCause() throws {
    let call = try CallCapture()
    // From 7 s on 38 packets are lost, and a keyframe ends it after 4.2 s.
    try write(call, frames: 0..<210, keyframes: [0])
    try write(call, frames: 210..<220, keyframes: []) { (420..<440).contains($0) || $0 < 440 }
    try write(call, frames: 220..<229, keyframes: []) { _ in true }
    try call.add(
      rtcp(.pictureLossIndication(senderSSRC: 9, mediaSSRC: 0x11)), at: 7_700, back: true)
    try write(call, frames: 229..<335, keyframes: [])
    try call.add(
      rtcp(.pictureLossIndication(senderSSRC: 9, mediaSSRC: 0x11)), at: 11_100, back: true)
    try write(call, frames: 335..<400, keyframes: [335])
    let report = try call.inspect()
    let stream = report.streams[0]
    #expect(stream.missing == 38)
    #expect(stream.frames?.freezeCount == 1)
    // They came whole, but refer to what was lost.
    #expect(stream.frames?.undecodable == 106)
    let request = try #require(stream.keyframeRequests.first)
    #expect(request.repeats == 1)
    #expect(abs(try #require(request.answeredAfter).seconds - 3.467) < 0.01)
    #expect(
      report.sentence == "Video of SSRC 0x00000011 froze 4.2 s at 14:32:06.967: 38 packets lost "
        + "between sender 192.0.2.1:5000 and the capturing point; the keyframe came 3.5 s after "
        + "the first PLI (packet \(request.answerPacket ?? 0)).")
  }

  @Test func aSilentSenderIsNoLoss() throws {
    let call = try CallCapture()
    try write(call, frames: 0..<100, keyframes: [0])
    for frame in 100..<200 {
      for part in 0..<2 {
        try call.add(
          rtp(
            2 * frame + part, timestamp: (frame + 60) * 3_000, marker: part == 1,
            payload: vp8(keyframe: false, starts: part == 0)),
          at: Double(frame + 60) * 1_000 / 30 + Double(part))
      }
    }
    let report = try call.inspect()
    #expect(report.sentence.contains("froze 2.0 s"))
    #expect(report.sentence.contains("the sender sent nothing"))
    #expect(report.streams[0].missing == 0)
  }

  @Test func anUnansweredRequestIsAProblem() throws {
    let call = try CallCapture()
    try write(call, frames: 0..<100, keyframes: [0])
    try call.add(
      rtcp(
        .fullIntraRequest(
          FullIntraRequest(senderSSRC: 9, entries: [.init(ssrc: 0x11, sequenceNumber: 1)]))),
      at: 3_340, back: true)
    try write(call, frames: 101..<250, keyframes: []) { _ in false }
    let report = try call.inspect()
    let problem = try #require(report.problems.first { $0.kind == .keyframeRequestUnanswered })
    #expect(problem.text.hasPrefix("FIR for video of SSRC 0x00000011 in packet 201"))
  }

  /// RTX named by SDP or flag, or certain because it repeats a stream's packets.
  @Test func retransmissionsRepair() throws {
    let call = try CallCapture()
    try write(call, frames: 0..<200, keyframes: [0]) { $0 == 100 || $0 == 101 || $0 == 150 }
    for (index, number) in [100, 101].enumerated() {
      let original = vp8(keyframe: false, starts: index == 0)
      try call.add(
        rtp(
          index, timestamp: 50 * 3_000, type: 97, marker: index == 1, ssrc: 0x22,
          payload: [0, UInt8(number)] + original), at: 6_700)
    }
    let report = try call.inspect(naming((96, "VP8", 90_000), (97, "rtx", 90_000)))
    let media = try #require(report.streams.first { $0.ssrc == 0x11 })
    let rtx = try #require(report.streams.first { $0.ssrc == 0x22 })
    #expect(rtx.role == .retransmission(of: 0x11))
    #expect(media.missing == 3)
    #expect(media.repaired == 2)
    #expect(media.residualLoss == 1)
  }

  @Test func repetitionsProveRTXWithoutAName() throws {
    let call = try CallCapture()
    try write(call, frames: 0..<100, keyframes: [0])
    for index in 0..<6 {
      let number = 180 + index
      try call.add(
        rtp(
          index, timestamp: number / 2 * 3_000, type: 97, ssrc: 0x22,
          payload: [0, UInt8(number)] + vp8(keyframe: false)), at: 3_340 + Double(index))
    }
    let report = try call.inspect()
    #expect(report.streams.first { $0.ssrc == 0x22 }?.role == .retransmission(of: 0x11))
  }

  @Test func textsFromThePacketsAreEscaped() throws {
    let call = try CallCapture()
    try write(call, frames: 0..<30, keyframes: [0])
    try call.add([0xFF], at: 1_000, comment: "<script>alert(1)</script>\u{1B}[31m")
    let report = try call.inspect()
    let page = InspectionPage.render(report, build: "test")
    #expect(!page.contains("<script"))
    #expect(page.contains("&lt;script&gt;"))
    #expect(!InspectionText.render(report).contains("\u{1B}"))
    let json = report.json
    #expect(json["schema"]?.string == "assay.inspect.v1")
    #expect(try JSON(parsing: json.text()) == json)
  }
}
