// Session descriptions: what browsers wrote, every attribute we model, every kind of fault.

import Basics
import Foundation
import TestKit
import Testing
import Wire

/// Every line and attribute the model knows.
let wholeSDP = """
  v=0
  o=- 18446744073709551615 2 IN IP6 ::1
  s=-
  i=A class
  u=https://example.org/
  e=a@example.org
  p=+1 617 555-6011
  c=IN IP4 0.0.0.0
  b=AS:5000
  t=0 0
  r=604800 3600 0 90000
  z=2882844526 -1h
  t=1 2
  a=group:BUNDLE 0 1 d
  a=group:LS 0 1
  a=ice-lite
  a=extmap-allow-mixed
  a=msid-semantic: WMS *
  a=ice-ufrag:sess
  a=ice-pwd:sessionpasswordsession
  a=ice-options:trickle ice2
  a=fingerprint:sha-256 00:0f:FF
  a=setup:actpass
  a=sendonly
  a=extmap:14 urn:ietf:params:rtp-hdrext:toffset
  a=x-unknown
  m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0
  i=Voice
  c=IN IP4 192.0.2.1
  b=TIAS:64000
  a=mid:0
  a=candidate:1 1 udp 2130706431 192.0.2.2 42711 typ host generation 0 network-cost 999
  a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998
  a=candidate:3 1 tcp 1 fd00::2 9 typ host tcptype active
  a=candidate:4 1 udp 7 f1c2.local 50000 typ host
  a=candidate:5 1 quic 7 192.0.2.2 50000 typ host
  a=end-of-candidates
  a=rtcp-mux
  a=rtcp-rsize
  a=extmap:1/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on
  a=msid:- 4f91
  a=rtpmap:111 opus/48000/2
  a=rtpmap:63 red/48000/2
  a=rtcp-fb:* transport-cc
  a=fmtp:111 minptime=10;useinbandfec=1; Stereo=1
  a=fmtp:63 111/111
  a=ptime:20
  m=video 0 UDP/TLS/RTP/SAVPF 96 97 98
  a=mid:1
  a=bundle-only
  a=extmap-allow-mixed
  a=recvonly
  a=rtpmap:96 VP8/90000
  a=rtpmap:97 rtx/90000
  a=rtpmap:98 vp8/90000
  a=rtcp-fb:96 nack pli
  a=rtcp-fb:97 nack
  a=fmtp:97 apt=96
  a=msid:PA_x TR_y
  a=ssrc-group:FID 4294967295 2
  a=ssrc:4294967295 cname:a:b
  a=ssrc:4294967295 msid:PA_x TR_y
  a=ssrc:2 cname:a:b
  a=ssrc:3 flag
  a=rid:q send pt=96,98;max-width=1280
  a=rid:r recv
  a=simulcast:send q,~h;f recv r
  m=application 9 UDP/DTLS/SCTP webrtc-datachannel
  a=mid:d
  a=sctp-port:5000
  a=max-message-size:262144
  m=text 0/2 RTP/AVP 98

  """

let captures = ["chromium-offer.sdp", "aiortc-offer.sdp", "aiortc-answer.sdp"]

func capturedSDP(_ name: String) throws -> String? {
  try sharedFile("captures/\(name)").map { try String(contentsOfFile: $0, encoding: .utf8) }
}

struct SDPTests {
  @Test(
    .enabled(if: sharedFile("captures") != nil, needsShared), arguments: captures)
  func captureRoundTrip(name: String) throws {
    let text = try #require(try capturedSDP(name))
    let session = try SessionDescription(parsing: text)
    #expect(try SessionDescription(parsing: session.description) == session)
    // Nothing is lost: the same lines in another order, but for spaces and the case of "UDP".
    func lines(_ text: String) -> [String] {
      text.split(whereSeparator: \.isNewline).map { $0.replacingOccurrences(of: ": ", with: ":") }
        .sorted()
    }
    #expect(lines(session.description) == lines(text))
  }

