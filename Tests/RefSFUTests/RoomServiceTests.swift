// RoomService as an application server calls it: grants, formats, errors, and what rooms become.

import Basics
import Signal
import Testing

@testable import RefSFU

struct RoomServiceTests {
  private let keys = APIKeys(["key": "a secret of some length"])
  private let sfu: SFU
  private let admin = VideoGrant {
    $0.roomCreate = true
    $0.roomList = true
    $0.roomAdmin = true
    $0.room = "algebra"
  }

  init() {
    var configuration = SFUConfiguration(keys: keys)
    configuration.maximumParticipants = 10
    sfu = SFU(configuration, random: RandomStream(seed: 1, name: "sfu"))
  }

  // MARK: - Calling

  private func bearer(_ grant: VideoGrant, identity: String = "") -> String {
    let token = AccessToken(
      apiKey: "key", identity: identity, video: grant, now: sfu.configuration.epochSeconds)
    return token.signed(with: keys) ?? ""
  }

  private func request(
    _ method: String, _ body: [UInt8], type: String = "application/json", by grant: VideoGrant?
  ) -> StreamRequest {
    var headers = [(name: "content-type", value: type)]
    if let grant { headers.append(("authorization", "Bearer \(bearer(grant))")) }
    return StreamRequest(
      kind: .http, method: "POST", target: "/twirp/livekit.RoomService/\(method)",
      headers: headers, body: body)
  }

  /// Calls in JSON; the status and what came back.
  private func call(
    _ method: String, _ body: String, by grant: VideoGrant?, into outbox: inout Outbox
  ) throws -> (status: Int, json: JSON) {
    let response = sfu.answer(
      request(method, Array(body.utf8), by: grant), at: .zero, into: &outbox)
    return (response.status, try JSON(parsing: response.body))
  }

  private func call(_ method: String, _ body: String) throws -> (status: Int, json: JSON) {
    var outbox = Outbox(pool: PacketPool())
    return try call(method, body, by: admin, into: &outbox)
  }

  private func join(_ identity: String, _ number: UInt32, into outbox: inout Outbox) -> StreamID {
    let id = StreamID(number)
    let token = bearer(.join("algebra"), identity: identity)
    sfu.receive(
      .opened(
        id, StreamRequest(kind: .webSocket, target: "/rtc?access_token=\(token)"),
        from: Address(IPAddress(v4: 1), port: 1)), at: .zero, into: &outbox)
    return id
  }

  private func messages(to id: StreamID, in outbox: inout Outbox) throws -> [SignalResponse] {
    var messages: [SignalResponse] = []
    while let action = outbox.streams.popFirst() {
      if case .send(id, let bytes, _) = action {
        messages.append(try SignalResponse(decoding: bytes))
      }
    }
    return messages
  }

  private func addTrack(to id: StreamID, into outbox: inout Outbox) -> String {
    let request = SignalRequest.addTrack(
      AddTrackRequest {
        $0.cid = "mic"
        $0.type = .audio
        $0.source = .microphone
      })
    sfu.receive(.message(id, request.encoded, isText: false), at: .zero, into: &outbox)
    return sfu.rooms.flatMap(\.participants).flatMap(\.tracks).last?.sid ?? ""
  }

  // MARK: - Rooms

