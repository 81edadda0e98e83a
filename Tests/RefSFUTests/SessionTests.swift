// What keeps a session going, and what clients may have broken: tokens, resumes, leaves, simulations.

import Basics
import Signal
import Testing

@testable import RefSFU

struct SessionTests {
  private let keys = APIKeys(["key": "a secret of some length"])
  private let sfu: SFU
  private let pool = PacketPool()

  init() { sfu = SFU(SFUConfiguration(keys: keys), random: RandomStream(seed: 1, name: "sfu")) }

  /// What left the SFU on a stream.
  private struct Said {
    var messages: [SignalResponse] = []
    var closedWith: UInt16?

    var leave: LeaveRequest? {
      for case .leave(let leave) in messages { return leave }
      return nil
    }
    var token: String? {
      for case .refreshToken(let text) in messages { return text }
      return nil
    }
    var speakers: [SpeakerInfo] {
      messages.flatMap { message -> [SpeakerInfo] in
        if case .speakersChanged(let change) = message { change.speakers } else { [] }
      }
    }
  }

  private func said(on id: StreamID, in outbox: inout Outbox) throws -> Said {
    var said = Said()
    while let action = outbox.streams.popFirst() {
      switch action {
      case .send(id, let bytes, _): said.messages.append(try SignalResponse(decoding: bytes))
      case .close(id, let code): said.closedWith = code
      default: break
      }
    }
    return said
  }

  private func open(
    _ identity: String, on number: UInt32, resuming sid: String? = nil, at now: Instant = .zero,
    into outbox: inout Outbox
  ) -> StreamID {
    let token =
      AccessToken(
        apiKey: "key", identity: identity, video: .join("room"),
        now: sfu.configuration.epochSeconds
      ).signed(with: keys) ?? ""
    let resume = sid.map { "&reconnect=1&sid=\($0)" } ?? ""
    let request = StreamRequest(kind: .webSocket, target: "/rtc?access_token=\(token)\(resume)")
    let id = StreamID(number)
    sfu.receive(
      .opened(id, request, from: Address(IPAddress(v4: 1), port: 1)), at: now, into: &outbox)
    return id
  }

  private func send(
    _ request: SignalRequest, on id: StreamID, at now: Instant = .zero, into outbox: inout Outbox
  ) {
    sfu.receive(.message(id, request.encoded, isText: false), at: now, into: &outbox)
  }

  private func simulate(_ scenario: SimulatedScenario) -> SignalRequest {
    .simulate(SimulateScenario { $0.scenario = scenario })
  }

  private var ada: Participant? {
    sfu.rooms.first?.participants.first { $0.identity == "ada" }
  }

  // MARK: - Tokens

