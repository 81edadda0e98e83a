// Waiting for a served SFU: it is ready when it lets in whom it should.

import Basics
import Bots
import NetIO
import Scenario
import Signal

/// Asks once, and remembers the answer.
final class Question: Node {
  private let server: Address
  private let request: StreamRequest
  private(set) var answer: StreamResponse?
  private(set) var isOver = false

  init(_ request: StreamRequest, to server: Address) {
    self.request = request
    self.server = server
  }

  var nextTimeout: Instant? { nil }

  func ask(into outbox: inout Outbox) {
    outbox.send(.connect(StreamID(1), to: server, request))
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .responded(_, let response):
      answer = response
      isOver = true
    case .closed: isOver = true
    default: break
    }
  }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {}
  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}
  func handleTimeout(at now: Instant, into outbox: inout Outbox) {}
}

extension ServedSFU {
  private static let pause = Duration.milliseconds(250)

  /// - Throws: `RunError.neverReady`, or `RunError.refused` where it answers but trusts no token of ours.
  func waitUntilReady(for scenario: Scenario) throws {
    switch kind {
    case .liveKit: try waitForLiveKit(scenario)
    case .janus: try waitForJanus(scenario)
    case .whip: try waitForWHIP()
    }
  }

  /// Janus is ready when it has made the scenario's rooms.
  private func waitForJanus(_ scenario: Scenario) throws {
    let server = try address()
    let loop = try EventLoop()
    let end = loop.now + patience
    while true {
      let rooms = JanusRooms(
        scenario.rooms, publishers: scenario.members.count, at: server, target: target)
      let node = try loop.attach(rooms, interfaces: [], sockets: [])
      loop.withNode(node) { _, _, outbox in rooms.start(into: &outbox) }
      loop.run(until: end, while: { rooms.state == .waiting })
      var last = "it does not answer"
      switch rooms.state {
      case .ready: return
      case .failed(let reason): last = reason
      case .waiting: break
      }
      guard loop.now < end else { throw RunError.neverReady(url, last, patience) }
      loop.run(until: min(end, loop.now + ServedSFU.pause))
    }
  }

  /// Ready is who answers OPTIONS at all (RFC 9725 §4.2 has it answer 200).
  private func waitForWHIP() throws {
    let request = StreamRequest(kind: .http, method: "OPTIONS", target: target)
    try ask(request) { answer in
      answer.status < 500 ? nil : "it answers \(answer.status)"
    }
  }

  private func waitForLiveKit(_ scenario: Scenario) throws {
    var query = RequestTarget(path: path + "/rtc/validate")
    if let group = scenario.participants.first, let member = group.members.first {
      let token = Access(to: self).token(of: member, group, lifetime: .seconds(60))
      query.parameters = [.init("access_token", token)]
    }
    try ask(StreamRequest(kind: .http, target: query.text)) { answer in
      let text = String(decoding: answer.body.prefix(200), as: UTF8.self)
      switch answer.status {
      case 200..<300: return nil
      case 401, 403: throw RunError.refused(url, status: answer.status, text)
      default: return "it answers \(answer.status) \(text)"
      }
    }
  }

  /// Asks until `fault` finds nothing wrong with the answer.
  private func ask(
    _ request: StreamRequest, fault: (StreamResponse) throws -> String?
  ) throws {
    let server = try address()
    let loop = try EventLoop()
    let end = loop.now + patience
    var last = "nobody answers there"
    while true {
      let question = Question(request, to: server)
      let node = try loop.attach(question, interfaces: [], sockets: [])
      loop.withNode(node) { _, _, outbox in question.ask(into: &outbox) }
      loop.run(until: end, while: { !question.isOver })
      if let answer = question.answer {
        guard let found = try fault(answer) else { return }
        last = found
      }
      guard loop.now < end else { throw RunError.neverReady(url, last, patience) }
      loop.run(until: min(end, loop.now + ServedSFU.pause))
    }
  }
}
