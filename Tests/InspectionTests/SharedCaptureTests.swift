// Captures of real calls beside the checkout, against tshark and an estimator of RFC 3550 A.8 here.

import Basics
import Capture
import Foundation
import Inspection
import Results
import TestKit
import Testing
import Wire

private let hasCaptures = sharedFile("captures/field") != nil
private let hasTshark = Tshark.path != nil

private struct Witnessed: CustomTestStringConvertible, Sendable {
  var testDescription: String
  /// A port of the RTP, which tshark is told.
  var port: Int
  /// Clock rates by payload type.
  var clocks: [UInt8: Double]
  var sdp: String?
}

private let witnessed = [
  Witnessed(
    testDescription: "captures/chromium-plain.pcapng", port: 44_324,
    clocks: [111: 48_000, 118: 90_000], sdp: "captures/chromium-offer.sdp"),
  Witnessed(
    testDescription: "captures/chromium-dtls13-encrypted.pcapng", port: 49_397,
    clocks: [111: 48_000, 118: 90_000], sdp: "captures/chromium-offer.sdp"),
  Witnessed(
    testDescription: "captures/aiortc-encrypted.pcapng", port: 42_711,
    clocks: [96: 48_000, 97: 90_000], sdp: "captures/aiortc-offer.sdp"),
  Witnessed(testDescription: "captures/field/sipp-g711a.pcap", port: 5_000, clocks: [8: 8_000]),
  Witnessed(testDescription: "captures/field/sipp-dtmf_2833_1.pcap", port: 10_000, clocks: [:]),
  Witnessed(testDescription: "captures/field/str0m-vp8.pcap", port: 62_132, clocks: [96: 90_000]),
  Witnessed(testDescription: "captures/field/str0m-h264.pcap", port: 1_234, clocks: [:]),
  Witnessed(testDescription: "captures/field/str0m-h266.pcap", port: 5_604, clocks: [96: 90_000]),
]

@Suite(
  .enabled(if: hasCaptures, "the shared captures are absent"),
  .enabled(if: hasTshark, "tshark is not installed"))
