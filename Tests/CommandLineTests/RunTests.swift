// Runs from the command line: exit codes, what is printed, what is written, and how runs end early.

import Foundation
import Testing

@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct Runs {
  @Test func passes() throws {
    let folder = try Folder()
    let file = try folder.write("passing.yaml", Sample.passing)
    let output = try Assay.run("run", file, "--out", "\(folder.path)/out")
    #expect(output.status == 0, "\(output.text)\(output.log)")
    #expect(output.log.isEmpty)
    #expect(folder.list("out") == ["passing-seed7"])
    #expect(
      folder.list("out/passing-seed7")
        == ["index.html", "junit.xml", "result.json", "series.json", "summary.md"])
    let result = try folder.json("out/passing-seed7/result.json")
    #expect(result["schema"] as? String == "assay.result.v1")
    #expect(result["verdict"] as? String == "pass")
    #expect(result["exitCode"] as? Int == 0)
    #expect(result["seed"] as? Int == 7)
    #expect((result["packets"] as? Int ?? 0) > 100)
  }

  @Test func jsonIsAllThatIsPrinted() throws {
    let folder = try Folder()
    let file = try folder.write("passing.yaml", Sample.passing)
    let output = try Assay.run(
      "run", file, "--format", "json", "--seed", "18446744073709551615", "--out",
      "\(folder.path)/out")
    #expect(output.status == 0)
    let printed = try JSONSerialization.jsonObject(with: Data(output.text.utf8)) as? NSDictionary
    let written = try folder.json("out/passing-seed18446744073709551615/result.json")
    #expect(printed == written as NSDictionary)
  }

  @Test func failureNamesTheCommandThatRepeatsIt() throws {
    let folder = try Folder()
    let file = try folder.write("with space.yaml", Sample.failing)
    let output = try Assay.run("run", file, "--seed", "11", "--out", "\(folder.path)/one")
    #expect(output.status == 1)
    let line = try #require(output.text.split(separator: "\n").first { $0.contains("repeat: ") })
    let command = line.drop { $0 != "." }
    #expect(command.hasPrefix("./assay run "))
    let repeated = try Assay.shell(
      "\"$ASSAY\"" + command.dropFirst("./assay".count) + " --out \(folder.path)/two")
    #expect(repeated.status == 1)
    let hashes = try ["one", "two"].map {
      try folder.json("\($0)/failing-seed11/result.json")["traceHash"] as? String
    }
    #expect(hashes[0]?.count == 16)
    #expect(hashes[0] == hashes[1])
  }

  @Test func inconclusive() throws {
    let folder = try Folder()
    let file = try folder.write("unsure.yaml", Sample.inconclusive)
    let output = try Assay.run("run", file, "--out", "\(folder.path)/out")
    #expect(output.status == 3)
    #expect(try folder.json("out/unsure-seed7/result.json")["verdict"] as? String == "inconclusive")
  }

  /// What was there before is replaced as a whole, and nothing is left beside it.
  @Test func runsAgainIntoTheSameFolder() throws {
    let folder = try Folder()
    let file = try folder.write("passing.yaml", Sample.passing)
    _ = try folder.write("out/passing-seed7/old", "")
    #expect(try Assay.run("run", file, "--out", "\(folder.path)/out").status == 0)
    #expect(folder.list("out") == ["passing-seed7"])
    #expect(!folder.list("out/passing-seed7").contains("old"))
  }

  @Test func aNameIsNoPath() throws {
    let folder = try Folder()
    let file = try folder.write("a.yaml", Sample.scenario("../../up and away"))
    #expect(try Assay.run("run", file, "--out", "\(folder.path)/in/out").status == 0)
    #expect(folder.list() == ["a.yaml", "in"])
    #expect(folder.list("in") == ["out"])
    #expect(folder.list("in/out").count == 1)
  }

  @Test func reportDrawsAgain() throws {
    let folder = try Folder()
    let file = try folder.write("failing.yaml", Sample.failing)
    #expect(try Assay.run("run", file, "--out", "\(folder.path)/out").status == 1)
    let run = "\(folder.path)/out/failing-seed7"
    let before = try folder.text("out/failing-seed7/index.html")
    try FileManager.default.removeItem(atPath: "\(run)/index.html")
    #expect(try Assay.run("report", run).status == 0)
    #expect(try folder.text("out/failing-seed7/index.html") == before)
    let json = try Assay.run("report", run, "--format", "json")
    #expect(json.status == 0)
    #expect(try JSONSerialization.jsonObject(with: Data(json.text.utf8)) is NSDictionary)
    #expect(try Assay.run("report", run, "--format", "text").text.contains("failing"))
    #expect(try Assay.run("report", run, "--format", "openmetrics").text.hasSuffix("# EOF\n"))
  }

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
  func interrupted(_ row: (signal: Int32, status: Int32)) throws {
    let folder = try Folder()
    let file = try folder.write("long.yaml", Sample.scenario("long", duration: "60min"))
    let run = try Started(
      try #require(Assay.path), ["run", file, "--out", "\(folder.path)/out"], in: folder.path)
    // The staged folder shows that the handlers are in place and the run began.
    while folder.list("out").isEmpty, run.isRunning { usleep(20_000) }
    usleep(500_000)
    #expect(kill(run.id, row.signal) == 0)
    let output = try run.finish()
    #expect(output.status == row.status)
    #expect(folder.list("out") == ["long-seed7"])
    let result = try folder.json("out/long-seed7/result.json")
    #expect((result["partial"] as? String)?.contains("interrupted") == true)
    #expect(result["verdict"] as? String != "pass")
    for (name, word) in [
      ("index.html", "PARTIAL"), ("junit.xml", "PARTIAL"), ("summary.md", "partial"),
    ] {
      #expect(try folder.text("out/long-seed7/\(name)").contains(word))
    }
    #expect(try Assay.run("report", "\(folder.path)/out/long-seed7").status == 0)
    #expect(try folder.text("out/long-seed7/index.html").contains("PARTIAL"))
  }
}

