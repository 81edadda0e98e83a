// Publishing over WHIP, request by request (RFC 9725 §4).

import Basics
import Signal
import Testing

@testable import RefSFU

struct WHIPTests {
  private let http = HTTPIngest("/whip/v1")
  private var sfu: SFU { http.sfu }
  private static let offer = HTTPIngest.offer(
    """
    m=audio 9 UDP/TLS/RTP/SAVPF 111
    c=IN IP4 0.0.0.0
    a=mid:0
    a=sendonly
    a=rtcp-mux
    a=rtpmap:111 opus/48000/2
    m=video 9 UDP/TLS/RTP/SAVPF 96
    c=IN IP4 0.0.0.0
    a=mid:1
    a=sendonly
    a=rtcp-mux
    a=rtpmap:96 VP8/90000
    """)

  private func publish() throws -> (path: String, etag: String, answer: String) {
    try http.begin(WHIPTests.offer)
  }

  // MARK: - Sessions

  @Test func theAnswerTakesWhatIsSent() throws {
    let answer = try publish().answer
    #expect(answer.contains("a=ice-lite") && answer.contains("a=group:BUNDLE 0 1"))
    #expect(answer.contains("a=setup:passive") && answer.contains("a=end-of-candidates"))
    #expect(answer.contains("a=recvonly") && !answer.contains("a=sendonly"))
    let participant = try #require(sfu.rooms.first?.participants.first)
    #expect(participant.identity == "ada" && participant.channel.stream == nil)
    #expect(participant.tracks.map(\.info.source) == [.microphone, .camera])
    #expect(participant.tracks.map(\.info.mimeType) == ["audio/opus", "video/VP8"])
  }

