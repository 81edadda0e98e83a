// The test page in headless Chromium, driven by Playwright: the scripts are in `Tests/Browser`.

import Foundation
import TestKit
import Testing

private let hasChromium =
  Python.has("playwright.async_api")
  && (try? Assay.shell("command -v chromium || command -v chromium-browser"))?.status == 0

extension ServedTests {
  @Suite(
    .enabled(if: Assay.path != nil, "the executable was not built"),
    .enabled(if: hasChromium, "Chromium or Python's playwright is not installed"),
    .serialized)
  struct BrowserTests {
    /// What `script` printed, given the address of a server of its own.
    private func run(_ script: String, serving flags: String = "--dev") throws -> Assay.Output {
      try Assay.serving(
        flags, "timeout 100 \"$ASSAY_PYTHON\" Tests/Browser/\(script) http://127.0.0.1:$port")
    }

    @Test func twoPeopleMeet() throws {
      let folder = try Folder()
      let output = try run("meeting.py", serving: "--dev --pcap \(folder.path)")
      #expect(output.text.contains("\nMET\n"), "\(output.text)\(output.log)")
      try CapturedTraffic(folder, of: "chromium", on: output).check(mediaAtLeast: 1_000)
      try judge(output)
    }

    @Test func theLayerFollowsTheSizeOfATile() throws {
      let output = try run("layers.py")
      let isJudged = output.text.contains("\nFOLLOWED\n")
      #expect(isJudged || output.text.contains("INCONCLUSIVE"), "\(output.text)\(output.log)")
      try judge(output)
    }

    @Test func aNetworkIsChosenOnThePage() throws {
      let folder = try Folder()
      let file = try folder.write("net.yaml", "links: { home: { use: fibre } }\n")
      let output = try run("network.py", serving: "--dev --network \(file)")
      #expect(output.text.contains("\nCHOSEN\n"), "\(output.text)\(output.log)")
      try judge(output)
    }

    @Test func aNarrowDownlinkHasALowerLayer() throws {
      let folder = try Folder()
      let file = try folder.write(
        "net.yaml",
        """
        links:
          home: { use: fibre }
          narrow: { rate: 400kbps, delay: 20ms }

        """)
      let output = try run("capped.py", serving: "--dev --network \(file)")
      #expect(
        output.text.contains("\nADAPTED\n") || output.text.contains("INCONCLUSIVE"),
        "\(output.text)\(output.log)")
      try judge(output)
    }

    /// What a machine was too busy to tell is no pass.
    private func judge(_ output: Assay.Output) throws {
      if let line = output.text.split(separator: "\n").first(where: { $0.contains("INCONCLUSIVE") })
      {
        try Test.cancel("\(line)")
      }
    }
  }
}
