// `assay run --sfu whip:…`: the bots at WHIP and WHEP endpoints, of aiortc and of `assay serve`.

import Foundation
import TestKit
import Testing

private let hasAIORTC = Python.has("aiohttp, aiortc, av, numpy")

extension ServedTests {
  @Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct WHIPTargetTests {
    let folder = try! Folder()

    private func lecture(camera: String = "", viewers: String = "ben: { link: home }") -> String {
      """
      assay: 1
      name: lecture
      duration: 6s
      unsupported: allowed
      links: { home: { use: fibre } }
      participants:
        ada:
          link: home
          publish: [camera, microphone]
          subscribe: none
          talk: always
      \(camera.isEmpty ? "" : "    camera: \(camera)")
        \(viewers)
      expect:
        - { id: in, of: all, metric: assay.joined, stat: last, equals: 1 }
        - { id: moves, of: ben, metric: framesPerSecond, stat: mean, over: 10, window: 3s..6s }
        - { id: word, of: ben, metric: assay.connectionQuality, stat: last, atLeast: 1 }

      """
    }

    /// What its server does with real pictures, which only its own decoder vouches for.
    @Test(.enabled(if: hasAIORTC, "Python's aiortc is not installed"))
    func anotherServer() throws {
      let camera = "{ encoder: libvpx, layers: [{ height: 180p, fps: 15fps, bitrate: 200kbps }] }"
      let file = try folder.write("lecture.yaml", lecture(camera: camera))
      let output = try Assay.shell(
        """
        coproc server {
          timeout -k 5 60 "$ASSAY_PYTHON" -W ignore \(Assay.root)/Tests/Peers/whip_server.py 20
        }
        read -r port <&${server[0]}
        url="whip:http://127.0.0.1:$port/{identity}/whip,/{identity}/whep"
        "$ASSAY" run \(file) --sfu "$url" --max-lag 1000 --out \(folder.path)/none
        echo "without a token: $?"
        "$ASSAY" run \(file) --sfu "$url" --dev --max-lag 1000 --out \(folder.path)/out
        echo "run: $?"
        cat <&${server[0]}
        """)
      #expect(output.text.contains("without a token: 1"), "\(output.text)\(output.log)")
      #expect(output.text.contains("run: 0"), "\(output.text)\(output.log)")
      #expect(output.text.contains("deleted [('ada', 'whep'), ('ada', 'whip')]"), "\(output.text)")
      let decoded = output.text.split(separator: "\n").first {
        $0.hasPrefix("decoded of ada video")
      }
      let frames = decoded.flatMap {
        Int($0.drop { $0 != "{" }.dropFirst(6).prefix { $0.isNumber })
      }
      #expect((frames ?? 0) > 50, "\(output.text)")
      let result = try folder.json("out/lecture-seed1-wall/result.json")
      let verdicts = try #require(result["assertions"] as? [[String: Any]])
      let word = verdicts.first { $0["id"] as? String == "word" }
      #expect(word?["verdict"] as? String == "unsupported", "no word about connections in WHEP")
    }

    @Test func ours() throws {
      let file = try folder.write("lecture.yaml", lecture())
      let output = try Assay.serving(
        "--dev",
        """
        "$ASSAY" run \(file) --dev --max-lag 1000 --out \(folder.path)/out \
          --sfu "whip:http://127.0.0.1:$port/whip/v1,/whep/v1?publisher={identity}"
        echo "run: $?"
        """)
      #expect(output.text.contains("run: 0"), "\(output.text)\(output.log)")
    }

    /// A session plays one stream, so that two are more than a player can be asked about.
    @Test func twoPublishersAreUnsupported() throws {
      let crowd = "ben: { link: home }\n  cleo: { link: home, publish: [microphone] }"
      let file = try folder.write("crowd.yaml", lecture(viewers: crowd))
      let output = try Assay.serving(
        "--dev",
        """
        "$ASSAY" run \(file) --dev --max-lag 1000 --out \(folder.path)/out \
          --sfu "whip:http://127.0.0.1:$port/whip/v1,/whep/v1?publisher={identity}"
        """)
      #expect(output.text.contains("ben would watch 2 people"), "\(output.text)\(output.log)")
    }

    @Test(arguments: [
      ("whip:ws://127.0.0.1:1/whip,/whep", "WHIP is spoken over HTTP"),
      ("whip:http://127.0.0.1:1", "give both endpoints"),
      ("whip:http://127.0.0.1:1/whip,http://else/whep", "the second on the same server"),
    ]) func badTargets(url: String, reason: String) throws {
      let file = try folder.write("lecture.yaml", lecture())
      let output = try Assay.shell(#""$ASSAY" run \#(file) --sfu "\#(url)"; echo "run: $?""#)
      #expect(output.text.contains("run: 2"), "\(output.text)")
      #expect(output.log.contains(reason), "\(output.log)")
    }
  }
}