@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct Gates {
  private func folder() throws -> Folder {
    let folder = try Folder()
    _ = try folder.write("in/a.yaml", Sample.passing)
    _ = try folder.write("in/b.yaml", Sample.failing)
    return folder
  }

  @Test func aFailureDecides() throws {
    let folder = try folder()
    let output = try Assay.run("gate", "\(folder.path)/in", "--out", "\(folder.path)/out")
    #expect(output.status == 1, "\(output.log)")
    #expect(output.log.contains("again: ./assay run"))
    #expect(
      folder.list("out")
        == [
          "failing-seed7", "index.html", "junit.xml", "passing-seed7", "result.json", "summary.md",
        ])
    let gate = try folder.json("out/result.json")
    #expect(gate["schema"] as? String == "assay.gate.v1")
    #expect(gate["verdict"] as? String == "fail")
    #expect(gate["exitCode"] as? Int == 1)
    let runs = try #require(gate["runs"] as? [[String: Any]])
    #expect(runs.map { $0["scenario"] as? String } == ["passing", "failing"])
    #expect(runs.map { $0["verdict"] as? String } == ["pass", "fail"])
    for run in runs {
      let one = try folder.json("out/\(try #require(run["result"] as? String))")
      #expect(one["traceHash"] as? String == run["traceHash"] as? String)
    }
    let names = try testCases(folder.text("out/junit.xml"))
    #expect(names.count > 2)
    #expect(Set(names).count == names.count)
    #expect(try Assay.run("report", "\(folder.path)/out").status == 0)
  }

  /// Three of one name, two seeds, two cells of a matrix: each run has a folder of its own.
  @Test func namesAreUnique() throws {
    let folder = try Folder()
    for name in ["a", "b", "c"] { _ = try folder.write("in/\(name).yaml", Sample.passing) }
    _ = try folder.write(
      "in/d.yaml", Sample.scenario("grid") + "matrix: { links.home.delay: [5ms, 9ms] }\n")
    let output = try Assay.run(
      "gate", "\(folder.path)/in", "--seeds", "2", "--format", "json", "--out",
      "\(folder.path)/out")
    #expect(output.status == 0, "\(output.text)\(output.log)")
    let gate = try JSONSerialization.jsonObject(with: Data(output.text.utf8)) as? [String: Any]
    let runs = try #require(gate?["runs"] as? [[String: Any]])
    #expect(runs.count == 10)
    #expect(Set(runs.compactMap { $0["result"] as? String }).count == 10)
    #expect(Set(runs.compactMap { $0["seed"] as? Int }) == [7, 8])
    let names = try testCases(folder.text("out/junit.xml"))
    #expect(Set(names).count == names.count)
  }

  @Test func interruptedGateIsNoPass() throws {
    let folder = try Folder()
    for name in ["a", "b", "c", "d", "e", "f"] {
      _ = try folder.write("in/\(name).yaml", Sample.scenario(name, duration: "60min"))
    }
    let gate = try Started(
      try #require(Assay.path), ["gate", "\(folder.path)/in", "--out", "\(folder.path)/out"],
      in: folder.path)
    while gate.isRunning,
      !folder.list().contains(where: { !folder.list($0).isEmpty && $0.contains("incomplete") })
    {
      usleep(20_000)
    }
    usleep(500_000)
    #expect(kill(gate.id, SIGTERM) == 0)
    let output = try gate.finish()
    #expect(output.status == 143)
    let result = try folder.json("out/result.json")
    #expect(result["verdict"] as? String == "inconclusive")
    #expect((result["runs"] as? [Any])?.count == 6)
    #expect(folder.list() == ["in", "out"])
    #expect(!folder.list("out").contains { $0.contains("incomplete") })
  }

  /// Class and name of every test case.
  private func testCases(_ xml: String) throws -> [String] {
    xml.split(separator: "\n").filter { $0.contains("<testcase ") }.map {
      String($0[..<($0.range(of: " time=")?.lowerBound ?? $0.endIndex)])
    }
  }
}