  @Test func aRoomExistsBeforeAnybodyJoins() throws {
    let (status, room) = try call(
      "CreateRoom", #"{"name": "algebra", "emptyTimeout": 60, "max_participants": 2}"#)
    #expect(status == 200)
    #expect(room["name"] == "algebra" && room["empty_timeout"] == 60)
    #expect(room["max_participants"] == 2 && room["departure_timeout"] == 20)
    #expect(room["sid"]?.string?.hasPrefix("RM_") == true)
    let again = try call("CreateRoom", #"{"name": "algebra", "metadata": "x"}"#).json
    #expect(again["sid"] == room["sid"] && again["metadata"] == "x")
    #expect(again["max_participants"] == 2)
    #expect(try call("ListRooms", "{}").json["rooms"]?.array?.map { $0["name"] } == ["algebra"])
    #expect(try call("ListRooms", #"{"names": ["other"]}"#).json["rooms"] == [])
  }

  @Test func emptyRoomsEnd() throws {
    _ = try call("CreateRoom", #"{"name": "algebra", "empty_timeout": 60}"#)
    var outbox = Outbox(pool: PacketPool())
    sfu.handleTimeout(at: .zero + .seconds(59), into: &outbox)
    #expect(sfu.rooms.count == 1 && sfu.nextTimeout != nil)
    sfu.handleTimeout(at: .zero + .seconds(60), into: &outbox)
    #expect(sfu.rooms.isEmpty && sfu.nextTimeout == nil)
  }

  @Test func roomsStayForAWhileAfterTheLastOne() throws {
    var outbox = Outbox(pool: PacketPool())
    _ = try call("CreateRoom", #"{"name": "algebra", "departure_timeout": 5}"#)
    let ada = join("ada", 1, into: &outbox)
    sfu.receive(
      .message(ada, SignalRequest.leave(LeaveRequest()).encoded, isText: false), at: .zero,
      into: &outbox)
    sfu.handleTimeout(at: .zero + .seconds(4), into: &outbox)
    #expect(sfu.rooms.count == 1)
    sfu.handleTimeout(at: .zero + .seconds(5), into: &outbox)
    #expect(sfu.rooms.isEmpty)
  }

  @Test func theRoomsOwnLimitHolds() throws {
    var outbox = Outbox(pool: PacketPool())
    _ = try call("CreateRoom", #"{"name": "algebra", "max_participants": 1}"#)
    _ = join("ada", 1, into: &outbox)
    while outbox.streams.popFirst() != nil {}
    let bob = join("bob", 2, into: &outbox)
    guard case .respond(bob, let refusal) = outbox.streams.popFirst() else {
      Issue.record("bob was let in")
      return
    }
    #expect(refusal.status == 429)
  }

  @Test func deletingSendsEverybodyAway() throws {
    var outbox = Outbox(pool: PacketPool())
    let ada = join("ada", 1, into: &outbox)
    _ = join("bob", 2, into: &outbox)
    let (status, body) = try call(
      "DeleteRoom", #"{"room": "algebra"}"#, by: admin, into: &outbox)
    #expect(status == 200 && body == [:])
    let reasons = try messages(to: ada, in: &outbox).compactMap { message in
      if case .leave(let leave) = message { leave.reason } else { nil }
    }
    #expect(reasons == [.roomDeleted])
    #expect(sfu.rooms.isEmpty)
    #expect(try call("DeleteRoom", #"{"room": "algebra"}"#).status == 404)
    sfu.receive(.closed(ada, .lost), at: .zero, into: &outbox)
  }

  @Test func metadataIsTold() throws {
    var outbox = Outbox(pool: PacketPool())
    let ada = join("ada", 1, into: &outbox)
    let body = #"{"room": "algebra", "metadata": "chapter 2"}"#
    #expect(try call("UpdateRoomMetadata", body, by: admin, into: &outbox).status == 200)
    let told = try messages(to: ada, in: &outbox).compactMap { message in
      if case .roomUpdate(let update) = message { update.room?.metadata } else { nil }
    }
    #expect(told == ["chapter 2"])
  }

  // MARK: - Participants

  @Test func participantsAreListedChangedAndRemoved() throws {
    var outbox = Outbox(pool: PacketPool())
    let ada = join("ada", 1, into: &outbox)
    let listed = try call("ListParticipants", #"{"room": "algebra"}"#).json
    #expect(listed["participants"]?.array?.map { $0["identity"] } == ["ada"])
    let one = #"{"room": "algebra", "identity": "ada"}"#
    let got = try call("GetParticipant", one).json
    #expect(got["sid"] == listed["participants"]?.array?.first?["sid"])
    #expect(got["state"] == "JOINED" && got["joined_at"] == "1767225600")
    let changed = try call(
      "UpdateParticipant",
      """
      {"room": "algebra", "identity": "ada", "name": "Ada", "attributes": {"seat": "1"},
       "permission": {"canSubscribe": true, "can_publish_sources": ["CAMERA"]}}
      """, by: admin, into: &outbox
    ).json
    #expect(changed["name"] == "Ada" && changed["attributes"] == ["seat": "1"])
    #expect(changed["permission"]?["can_publish"] == false)
    #expect(changed["permission"]?["can_publish_sources"] == ["CAMERA"])
    #expect(try call("RemoveParticipant", one, by: admin, into: &outbox).json == [:])
    let reasons = try messages(to: ada, in: &outbox).compactMap { message in
      if case .leave(let leave) = message { leave.reason } else { nil }
    }
    #expect(reasons == [.participantRemoved])
    #expect(try call("GetParticipant", one).json["code"] == "not_found")
  }

  @Test func metadataHasALimit() throws {
    var outbox = Outbox(pool: PacketPool())
    _ = join("ada", 1, into: &outbox)
    let long = String(repeating: "x", count: SFULimits.metadataSize + 1)
    for (method, body) in [
      ("UpdateParticipant", #"{"room": "algebra", "identity": "ada", "metadata": "\#(long)"}"#),
      ("UpdateRoomMetadata", #"{"room": "algebra", "metadata": "\#(long)"}"#),
      ("CreateRoom", #"{"name": "b", "metadata": "\#(long)"}"#), ("CreateRoom", "{}"),
    ] {
      let (status, json) = try call(method, body)
      #expect(status == 400 && json["code"] == "invalid_argument")
    }
  }

  @Test func tracksAreMutedButNotUnmuted() throws {
    var outbox = Outbox(pool: PacketPool())
    let ada = join("ada", 1, into: &outbox)
    let sid = addTrack(to: ada, into: &outbox)
    func mute(_ sid: String, _ muted: Bool) throws -> (status: Int, json: JSON) {
      try call(
        "MutePublishedTrack",
        #"{"room": "algebra", "identity": "ada", "trackSid": "\#(sid)", "muted": \#(muted)}"#,
        by: admin, into: &outbox)
    }
    #expect(try mute(sid, false).json["track"]?["muted"] == false)
    #expect(try mute(sid, true).json["track"]?["muted"] == true)
    #expect(try mute(sid, false).json["code"] == "failed_precondition")
    #expect(try mute("TR_none", true).status == 404)
    let told = try messages(to: ada, in: &outbox).contains { message in
      if case .mute(let mute) = message { mute.sid == sid && mute.muted } else { false }
    }
    #expect(told)
  }

  // MARK: - Refusals

  @Test(arguments: [
    "CreateRoom", "ListRooms", "DeleteRoom", "UpdateRoomMetadata", "ListParticipants",
    "GetParticipant", "RemoveParticipant", "MutePublishedTrack", "UpdateParticipant",
  ])
  func grantsAreAskedFor(method: String) throws {
    var outbox = Outbox(pool: PacketPool())
    let body = #"{"name": "algebra", "room": "algebra", "identity": "ada"}"#
    let elsewhere = VideoGrant {
      $0.roomAdmin = true
      $0.room = "botany"
    }
    for grant in [elsewhere, .join("algebra")] {
      let (status, json) = try call(method, body, by: grant, into: &outbox)
      #expect(status == 403 && json["code"] == "permission_denied")
      #expect(json["msg"] == "permissions denied")
    }
    let (status, json) = try call(method, body, by: nil, into: &outbox)
    #expect(status == 401 && json["code"] == "unauthenticated")
    #expect(sfu.rooms.isEmpty)
  }

  @Test func whatIsNoCall() throws {
    var outbox = Outbox(pool: PacketPool())
    func answer(_ change: (inout StreamRequest) -> Void) throws -> String {
      var request = request("ListRooms", Array("{}".utf8), by: admin)
      change(&request)
      let response = sfu.answer(request, at: .zero, into: &outbox)
      return "\(response.status) \(try JSON(parsing: response.body)["code"]?.string ?? "none")"
    }
    let type = "content-type"
    #expect(try answer { _ in } == "200 none")
    #expect(try answer { $0.headers[0] = (type, "application/json; charset=utf-8") } == "200 none")
    #expect(try answer { $0.method = "GET" } == "404 bad_route")
    #expect(try answer { $0.target += "s" } == "404 bad_route")
    #expect(try answer { $0.target = "/twirp/livekit.Egress/ListRooms" } == "404 bad_route")
    #expect(try answer { $0.headers[0] = (type, "text/plain") } == "404 bad_route")
    #expect(try answer { $0.body = Array("{".utf8) } == "400 malformed")
    #expect(try answer { $0.headers[1].value = "Bearer a.b.c" } == "401 unauthenticated")
    #expect(
      try answer { $0.target = "/twirp/livekit.RoomService/MoveParticipant" } == "501 unimplemented"
    )
    sfu.shutDown(at: .zero, into: &outbox)
    #expect(try answer { _ in } == "503 unavailable")
  }

  @Test func subscriptionsAreChangedFromAfar() throws {
    var outbox = Outbox(pool: PacketPool())
    let ada = join("ada", 1, into: &outbox)
    let bob = join("bob", 2, into: &outbox)
    let sid = addTrack(to: ada, into: &outbox)
    _ = try messages(to: bob, in: &outbox)
    let change = #"{"room": "algebra", "identity": "bob", "track_sids": ["\#(sid)", "TR_no"]}"#
    #expect(try call("UpdateSubscriptions", change, by: admin, into: &outbox).status == 200)
    let participant = try #require(sfu.rooms[0].participants.first { $0.identity == "bob" })
    #expect(participant.exceptions == [sid, "TR_no"])
    let nobody = #"{"room": "algebra", "identity": "eve", "track_sids": ["\#(sid)"]}"#
    #expect(try call("UpdateSubscriptions", nobody).json["code"] == "not_found")
  }

  @Test func dataNeedsTheRightAndASize() throws {
    var outbox = Outbox(pool: PacketPool())
    _ = join("ada", 1, into: &outbox)
    let body = #"{"room": "algebra", "data": "aGk=", "kind": "LOSSY", "topic": "t"}"#
    #expect(try call("SendData", body, by: admin, into: &outbox).status == 200)
    #expect(try call("SendData", body, by: .join("algebra"), into: &outbox).status == 403)
    let large = String(repeating: "AAAA", count: SFULimits.sentDataSize / 3 + 1)
    let code = try call("SendData", #"{"room": "algebra", "data": "\#(large)"}"#).json["code"]
    #expect(code == "invalid_argument")
  }

  @Test func roomsAreLimitedInNumber() throws {
    for number in 0..<SFULimits.rooms { _ = sfu.room(named: "\(number)", at: .zero) }
    #expect(try call("CreateRoom", #"{"name": "one more"}"#).json["code"] == "resource_exhausted")
  }

  @Test func protobuf() throws {
    var outbox = Outbox(pool: PacketPool())
    let create = CreateRoomRequest { $0.name = "algebra" }
    let type = "application/protobuf"
    let made = sfu.answer(
      request("CreateRoom", create.encoded, type: type, by: admin), at: .zero, into: &outbox)
    #expect(made.status == 200)
    #expect(made.headers.contains { $0 == ("content-type", type) })
    #expect(try RoomInfo(decoding: made.body).name == "algebra")
    let broken = sfu.answer(
      request("CreateRoom", [0x0A], type: type, by: admin), at: .zero, into: &outbox)
    #expect(broken.status == 400)
    #expect(broken.headers.contains { $0 == ("content-type", "application/json") })
  }
}
