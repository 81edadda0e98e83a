// Offers of many kinds of client and what becomes of each: an answer, or a refusal with its reason.
// docs/interop.md has them as a table.

import Basics
import Signal
import Testing
import Transport
import Wire

@testable import RefSFU

/// An offer in short form: sections of lines, joined behind one session part.
struct OfferSketch {
  var session = ["a=group:BUNDLE 0 1"]
  var transport = OfferSketch.transportLines
  var sections: [[String]] = []

  static let transportLines = [
    "a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
    "a=fingerprint:sha-256 " + [String](repeating: "AB", count: 32).joined(separator: ":"),
    "a=setup:actpass",
  ]
  static let mid = "urn:ietf:params:rtp-hdrext:sdes:mid"
  static let rid = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
  static let wide = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

  static func audio(_ mid: String? = "0", _ more: [String] = []) -> [String] {
    ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0"] + (mid.map { ["a=mid:\($0)"] } ?? [])
      + ["a=sendonly", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2"] + more
  }

  static func video(_ mid: String? = "1", _ more: [String] = []) -> [String] {
    ["m=video 9 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0"] + (mid.map { ["a=mid:\($0)"] } ?? [])
      + [
        "a=sendonly", "a=rtcp-mux", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
      ] + more
  }

  static let data = [
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:2",
    "a=sctp-port:5000",
  ]

  init(
    _ sections: [[String]] = [OfferSketch.audio(), OfferSketch.video()],
    session: [String] = ["a=group:BUNDLE 0 1"]
  ) {
    self.sections = sections
    self.session = session
  }

  /// With `old` replaced by `new` in every section.
  func replacing(_ old: String, _ new: String) -> OfferSketch {
    var copy = self
    copy.sections = sections.map { lines in
      lines.map { $0 == old ? new : $0 }.filter { !$0.isEmpty }
    }
    copy.transport = transport.map { $0 == old ? new : $0 }.filter { !$0.isEmpty }
    return copy
  }

  var text: String {
    (["v=0", "o=- 7 3 IN IP4 127.0.0.1", "s=-", "t=0 0"] + session + transport
      + sections.flatMap { $0 }).map { $0 + "\r\n" }.joined()
  }
}

struct OfferKindTests {
  private func post(_ offer: OfferSketch, to endpoint: String = "/whip/v1") -> (
    http: HTTPIngest, status: Int, body: String
  ) {
    let http = HTTPIngest(endpoint)
    let response = http.request("POST", type: HTTPSignalling.description, body: offer.text)
    return (http, response.status, String(decoding: response.body, as: UTF8.self))
  }

  private func answer(
    _ offer: OfferSketch, to endpoint: String = "/whip/v1"
  ) throws -> SessionDescription {
    let (_, status, body) = post(offer, to: endpoint)
    try #require(status == 201, "\(body)")
    return try SessionDescription(parsing: body)
  }

  /// A refusal says why, and leaves no session behind.
  private func refuses(_ offer: OfferSketch, _ status: Int, _ reason: String, at end: String) {
    let (http, found, body) = post(offer, to: end)
    #expect(found == status && body.contains(reason), "\(found) \(body)")
    #expect(http.sfu.rooms.flatMap(\.participants).isEmpty)
  }

  // MARK: - Answers

  @Test func refusedSectionsHaveAConnectionLine() throws {
    let answer = try answer(
      OfferSketch(
        [OfferSketch.audio(), OfferSketch.video(), OfferSketch.data],
        session: ["a=group:BUNDLE 0 1 2"]))
    #expect(answer.media.map(\.port) == [9, 9, 0])
    #expect(answer.media.allSatisfy { $0.connection != nil })
    #expect(answer.bundleMids == ["0", "1"])
    #expect(answer.media[2].mid == "2" && answer.media[2].transport.iceUfrag == nil)
  }

