// The test page and the network of `assay serve`, asked for without a browser.

import Foundation
import Testing

@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct PageTests {
  private static let ask = """
    ask() {
      exec 5<>/dev/tcp/127.0.0.1/$port
      printf '%s %s HTTP/1.1\\r\\nHost: a\\r\\nAccept: %s\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \
        "$1" "$2" "$3" ${#4} "$4" >&5
      cat <&5
      echo
    }

    """

  /// Every file of the page, as the sources have it, under a policy that lets nothing else run.
  @Test func everyFileOfThePageIsServed() throws {
    let folder = "\(Assay.root)/Sources/assay/Page"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(names.count > 10)
    let targets = names.map { $0 == "index.html" ? "/" : "/page/\($0)" }
    let output = try Assay.serving(
      "--dev", PageTests.ask + targets.map { "ask GET \($0) text/html\n" }.joined())
    for name in names {
      let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
      #expect(output.text.contains(text), "\(name) is not as in the sources")
    }
    let answers = output.text.components(separatedBy: "HTTP/1.1 200 OK").count - 1
    let policies = output.text.components(separatedBy: "script-src 'self'").count - 1
    #expect(answers == names.count && policies == names.count)
    #expect(!output.text.contains("unsafe-inline"))
  }

  @Test func whoReadsNoHTMLIsToldWhetherTheServerIsWell() throws {
    let output = try Assay.serving(
      "--dev",
      PageTests.ask + "ask GET / '*/*'; ask GET /page/none.js text/html; ask GET /network '*/*'\n")
    #expect(output.text.contains("\r\n\r\nOK"))
    #expect(output.text.contains("404 Not Found") && output.text.contains("204 No Content"))
  }

  @Test func theNetworkSaysWhatIsWrongWithAWish() throws {
    let folder = try Folder()
    let file = try folder.write("net.yaml", "links: { home: {} }\n")
    let output = try Assay.serving(
      "--dev --network \(file)",
      PageTests.ask
        + """
        ask POST /network '*/*' '{"identity": "ada", "link": "lte"}'
        ask POST /network '*/*' '{"identity": "ada", "link": "ltee"}'
        ask DELETE /network '*/*'

        """)
    #expect(output.text.contains("404 Not Found") && output.text.contains("nobody of this"))
    #expect(output.text.contains("400 Bad Request") && output.text.contains("did you mean 'lte'"))
    #expect(output.text.contains("405 Method Not Allowed"))
  }

  @Test(arguments: [
    ("--dev --for ada", "--for IDENTITY needs --network"),
    ("--dev --network /nowhere.yaml", "there is no file '/nowhere.yaml'"),
    ("--dev --network <(echo 'links: {}')", "name the scenario file itself"),
    ("--dev --network Package.swift", "Package.swift:"),
  ])
  func badUseHasARemedy(words: String, remedy: String) throws {
    let output = try Assay.shell("exec \"$ASSAY\" serve --port 0 --udp-port 0 \(words)")
    #expect(output.status == 2)
    #expect(output.log.contains(remedy), "\(output.log)")
    #expect(output.text.isEmpty)
  }
}
