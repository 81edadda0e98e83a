// Publishing over WHIP, request by request (RFC 9725 §4).

import Basics
import Signal
import Testing

@testable import RefSFU

struct WHIPTests {
  private let keys = APIKeys(["key": "a secret of some length"])
  private let sfu: SFU

  init() {
    sfu = SFU(SFUConfiguration(keys: keys), random: RandomStream(seed: 1, name: "sfu"))
    var outbox = Outbox(pool: PacketPool())
    let address = IPAddress(v4: 10, 0, 0, 1)
    sfu.interfacesChanged([Interface(name: "eth0", ip: address)], at: .zero, into: &outbox)
  }

  private static let fingerprint = (0..<32).map { _ in "AB" }.joined(separator: ":")
  private static let offer = """
    v=0
    o=- 1 1 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0 1
    a=ice-ufrag:EsAw
    a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
    a=fingerprint:sha-256 \(fingerprint)
    a=setup:actpass
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

    """.split(separator: "\n").joined(separator: "\r\n") + "\r\n"
  private static let candidate = "a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host\r\n"

  // MARK: - Requests

  private func request(
    _ method: String, _ path: String = "", type: String? = nil, ifMatch: String? = nil,
    body: String = "", as identity: String? = "ada", _ fill: (inout VideoGrant) -> Void = { _ in }
  ) -> StreamResponse {
    var headers: [(name: String, value: String)] = []
    if let type { headers.append(("content-type", type)) }
    if let ifMatch { headers.append(("if-match", ifMatch)) }
    if let identity {
      var grant = VideoGrant.join("room")
      fill(&grant)
      let token = AccessToken(
        apiKey: "key", identity: identity, video: grant, now: sfu.configuration.epochSeconds)
      headers.append(("authorization", "Bearer \(token.signed(with: keys) ?? "")"))
    }
    var outbox = Outbox(pool: PacketPool())
    let request = StreamRequest(
      kind: .http, method: method, target: "/whip/v1\(path)", headers: headers,
      body: Array(body.utf8))
    return sfu.answer(request, at: .zero, into: &outbox)
  }

  private func publish() throws -> (path: String, etag: String, answer: String) {
    let response = request("POST", type: HTTPSignalling.description, body: WHIPTests.offer)
    try #require(response.status == 201)
    let location = try #require(response.header("location"))
    #expect(location.hasPrefix("/whip/v1/") && location.count >= 9 + 24)
    #expect(response.header("content-type") == "application/sdp")
    return (
      String(location.dropFirst(8)), try #require(response.header("etag")),
      String(decoding: response.body, as: UTF8.self)
    )
  }

  private func patch(_ path: String, ifMatch: String?, _ body: String) -> StreamResponse {
    request("PATCH", path, type: HTTPSignalling.fragment, ifMatch: ifMatch, body: body)
  }

  // MARK: - Sessions

  @Test func theAnswerTakesWhatIsSent() throws {
    let answer = try publish().answer
    #expect(answer.contains("a=ice-lite") && answer.contains("a=group:BUNDLE 0 1"))
    #expect(answer.contains("a=setup:passive") && answer.contains("a=end-of-candidates"))
    #expect(answer.contains("a=recvonly") && !answer.contains("a=sendonly"))
    let participant = try #require(sfu.rooms.first?.participants.first)
    #expect(participant.identity == "ada" && participant.stream == nil)
    #expect(participant.tracks.map(\.info.source) == [.microphone, .camera])
    #expect(participant.tracks.map(\.info.mimeType) == ["audio/opus", "video/VP8"])
  }

