// Playing over WHEP, request by request (draft-ietf-wish-whep).

import Basics
import Signal
import Testing
import Wire

@testable import RefSFU

struct WHEPTests {
  private let http = HTTPIngest("/whep/v1")
  private var sfu: SFU { http.sfu }
  private static let offer = HTTPIngest.offer(
    """
    m=audio 9 UDP/TLS/RTP/SAVPF 111
    c=IN IP4 0.0.0.0
    a=mid:0
    a=recvonly
    a=rtcp-mux
    a=rtpmap:111 opus/48000/2
    a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:mid
    m=video 9 UDP/TLS/RTP/SAVPF 120 121
    c=IN IP4 0.0.0.0
    a=mid:1
    a=recvonly
    a=rtcp-mux
    a=rtpmap:120 VP8/90000
    a=rtcp-fb:120 nack
    a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
    a=rtpmap:121 rtx/90000
    a=fmtp:121 apt=120
    """)

  private func play(_ query: String = "") throws -> (path: String, etag: String, answer: String) {
    try http.begin(WHEPTests.offer, query)
  }

  /// A publisher in the room whose tracks carry media.
  private func publish(_ identity: String, _ codecs: [CodecProfile]) -> Participant {
    var outbox = Outbox(pool: PacketPool())
    let admission = Admission(
      identity: identity, room: "room", profile: Profile(), rights: ParticipantRights(),
      subscribesByItself: false)
    let participant = sfu.join(admission, over: TinyChannel(nil), at: .zero, into: &outbox)
    for codec in codecs {
      let isVideo = codec.kind == .video
      let track = PublishedTrack(
        TrackAnnouncement(kind: isVideo ? .video : .audio),
        sid: "TR_\(identity)_\(codec.encoding)", publisher: participant, at: .zero)
      var section = PublishedSection(mid: "0", kind: codec.kind)
      section.payloads = [(codec.payloadType, .media(codec))]
      track.bind(section, pool: outbox.pool, at: .zero)
      participant.tracks.append(track)
      track.noteLive()
      participant.room.published(track, at: .zero, into: &outbox)
    }
    return participant
  }

  private var player: Participant? {
    sfu.rooms.first?.participants.first { ($0.channel as? HTTPChannel)?.kind == .whep }
  }

  // MARK: - Sessions

  @Test func theAnswerSendsWhatIsReceived() throws {
    let answer = try play().answer
    #expect(answer.contains("a=ice-lite") && answer.contains("a=group:BUNDLE 0 1"))
    #expect(answer.contains("a=setup:passive") && answer.contains("a=end-of-candidates"))
    #expect(answer.contains("a=sendonly") && !answer.contains("a=recvonly"))
    #expect(answer.contains("m=video 9 UDP/TLS/RTP/SAVPF 120 121"))
    #expect(answer.contains("a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:mid"))
    let parsed = try SessionDescription(parsing: answer)
    #expect(parsed.media.map(\.ssrcs.count) == [1, 2])
    #expect(player?.identity == "ada" && player?.tracks.isEmpty == true)
  }

  @Test func tracksTakeTheSectionsOfTheirKind() throws {
    _ = publish("bob", [.opus])
    let answer = try SessionDescription(parsing: play().answer)
    let cleo = publish("cleo", [.vp8, .opus, .vp8])
    let subscriptions = try #require(player?.subscriptions)
    #expect(subscriptions.map(\.track.sid) == ["TR_bob_opus", "TR_cleo_VP8"])
    #expect(subscriptions.map(\.ssrc) == answer.media.map { $0.ssrcs[0].ssrc })
    #expect(subscriptions.map(\.codec.payloadType) == [111, 120])
    #expect(subscriptions[1].rtxSSRC == answer.media[1].ssrcs[1].ssrc)
    #expect(subscriptions[1].codec.rtxPayloadType == 121)
    #expect(subscriptions[0].extensions[.mid] == 7 && player?.downlink.feedback == .maximumBitrate)
    #expect(player?.downlink.extensions[.absSendTime] == 3)
    // A section whose track has ended takes the next one.
    var outbox = Outbox(pool: PacketPool())
    cleo.unpublish(cleo.tracks[0], at: .zero, into: &outbox)
    #expect(player?.subscriptions.count == 2)
    cleo.leave(reason: .clientInitiated, at: .zero, into: &outbox)
    #expect(player?.subscriptions.map(\.track.sid) == ["TR_bob_opus"])
  }

