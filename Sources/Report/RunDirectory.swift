// The files of a run directory and of a gate's: the truth as JSON, and every report drawn from it.

import Basics
import Results

public enum RunDirectory {
  public struct File: Sendable, Equatable {
    /// Relative to the directory.
    public var name: String
    public var contents: String

    public init(name: String, contents: String) {
      self.name = name
      self.contents = contents
    }
  }

  /// What a directory of either kind keeps its truth in; `schema` tells which kind it is.
  public static let resultName = "result.json"
  public static let seriesName = "series.json"

  /// result.json, series.json and the reports of one run.
  public static func files(of run: RunResult) -> [File] {
    [
      File(name: resultName, contents: run.json.text(indented: true) + "\n"),
      File(name: seriesName, contents: run.seriesJSON.text() + "\n"),
      File(name: "index.html", contents: HTMLReport.render(run)),
      File(name: "junit.xml", contents: JUnitReport.render([run])),
      File(name: "summary.md", contents: MarkdownReport.render(run)),
    ]
  }

  /// result.json and the reports of a gate; `runs` are in the order of `gate.runs`.
  public static func files(of gate: GateResult, runs: [RunResult]) -> [File] {
    [
      File(name: resultName, contents: gate.json.text(indented: true) + "\n"),
      File(name: "index.html", contents: GatePage.render(gate, runs)),
      File(name: "junit.xml", contents: JUnitReport.render(gate, runs)),
      File(name: "summary.md", contents: MarkdownReport.render(gate, runs)),
    ]
  }

  /// result.json and the reports of an exploration.
  public static func files(of result: ExplorationResult) -> [File] {
    [
      File(name: resultName, contents: result.json.text(indented: true) + "\n"),
      File(name: "index.html", contents: ExplorationPage.render(result)),
      File(name: "summary.md", contents: TextSummary.render(result)),
    ]
  }
}