  @Test func extensionDirectionsAreReversed() throws {
    let answer = try answer(
      OfferSketch([
        OfferSketch.audio(),
        OfferSketch.video(
          "1",
          [
            "a=extmap:3 \(OfferSketch.mid)", "a=extmap:9/sendonly \(OfferSketch.rid)",
            "a=extmap:7/recvonly \(OfferSketch.wide)", "a=rid:h send", "a=rid:l send",
            "a=simulcast:send h;l",
          ]),
      ]))
    let video = answer.media[1]
    #expect(video.headerExtensions.map(\.id) == [3, 9])
    #expect(video.headerExtensions.map(\.direction) == [nil, .recvonly])
    #expect(video.rids.map(\.direction) == [.recv, .recv])
    #expect(video.simulcast == Simulcast(recv: [[.init("h")], [.init("l")]]))
  }

  @Test func extensionsMayStandInTheSession() throws {
    let answer = try answer(
      OfferSketch(session: ["a=group:BUNDLE 0 1", "a=extmap:3 \(OfferSketch.mid)"]))
    #expect(answer.media.map { $0.headerExtensions.map(\.id) } == [[3], [3]])
  }

  @Test func extensionIdsBeyondTheRangeAreMappedIntoIt() throws {
    let answer = try answer(
      OfferSketch([
        OfferSketch.audio(),
        OfferSketch.video(
          "1", ["a=extmap:1 \(OfferSketch.mid)", "a=extmap:4096 \(OfferSketch.wide)"]),
      ]))
    #expect(answer.media[1].headerExtensions.map(\.id) == [1, 2])
  }

  @Test func simulcastWithoutRidsInThePacketsIsNone() throws {
    let answer = try answer(
      OfferSketch([
        OfferSketch.audio(),
        OfferSketch.video("1", ["a=rid:h send", "a=rid:l send", "a=simulcast:send h;l"]),
      ]))
    #expect(answer.media[1].simulcast == nil && answer.media[1].rids.isEmpty)
  }

  @Test func alternativesAndRestrictionsOfRids() throws {
    let answer = try answer(
      OfferSketch([
        OfferSketch.audio(),
        OfferSketch.video(
          "1",
          [
            "a=extmap:9 \(OfferSketch.rid)", "a=rid:a send pt=98",
            "a=rid:b send pt=96;max-width=640",
            "a=rid:c send", "a=simulcast:send a,b;~c;d",
          ]),
      ]))
    let video = answer.media[1]
    #expect(video.rids.map(\.id) == ["b", "c"])
    #expect(video.rids[0]["max-width"] == "640" && video.rids[0].payloadTypes == [96])
    // RFC 8853 §5.3.2: pausing needs RFC 7728, which is not offered.
    #expect(video.simulcast == Simulcast(recv: [[.init("b")], [.init("c")]]))
  }

  @Test func theDTLSRoleIsWhatTheOfferLeaves() throws {
    for (offered, answered) in [
      ("actpass", DTLSSetup.passive), ("active", .passive), ("passive", .active),
    ] {
      let offer = OfferSketch().replacing("a=setup:actpass", "a=setup:\(offered)")
      #expect(try answer(offer).media.map(\.transport.setup) == [answered, answered])
    }
    let silent = OfferSketch().replacing("a=setup:actpass", "")
    #expect(try answer(silent).media[0].transport.setup == .passive)
    refuses(
      OfferSketch().replacing("a=setup:actpass", "a=setup:holdconn"), 422, "holdconn",
      at: "/whip/v1")
  }

  @Test func groupsKeepTheOffersOrder() throws {
    let answer = try answer(OfferSketch(session: ["a=group:LS 0 1", "a=group:BUNDLE 1 0"]))
    #expect(answer.groups.map(\.semantics) == ["BUNDLE"] && answer.bundleMids == ["1", "0"])
    // Candidates stand in the tagged section alone.
    #expect(answer.media.map(\.candidates.count) == [0, 1])
  }

  @Test func bundleOnlySectionsAreTaken() throws {
    let bundleOnly = OfferSketch.video("1", ["a=bundle-only"]).map {
      $0 == "m=video 9 UDP/TLS/RTP/SAVPF 96 97" ? "m=video 0 UDP/TLS/RTP/SAVPF 96 97" : $0
    }.filter { $0 != "a=rtcp-mux" }
    let answer = try answer(OfferSketch([OfferSketch.audio(), bundleOnly]))
    #expect(answer.media.map(\.port) == [9, 9] && answer.media[1].rtcpMux)
  }

