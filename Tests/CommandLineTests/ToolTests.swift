// The scripts of `tools`: what they say of scenarios and tests that were skipped.

import Foundation
import Testing

@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct Tools {
  @Test func determinismCountsWhatWasSkipped() throws {
    let folder = try Folder()
    _ = try folder.write("in/a.yaml", Sample.passing)
    _ = try folder.write("in/b.yaml", Sample.scenario("b") + "requires: [nowhere.up]\n")
    _ = try folder.write("in/c.yaml", Sample.scenario("c") + "tier: nightly\n")
    let output = try Assay.shell("ASSAY_BINARY=$ASSAY tools/determinism.sh \(folder.path)/in")
    #expect(output.status == 0, "\(output.text)\(output.log)")
    #expect(output.text.contains("– b  skipped: "))
    #expect(output.text.hasSuffix("determinism: 1 equal, 0 not, 1 skipped, 1 left out\n"))
    _ = try folder.write("in/d.yaml", "assay: 1\n")
    let broken = try Assay.shell("ASSAY_BINARY=$ASSAY tools/determinism.sh \(folder.path)/in")
    #expect(broken.status != 0, "no result is no pass")
    #expect(broken.text.contains("? d  no result"))
  }

  @Test func skippedTestsAreCountedByReason() throws {
    let folder = try Folder()
    let log = try folder.write(
      "tests.log",
      """
      ◇ Test a() started.
      ➜ Test b() skipped: "needs the shared folder (ASSAY_SHARED)"
      ➜ Test "c d" skipped: "needs the shared folder (ASSAY_SHARED)"
      ➜ Test e() skipped.
      ✔ Test run with 4 tests in 1 suite passed after 1.0 seconds.

      """)
    let gate = try folder.write(
      "gate.text", "✓ a  seed 1  pass     2 s in 1 s\n– b  seed 1  skipped  0 s in 0 s\n")
    let output = try Assay.shell(
      """
      . tools/prepare.sh
      { skipped_tests \(log); skipped_runs \(gate); } >\(folder.path)/skipped
      count_skipped \(folder.path)/skipped
      """)
    #expect(output.status == 0, "\(output.log)")
    #expect(output.text.contains("  2 × test: needs the shared folder (ASSAY_SHARED)"))
    #expect(output.text.contains("  1 × test: no reason given"))
    #expect(output.text.contains("  1 × gate: b"))
  }
}
