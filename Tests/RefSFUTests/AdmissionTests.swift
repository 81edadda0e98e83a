// What the SFU answers to requests: the plain HTTP paths, joins, the end of its service, and changes
// of a participant's own metadata.

import Basics
import Signal
import Testing

@testable import RefSFU

struct AdmissionTests {
  private let keys = APIKeys(["key": "a secret of some length"])
  private let sfu: SFU

  init() { sfu = SFU(SFUConfiguration(keys: keys), random: RandomStream(seed: 1, name: "sfu")) }

  private func token(_ identity: String, _ fill: (inout VideoGrant) -> Void = { _ in }) -> String {
    var grant = VideoGrant.join("room")
    fill(&grant)
    let now = sfu.configuration.epochSeconds
    return AccessToken(apiKey: "key", identity: identity, video: grant, now: now)
      .signed(with: keys) ?? ""
  }

  private func response(_ method: String, _ target: String) -> (status: Int, body: String) {
    var outbox = Outbox(pool: PacketPool())
    let response = sfu.answer(
      StreamRequest(kind: .http, method: method, target: target), at: .zero, into: &outbox)
    return (response.status, String(decoding: response.body, as: UTF8.self))
  }

  /// Opens a stream; the messages that come back on it.
  private func join(
    _ identity: String, _ number: UInt32, into outbox: inout Outbox,
    _ fill: (inout VideoGrant) -> Void = { _ in }
  ) -> StreamID {
    let id = StreamID(number)
    let request = StreamRequest(
      kind: .webSocket, target: "/rtc?access_token=\(token(identity, fill))")
    sfu.receive(
      .opened(id, request, from: Address(IPAddress(v4: 1), port: 1)), at: .zero, into: &outbox)
    return id
  }

  private func messages(to id: StreamID, in outbox: inout Outbox) -> [SignalResponse] {
    var messages: [SignalResponse] = []
    while let action = outbox.streams.popFirst() {
      if case .send(id, let bytes, _) = action, let message = try? SignalResponse(decoding: bytes) {
        messages.append(message)
      }
    }
    return messages
  }

  @Test func plainHTTP() {
    for target in ["/", "/healthz"] { #expect(response("GET", target) == (200, "OK")) }
    for target in ["/rtc", "/rtc/v1", "/rtc/v2/validate", "/nope", "no-slash"] {
      #expect(response("GET", target) == (404, "404 page not found"))
    }
    #expect(response("POST", "/") == (404, "404 page not found"))
    for target in ["/rtc/validate", "/rtc/v1/validate"] {
      #expect(response("GET", target) == (401, "permissions denied"))
    }
    #expect(
      response("GET", "/rtc/validate?access_token=a.b.c") == (401, "invalid authorization token"))
    #expect(response("GET", "/rtc/validate?access_token=\(token("ada"))") == (200, "success"))
    let noRoom = token("ada") { $0.room = "" }
    #expect(response("GET", "/rtc/validate?access_token=\(noRoom)") == (401, "no room name"))
  }

  @Test func validatingJoinsNobody() {
    _ = response("GET", "/rtc/validate?access_token=\(token("ada"))")
    #expect(sfu.rooms.isEmpty)
  }

  @Test func shuttingDownTellsEverybody() {
    let pool = PacketPool()
    var outbox = Outbox(pool: pool)
    let ada = join("ada", 1, into: &outbox)
    _ = messages(to: ada, in: &outbox)
    sfu.shutDown(at: .zero, into: &outbox)
    let reasons = messages(to: ada, in: &outbox).compactMap { message in
      if case .leave(let leave) = message { leave.reason } else { nil }
    }
    #expect(reasons == [.serverShutdown])
    #expect(response("GET", "/healthz").status == 503)
    #expect(response("GET", "/rtc/validate?access_token=\(token("bob"))").status == 503)
  }

  @Test(arguments: [
    (true, "Ann", RequestOutcome.ok), (false, "Ann", .notAllowed),
    (true, String(repeating: "x", count: 257), .limitExceeded),
  ])
  func ownMetadata(mayUpdate: Bool, name: String, outcome: RequestOutcome) throws {
    let pool = PacketPool()
    var outbox = Outbox(pool: pool)
    let ada = join("ada", 1, into: &outbox) { $0.canUpdateOwnMetadata = mayUpdate }
    let bob = join("bob", 2, into: &outbox)
    _ = messages(to: bob, in: &outbox)
    let change = SignalRequest.updateMetadata(
      UpdateParticipantMetadata {
        $0.requestID = 7
        $0.name = name
        $0.metadata = "words"
        $0.attributes = ["mood": "fine"]
      })
    sfu.receive(.message(ada, change.encoded, isText: false), at: .zero, into: &outbox)
    var answers: [RequestResponse] = []
    var seen: [ParticipantInfo] = []
    while let action = outbox.streams.popFirst() {
      guard case .send(let id, let bytes, _) = action else { continue }
      switch try SignalResponse(decoding: bytes) {
      case .requestResponse(let answer) where id == ada: answers.append(answer)
      case .update(let update) where id == bob: seen += update.participants
      default: break
      }
    }
    #expect(answers.map(\.reason) == [outcome] && answers.first?.requestID == 7)
    #expect(seen.map(\.name) == (outcome == .ok ? ["Ann"] : []))
    #expect(seen.first?.attributes == (outcome == .ok ? ["mood": "fine"] : nil))
  }
}
