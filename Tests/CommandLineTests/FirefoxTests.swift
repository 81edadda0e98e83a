// Headless Firefox ESR, driven by Marionette: the script is `Tests/Browser/firefox.py`.

import Foundation
import TestKit
import Testing

private let hasFirefox =
  Python.has("marionette_driver")
  && (try? Assay.shell("command -v firefox-esr || command -v firefox"))?.status == 0

extension ServedTests {
  @Suite(
    .enabled(if: Assay.path != nil, "the executable was not built"),
    .enabled(if: hasFirefox, "Firefox or Python's marionette_driver is not installed"),
    .serialized)
  struct FirefoxTests {
    /// It takes the answers to its offers; where it has a candidate on loopback, two meet over the page
    /// and three layers are published over WHIP.
    @Test func firefoxReadsItsAnswers() throws {
      let output = try Assay.serving(
        "--dev",
        "timeout 400 \"$ASSAY_PYTHON\" Tests/Browser/firefox.py http://127.0.0.1:$port")
      #expect(output.text.contains("\nREAD\n"), "\(output.text)\(output.log)")
      if let line = output.text.split(separator: "\n").first(where: { $0.contains("INCONCLUSIVE") })
      {
        try Test.cancel("\(line)")
      }
      #expect(output.text.contains("\nMET\n"), "\(output.text)\(output.log)")
    }
  }
}
