// Networks of `serve --network`: what a file may say, what a request may change, what links then do.

import Basics
import NetSim
import RefSFU
import Signal
import Testing

@testable import Lab
@testable import Scenario

struct NetworkTests {
  private static func network(_ text: String) throws -> Network {
    try Network(Array(text.utf8), file: "net.yaml")
  }

  @Test func theFirstLinkIsEverybodysUnlessAGroupHasItsOwn() throws {
    let network = try NetworkTests.network(
      """
      assay: 1
      links:
        home: { use: lossy-wifi, delay: 20ms }
        train: { rate: 1Mbps }
      participants:
        rider: { link: train }
      """)
    #expect(network.initialLink(of: "ada").name == "home")
    #expect(network.initialLink(of: "rider").name == "train")
    #expect(network.link(named: "home")?.up.delay == .milliseconds(20))
    #expect(network.link(named: "lte") != nil)
    #expect(network.links.prefix(2).map(\.name) == ["home", "train"])
  }

  @Test(arguments: [
    ("assay: 1", "needs 'links'"),
    ("links: {}", "no links"),
    ("links: { home: { dely: 3ms } }", "did you mean 'delay'"),
    ("links: { home: { rate: 5 } }", "net.yaml:1:24"),
    ("links: { a: {} }\nparticipants: { ada: { link: b } }", "no link is called 'b'"),
    ("links: { a: { trace: no.up } }", "no file 'no.up'"),
  ])
  func badFilesHaveARemedy(text: String, remedy: String) {
    let error = #expect(throws: ScenarioError.self) { try NetworkTests.network(text) }
    #expect(error?.description.contains(remedy) == true, "\(error?.description ?? "")")
  }

