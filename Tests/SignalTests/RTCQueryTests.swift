// The query of /rtc and trickled candidates.

import Basics
import Signal
import Testing

struct RTCQueryTests {
  @Test func roundTrip() throws {
    var query = RTCQuery()
    query.accessToken = "a.b-c_d"
    query.autoSubscribe = false
    query.adaptiveStream = true
    query.client.sdk = .rust
    query.client.version = "1.2 3"
    query.client.clientProtocol = 1
    query.client.os = "Линукс & 100%"
    query.client.network = "wifi"
    query.capabilities = ["CAP_PACKET_TRAILER", "CAP_COMPRESSION_DEFLATE_RAW"]
    query.attributes = ["seat": "4", "é": "\"?"]
    query.reconnect = true
    query.participantSid = "PA_x"
    query.reconnectReason = .publisherFailed
    query.disableICELite = true
    query.subscriberAllowPause = false
    query.autoSubscribeDataTrack = true
    let text = query.target().text
    #expect(RTCQuery(target: text) == query)
    #expect(RTCQuery(target: text, path: "/rtc/validate") == nil)
    #expect(RTCQuery(target: "/rtc/v1") == nil && RTCQuery(target: "/rtc?%") == nil)
    #expect(text.hasPrefix("/rtc?access_token=a.b-c_d&auto_subscribe=0&adaptive_stream=1&sdk=rust"))
    #expect(!query.description.contains("a.b-c_d") && query.description.contains("redacted"))
  }

  @Test func defaults() throws {
    let target = RTCQuery().target()
    #expect(target.text == "/rtc?auto_subscribe=1&protocol=17")
    #expect(RTCQuery(target) == RTCQuery())
    let bare = RTCQuery(try #require(RequestTarget("/rtc")))
    #expect(bare.autoSubscribe && !bare.reconnect && bare.client.protocolVersion == 0)
  }

  /// As livekit-client in a browser asks.
  @Test func browser() throws {
    let target = try #require(
      RequestTarget(
        "/rtc?access_token=x.y.z&auto_subscribe=1&sdk=js&version=2.15.4&protocol=16"
          + "&os=Mac%20OS&os_version=10.15.7&browser=Chrome&network=4g&attributes=eyJhIjoiYiJ9"))
    #expect(target.path == "/rtc" && target["nothing"] == nil)
    let query = RTCQuery(target)
    #expect(query.accessToken == "x.y.z" && query.autoSubscribe && query.client.sdk == .js)
    #expect(query.client.os == "Mac OS" && query.client.protocolVersion == 16)
    #expect(query.attributes == ["a": "b"])
  }

  @Test(arguments: [
    ("/a%20b?x=1+2&x=3&y&=z&&w=%3D=", "/a b", ["x=1 2", "x=3", "y=", "=z", "w==="]),
    ("/#?x=1", "/", []), ("/?", "/", []), ("/p?a=b#c", "/p", ["a=b"]), ("/a+b", "/a+b", []),
  ])
  func targets(text: String, path: String, parameters: [String]) throws {
    let target = try #require(RequestTarget(text))
    #expect(target.path == path)
    #expect(target.parameters.map { "\($0.name)=\($0.value)" } == parameters)
    #expect(RequestTarget(target.text) == target)
  }

  @Test(arguments: ["", "rtc", "?x", "/%", "/%4", "/%zz", "/?a=%ff", "http://x/", "/?%c3=1"])
  func noTargets(text: String) {
    #expect(RequestTarget(text) == nil)
    #expect(RequestTarget("/" + String(repeating: "a", count: RequestTarget.maximumSize)) == nil)
  }

  @Test func candidateInit() throws {
    let text =
      #"{"candidate":"candidate:1 1 udp 7 192.0.2.2 5 typ host","sdpMid":"0","#
      + #""sdpMLineIndex":0,"usernameFragment":"abcd"}"#
    let trickled = try #require(CandidateInit(json: text))
    #expect(trickled.json == text && trickled.parsed?.port == 5)
    #expect(CandidateInit(json: #"{"candidate":"","sdpMid":null}"#)?.parsed == nil)
    #expect(CandidateInit(json: #"{"candidate":"","sdpMLineIndex":70000}"#)?.sdpMLineIndex == nil)
    for bad in ["", "[]", "{}", #"{"candidate":1}"#, "null"] {
      #expect(CandidateInit(json: bad) == nil)
    }
  }
}
