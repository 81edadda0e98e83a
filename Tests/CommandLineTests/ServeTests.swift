// `assay serve` and `assay token` as a user calls them, on loopback and ports of the system's choice.

import Foundation
import TestKit
import Testing

@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct ServeTests {
  @Test func answersAndDrains() throws {
    let output = try Assay.serving(
      "--dev",
      """
      get /healthz; get /rtc/validate; get /rtc/v1/validate; get /rtc/v2/validate
      token=$("$ASSAY" token create --dev --identity ada --room r)
      get "/rtc/validate?access_token=$token"
      "$ASSAY" serve --dev --port $port --udp-port 0; echo "second server: $?"
      """)
    #expect(output.text.hasPrefix("listening on ws://127.0.0.1:"))
    #expect(output.text.contains(", media udp 127.0.0.1:"))
    #expect(output.text.contains("HTTP/1.1 200 OK"))
    #expect(output.text.components(separatedBy: "HTTP/1.1 401 Unauthorized").count == 3)
    #expect(output.text.contains("404 page not found"))
    #expect(output.text.contains("success"))
    #expect(output.text.contains("second server: 2"))
    #expect(output.log.contains("is taken") && output.log.contains("--port"))
    #expect(output.log.contains("DEVELOPMENT KEYS"))
    #expect(output.text.hasSuffix("ended with 0\n"))
  }

  static let hasLiveKitAPI = Python.has("livekit.api")

  @Test(.enabled(if: hasLiveKitAPI, "Python's livekit-api is not installed"))
  func servesTheirServerSDK() throws {
    let output = try Assay.serving(
      "--dev",
      """
      "$ASSAY_PYTHON" - http://127.0.0.1:$port <<'END'
      import asyncio, sys
      from livekit import api
      async def main():
          async with api.LiveKitAPI(sys.argv[1], "devkey", "secret") as lk:
              made = await lk.room.create_room(
                  api.CreateRoomRequest(name="algebra", empty_timeout=60, max_participants=3))
              print("made", made.name, made.empty_timeout, made.max_participants)
              rooms = (await lk.room.list_rooms(api.ListRoomsRequest())).rooms
              print("rooms", [room.sid == made.sid for room in rooms])
              room = await lk.room.update_room_metadata(
                  api.UpdateRoomMetadataRequest(room="algebra", metadata="chapter 2"))
              print("metadata", room.metadata)
              people = await lk.room.list_participants(api.ListParticipantsRequest(room="algebra"))
              print("people", len(people.participants))
              try:
                  await lk.room.get_participant(
                      api.RoomParticipantIdentity(room="algebra", identity="ada"))
              except api.TwirpError as error:
                  print(error.code, error.status, error.message)
              await lk.room.delete_room(api.DeleteRoomRequest(room="algebra"))
              print("left", len((await lk.room.list_rooms(api.ListRoomsRequest())).rooms))
      asyncio.run(main())
      END
      """)
    for line in [
      "made algebra 60 3", "rooms [True]", "metadata chapter 2", "people 0",
      "not_found 404 participant does not exist", "left 0",
    ] {
      #expect(output.text.contains(line), "\(output.log)")
    }
  }

  @Test func givesTokensAndFigures() throws {
    let output = try Assay.serving(
      "--dev",
      """
      PYTHONPATH=$PEERS python3 - $port <<'END'
      import json, sys
      import raw
      port = int(sys.argv[1])
      def get(query):
          return raw.http(port, "GET /api/video/token" + query + " HTTP/1.1")
      status, body = get("?room=algebra&user=ad%C3%A1")
      token = json.loads(body)
      print("token", status, sorted(token), token["url"])
      room = raw.WebSocket(port, token["token"])
      print("joined", room.until(1) is not None)
      for query in ("", "?room=algebra", "?room=&user=ada", "?user=ada", "?room=a&user=%20ada",
          "?room=a&user=a%E2%80%AEda", "?room=a%00&user=ada", "?room=a&user=" + "a" * 257):
          print("bad", get(query)[0])
      status, metrics = raw.http(port, "GET /metrics HTTP/1.1")
      print("metrics", status, "assay_participants 1\\n" in metrics, metrics.endswith("# EOF\\n"))
      END
      """)
    #expect(output.text.contains("token 200 ['token', 'url'] ws://a\n"), "\(output.log)")
    #expect(output.text.contains("joined True\n"))
    #expect(output.text.split(separator: "\n").count { $0 == "bad 400" } == 8)
    #expect(output.text.contains("metrics 200 True True\n"))
    #expect(output.log.contains(#""message":"participant joined","room":"algebra""#))
    #expect(output.log.contains(#""endpoint":"/rtc""#))
    #expect(output.log.contains(#""reason":"SERVER_SHUTDOWN""#))
  }

  @Test func tokensNeedARightWithoutDevelopmentKeys() throws {
    let output = try Assay.shell(
      """
      export LIVEKIT_API_KEY=key LIVEKIT_API_SECRET=a-secret-of-some-length
      LIVEKIT_TOKEN_TTL_HOURS=never "$ASSAY" serve; echo "never: $?"
      export LIVEKIT_TOKEN_TTL_HOURS=0.5
      coproc server { exec "$ASSAY" serve --port 0 --udp-port 0; }
      pid=$server_PID
      read -r line <&${server[0]}
      port=$(sed -E 's/.*ws:..127.0.0.1:([0-9]+).*/\\1/' <<<"$line")
      PYTHONPATH=\(Assay.root)/Tests/Peers python3 - $port <<'END'
      import base64, json, sys
      import raw
      def get(**video):
          head = "\\r\\nAuthorization: Bearer " + raw.token(video=video) if video else ""
          return raw.http(
              int(sys.argv[1]), "GET /api/video/token?room=a&user=b HTTP/1.1" + head)
      print("nobody", get()[0], "guest", get(roomJoin=True)[0])
      status, body = get(roomCreate=True)
      claims = json.loads(body)["token"].split(".")[1]
      claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
      print("maker", status, claims["exp"] - claims["nbf"], claims["sub"], claims["video"]["room"])
      END
      kill -TERM $pid
      wait $pid
      """)
    #expect(output.text.contains("never: 2\n"))
    #expect(output.log.contains("LIVEKIT_TOKEN_TTL_HOURS takes hours"))
    #expect(output.text.contains("nobody 401 guest 401\n"), "\(output.log)")
    #expect(output.text.contains("maker 200 1800 b a\n"))
  }

  @Test func takesKeysFromAFileAndPrintsNone() throws {
    let folder = try Folder()
    let file = try folder.write(
      "keys.yaml", "# ours\nfirst: \"one hidden word\"\nsecond: another-one # old\n")
    let output = try Assay.serving(
      "--keys \(file) --format json",
      """
      port=$(sed -E 's/.*127.0.0.1:([0-9]+)","media.*/\\1/' <<<"$line")
      token=$("$ASSAY" token create --key second --secret another-one --identity a --room r)
      get "/rtc/validate?access_token=$token"
      """)
    #expect(output.text.hasPrefix(#"{"url":"ws://127.0.0.1:"#))
    #expect(output.text.contains("success"))
    for text in [output.text, output.log] {
      #expect(!text.contains("hidden") && !text.contains("another-one"))
    }
  }

  @Test(arguments: [
    ("serve", "LIVEKIT_API_KEY"),
    ("serve --keys /nowhere/keys", "cannot be read"),
    ("serve --keys /dev/null", "no keys"),
    ("serve --keys <(echo devkey)", ":1: not of the form"),
    ("serve --dev --listen localhost", "--listen takes an IP address"),
    ("serve --dev --port 65536", "65535"),
    ("serve --dev --listen 198.51.100.77 --port 0", "--listen"),
    ("token", "token create"),
    ("token make", "'create' and 'inspect TOKEN'"),
    ("token create --dev --room r", "--identity"),
    ("token create --dev --identity a", "--room"),
    ("token create --identity a --room r", "LIVEKIT_API_KEY"),
    ("token create --dev --identity a --room r --ttl 5", "90s"),
    ("token create --dev --identity a --room r --grant canPublsh", "did you mean 'canPublish'"),
    ("token inspect", "token inspect TOKEN"),
    ("token inspect abc", "three parts"),
  ])
  func badUseHasARemedy(words: String, remedy: String) throws {
    let output = try Assay.shell(
      "unset LIVEKIT_API_KEY LIVEKIT_API_SECRET; exec \"$ASSAY\" \(words)")
    #expect(output.status == 2)
    #expect(output.log.contains(remedy))
    #expect(output.text.isEmpty)
  }

  @Test func whatIsMadeCanBeInspected() throws {
    let made = try Assay.run(
      "token", "create", "--dev", "--identity", "ada", "--room", "algebra", "--ttl", "2h", "--name",
      "Ada", "--grant", "roomAdmin,canPublish=false,canPublishSources=camera+microphone")
    let token = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
    let seen = try Assay.run("token", "inspect", token, "--dev")
    #expect(seen.status == 0)
    for part in ["ada", "Ada", "algebra", "roomAdmin", "canPublish=false", "valid", "accepted"] {
      #expect(seen.text.contains(part))
    }
    let wrong = try Assay.run("token", "inspect", token, "--key", "devkey", "--secret", "guess")
    #expect(wrong.status == 1 && wrong.text.contains("refused: the signature"))
    let unchecked = try Assay.run("token", "inspect", token, "--key", "other", "--secret", "x")
    #expect(unchecked.status == 0 && unchecked.text.contains("not checked"))
    let json = try Assay.run("token", "inspect", token, "--dev", "--format", "json")
    #expect(json.text.contains(#""signature": "valid""#))
  }
}
