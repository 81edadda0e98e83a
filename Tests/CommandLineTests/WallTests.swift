// `assay run --sfu` as a user calls it: the bots on real sockets, against `assay serve`.

import Foundation
import Testing

extension ServedTests {
  @Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct WallTests {
    let folder = try! Folder()

    /// What a run against a server of its own prints; `flags` go with it.
    private func run(_ scenario: String, _ flags: String) throws -> Assay.Output {
      let file = try folder.write("scenario.yaml", scenario)
      return try Assay.serving(
        "--dev",
        """
        "$ASSAY" run \(file) --sfu ws://127.0.0.1:$port --out \(folder.path)/out \(flags)
        echo "run: $?"
        """)
    }

    @Test func theCommandThatRepeatsItHasItsFlags() throws {
      let output = try run(Sample.failing, "--dev --max-lag 1000")
      #expect(output.text.contains("run: 1"), "\(output.text)\(output.log)")
      let line = try #require(output.text.split(separator: "\n").first { $0.contains("repeat: ") })
      #expect(line.contains("--dev") && line.contains("--max-lag 1000"), "\(line)")
      #expect(line.contains("--sfu 'ws://127.0.0.1:"))
    }

    @Test func runsAgainstAServedSFU() throws {
      let output = try run(Sample.passing, "--dev --max-lag 1000")
      #expect(output.text.contains("run: 0"), "\(output.text)\(output.log)")
      let result = try folder.json("out/passing-seed7-wall/result.json")
      #expect(result["clock"] as? String == "wall")
      #expect((result["target"] as? String)?.hasPrefix("ws://127.0.0.1:") == true)
      let harness = try #require(result["harness"] as? [String: Any])
      #expect(harness["socketDrops"] as? Int == 0)
      #expect(harness["sockets"] as? Int == 4, "two transports for each of two people")
      #expect((harness["processorShare"] as? Double ?? 0) > 0)
      let people = try #require(result["participants"] as? [[String: Any]])
      #expect(people.allSatisfy { $0["joined"] as? Bool == true })
      let heard = people.flatMap { $0["inbound"] as? [[String: Any]] ?? [] }
      #expect(heard.count == 3)
      #expect(heard.allSatisfy { ($0["packetsReceived"] as? Int ?? 0) > 0 })
    }

    /// Over RoomService, with the rights of whoever acts.
    @Test func administersAServedSFU() throws {
      let output = try run(
        """
        assay: 1
        name: rights
        duration: 8s
        links: { home: { delay: 10ms } }
        participants:
          teacher: { link: home, role: teacher, publish: [microphone] }
          ada: { link: home, grants: { canPublish: false }, publish: [camera] }
          ben: { link: home, publish: [microphone] }
          cleo: { link: home, publish: [microphone] }
        events:
          - { at: 2s, participant: teacher, do: muteParticipant, who: cleo, source: microphone }
          - { at: 3s, participant: teacher, do: promote, who: ada, grants: { canPublish: true } }
          - { at: 4s, participant: teacher, do: removeParticipant, who: ben }
          - { at: 4s, participant: ada, do: removeParticipant, who: cleo }
        expect:
          - { id: told, of: teacher, from: cleo, metric: assay.muteDelay, stat: max, under: 1s }
          - { id: seen, of: teacher, from: ada, metric: framesPerSecond, stat: p50, over: 5, window: 6s..8s }

        """, "--dev --max-lag 1000")
      #expect(output.text.contains("run: 0"), "\(output.text)\(output.log)")
      let result = try folder.json("out/rights-seed1-wall/result.json")
      let people = try #require(result["participants"] as? [[String: Any]])
      let left = people.compactMap { person in
        (person["left"] as? String).map { "\(person["identity"] ?? ""): \($0)" }
      }
      #expect(left == ["ben: dismissed: participantRemoved"])
    }

    /// The bounds are those of the README.
    @Test func agreesWithVirtualTime() throws {
      let output = try run(
        """
        assay: 1
        name: both
        duration: 8s
        links:
          home: { rate: 20Mbps, delay: 15ms }
          radio: { rate: 8Mbps, delay: 40ms }
        participants:
          ada: { link: home, publish: [camera, microphone] }
          bob: { link: radio, publish: [camera, microphone], view: { others: 180p } }
          eve: { link: home, view: { others: 360p } }
        expect:
          - { id: in, of: all, metric: assay.joined, stat: last, equals: 1 }

        """,
        "--dev --max-lag 1000; \"$ASSAY\" run \(folder.path)/scenario.yaml --out \(folder.path)/out"
      )
      #expect(output.text.contains("run: 0"), "\(output.text)\(output.log)")
      let virtual = try People(folder.json("out/both-seed1/result.json"))
      let wall = try People(folder.json("out/both-seed1-wall/result.json"))
      #expect(virtual.connectMs.count == 3)
      #expect(virtual.streams.count == 8, "who hears and sees whom, and at which height")
      #expect(virtual.streams == wall.streams)
      // A machine on which either side waits for its turn tells nothing of times and rates.
      guard !wall.isStarved, servedLagMs(output.log) < 10 else {
        print("agreesWithVirtualTime: the machine is too busy to compare times and rates")
        return
      }
      for (a, b) in zip(virtual.connectMs, wall.connectMs) {
        #expect(abs(a - b) < 100, "connect time: \(a) ms in virtual time, \(b) ms in real time")
      }
      for (a, b) in zip(virtual.bytes, wall.bytes) {
        #expect(abs(a - b) < 0.1 * a, "\(a) bytes in virtual time, \(b) in real time")
      }
    }

    /// The p99 by which the server was late, as it says at its end.
    private func servedLagMs(_ log: String) -> Double {
      let words = log.split { $0 == " " || $0 == "\n" }
      let lag = words.lastIndex(of: "p99").map { words[$0 + 1] } ?? ""
      return (Double(lag) ?? 0) / 1_000
    }

    /// What a result says of everybody, in the order of the scenario.
    private struct People {
      var connectMs: [Double] = []
      var streams: [String] = []
      var bytes: [Double] = []
      /// By the figures that would make it inconclusive without `--max-lag`.
      var isStarved = false

      init(_ result: [String: Any]) throws {
        let harness = result["harness"] as? [String: Any] ?? [:]
        func mean(_ share: Any?) -> Double { (share as? [String: Any])?["mean"] as? Double ?? 0 }
        isStarved =
          (harness["lagP99Ms"] as? Double ?? 0) > 10 || (harness["lagMaxMs"] as? Double ?? 0) > 150
          || mean(harness["waited"]) > 0.05 || mean(harness["pressure"]) > 0.25
          || mean((harness["sfu"] as? [String: Any])?["waited"]) > 0.05
        let people = try #require(result["participants"] as? [[String: Any]])
        for person in people {
          let identity = person["identity"] as? String ?? ""
          connectMs.append(person["connectMs"] as? Double ?? -1)
          let inbound = (person["inbound"] as? [[String: Any]] ?? []).map { track in
            let height = track["frameHeight"] as? Int
            return (
              name: "\(identity) < \(track["peer"] ?? "") \(track["source"] ?? "") \(height ?? 0)",
              bytes: track["bytesReceived"] as? Double ?? 0
            )
          }.sorted { $0.name < $1.name }
          streams += inbound.map(\.name)
          bytes += inbound.map(\.bytes)
        }
      }
    }

    @Test func aHarnessThatIsLateProvesNothing() throws {
      let output = try run(Sample.passing, "--dev --max-lag 0")
      #expect(output.text.contains("run: 3"), "\(output.text)\(output.log)")
      #expect(output.text.contains("The harness could not keep up"))
      let result = try folder.json("out/passing-seed7-wall/result.json")
      #expect(result["verdict"] as? String == "inconclusive")
    }

    @Test func saysWhatAServedSFUHasNoHandleFor() throws {
      let scenario = Sample.passing.replacing(
        "expect:",
        with: "events:\n  - { at: 1s, sfu: all, set: { subscriberLimit: 1Mbps } }\nexpect:"
      )
      let open = try run(scenario, "--dev --max-lag 1000")
      #expect(open.text.contains("run: 3"), "\(open.text)\(open.log)")
      #expect(try folder.text("out/passing-seed7-wall/junit.xml").contains("errors=\"1\""))
      let output = try run(scenario + "unsupported: allowed\n", "--dev --max-lag 1000")
      #expect(output.text.contains("run: 0"), "\(output.text)\(output.log)")
      #expect(output.text.contains("UNSUPPORTED"))
      #expect(output.text.contains("needs a control that this SFU does not have: SFU: at most"))
      let result = try folder.json("out/passing-seed7-wall/result.json")
      #expect(result["verdict"] as? String == "unsupported")
    }

    @Test func tellsAWrongKeyFromAnSFUThatIsNotThere() throws {
      let keys = try folder.write("keys", "devkey: another\n")
      let refused = try run(Sample.passing, "--keys \(keys)")
      #expect(refused.text.contains("run: 2"))
      #expect(refused.log.contains("refuses the token (401"))
      #expect(!refused.log.contains("another"))
      let absent = try Assay.run(
        "run", "\(folder.path)/scenario.yaml", "--sfu", "ws://127.0.0.1:1", "--dev", "--wait", "1")
      #expect(absent.status == 5)
      #expect(absent.log.contains("was not ready within 1 s"))
      #expect(folder.list("out").isEmpty, "nothing was written")
    }

    @Test(
      arguments: [
        ("--clock wall", "assay serve --dev"),
        ("--sfu wss://sfu.example", "no TLS"),
        ("--sfu 127.0.0.1", "not a URL"),
        ("--sfu ftp://127.0.0.1", "neither ws nor http"),
        ("--sfu ws://127.0.0.1:7880 --clock virtual", "no virtual clock"),
        ("--sfu ws://127.0.0.1:7880", "no API key"),
        ("--sfu ws://127.0.0.1:7880 --dev --max-lag soon", "milliseconds"),
        ("--wait 3", "goes with --sfu"),
      ])
    func badTargetsHaveARemedy(flags: String, expected: String) throws {
      let file = try folder.write("scenario.yaml", Sample.passing)
      let output = try Assay.shell(
        "unset LIVEKIT_API_KEY LIVEKIT_API_SECRET; \"$ASSAY\" run \(file) \(flags)")
      #expect(output.status == 2)
      #expect(output.log.contains(expected), "\(output.log)")
    }
  }
}