struct SharedCaptureTests {
  private func report(_ file: String, sdp: String?, keyLog: String? = nil) throws -> CaptureReport {
    var options = InspectionOptions()
    if let sdp {
      let text = try String(contentsOfFile: try #require(sharedFile(sdp)), encoding: .utf8)
      options.descriptions = [try SessionDescription(parsing: text)]
    }
    if let keyLog { options.keyLog = try KeyLog(file: try #require(sharedFile(keyLog))) }
    return try CaptureInspection.inspect(try #require(sharedFile(file)), options)
  }

  /// Packets, loss and deltas of every stream on the port.
  @Test(arguments: witnessed) fileprivate func streamsAreTsharks(_ file: Witnessed) throws {
    let report = try report(file.testDescription, sdp: file.sdp)
    let lines = try Tshark.lines(
      try #require(sharedFile(file.testDescription)),
      ["-d", "udp.port==\(file.port),rtp", "-q", "-z", "rtp,streams"])
    let rows = lines.compactMap { line -> [Substring]? in
      let words = line.split(separator: " ")
      return words.contains { $0.hasPrefix("0x") } ? words : nil
    }
    let streams = report.streams.filter {
      Int($0.source.port) == file.port || Int($0.destination.port) == file.port
    }
    try #require(rows.count == streams.count)
    for row in rows {
      let place = try #require(row.firstIndex { $0.hasPrefix("0x") })
      let stream = try #require(
        streams.first {
          Moments.ssrc($0.ssrc) == row[place] && String($0.source.port) == row[place - 3]
        })
      let percent = try #require(row.firstIndex { $0.hasSuffix("%)") })
      #expect(String(stream.packets) == row[percent - 2])
      #expect(String(stream.analysis.lost) == row[percent - 1])
      // The file without times is measured by another clock.
      guard report.clock == .capture else { continue }
      let deltas = row[(percent + 1)...(percent + 3)].compactMap { Double($0) }
      let ours = [
        stream.analysis.minimumDelta, stream.analysis.meanDelta, stream.analysis.maximumDelta,
      ]
      for (a, b) in zip(ours, deltas) { #expect(abs(a - b) < 0.0011) }
    }
  }

  @Test(arguments: witnessed) fileprivate func jitterIsThatOfA8(_ file: Witnessed) throws {
    let report = try report(file.testDescription, sdp: file.sdp)
    let rows = try Tshark.fields(
      try #require(sharedFile(file.testDescription)),
      ["frame.time_epoch", "udp.srcport", "rtp.ssrc", "rtp.p_type", "rtp.timestamp"],
      filter: "rtp.ssrc", options: ["-d", "udp.port==\(file.port),rtp"])
    struct State { var jitter = 0.0, time = 0.0, timestamp = 0.0, packets = 0, clock = 0.0 }
    var states: [String: State] = [:]
    for row in rows {
      guard let type = UInt8(row[3]), let clock = file.clocks[type],
        let seconds = Double(row[0].dropFirst(5)), let timestamp = Double(row[4])
      else { continue }
      var state = states["\(row[1]) \(row[2])"] ?? State()
      if state.packets > 0 {
        let change = (seconds - state.time) * clock - (timestamp - state.timestamp)
        state.jitter += (abs(change) - state.jitter) / 16
      }
      (state.time, state.timestamp, state.clock) = (seconds, timestamp, clock)
      state.packets += 1
      states["\(row[1]) \(row[2])"] = state
    }
    for (key, state) in states where state.packets > 20 {
      let stream = try #require(
        report.streams.first {
          "\($0.source.port) 0x\(String($0.ssrc, radix: 16).leftPadded)" == key
        })
      let expected = state.jitter / state.clock * 1_000
      #expect(abs(try #require(stream.jitter) - expected) <= 0.01 * expected + 0.001)
    }
    #expect(states.isEmpty == file.clocks.isEmpty)
  }

  @Test func clearRTCPIsTsharks() throws {
    let report = try report("captures/chromium-plain.pcapng", sdp: nil)
    let rows = try Tshark.fields(
      try #require(sharedFile("captures/chromium-plain.pcapng")), ["udp.srcport", "rtcp.pt"],
      filter: "rtcp", options: ["-d", "udp.port==44324,rtp"])
    var expected: [String: Int] = [:]
    for row in rows {
      for type in row[1].split(separator: ",") { expected["\(row[0]) \(type)", default: 0] += 1 }
    }
    let names = ["SR": 200, "RR": 201, "SDES": 202, "transport-cc": 205, "XR": 207]
    var found: [String: Int] = [:]
    for transport in report.transports {
      for direction in [transport.forward, transport.backward] {
        let ports = [direction.source.port, direction.destination.port]
        guard ports.contains(44_324) else { continue }
        for count in direction.rtcp {
          found["\(direction.source.port) \(names[count.type] ?? 0)"] = count.count
        }
      }
    }
    #expect(found == expected)
  }

  @Test func everySRTPPacketOfAiortcOpens() throws {
    let report = try report(
      "captures/aiortc-encrypted.pcapng", sdp: "captures/aiortc-offer.sdp",
      keyLog: "captures/aiortc-encrypted.keylog")
    let transport = try #require(report.transports.first { $0.media == .opened })
    #expect(transport.srtp.opened == 1_170 + 54)
    #expect(transport.srtp.failed == 0)
    #expect(report.hidden.isEmpty)
    #expect(report.streams.first { $0.kind == .video }?.frames?.keyframes ?? 0 > 0)
  }

  @Test func dumpsWithoutAddressesAreRead() throws {
    let call = try report("captures/field/alphartc-vp8.rtpdump", sdp: nil)
    #expect(call.streams.map(\.packets) == [171])
    #expect(call.streams[0].codec == "VP8")
    let bark = try report("captures/field/rtptools-bark.rtp", sdp: nil)
    #expect(bark.streams.map(\.codec) == ["PCMU"])
  }
}

extension String {
  fileprivate var leftPadded: String { String(repeating: "0", count: 8 - count) + self }
}