  @Test func tokensAreRenewed() throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, into: &outbox)
    let epoch = sfu.configuration.epochSeconds
    let first = try #require(try said(on: id, in: &outbox).token)
    let token = try AccessToken(verifying: first, keys: keys, now: epoch)
    #expect(token.identity == "ada" && token.expires == epoch + 600)
    #expect(try token.roomToJoin() == "room")
    var second: String?
    for seconds in stride(from: 0, through: 300, by: 10) where second == nil {
      let now = Instant.zero + .seconds(seconds)
      send(.ping(0), on: id, at: now, into: &outbox)
      // Whoever does not connect within a minute is taken out, so we only look at the clock.
      ada?.tickSession(at: now, into: &outbox)
      second = try said(on: id, in: &outbox).token
    }
    #expect(second != nil && second != first)
  }

  @Test func rightsThatWereTakenStayTaken() throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, into: &outbox)
    ada?.rights.canPublish = false
    _ = try said(on: id, in: &outbox)
    ada?.renewCredentials(at: .zero, into: &outbox)
    let text = try #require(try said(on: id, in: &outbox).token)
    let token = try AccessToken(
      verifying: text, keys: keys, now: sfu.configuration.epochSeconds)
    #expect(!token.video.mayPublish)
  }

  // MARK: - Leaving

  @Test func theNewestOfAnIdentityStays() throws {
    var outbox = Outbox(pool: pool)
    let first = open("ada", on: 1, into: &outbox)
    _ = try said(on: first, in: &outbox)
    _ = open("ada", on: 2, into: &outbox)
    let said = try said(on: first, in: &outbox)
    #expect(said.leave?.reason == .duplicateIdentity && said.leave?.action == .disconnect)
    #expect(said.closedWith == 1_000 && sfu.rooms[0].participants.count == 1)
  }

  @Test func whoIsShutOutMayReturn() throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, into: &outbox)
    sfu.shutDown(at: .zero, into: &outbox)
    let said = try said(on: id, in: &outbox)
    #expect(said.leave?.reason == .serverShutdown && said.leave?.action == .reconnect)
  }

  @Test func anUnknownSessionIsToRejoin() throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, resuming: "PA_gone", into: &outbox)
    let said = try said(on: id, in: &outbox)
    #expect(said.leave?.reason == .stateMismatch && said.leave?.action == .reconnect)
    #expect(said.closedWith == 1_000 && sfu.rooms.isEmpty)
  }

  @Test(arguments: [true, false]) func silenceMattersOfThoseWhoPing(pings: Bool) throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, into: &outbox)
    if pings { send(.ping(0), on: id, into: &outbox) }
    sfu.handleTimeout(at: .zero + SFULimits.signallingTimeout, into: &outbox)
    #expect(try said(on: id, in: &outbox).closedWith == (pings ? 1_001 : nil))
  }

  // MARK: - Observing

  private final class Journal: SFUObserver {
    var lines: [String] = []
    func noted(_ event: SFUEvent, of who: SFUParticipant) {
      switch event {
      case .joined: lines.append("+\(who.identity) \(who.traceID.count)")
      case .left(let reason): lines.append("-\(who.identity) \(reason)")
      case .resumed, .published, .unpublished: lines.append("\(who.identity) \(event)")
      }
    }
    func refused(_ path: String, status: Int, reason: String) {
      lines.append("\(path) \(status) \(reason)")
    }
  }

  @Test func whoComesAndGoesIsTold() {
    var outbox = Outbox(pool: pool)
    let journal = Journal()
    sfu.observer = journal
    let id = open("ada", on: 1, into: &outbox)
    _ = open("bob", on: 2, into: &outbox)
    send(.leave(LeaveRequest()), on: id, into: &outbox)
    let stranger = StreamRequest(kind: .webSocket, target: "/rtc?access_token=secret")
    sfu.receive(
      .opened(StreamID(9), stranger, from: Address(IPAddress(v4: 1), port: 1)), at: .zero,
      into: &outbox)
    sfu.shutDown(at: .zero, into: &outbox)
    #expect(
      journal.lines == [
        "+ada 32", "+bob 32", "-ada CLIENT_INITIATED", "/rtc 401 invalid authorization token",
        "-bob SERVER_SHUTDOWN",
      ])
  }

  // MARK: - Simulations

  @Test func simulatedSpeech() throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, into: &outbox)
    send(simulate(.speakerUpdate(3)), on: id, into: &outbox)
    #expect(try said(on: id, in: &outbox).speakers.map(\.active) == [true])
    sfu.handleTimeout(at: .zero + .seconds(2), into: &outbox)
    #expect(try said(on: id, in: &outbox).speakers.isEmpty)
    sfu.handleTimeout(at: .zero + .seconds(3), into: &outbox)
    #expect(try said(on: id, in: &outbox).speakers.map(\.active) == [false])
  }

  @Test(arguments: [SimulatedScenario.nodeFailure(true), .migration(true)])
  func lostSessions(scenario: SimulatedScenario) throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, into: &outbox)
    let sid = try #require(ada?.sid)
    send(simulate(scenario), on: id, into: &outbox)
    let said = try said(on: id, in: &outbox)
    #expect(said.leave == nil && said.closedWith == 1_011)
    let again = open("ada", on: 2, resuming: sid, into: &outbox)
    #expect(try self.said(on: again, in: &outbox).leave?.action == .reconnect)
  }

  @Test(arguments: [
    (SimulatedScenario.serverLeave(true), Signal.LeaveAction.disconnect),
    (.leaveRequestFullReconnect(true), .reconnect),
  ])
  func simulatedLeaves(scenario: SimulatedScenario, action: Signal.LeaveAction) throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, into: &outbox)
    send(simulate(scenario), on: id, into: &outbox)
    #expect(try said(on: id, in: &outbox).leave?.action == action)
    #expect(sfu.rooms[0].participants.isEmpty)
  }

  @Test func newCredentialsAndLessBandwidth() throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, into: &outbox)
    let participant = try #require(ada)
    let ufrag = participant.ufrag(of: .subscriber)
    send(simulate(.switchCandidateProtocol(.udp)), on: id, into: &outbox)
    #expect(participant.ufrag(of: .subscriber) != ufrag)
    send(simulate(.subscriberBandwidth(100_000)), on: id, into: &outbox)
    #expect(participant.subscriberLimit == .kbps(100))
    send(simulate(.subscriberBandwidth(0)), on: id, into: &outbox)
    #expect(participant.subscriberLimit == nil)
  }

  @Test(arguments: [
    (SimulatedScenario.disconnectSignalOnResume(true), true),
    (.disconnectSignalOnResumeNoMessages(true), false),
  ])
  func aResumeThatBreaks(scenario: SimulatedScenario, answers: Bool) throws {
    var outbox = Outbox(pool: pool)
    let first = open("ada", on: 1, into: &outbox)
    let sid = try #require(ada?.sid)
    send(simulate(scenario), on: first, into: &outbox)
    let second = open("ada", on: 2, resuming: sid, into: &outbox)
    let broken = try said(on: second, in: &outbox)
    #expect(broken.messages.isEmpty == !answers && broken.closedWith == 1_011)
    let third = open("ada", on: 3, resuming: sid, into: &outbox)
    let resumed = try said(on: third, in: &outbox)
    guard case .reconnect? = resumed.messages.first else {
      Issue.record("not resumed")
      return
    }
    #expect(resumed.closedWith == nil && resumed.token != nil)
  }

  @Test func dataTracksAreDeclined() throws {
    var outbox = Outbox(pool: pool)
    let id = open("ada", on: 1, into: &outbox)
    send(.publishDataTrackRequest(PublishDataTrackRequest()), on: id, into: &outbox)
    guard case .requestResponse(let answer)? = try said(on: id, in: &outbox).messages.last else {
      Issue.record("no answer")
      return
    }
    #expect(answer.reason == .unsupportedType)
  }
}