  @Test(.enabled(if: sharedFile("captures") != nil, needsShared))
  func chromiumOffer() throws {
    let session = try SessionDescription(parsing: #require(try capturedSDP(captures[0])))
    #expect(session.bundleMids == ["0", "1"])
    let video = session.media[0]
    #expect(video.kind == .video && video.isRTP && !video.isRejected)
    #expect(video.payloadTypes(forCodec: "vp8") == [96])
    #expect(video.rtxPayloadType(for: 96) == 97 && video.retransmits(97) == 96)
    #expect(
      video.feedback(for: 96) == ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"])
    #expect(video.headerExtensionID(uri: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id") == 10)
    #expect(video.simulcast?.send.map { $0.map(\.rid) } == [["q"], ["h"], ["f"]])
    #expect(video.rids.map(\.id) == ["q", "h", "f"])
    #expect(session.direction(of: video) == .sendonly)
    #expect(session.transport(of: video).icePwd == "wB9R3TlW0uRyIC0fGJn6h2mI")
    #expect(session.media[1].rtpMap(of: 111)?.channels == 2)
    #expect(session.media[1].formatParameters(of: 111)?["UseInbandFEC"] == "1")
  }

  @Test func everything() throws {
    let session = try SessionDescription(parsing: wholeSDP)
    let printed = session.description
    #expect(try SessionDescription(parsing: printed) == session)
    #expect(try SessionDescription(parsing: printed).description == printed)
    #expect(
      printed.hasPrefix("v=0\r\no=- 18446744073709551615 2 IN IP6 ::1\r\ns=-\r\ni=A class\r\n"))

    #expect(session.timings.count == 2 && session.timings[0].zone == "2882844526 -1h")
    #expect(session.otherAttributes == [SDPAttribute("x-unknown")])
    let audio = session.media[0]
    #expect(audio.candidates.count == 4)
    #expect(audio.candidates[0].networkCost == 999 && audio.candidates[0].generation == 0)
    #expect(audio.candidates[1].related?.port == 8998 && audio.candidates[1].transport == .udp)
    #expect(audio.candidates[2].tcpType == .active)
    #expect(audio.candidates[3].address == nil && audio.candidates[3].host == .name("f1c2.local"))
    #expect(audio.otherAttributes.map(\.name) == ["candidate", "ptime"])
    #expect(audio.headerExtensions[0].direction == .recvonly)
    #expect(session.headerExtensions(of: audio).map(\.id) == [14, 1])
    #expect(audio.formatParameters(of: 111)?["stereo"] == "1")
    #expect(audio.feedback(for: 0) == ["transport-cc"])
    #expect(audio.msid == MediaStreamID(stream: "-", track: "4f91"))
    let transport = session.transport(of: audio)
    #expect(transport.iceUfrag == "sess" && transport.setup == .actpass)
    #expect(transport.fingerprint()?.bytes == [0, 15, 255])
    #expect(session.direction(of: audio) == .sendonly)

    let video = session.media[1]
    #expect(!video.isRejected && video.payloadTypes(forCodec: "VP8") == [96, 98])
    #expect(video.rtxPayloadType(for: 98) == nil)
    #expect(video.primarySSRCs == [4_294_967_295, 3] && video.rtxSSRC(for: 4_294_967_295) == 2)
    #expect(video.ssrcAttribute("cname", of: 2) == "a:b")
    #expect(video.rids[0].payloadTypes == [96, 98] && video.rids[0]["max-width"] == "1280")
    #expect(video.simulcast?.send[0][1] == Simulcast.Alternative("h", paused: true))
    #expect(session.media[2].sctpPort == 5000 && session.media[2].maxMessageSize == 262_144)
    #expect(session.media[3].kind == .other("text") && session.media[3].portCount == 2)
    #expect(session.media[3].isRejected && session.mediaIndex(mid: "d") == 2)
  }

