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
      let output = try run("meeting.py")
      #expect(output.text.contains("\nMET\n"), "\(output.text)\(output.log)")
      note(output)
    }

    @Test func theLayerFollowsTheSizeOfATile() throws {
      let output = try run("layers.py")
      let isJudged = output.text.contains("\nFOLLOWED\n")
      #expect(isJudged || output.text.contains("INCONCLUSIVE"), "\(output.text)\(output.log)")
      note(output)
    }

    @Test func aNetworkIsChosenOnThePage() throws {
      let folder = try Folder()
      let file = try folder.write("net.yaml", "links: { home: { use: fibre } }\n")
      let output = try run("network.py", serving: "--dev --network \(file)")
      #expect(output.text.contains("\nCHOSEN\n"), "\(output.text)\(output.log)")
      note(output)
    }

    /// What a machine was too busy to tell is said, and not taken for a pass.
    private func note(_ output: Assay.Output) {
      for line in output.text.split(separator: "\n") where line.contains("INCONCLUSIVE") {
        FileHandle.standardError.write(Data("inconclusive: \(line)\n".utf8))
      }
    }
  }
}