  @Test func onlyAgreedCodecsAndWishedPublishers() throws {
    _ = publish("bob", [.opus])
    _ = publish("cleo", [.vp9, .opus])
    _ = try play("?publisher=cleo")
    #expect(player?.subscriptions.map(\.track.sid) == ["TR_cleo_opus"])
  }

  @Test func deletingEndsTheSession() throws {
    let path = try play().path
    #expect(http.request("DELETE", path, as: nil).status == 401)
    #expect(http.request("DELETE", path, as: "bob").status == 404)
    #expect(http.request("DELETE", path).status == 200)
    #expect(http.request("DELETE", path).status == 404 && sfu.rooms.flatMap(\.participants).isEmpty)
  }

  @Test func candidatesTrickle() throws {
    let (path, etag, _) = try play()
    let answer = http.patch(path, ifMatch: etag, "a=mid:0\r\n" + HTTPIngest.candidate)
    #expect(answer.status == 204 && answer.header("etag") == nil)
    #expect(http.patch(path, ifMatch: nil, HTTPIngest.candidate).status == 428)
    #expect(http.patch(path, ifMatch: "\"other\"", HTTPIngest.candidate).status == 412)
    #expect(http.patch(path, ifMatch: etag, "no description").status == 400)
    let wrong = http.request("PATCH", path, type: HTTPSignalling.description, ifMatch: etag)
    #expect(wrong.status == 415)
  }

  @Test func iceRestarts() throws {
    let (path, etag, offered) = try play()
    let credentials = "a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n"
    let answer = http.patch(path, ifMatch: "*", credentials + HTTPIngest.candidate)
    #expect(answer.status == 200 && answer.header("content-type") == HTTPSignalling.fragment)
    let renewed = try #require(answer.header("etag"))
    let fragment = try #require(ICEFragment(String(decoding: answer.body, as: UTF8.self)))
    let ufrag = try #require(fragment.credentials?.ufrag)
    #expect(renewed != etag && !offered.contains("a=ice-ufrag:\(ufrag)"))
    #expect(http.patch(path, ifMatch: etag, HTTPIngest.candidate).status == 412)
    #expect(http.patch(path, ifMatch: renewed, HTTPIngest.candidate).status == 204)
    #expect(http.patch(path, ifMatch: "*", credentials).status == 422)
  }

  // MARK: - Refusals

  @Test func whoMayNotPlay() {
    let (type, offer) = (HTTPSignalling.description, WHEPTests.offer)
    #expect(http.request("POST", type: type, body: offer, as: nil).status == 401)
    #expect(http.request("POST", type: type, body: offer) { $0.canSubscribe = false }.status == 403)
    #expect(sfu.rooms.isEmpty)
  }

  @Test func whatIsNoOffer() {
    let type = HTTPSignalling.description
    #expect(http.request("POST", type: "text/plain", body: WHEPTests.offer).status == 415)
    #expect(http.request("POST", type: type, body: "hello").status == 400)
    let sending = WHEPTests.offer.split(separator: "a=recvonly").joined(separator: "a=sendonly")
    #expect(http.request("POST", type: type, body: sending).status == 422)
    #expect(sfu.rooms.isEmpty)
  }

  @Test func otherMethods() throws {
    #expect(http.request("OPTIONS", as: nil).header("accept-post") == "application/sdp")
    #expect(http.request("HEAD").header("content-type") == "application/sdp")
    #expect(http.request("GET").status == 204 && http.request("PUT").status == 405)
    var outbox = Outbox(pool: PacketPool())
    sfu.shutDown(at: .zero, into: &outbox)
    let late = http.request("POST", type: HTTPSignalling.description, body: WHEPTests.offer)
    #expect(late.status == 503 && late.header("retry-after") != nil)
  }
}

extension StreamResponse {
  fileprivate func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