  @Test func bundledSectionsFallBackToTheTagged() throws {
    let session = try SessionDescription(
      parsing: """
        v=0
        o=- 1 1 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE a b
        a=ice-ufrag:sess
        a=ice-pwd:sessionpasswordsession
        a=setup:passive
        m=audio 9 UDP/TLS/RTP/SAVPF 0
        a=mid:a
        a=ice-ufrag:tagg
        a=ice-pwd:taggedpasswordtaggedpw
        m=audio 0 UDP/TLS/RTP/SAVPF 0
        a=mid:b
        a=bundle-only
        m=audio 9 UDP/TLS/RTP/SAVPF 0
        a=mid:alone
        """)
    #expect(session.media.map { session.transport(of: $0).iceUfrag } == ["tagg", "tagg", "sess"])
    #expect(session.media.allSatisfy { session.transport(of: $0).setup == .passive })
  }

  @Test func aNameCannotBeginALine() throws {
    var session = try SessionDescription(parsing: wholeSDP)
    session.media[0].msids = [MediaStreamID(stream: "s", track: "t\r\na=ice-lite\0")]
    let again = try SessionDescription(parsing: session.description)
    #expect(again.media[0].msid == MediaStreamID(stream: "s", track: "ta=ice-lite"))
  }

  static let head = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n"
  static let faults: [(String, Int, SDPError.Kind)] = [
    ("", 1, .missingLine),
    ("v=1\n", 1, .badVersion),
    ("v=0\ns=-\nt=0 0\n", 4, .missingLine),
    ("o=- 1 1 IN IP4 0.0.0.0\n", 1, .missingLine),
    ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\n", 4, .missingLine),
    ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nm=audio 9 RTP/AVP 0\n", 4, .missingLine),
    ("v=0\no=- -1 1 IN IP4 0.0.0.0\n", 2, .badLine),
    ("v=0\no=- +1 1 IN IP4 0.0.0.0\n", 2, .badLine),
    ("v=0\no=- 1 1 IN IP4\n", 2, .badLine),
    ("v=0\nv=0\n", 2, .misplacedLine),
    ("v=0\ns=-\no=- 1 1 IN IP4 0.0.0.0\n", 3, .misplacedLine),
    (head + "\na=x\n", 5, .malformedLine),
    (head + "a\n", 5, .malformedLine),
    (head + "a =x\n", 5, .malformedLine),
    (head + "a=x\u{0}\n", 5, .malformedLine),
    (head + "a=x\ry\n", 5, .malformedLine),
    (head + "q=x\n", 5, .unknownLine),
    (head + "a=x\nc=IN IP4 0.0.0.0\n", 6, .misplacedLine),
    (head + "a=\n", 5, .badLine),
    (head + "a= mid:0\n", 5, .badLine),
    (head + "m=audio 9 RTP/AVP\n", 5, .badLine),
    (head + "m=audio 65536 RTP/AVP 0\n", 5, .badLine),
    (head + "m=audio 9 RTP/AVP 0\nv=0\n", 6, .misplacedLine),
    (head + "m=audio 9 RTP/AVP 0\nb=AS\n", 6, .badLine),
    (head + "m=audio 9 RTP/AVP 0\nc=IN IP4 1\nc=IN IP4 2\n", 7, .misplacedLine),
    (head + "m=audio 9 RTP/AVP 0\na=mid:0\na=mid:1\n", 7, .duplicate),
    (head + "m=audio 9 X 0\na=mid:0\nm=audio 9 X 0\na=mid:0\n", 8, .duplicate),
    (head + "m=audio 9 RTP/AVP 0\na=sendonly\na=recvonly\n", 7, .duplicate),
  ]

  @Test(arguments: faults)
  func fault(text: String, line: Int, kind: SDPError.Kind) {
    #expect(throws: SDPError(line: line, kind: kind)) { try SessionDescription(parsing: text) }
  }

