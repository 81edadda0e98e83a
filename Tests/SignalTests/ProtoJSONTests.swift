// Messages as JSON: out and back, both spellings of names, and what is no such message.

import Basics
import Foundation
import Signal
import Testing

struct ProtoJSONTests {
  /// Messages of RoomService, by their names in LiveKit's .proto files.
  static let messages: [(name: String, message: any ProtoMessage)] = [
    ("room.CreateRoomRequest", filled() as CreateRoomRequest),
    ("room.ListRoomsRequest", filled() as ListRoomsRequest),
    ("room.ListRoomsResponse", filled() as ListRoomsResponse),
    ("room.DeleteRoomRequest", filled() as DeleteRoomRequest),
    ("room.DeleteRoomResponse", filled() as DeleteRoomResponse),
    ("room.UpdateRoomMetadataRequest", filled() as UpdateRoomMetadataRequest),
    ("room.ListParticipantsRequest", filled() as ListParticipantsRequest),
    ("room.ListParticipantsResponse", filled() as ListParticipantsResponse),
    ("room.RoomParticipantIdentity", filled() as RoomParticipantIdentity),
    ("room.RemoveParticipantResponse", filled() as RemoveParticipantResponse),
    ("room.MuteRoomTrackRequest", filled() as MuteRoomTrackRequest),
    ("room.MuteRoomTrackResponse", filled() as MuteRoomTrackResponse),
    ("room.UpdateParticipantRequest", filled() as UpdateParticipantRequest),
    ("models.Room", filled() as RoomInfo),
    ("models.ParticipantInfo", filled() as ParticipantInfo),
    ("models.SpeakerInfo", filled() as SpeakerInfo),
  ]

  @Test(arguments: messages.indices) func roundTrip(index: Int) throws {
    func check(_ message: some ProtoMessage) throws {
      let type = type(of: message)
      #expect(try type.init(json: JSON(parsing: message.json.text())) == message)
      #expect(try type.init(json: type.init().json) == type.init())
      #expect(try type.init(json: [:]) == type.init())
    }
    try check(ProtoJSONTests.messages[index].message)
  }

  @Test func bothSpellings() throws {
    let expected = MuteRoomTrackRequest {
      $0.trackSid = "TR_1"
      $0.muted = true
    }
    for name in ["track_sid", "trackSid"] {
      let json = try JSON(parsing: #"{"\#(name)": "TR_1", "muted": true, "later": {"a": [1]}}"#)
      #expect(try MuteRoomTrackRequest(json: json) == expected)
    }
    #expect(expected.json["track_sid"] == "TR_1" && expected.json["room"] == "")
  }

  @Test func valuesOfEveryKind() throws {
    let json = try JSON(
      parsing: """
        {"sid": null, "joinedAt": "1767225600", "joined_at_ms": 5, "version": "7", "kind": 4,
         "state": "ACTIVE", "disconnectReason": "SOMETHING_NEW", "attributes": {"a": "b"},
         "permission": {"canPublishSources": ["SCREEN_SHARE", "HOLOGRAM", 2]}}
        """)
    let expected = ParticipantInfo {
      $0.joinedAt = 1_767_225_600
      $0.joinedAtMs = 5
      $0.version = 7
      $0.kind = .agent
      $0.state = .active
      $0.attributes = ["a": "b"]
      $0.permission = ParticipantPermission { $0.canPublishSources = [.screenShare, .microphone] }
    }
    #expect(try ParticipantInfo(json: json) == expected)
  }

  @Test func bytesAreBase64() throws {
    for count in 0...4 {
      let bytes = [UInt8](repeating: 0xFB, count: count)
      guard case .string(let text) = bytes.json else { return }
      #expect(text == Data(bytes).base64EncodedString())
      var read: [UInt8] = []
      #expect(try read.read(json: bytes.json) && read == bytes)
    }
  }

  @Test(arguments: [
    "[]", "null", "1", #"{"version": 1.5}"#, #"{"version": -1}"#, #"{"version": 4294967296}"#,
    #"{"sid": 1}"#, #"{"isPublisher": "true"}"#, #"{"tracks": {}}"#, #"{"tracks": [1]}"#,
    #"{"attributes": []}"#, #"{"attributes": {"a": 1}}"#, #"{"permission": "all"}"#,
    #"{"state": true}"#, #"{"joinedAt": "soon"}"#,
  ])
  func otherKinds(text: String) throws {
    #expect(throws: ProtoError.badJSON) { try ParticipantInfo(json: JSON(parsing: text)) }
  }
}

/// Python's `livekit.protocol` reads the JSON and the bytes of one message as the same.
@Suite(.enabled(if: LiveKitProtocol.isInstalled, "Python's livekit-protocol is not installed"))
struct ProtoJSONWitnessTests {
  @Test func namesAreTheirs() throws {
    let lines = ProtoJSONTests.messages.map { name, message in
      "\(name) \(Data(message.encoded).base64EncodedString()) \(message.json.text())\n"
    }
    let output = try LiveKitProtocol.run(
      """
      import base64, sys
      from google.protobuf import json_format
      from livekit.protocol import models, room
      for line in sys.stdin:
          name, data, text = line.split(" ", 2)
          module, kind = name.split(".")
          type_ = getattr(globals()[module], kind)
          message = type_.FromString(base64.b64decode(data))
          assert json_format.Parse(text, type_()) == message, name
      print("all the same")
      """, input: lines.joined())
    #expect(output == "all the same\n")
  }
}

private enum LiveKitProtocol {
  static let isInstalled = (try? run("import livekit.protocol; print(1)", input: "")) == "1\n"

  /// ASSAY_PYTHON names one that has the library, where `python3` has not.
  static func run(_ script: String, input: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let python = ProcessInfo.processInfo.environment["ASSAY_PYTHON"] ?? "python3"
    process.arguments = [python, "-c", script]
    let (stdin, stdout) = (Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = FileHandle.nullDevice
    try process.run()
    try? stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try stdin.fileHandleForWriting.close()
    let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: output, as: UTF8.self)
  }
}
