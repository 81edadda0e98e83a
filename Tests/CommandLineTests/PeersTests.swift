// Stacks that nobody here wrote, on a served SFU: LiveKit's SDKs, new and old, and aiortc; and tshark
// on what they said.

import Foundation
import TestKit
import Testing

extension ServedTests {
  @Suite(.serialized, .enabled(if: Assay.path != nil, "the executable was not built"))
  struct PeersTests {
    static let hasLiveKit = Python.has("livekit.api, livekit.rtc, numpy")
    static let hasAIORTC = Python.has("aiohttp, aiortc, av, livekit.api")

    private func expect(_ lines: [String], in output: Assay.Output) {
      for line in lines { #expect(output.text.contains(line + "\n"), "\(line)\n\(output.log)") }
    }

    /// Whoever joined or resumed did so by this endpoint, as the server's log says.
    private func expect(endpoint: String, in output: Assay.Output) {
      let lines = output.log.split(separator: "\n").filter { line in
        ["joined", "resumed"].contains { line.contains(#""message":"participant \#($0)""#) }
      }
      #expect(!lines.isEmpty, "\(output.log)")
      for line in lines { #expect(line.contains(#""endpoint":"\#(endpoint)""#), "\(line)") }
    }

    @Test(.enabled(if: hasLiveKit, "Python's livekit and livekit-api are not installed"))
    func aCallOfTheirSDK() throws {
      let folder = try Folder()
      let output = try Assay.serving(
        "--dev --pcap \(folder.path)",
        #"timeout -k 5 150 "$ASSAY_PYTHON" -W ignore "$PEERS/livekit_call.py" $port"#)
      expect(
        [
          "grey 200 of 200", "loud True", "data 1000 in order True", "answered in time True",
          "rooms [('algebra', 2)]", "people ['ada', 'ben']", "muted from afar True",
          "sent from afar b'hello' news None", "removed ada", "because PARTICIPANT_REMOVED",
          "ended with 0",
        ], in: output)
      #expect(!output.text.contains("media goes on False"), "\(output.text)")
      expect(endpoint: "/rtc/v1", in: output)
      try CapturedTraffic(folder, of: "livekit", on: output).check(mediaAtLeast: 1_000)
    }

    @Test(.enabled(if: hasLiveKit, "Python's livekit and livekit-api are not installed"))
    func theirSDKIsToldWhoIsAway() throws {
      let output = try Assay.serving(
        "--dev", #"timeout -k 5 90 "$ASSAY_PYTHON" -W ignore "$PEERS/livekit_away.py" $port"#)
      expect(["lost in time True", "found in time True", "ended with 0"], in: output)
      expect(endpoint: "/rtc/v1", in: output)
    }

    @Test(.enabled(if: hasLiveKit, "Python's livekit and livekit-api are not installed"))
    func theirSDKOutlivesTheServer() throws {
      // Ports that were free a moment ago, since the successor needs the same.
      let ports = try Assay.serving("--dev", "echo ports $port $media").text
      let words = try #require(ports.split(separator: "\n").first { $0.hasPrefix("ports ") })
      let output = try Assay.shell(
        """
        timeout -k 5 150 "$ASSAY_PYTHON" -W ignore \
          \(Assay.root)/Tests/Peers/livekit_restart.py "$ASSAY" \(words.dropFirst(6))
        """)
      expect(["new sessions", "seen again 200 of 200"], in: output)
      expect(endpoint: "/rtc/v1", in: output)
    }

    /// Which of its features `livekit_features.py` tries, and what it prints.
    static let features = [
      ("VP8", ["VP8 high True", "VP8 LOW 320", "VP8 HIGH 1280", "VP8 MEDIUM 640"]),
      ("H264", ["H264 high True", "H264 LOW 320", "H264 HIGH 1280", "H264 MEDIUM 640"]),
      ("metadata", ["metadata True"]), ("encryption", ["encrypted True", "state OK"]),
      ("reconnect", ["reconnected True", "published 1", "seen again True"]),
    ]

    @Test(
      .enabled(if: hasLiveKit, "Python's livekit and livekit-api are not installed"),
      arguments: features)
    func theirSDKsFeatures(name: String, lines: [String]) throws {
      let output = try Assay.serving(
        "--dev",
        #"timeout -k 5 150 "$ASSAY_PYTHON" -W ignore "$PEERS/livekit_features.py" $port \#(name)"#)
      expect(lines + ["ended with 0"], in: output)
      expect(endpoint: "/rtc/v1", in: output)
    }

    @Test(.enabled(if: Python.old != nil, "no SDK of LiveKit's from before 1.0 is installed"))
    func anOldSDKOfTheirs() throws {
      let output = try Assay.serving(
        "--dev",
        """
        token() { "$ASSAY" token create --dev --identity $1 --room algebra; }
        timeout -k 5 90 \(Python.old ?? "") "$PEERS/livekit_old.py" \
          ws://127.0.0.1:$port $(token ada) $(token ben)
        """)
      expect(["livekit 0.2.5", "joined", "decoded 20", "left ada", "ended with 0"], in: output)
      expect(endpoint: "/rtc", in: output)
    }

    @Test(.enabled(if: hasAIORTC, "Python's aiortc and livekit-api are not installed"))
    func aiortcPlaysWhatItPublishes() throws {
      let folder = try Folder()
      let output = try Assay.serving(
        "--dev --pcap \(folder.path) --ice-server stun:stun.example.net:3478",
        """
        token() { "$ASSAY" token create --dev --identity $1 --room algebra; }
        timeout -k 5 150 "$ASSAY_PYTHON" -W ignore "$PEERS/whip_whep.py" \
          http://127.0.0.1:$port $(token ada) $(token bob)
        """)
      let link = #"<stun:stun.example.net:3478>; rel="ice-server""#
      expect(
        [
          "/whip/v1 201 \(link)", "/whep/v1 201 \(link)", "picture 320 240 200", "sound 48000",
          "published ['audio/opus', 'video/VP8']", "trickle 204", "no match 428", "wrong match 412",
          "no credentials 422", "restart 200 True", "ended 200", "ended with 0",
        ], in: output)
      try CapturedTraffic(folder, of: "aiortc", on: output).check(mediaAtLeast: 50)
    }
  }
}