  @Test func iceServersAreLinks() {
    var configuration = SFUConfiguration(keys: http.keys)
    configuration.iceServers = [
      .init(urls: ["stun:stun.example.net"]),
      .init(
        urls: ["turn:turn.example.net?transport=udp"], username: "user", credential: "word"),
    ]
    let links = SFU(configuration, random: RandomStream(seed: 1, name: "sfu")).links
    #expect(links.map(\.name) == ["link", "link"])
    #expect(links[0].value == "<stun:stun.example.net>; rel=\"ice-server\"")
    #expect(
      links[1].value == "<turn:turn.example.net?transport=udp>; rel=\"ice-server\"; "
        + "username=\"user\"; credential=\"word\"; credential-type=\"password\"")
  }

  @Test func deletingEndsTheSession() throws {
    let path = try publish().path
    #expect(http.request("DELETE", path, as: nil).status == 401)
    #expect(http.request("DELETE", path, as: "bob").status == 404)
    #expect(http.request("DELETE", "/guess").status == 404)
    #expect(http.request("DELETE", path, ifMatch: "\"any\"").status == 200)
    #expect(sfu.rooms.flatMap(\.participants).count == 0)
    #expect(http.request("DELETE", path).status == 404)
  }

  @Test func theSameIdentityReplacesItself() throws {
    let first = try publish().path
    let second = try publish().path
    #expect(first != second && sfu.rooms.first?.participants.count == 1)
    #expect(http.request("DELETE", first).status == 404)
    #expect(http.request("DELETE", second).status == 200)
  }

  @Test func candidatesTrickle() throws {
    let (path, etag, _) = try publish()
    let answer = http.patch(path, ifMatch: etag, "a=mid:0\r\n" + HTTPIngest.candidate)
    #expect(answer.status == 204 && answer.header("etag") == nil)
    #expect(http.patch(path, ifMatch: nil, HTTPIngest.candidate).status == 428)
    #expect(http.patch(path, ifMatch: "\"other\"", HTTPIngest.candidate).status == 412)
    #expect(http.patch(path, ifMatch: etag, "no description").status == 400)
    #expect(http.patch(path, ifMatch: etag, "a=ice-ufrag:half\r\n").status == 400)
    let wrong = http.request("PATCH", path, type: HTTPSignalling.description, ifMatch: etag)
    #expect(wrong.status == 415)
    #expect(http.patch("/guess", ifMatch: etag, HTTPIngest.candidate).status == 404)
  }

  @Test func iceRestarts() throws {
    let (path, etag, offered) = try publish()
    let credentials = "a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n"
    let answer = http.patch(path, ifMatch: "*", credentials + HTTPIngest.candidate)
    let text = String(decoding: answer.body, as: UTF8.self)
    #expect(answer.status == 200 && answer.header("content-type") == HTTPSignalling.fragment)
    let renewed = try #require(answer.header("etag"))
    #expect(renewed != etag)
    let fragment = try #require(ICEFragment(text))
    let ufrag = try #require(fragment.credentials?.ufrag)
    #expect(!offered.contains("a=ice-ufrag:\(ufrag)") && fragment.candidates.count == 1)
    #expect(http.patch(path, ifMatch: etag, HTTPIngest.candidate).status == 412)
    #expect(http.patch(path, ifMatch: renewed, HTTPIngest.candidate).status == 204)
    #expect(http.patch(path, ifMatch: "*", credentials).status == 422)
    #expect(http.patch(path, ifMatch: "*", HTTPIngest.candidate).status == 422)
  }

  @Test func whoNeverConnectsIsTakenOut() throws {
    _ = try publish()
    var outbox = Outbox(pool: PacketPool())
    sfu.handleTimeout(at: .zero + .seconds(59), into: &outbox)
    #expect(sfu.rooms.first?.participants.count == 1)
    sfu.handleTimeout(at: .zero + .seconds(60), into: &outbox)
    #expect(sfu.rooms.isEmpty)
  }

  // MARK: - Refusals

  @Test func whoMayNotPublish() {
    let (type, offer) = (HTTPSignalling.description, WHIPTests.offer)
    #expect(http.request("POST", type: type, body: offer, as: nil).status == 401)
    #expect(http.request("POST", type: type, body: offer) { $0.roomJoin = false }.status == 401)
    #expect(http.request("POST", type: type, body: offer) { $0.canPublish = false }.status == 403)
    #expect(sfu.rooms.isEmpty)
  }

  /// Half of an offer is no session (RFC 9725 §4.4).
  @Test func aSourceThatIsNotGrantedRefusesTheOffer() throws {
    let response = http.request("POST", type: HTTPSignalling.description, body: WHIPTests.offer) {
      $0.canPublishSources = ["microphone"]
    }
    #expect(response.status == 403 && sfu.rooms.isEmpty)
    let text = String(decoding: response.body, as: UTF8.self)
    #expect(text == "m=video section 1 (mid 1): not allowed by the token")
  }

  @Test func whatIsNoOffer() {
    let type = HTTPSignalling.description
    #expect(http.request("POST", type: "text/plain", body: WHIPTests.offer).status == 415)
    #expect(http.request("POST", body: WHIPTests.offer).status == 415)
    #expect(http.request("POST", type: type, body: "hello").status == 400)
    #expect(http.request("POST", type: type, body: "").status == 400)
    let receiving = WHIPTests.offer.split(separator: "a=sendonly").joined(separator: "a=recvonly")
    #expect(http.request("POST", type: type, body: receiving).status == 422)
    #expect(sfu.rooms.isEmpty)
  }

  @Test func otherMethods() throws {
    let options = http.request("OPTIONS", as: nil)
    #expect(options.status == 200 && options.header("accept-post") == "application/sdp")
    #expect(options.header("access-control-allow-methods")?.contains("PATCH") == true)
    #expect(http.request("GET").status == 204)
    let path = try publish().path
    #expect(http.request("GET", path).status == 204)
    #expect(http.request("PUT").status == 405 && http.request("DELETE").status == 405)
    #expect(http.request("POST", "/session").status == 405)
    #expect(http.request("GET", "x").status == 404)
  }
}

extension StreamResponse {
  fileprivate func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