  @Test func aRequestNamesALinkOrDescribesOne() throws {
    let network = try NetworkTests.network("links: { home: {} }")
    let named = try network.change(
      Array(#"{"identity": "ada", "room": "r", "link": "lossy-wifi"}"#.utf8))
    #expect(named.identity == "ada" && named.room == "r" && named.link.name == "lossy-wifi")
    let own = try network.change(
      Array(#"{"link": {"use": "lte", "up": {"rate": "200kbps"}, "loss": "5%"}}"#.utf8))
    #expect(own.link.up.rate == .kbps(200) && own.link.up.loss == .bernoulli(0.05))
    #expect(own.link.down.rate == .kbps(25_000))
  }

  @Test(arguments: [
    ("", "nothing there"),
    (#"{"link": "lossy-wfi"}"#, "did you mean 'lossy-wifi'"),
    (#"{"link": {"trace": "/etc/passwd"}}"#, "unknown key 'trace'"),
    (#"{"link": {"down": {"trace": "/etc/passwd"}}}"#, "unknown key 'trace'"),
    (#"{"lnk": "lte"}"#, "did you mean 'link'"),
    ("{", "not YAML"),
  ])
  func badRequestsHaveARemedy(text: String, remedy: String) throws {
    let network = try NetworkTests.network("links: { home: {} }")
    let error = #expect(throws: ScenarioError.self) { try network.change(Array(text.utf8)) }
    #expect(error?.description.contains(remedy) == true, "\(error?.description ?? "")")
  }
}

/// A served SFU without sockets: the test is its driver, and time is what the test says.
struct SFUBehindLinksTests {
  private static let address = Address(IPAddress(v4: 127, 0, 0, 1), port: 7_882)
  private static let browser = Address(IPAddress(v4: 127, 0, 0, 1), port: 50_000)

  private final class Served {
    let node: SFUBehindLinks
    let pool = PacketPool()
    let keys = APIKeys(["key": "secret"])

    init(only: String? = nil) throws {
      let network = try Network(Array("links: { home: { delay: 25ms } }".utf8), file: "net")
      let sfu = SFU(SFUConfiguration(keys: keys), random: RandomStream(seed: 1, name: "sfu"))
      node = SFUBehindLinks(sfu, network: network, only: only, seed: 1, pool: pool)
      var outbox = Outbox(pool: pool)
      node.interfacesChanged(
        [Interface(name: "lo", ip: SFUBehindLinksTests.address.ip)], at: .zero, into: &outbox)
    }

    func token(of identity: String) -> String {
      AccessToken(
        apiKey: "key", identity: identity, video: .join("room"),
        now: node.sfu.configuration.epochSeconds
      ).signed(with: keys)!
    }

    /// What is asked of the real streams, with the moments in milliseconds, until `end`.
    func run(
      _ event: StreamEvent, at start: Instant, until end: Instant
    ) -> [(milliseconds: Int64, action: StreamAction)] {
      var found: [(Int64, StreamAction)] = []
      var outbox = Outbox(pool: pool)
      var now = start
      node.receive(event, at: now, into: &outbox)
      while true {
        while let action = outbox.streams.popFirst() {
          found.append(((now - .zero).wholeMilliseconds, action))
        }
        guard let next = node.nextTimeout, next <= end else { return found }
        now = max(now, next)
        node.handleTimeout(at: now, into: &outbox)
      }
    }
  }

  private func validate(_ served: Served, as identity: String) -> Int64? {
    let request = StreamRequest(
      kind: .http, target: "/rtc/validate?access_token=\(served.token(of: identity))")
    let event = StreamEvent.opened(StreamID(7), request, from: SFUBehindLinksTests.browser)
    for (moment, action) in served.run(event, at: .zero, until: .seconds(1)) {
      if case .respond(StreamID(7), let response) = action, response.status == 200 {
        return moment
      }
    }
    return nil
  }

  @Test func aParticipantsRequestTakesItsLink() throws {
    // The handshake of TCP and the exchange: two round trips of 50 ms.
    #expect(validate(try Served(), as: "ada") == 100)
    #expect(validate(try Served(only: "ada"), as: "ada") == 100)
    #expect(validate(try Served(only: "ada"), as: "ben") == 0)
  }

  @Test func aStrangersRequestIsAnsweredAtOnce() throws {
    let served = try Served()
    let request = StreamRequest(kind: .webSocket, target: "/rtc?access_token=x")
    let event = StreamEvent.opened(StreamID(9), request, from: SFUBehindLinksTests.browser)
    let found = served.run(event, at: .zero, until: .seconds(1))
    guard case .respond(StreamID(9), let response)? = found.first?.action else {
      Issue.record("no answer")
      return
    }
    #expect(found.first?.milliseconds == 0 && response.status == 401)
    #expect(served.node.seats.isEmpty)
  }

  @Test func signallingAndDatagramsTakeTheLinkAsItIsNow() throws {
    let served = try Served()
    let request = StreamRequest(
      kind: .webSocket, target: "/rtc?access_token=\(served.token(of: "ada"))")
    let found = served.run(
      .opened(StreamID(5), request, from: SFUBehindLinksTests.browser), at: .zero,
      until: .milliseconds(400))
    guard case .accept(StreamID(5))? = found.first?.action else {
      Issue.record("not accepted")
      return
    }
    #expect(found[0].milliseconds == 100)
    let offer = found.compactMap { element -> String? in
      guard case .send(StreamID(5), let bytes, _) = element.action,
        case .offer(let offer)? = try? SignalResponse(decoding: bytes)
      else { return nil }
      return offer.sdp
    }.first
    let lines = try #require(offer).split(separator: "\r\n")
    let ufrag = try #require(lines.first { $0.hasPrefix("a=ice-ufrag:") }).dropFirst(12)
    try check(served, ufrag: String(ufrag))
  }

  private func check(_ served: Served, ufrag: String) throws {
    let path = Path(local: SFUBehindLinksTests.address, remote: SFUBehindLinksTests.browser)
    var outbox = Outbox(pool: served.pool)
    func receive(_ bytes: [UInt8], at now: Instant) {
      served.node.receive(served.pool.makePacket(bytes), on: path, at: now, into: &outbox)
    }
    let seat = try #require(served.node.seats.first)
    let statistics = { served.node.clock.simulator.statistics(of: seat.up) }
    let before = statistics()
    receive([128, 111] + [UInt8](repeating: 0, count: 30), at: .milliseconds(400))
    #expect(statistics().entered == before.entered, "a stranger's packet took ada's link")
    receive(request(ufrag), at: .milliseconds(400))
    #expect(statistics().entered == before.entered + 1)
    let link = try #require(served.node.network.link(named: "high-rtt"))
    served.node.put(link, at: 0, at: .milliseconds(500))
    receive([128, 111] + [UInt8](repeating: 0, count: 30), at: .milliseconds(500))
    #expect(statistics().entered == before.entered + 2, "its address is known from now on")
    served.node.handleTimeout(at: .milliseconds(600), into: &outbox)
    #expect(statistics().delivered == before.delivered + 1)
    served.node.handleTimeout(at: .milliseconds(700), into: &outbox)
    #expect(statistics().delivered == before.delivered + 2)
  }

  /// A binding request (RFC 8489 §5) with nothing but a username.
  private func request(_ ufrag: String) -> [UInt8] {
    let username = Array("\(ufrag):them".utf8)
    let padded = username + [UInt8](repeating: 0, count: (4 - username.count % 4) % 4)
    let header: [UInt8] = [0, 1, 0, UInt8(padded.count + 4), 0x21, 0x12, 0xA4, 0x42]
    return header + [UInt8](1...12) + [0, 6, 0, UInt8(username.count)] + padded
  }

  // MARK: - /network

  private func ask(
    _ served: Served, _ method: String, _ query: String = "", token: String? = nil,
    body: String = "", isOpen: Bool = false
  ) -> (status: Int, text: String) {
    let headers = token.map { [(name: "authorization", value: "Bearer \($0)")] } ?? []
    let request = StreamRequest(
      kind: .http, method: method, target: "/network\(query)", headers: headers,
      body: Array(body.utf8))
    let response = served.node.answerNetwork(request, isOpen: isOpen, at: .seconds(2))
    return (response?.status ?? 0, String(decoding: response?.body ?? [], as: UTF8.self))
  }

  @Test func everybodyMayChangeTheirOwnLinkAndAdministratorsAll() throws {
    let served = try Served()
    #expect(validate(served, as: "ada") == 100 && served.node.seats.count == 1)
    let ada = served.token(of: "ada")
    let state = ask(served, "GET", token: ada)
    #expect(state.status == 200 && state.text.contains(#""link":"home""#), "\(state)")
    let changed = ask(served, "POST", token: ada, body: #"{"link": "satellite"}"#)
    #expect(changed.status == 200 && changed.text.contains(#""link":"satellite""#), "\(changed)")
    #expect(served.node.seats[0].link?.name == "satellite")
    let admin = AccessToken(
      apiKey: "key", identity: "root",
      video: VideoGrant {
        $0.roomAdmin = true
        $0.room = "room"
      }, now: served.node.sfu.configuration.epochSeconds
    ).signed(with: served.keys)!
    let body = #"{"identity": "ada", "link": {"delay": "1ms"}}"#
    #expect(ask(served, "POST", token: admin, body: body).status == 200)
    #expect(served.node.seats[0].link?.up.delay == .milliseconds(1))
    #expect(ask(served, "POST", body: body, isOpen: true).status == 200)
  }

  @Test func othersMayNot() throws {
    let served = try Served()
    #expect(validate(served, as: "ada") == 100)
    let body = #"{"identity": "ada", "link": "lte"}"#
    #expect(ask(served, "POST", body: body).status == 401)
    #expect(ask(served, "GET", "?identity=ada").status == 401)
    #expect(ask(served, "POST", token: "a.b.c", body: body).status == 401)
    let ben = served.token(of: "ben")
    #expect(ask(served, "POST", token: ben, body: body).status == 403)
    #expect(ask(served, "GET", "?identity=ada&room=other", token: ben).status == 403)
    #expect(ask(served, "GET", token: ben).status == 404)
    #expect(ask(served, "PUT", token: ben).status == 405)
    #expect(ask(served, "GET", isOpen: true).status == 400)
    let wrong = ask(served, "POST", token: served.token(of: "ada"), body: #"{"link": "wifii"}"#)
    #expect(wrong.status == 400 && wrong.text.contains("did you mean 'wifi'"), "\(wrong)")
    #expect(served.node.seats[0].link?.name == "home")
  }
}
