// An SFU to whom WHIP and WHEP requests are made, and what the offers of both have in common.

import Basics
import Signal
import Testing

@testable import RefSFU

struct HTTPIngest {
  /// `/whip/v1` or `/whep/v1`.
  let endpoint: String
  let keys = APIKeys(["key": "a secret of some length"])
  let sfu: SFU

  init(_ endpoint: String) {
    self.endpoint = endpoint
    sfu = SFU(SFUConfiguration(keys: keys), random: RandomStream(seed: 1, name: "sfu"))
    var outbox = Outbox(pool: PacketPool())
    let address = IPAddress(v4: 10, 0, 0, 1)
    sfu.interfacesChanged([Interface(name: "eth0", ip: address)], at: .zero, into: &outbox)
  }

  static let candidate = "a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host\r\n"

  /// An offer of an audio and a video section, which begin with their `m=` lines.
  static func offer(_ sections: String) -> String {
    let fingerprint = (0..<32).map { _ in "AB" }.joined(separator: ":")
    let head = """
      v=0
      o=- 1 1 IN IP4 127.0.0.1
      s=-
      t=0 0
      a=group:BUNDLE 0 1
      a=ice-ufrag:EsAw
      a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
      a=fingerprint:sha-256 \(fingerprint)
      a=setup:actpass

      """
    return (head + sections).split(separator: "\n").joined(separator: "\r\n") + "\r\n"
  }

  func request(
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
      kind: .http, method: method, target: endpoint + path, headers: headers,
      body: Array(body.utf8))
    return sfu.answer(request, at: .zero, into: &outbox)
  }

  func patch(_ path: String, ifMatch: String?, _ body: String) -> StreamResponse {
    request("PATCH", path, type: HTTPSignalling.fragment, ifMatch: ifMatch, body: body)
  }

  /// A session that begins with `offer`.
  func begin(
    _ offer: String, _ query: String = ""
  ) throws -> (path: String, etag: String, answer: String) {
    let response = request("POST", query, type: HTTPSignalling.description, body: offer)
    try #require(response.status == 201)
    let location = try #require(response.header("location"))
    #expect(location.hasPrefix(endpoint + "/") && location.count >= 9 + 24)
    #expect(response.header("content-type") == "application/sdp")
    return (
      String(location.dropFirst(endpoint.count)), try #require(response.header("etag")),
      String(decoding: response.body, as: UTF8.self)
    )
  }
}