  @Test func iceServersAreLinks() {
    var configuration = SFUConfiguration(keys: keys)
    configuration.iceServers = [
      ICEServer { $0.urls = ["stun:stun.example.net"] },
      ICEServer {
        $0.urls = ["turn:turn.example.net?transport=udp"]
        $0.username = "user"
        $0.credential = "word"
      },
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
    #expect(request("DELETE", path, as: nil).status == 401)
    #expect(request("DELETE", path, as: "bob").status == 404)
    #expect(request("DELETE", "/guess").status == 404)
    #expect(request("DELETE", path, ifMatch: "\"any\"").status == 200)
    #expect(sfu.rooms.flatMap(\.participants).count == 0)
    #expect(request("DELETE", path).status == 404)
  }

  @Test func theSameIdentityReplacesItself() throws {
    let first = try publish().path
    let second = try publish().path
    #expect(first != second && sfu.rooms.first?.participants.count == 1)
    #expect(request("DELETE", first).status == 404)
    #expect(request("DELETE", second).status == 200)
  }

  @Test func candidatesTrickle() throws {
    let (path, etag, _) = try publish()
    let answer = patch(path, ifMatch: etag, "a=mid:0\r\n" + WHIPTests.candidate)
    #expect(answer.status == 204 && answer.header("etag") == nil)
    #expect(patch(path, ifMatch: nil, WHIPTests.candidate).status == 428)
    #expect(patch(path, ifMatch: "\"other\"", WHIPTests.candidate).status == 412)
    #expect(patch(path, ifMatch: etag, "no description").status == 400)
    #expect(patch(path, ifMatch: etag, "a=ice-ufrag:half\r\n").status == 400)
    let wrong = request("PATCH", path, type: HTTPSignalling.description, ifMatch: etag)
    #expect(wrong.status == 415)
    #expect(patch("/guess", ifMatch: etag, WHIPTests.candidate).status == 404)
  }

  @Test func iceRestarts() throws {
    let (path, etag, offered) = try publish()
    let credentials = "a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n"
    let answer = patch(path, ifMatch: "*", credentials + WHIPTests.candidate)
    let text = String(decoding: answer.body, as: UTF8.self)
    #expect(answer.status == 200 && answer.header("content-type") == HTTPSignalling.fragment)
    let renewed = try #require(answer.header("etag"))
    #expect(renewed != etag)
    let fragment = try #require(ICEFragment(text))
    let ufrag = try #require(fragment.credentials?.ufrag)
    #expect(!offered.contains("a=ice-ufrag:\(ufrag)") && fragment.candidates.count == 1)
    #expect(patch(path, ifMatch: etag, WHIPTests.candidate).status == 412)
    #expect(patch(path, ifMatch: renewed, WHIPTests.candidate).status == 204)
    #expect(patch(path, ifMatch: "*", credentials).status == 422)
    #expect(patch(path, ifMatch: "*", WHIPTests.candidate).status == 422)
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
    #expect(request("POST", type: type, body: offer, as: nil).status == 401)
    #expect(request("POST", type: type, body: offer) { $0.roomJoin = false }.status == 401)
    #expect(request("POST", type: type, body: offer) { $0.canPublish = false }.status == 403)
    #expect(sfu.rooms.isEmpty)
  }

  @Test func onlyGrantedSourcesAreTaken() throws {
    let response = request("POST", type: HTTPSignalling.description, body: WHIPTests.offer) {
      $0.canPublishSources = ["microphone"]
    }
    #expect(response.status == 201)
    let tracks = try #require(sfu.rooms.first?.participants.first?.tracks)
    #expect(tracks.map(\.info.source) == [.microphone])
    #expect(String(decoding: response.body, as: UTF8.self).contains("m=video 0 "))
  }

  @Test func whatIsNoOffer() {
    let type = HTTPSignalling.description
    #expect(request("POST", type: "text/plain", body: WHIPTests.offer).status == 415)
    #expect(request("POST", body: WHIPTests.offer).status == 415)
    #expect(request("POST", type: type, body: "hello").status == 400)
    #expect(request("POST", type: type, body: "").status == 400)
    let receiving = WHIPTests.offer.split(separator: "a=sendonly").joined(separator: "a=recvonly")
    #expect(request("POST", type: type, body: receiving).status == 422)
    #expect(sfu.rooms.isEmpty)
  }

  @Test func otherMethods() throws {
    let options = request("OPTIONS", as: nil)
    #expect(options.status == 200 && options.header("accept-post") == "application/sdp")
    #expect(options.header("access-control-allow-methods")?.contains("PATCH") == true)
    #expect(request("GET").status == 204)
    let path = try publish().path
    #expect(request("GET", path).status == 204)
    #expect(request("PUT").status == 405 && request("DELETE").status == 405)
    #expect(request("POST", "/session").status == 405)
    #expect(request("GET", "x").status == 404)
  }
}

extension StreamResponse {
  fileprivate func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