  @Test func aLoneSectionNeedsNoGroup() throws {
    let answer = try answer(OfferSketch([OfferSketch.video(nil)], session: []))
    #expect(answer.groups.isEmpty && answer.media[0].mid == nil && answer.media[0].port == 9)
    #expect(answer.media[0].candidates.count == 1)
  }

  @Test func sectionsTheOffererDisabledStayDisabled() throws {
    let disabled = ["m=video 0 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:1", "a=inactive"]
    let answer = try answer(
      OfferSketch([OfferSketch.audio(), disabled], session: ["a=group:BUNDLE 0"]))
    #expect(answer.media.map(\.port) == [9, 0] && answer.bundleMids == ["0"])
  }

  @Test func ourDescriptionsHaveOurOrigin() throws {
    let answer = try answer(OfferSketch())
    #expect(answer.origin.sessionID != 7 && answer.origin.sessionVersion == 1)
  }

  @Test func severalFingerprintsAreOneCertificate() throws {
    var offer = OfferSketch()
    offer.transport.insert(
      "a=fingerprint:sha-1 " + [String](repeating: "CD", count: 20).joined(separator: ":"), at: 2)
    offer.transport.append("a=fingerprint:sha3-999 AB")
    #expect(try answer(offer).media.count == 2)
    offer.transport.removeAll { $0.hasPrefix("a=fingerprint:sha-") }
    refuses(offer, 422, "a=fingerprint", at: "/whip/v1")
  }

  @Test func simGroupsAreLayers() throws {
    let (http, status, _) = post(
      OfferSketch([
        OfferSketch.audio(),
        OfferSketch.video(
          "1",
          [
            "a=ssrc-group:SIM 11 12 13", "a=ssrc-group:FID 11 21", "a=ssrc-group:FID 12 22",
            "a=ssrc:11 cname:a", "a=ssrc:12 cname:a", "a=ssrc:13 cname:a", "a=ssrc:21 cname:a",
            "a=ssrc:22 cname:a",
          ]),
      ]))
    #expect(status == 201)
    let track = try #require(http.sfu.rooms.first?.participants.first?.tracks.last)
    #expect(track.layers.map(\.announced) == [11, 12, 13] && track.info.isSimulcast)
    #expect(track.announced(12)?.layer == 1 && track.announced(12)?.isRetransmission == false)
    #expect(track.announced(22)?.layer == 1 && track.announced(22)?.isRetransmission == true)
    #expect(track.announced(23) == nil)
  }

  // MARK: - Refusals

  /// Of each kind: the offer, the status and a part of the reason.
  static let refused: [(String, OfferSketch, Int, String)] = [
    (
      "no bundle", OfferSketch(session: []), 422,
      "m=video section 1 (mid 1): not in the BUNDLE group"
    ),
    (
      "half a bundle", OfferSketch(session: ["a=group:BUNDLE 0"]), 422,
      "m=video section 1 (mid 1): not in the BUNDLE group"
    ),
    (
      "two bundles", OfferSketch(session: ["a=group:BUNDLE 0", "a=group:BUNDLE 1"]), 422,
      "not in the BUNDLE group"
    ),
    ("no rtcp-mux", OfferSketch().replacing("a=rtcp-mux", ""), 422, "a=rtcp-mux is missing"),
    (
      "H265 alone", OfferSketch().replacing("a=rtpmap:96 VP8/90000", "a=rtpmap:96 H265/90000"), 422,
      "m=video section 1 (mid 1): no video format"
    ),
    (
      "PCMU alone",
      OfferSketch().replacing("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 PCMU/8000"), 422,
      "m=audio section 0 (mid 0): no audio format"
    ),
    (
      "H264 high alone",
      OfferSketch([
        OfferSketch.audio(),
        OfferSketch.video("1", ["a=fmtp:96 packetization-mode=1;profile-level-id=64001f"]),
      ]).replacing("a=rtpmap:96 VP8/90000", "a=rtpmap:96 H264/90000"), 422, "no video format"
    ),
    (
      "VP9 of ten bits",
      OfferSketch([OfferSketch.audio(), OfferSketch.video("1", ["a=fmtp:96 profile-id=2"])])
        .replacing("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP9/90000"), 422, "no video format"
    ),
    (
      "receiving only", OfferSketch().replacing("a=sendonly", "a=recvonly"), 422,
      "a=recvonly is not for this endpoint"
    ),
    (
      "inactive", OfferSketch().replacing("a=sendonly", "a=inactive"), 422,
      "a=inactive is not for this endpoint"
    ),
    ("data alone", OfferSketch([OfferSketch.data], session: ["a=group:BUNDLE 2"]), 422, "no m="),
    (
      "no DTLS",
      OfferSketch().replacing(
        "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 9 RTP/AVP 111"), 422, "RTP/AVP"
    ),
    (
      "no ICE", OfferSketch().replacing("a=ice-ufrag:EsAw", ""), 422, "a=ice-ufrag"
    ),
    (
      "a broken line", OfferSketch().replacing("a=setup:actpass", "a=setup:nonsense"), 400,
      "line 9 of the offer"
    ),
    (
      "all disabled",
      OfferSketch(
        [
          [
            "m=audio 0 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0",
          ]
        ], session: []), 422, "no m= section"
    ),
  ]

