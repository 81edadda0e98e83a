// Runs in real time that are disturbed: whose fault a freeze is.

import Foundation
import Testing

extension ServedTests {
  @Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct StallTests {
    let folder = try! Folder()

    /// Nobody's link loses or delays anything, so that a freeze has another cause.
    private static let scenario = """
      assay: 1
      name: watch
      seed: 7
      duration: 12s
      links:
        home: { rate: 10Mbps, delay: 5ms }
      participants:
        ada: { link: home, publish: [microphone, camera], \
      camera: { layers: [{ height: 180p, fps: 15fps, bitrate: 120kbps }] } }
        grace: { link: home, publish: [microphone] }
      expect:
        - { id: smooth, of: grace, from: ada, metric: freezeCount, stat: last, equals: 0 }

      """

    /// Waits until the server sends all three tracks, and three seconds more: media is on its way then.
    private static let underWay = """
      for i in $(seq 100); do
        get /metrics | grep -q 'assay_streams{direction="sent"} [3-9]' && break
        sleep 0.2
      done
      sleep 3
      """

    /// What a run said, and what it ran on.
    private struct Ran {
      var verdict: String
      var exit: Int
      /// Of the expectation.
      var smooth: String
      /// Why nothing was proven, or that it was.
      var reason: String
      /// Whether the harness's check was inconclusive.
      var isStarved: Bool
      var harness: [String: Any]

      func share(_ name: String, of part: [String: Any]? = nil) -> Double {
        ((part ?? harness)[name] as? [String: Any])?["mean"] as? Double ?? 0
      }
      var longestStallMs: Double { harness["lagMaxMs"] as? Double ?? 0 }
    }

    /// Runs the scenario against a server of its own, while `disturbance` does something to `$run`, `$pid`
    /// (the server) or the machine; looks at every output.
    private func run(_ disturbance: String, _ flags: String = "") throws -> Ran {
      let file = try folder.write("scenario.yaml", StallTests.scenario)
      let output = try Assay.serving(
        "--dev",
        """
        "$ASSAY" run \(file) --sfu ws://127.0.0.1:$port --dev --out \(folder.path)/out \(flags) &
        run=$!
        \(disturbance)
        wait $run
        echo "run: $?"
        kill -KILL $loops 2>/dev/null
        """)
      let out = "out/watch-seed7-wall"
      let result = try folder.json("\(out)/result.json")
      let verdict = try #require(result["verdict"] as? String, "\(output.text)\(output.log)")
      let exit = try #require(result["exitCode"] as? Int)
      let word = try #require(output.text.firstMatch(of: /([A-Z]+)  watch  seed 7/)).1
      let checks = try #require(result["assertions"] as? [[String: Any]])
      let harness = try #require(checks.last)
      #expect(harness["id"] as? String == "harness")
      let reason = harness["reason"] as? String ?? ""
      // One verdict in every output, and the reason with it.
      #expect(output.text.contains("run: \(exit)\n"), "\(output.text)\(output.log)")
      #expect(word.lowercased() == verdict)
      let metrics = try Assay.run(
        "report", "\(folder.path)/\(out)", "--format", "openmetrics")
      #expect(metrics.text.contains("assay_verdict=\"\(verdict)\"} 1\n"))
      let isStarved = harness["verdict"] as? String == "inconclusive"
      #expect(!isStarved || verdict == "inconclusive")
      let junit = try folder.text("\(out)/junit.xml")
      #expect(junit.contains("failures=\"0\"") == (verdict != "fail"))
      if isStarved {
        let figures = try #require(
          reason.split(separator: "(").dropFirst().first?.split(separator: ",").first)
        for text in [
          output.text, junit, try folder.text("\(out)/summary.md"),
          try folder.text("\(out)/index.html"),
        ] { #expect(text.contains(figures), "\(figures) in \(text.prefix(2_000))") }
      }
      print("StallTests: \(verdict): \(reason)")
      return Ran(
        verdict: verdict, exit: exit,
        smooth: checks.first { $0["id"] as? String == "smooth" }?["verdict"] as? String ?? "",
        reason: reason, isStarved: isStarved,
        harness: try #require(result["harness"] as? [String: Any]))
    }

    /// A machine that others keep busy proves nothing, which is what the run said already.
    private func cancelIfStarved(_ ran: Ran) throws {
      guard ran.isStarved else { return }
      #expect(ran.exit == 3)
      try Test.cancel("the machine was too busy: \(ran.reason)")
    }

    @Test func undisturbedItPasses() throws {
      let ran = try run("")
      let sfu = try #require(ran.harness["sfu"] as? [String: Any], "found by its port")
      #expect((sfu["processes"] as? [Int])?.count == 1)
      #expect((sfu["processorShare"] as? Double ?? 0) > 0)
      #expect(ran.harness["isSFULocal"] as? Bool == true)
      try cancelIfStarved(ran)
      #expect(ran.verdict == "pass" && ran.exit == 0, "\(ran.reason)")
    }

    @Test func aStoppedHarnessProvesNothing() throws {
      let ran = try run(
        "\(StallTests.underWay)\nkill -STOP $run; sleep 2; kill -CONT $run")
      #expect(ran.verdict == "inconclusive" && ran.exit == 3)
      #expect(ran.smooth != "fail")
      #expect(ran.longestStallMs > 1_800, "a stall of 2 s is no sample among others")
      #expect((ran.harness["missedMs"] as? Double ?? 0) > 1_800)
      #expect(ran.reason.contains("longest stall"))
    }

    @Test func aStoppedSFUFails() throws {
      let ran = try run(
        "\(StallTests.underWay)\nkill -STOP $pid; sleep 2; kill -CONT $pid", "--sfu-pid $pid")
      try cancelIfStarved(ran)
      #expect(ran.verdict == "fail" && ran.exit == 1, "\(ran.reason)")
      #expect(ran.smooth == "fail")
    }

    /// Busy loops on every core: beside one alone, who needs a twentieth of a core gets it in time. The
    /// loops end by SIGKILL or by themselves: whatever a test runner starts may have inherited a mask that
    /// blocks SIGTERM.
    @Test func aStarvedMachineProvesNothing() throws {
      let ran = try run(
        """
        end=$((SECONDS + 60))
        for i in $(seq $((8 * $(nproc)))); do
          (while [ $SECONDS -lt $end ]; do :; done) & loops="$loops $!"
        done
        """)
      #expect(ran.verdict == "inconclusive" && ran.exit == 3, "\(ran.harness)")
      #expect(ran.share("waited") > 0 || ran.share("pressure") > 0)
      #expect(ran.isStarved && ran.reason.contains("waited"), "\(ran.reason)")
    }

    @Test(arguments: [
      ("--sfu ws://127.0.0.1:7880 --dev --sfu-pid 2147483647", "no such process"),
      ("--sfu ws://127.0.0.1:7880 --dev --sfu-pid me", "whole number"),
      ("--sfu-pid 1", "goes with --sfu"),
      ("--sfu ws://127.0.0.1:1 --sfu ws://127.0.0.1:2 --dev --sfu-pid 1", "one --sfu"),
    ])
    func badProcessesHaveARemedy(flags: String, expected: String) throws {
      let file = try folder.write("scenario.yaml", StallTests.scenario)
      let output = try Assay.shell("\"$ASSAY\" run \(file) \(flags)")
      #expect(output.status == 2)
      #expect(output.log.contains(expected), "\(output.log)")
    }
  }
}
