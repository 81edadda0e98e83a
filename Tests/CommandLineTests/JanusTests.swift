// The same scenario against Janus, as Debian has it, and against `assay serve`, in one report.

import Foundation
import Testing

extension ServedTests {
  @Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct JanusTests {
    /// Janus finds no candidate on loopback alone, so that all of it runs in a network namespace with an
    /// address of its own.
    static let namespace: String? = ["unshare -n", "unshare -rn"].first {
      (try? Assay.shell("\($0) ip link add near type veth peer name far"))?.status == 0
    }
    static let hasJanus = (try? Assay.shell("command -v janus"))?.status == 0

    private let scenario = """
      assay: 1
      name: five
      duration: 7s
      links:
        home: { use: fibre }
        cable: { rate: 20Mbps, delay: 25ms }
      participants:
        ada: { link: home, publish: [camera, microphone], talk: always }
        ben: { link: cable, publish: [camera, microphone], talk: never }
        cleo: { link: home, publish: [camera, microphone], talk: never, view: { others: 180p } }
        dan: { link: cable, publish: [microphone], talk: never }
        eve: { link: home }
      expect:
        - { id: in, of: all, metric: assay.joined, stat: last, equals: 1 }
        - { id: small, of: cleo, metric: frameHeight, stat: last, equals: 180p }
        - { id: large, of: eve, metric: frameHeight, stat: last, equals: 720p }
        - { id: word, of: eve, metric: assay.connectionQuality, stat: last, atLeast: 1 }

      """

    @Test(
      .enabled(if: hasJanus, "Janus is not installed"),
      .enabled(if: namespace != nil, "no network namespace may be made here"))
    func runsAgainstJanusAndOurs() throws {
      let folder = try Folder()
      _ = try folder.write("five.yaml", scenario)
      _ = try folder.write(
        "janus/janus.jcfg",
        """
        general: { configs_folder = "\(folder.path)/janus", debug_level = 3 }
        transports: { disable = "libjanus_http.so,libjanus_pfunix.so" }
        """)
      _ = try folder.write(
        "janus/janus.transport.websockets.jcfg", "general: { ws = true, ws_port = 8188 }")
      let output = try Assay.shell(
        """
        cd \(folder.path)
        cat >script <<'END'
        ip link set lo up
        ip link add near type veth peer name far
        ip address add 10.99.0.1/24 dev near
        ip link set near up && ip link set far up
        janus -F janus >janus.log 2>&1 & janus=$!
        "$ASSAY" serve --dev >serve.log 2>&1 & serve=$!
        "$ASSAY" run five.yaml --sfu janus:ws://10.99.0.1:8188 --sfu ws://127.0.0.1:7880 --dev \
          --max-lag 1000 --out out
        kill -TERM $serve
        # A test runner's children may be deaf to SIGTERM, and Janus leaves it at that.
        kill -KILL $janus
        wait
        END
        \(JanusTests.namespace ?? "") bash script
        """)
      let gate = try folder.json("out/five-seed1-side-by-side/result.json")
      let runs = try #require(gate["runs"] as? [[String: Any]], "\(output.log)")
      #expect(
        runs.map { $0["target"] as? String } == [
          "janus:ws://10.99.0.1:8188", "ws://127.0.0.1:7880",
        ])
      for (name, quality) in [("1-janus", "unsupported"), ("2-livekit", "pass")] {
        let result = try folder.json("out/five-seed1-side-by-side/\(name)/result.json")
        let people = try #require(result["participants"] as? [[String: Any]])
        #expect(people.count == 5 && people.allSatisfy { $0["joined"] as? Bool == true }, "\(name)")
        let streams = people.flatMap { $0["inbound"] as? [[String: Any]] ?? [] }
        #expect(
          streams.count == 28, "three cameras and four voices, to each of the others: \(name)")
        #expect(streams.allSatisfy { $0["packetsReceived"] as? Int ?? 0 > 0 }, "\(name)")
        #expect(streams.allSatisfy { $0["assay.decodeErrors"] as? Int ?? 0 == 0 }, "\(name)")
        let assertions = try #require(result["assertions"] as? [[String: Any]])
        let verdicts = assertions.prefix(4).map { $0["verdict"] as? String ?? "" }
        #expect(verdicts == ["pass", "pass", "pass", quality], "\(name): \(output.text)")
      }
      let page = try folder.text("out/five-seed1-side-by-side/index.html")
      #expect(page.contains("Side by side"))
      #expect(output.text.contains("○ unsupported"))
    }
  }
}