  @Test(arguments: refused.indices) func halfAnOfferIsNoSession(_ index: Int) {
    let (_, offer, status, reason) = OfferKindTests.refused[index]
    refuses(offer, status, reason, at: "/whip/v1")
  }

  @Test func playersAreHeldToTheSame() throws {
    let receiving = OfferSketch().replacing("a=sendonly", "a=recvonly")
    let answer = try answer(receiving, to: "/whep/v1")
    #expect(answer.media.map(\.direction) == [.sendonly, .sendonly])
    refuses(OfferSketch(), 422, "a=sendonly is not for this endpoint", at: "/whep/v1")
    refuses(
      receiving.replacing("a=rtpmap:96 VP8/90000", "a=rtpmap:96 H265/90000"), 422,
      "no video format", at: "/whep/v1")
    refuses(
      receiving.replacing("a=rtcp-mux", ""), 422, "a=rtcp-mux is missing", at: "/whep/v1")
  }
}

struct TrackPairingTests {
  private func pair(
    _ sections: [[String]], _ tracks: [TrackPairing.Announced]
  ) throws -> [String?] {
    TrackPairing.pair(try SessionDescription(parsing: OfferSketch(sections).text), tracks)
  }

  private let both = [
    TrackPairing.Announced(cid: "cam", isVideo: true),
    TrackPairing.Announced(cid: "mic", isVideo: false),
  ]

  @Test func byTheIdOfTheTrack() throws {
    let screen = TrackPairing.Announced(cid: "screen", isVideo: true)
    let found = try pair(
      [
        OfferSketch.video("0", ["a=msid:- screen"]), OfferSketch.audio("1", ["a=msid:s mic"]),
        OfferSketch.video("2", ["a=ssrc:5 msid:s cam"]),
      ], both + [screen])
    #expect(found == ["screen", "mic", "cam"])
  }

  /// Firefox writes an id of its own.
  @Test func byTheKindWhereTheIdIsUnknown() throws {
    let found = try pair(
      [OfferSketch.audio("0", ["a=msid:- {1}"]), OfferSketch.video("1", ["a=msid:- {2}"])], both)
    #expect(found == ["mic", "cam"])
  }

  @Test func aSectionKeepsItsTrack() throws {
    let tracks = [
      TrackPairing.Announced(cid: "new", isVideo: true),
      TrackPairing.Announced(cid: "old", isVideo: true, mid: "1"),
    ]
    let found = try pair(
      [OfferSketch.video("0", ["a=msid:- {1}"]), OfferSketch.video("1", ["a=msid:- {2}"])], tracks)
    #expect(found == ["new", "old"])
  }

  @Test func nothingIsPairedWithoutATrack() throws {
    let silent = OfferSketch.audio("1").map { $0 == "a=sendonly" ? "a=recvonly" : $0 }
    #expect(
      try pair([OfferSketch.video("0"), silent, OfferSketch.video("2")], both) == ["cam", nil, nil])
  }
}