  @Test(arguments: [
    "rtpmap:128 VP8/90000", "rtpmap:96 VP8", "rtpmap:96 VP8/x",
    "rtpmap:96 opus/48000/-2", "fmtp:96", "fmtp:x y=1", "rtcp-fb:96", "rtcp-fb:128 nack",
    "extmap:0 urn:x", "extmap:1", "extmap:1/both urn:x", "extmap:65536 urn:x", "msid:",
    "msid:a b c",
    "ssrc:1", "ssrc:4294967296 cname:x", "ssrc-group:FID 1 x", "rid:a", "rid:a both", "rid:! send",
    "simulcast:send", "simulcast:send a;;b", "simulcast:send a send b", "simulcast:both a",
    "ice-ufrag:abc", "ice-pwd:tooshorttooshorttoosh", "fingerprint:sha-256", "setup:both",
    "fingerprint:sha-256 +1:22", "fingerprint:sha-256 1:22", "fingerprint:sha-256 11:", "mid",
    "mid:a b", "sctp-port:65536", "max-message-size:-1",
  ])
  func badAttribute(text: String) {
    let sdp = SDPTests.head + "m=audio 9 RTP/AVP 0\na=\(text)\n"
    let error = SDPError(line: 6, kind: .badAttribute)
    #expect(throws: error) { try SessionDescription(parsing: sdp) }
  }

  @Test func limits() throws {
    let media = "m=audio 9 RTP/AVP 0\n"
    let most = SDPTests.head + String(repeating: media, count: SDPLimits.mediaCount)
    #expect(try SessionDescription(parsing: most).media.count == SDPLimits.mediaCount)
    #expect(throws: SDPError(line: SDPLimits.mediaCount + 5, kind: .tooManyMedia)) {
      try SessionDescription(parsing: most + media)
    }
    let lines = most + String(repeating: "a=x\n", count: SDPLimits.sectionLineCount - 1)
    #expect(throws: Never.self) { try SessionDescription(parsing: lines) }
    #expect(throws: SDPError.self) { try SessionDescription(parsing: lines + "a=x\n") }
    let formats = String(repeating: " 0", count: SDPLimits.formatCount)
    let wide = SDPTests.head + "m=audio 9 RTP/AVP" + formats
    #expect(try SessionDescription(parsing: wide).media[0].formats.count == SDPLimits.formatCount)
    #expect(throws: SDPError(line: 5, kind: .badLine)) {
      try SessionDescription(parsing: wide + " 0")
    }
    let group = SDPTests.head + "a=group:BUNDLE" + String(repeating: " 0", count: 1001)
    #expect(throws: SDPError(line: 5, kind: .badAttribute)) {
      try SessionDescription(parsing: group)
    }
    let long = SDPTests.head + "a=" + String(repeating: "x", count: SDPLimits.size)
    #expect(throws: SDPError(line: 1, kind: .tooLarge)) { try SessionDescription(parsing: long) }
  }

  /// What is read at all can be printed and read again.
  private func checkStable(_ text: String) {
    guard let session = try? SessionDescription(parsing: text) else { return }
    #expect((try? SessionDescription(parsing: session.description)) == session, "\(text)")
  }

  @Test func truncations() {
    let bytes = Array(wholeSDP.utf8)
    for count in 0..<bytes.count { checkStable(String(decoding: bytes[..<count], as: UTF8.self)) }
  }

  @Test(arguments: 0..<4)
  func mutations(seed: UInt64) {
    var random = RandomStream(seed: seed, name: "sdp/mutations")
    func draw(_ bound: Int) -> Int { Int(random.below(UInt64(bound))) }
    let original = Array(wholeSDP.utf8)
    let separators = Array("\n\r =:;,/~*-0 9\u{0}é".utf8)
    for _ in 0..<500 {
      var bytes = original
      for _ in 0...draw(3) {
        let at = draw(bytes.count)
        switch draw(4) {
        case 0: bytes[at] ^= 1 << UInt8(draw(8))
        case 1: bytes[at] = separators[draw(separators.count)]
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + draw(9)))
        default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 20)], at: at)
        }
      }
      checkStable(String(decoding: bytes, as: UTF8.self))
    }
  }
}
