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

  @Test func tiersChoose() throws {
    let folder = try Folder()
    for tier in ["quick", "release", "nightly"] {
      _ = try folder.write("in/\(tier).yaml", Sample.scenario(tier) + "tier: \(tier)\n")
    }
    _ = try folder.write("in/untold.yaml", Sample.scenario("untold"))
    for (words, count) in [(["--tier", "quick"], 2), (["--tier", "release"], 3), ([], 4)] {
      let output = try Assay.run(
        ["gate", "\(folder.path)/in", "--out", "\(folder.path)/out"] + words)
      #expect(output.status == 0)
      #expect((try folder.json("out/result.json")["runs"] as? [Any])?.count == count)
    }
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

  /// A worker that is killed costs the gate a verdict, not its report.
  @Test func aWorkerThatIsKilled() throws {
    let folder = try Folder()
    _ = try folder.write("in/a.yaml", Sample.passing)
    _ = try folder.write("in/b.yaml", Sample.scenario("long", duration: "60min"))
    let gate = try Started(
      try #require(Assay.path), ["gate", "\(folder.path)/in", "--out", "\(folder.path)/out"],
      in: folder.path)
    var worker: Int32?
    while gate.isRunning, worker == nil {
      usleep(20_000)
      worker =
        folder.files(below: ".").lazy
        .compactMap { $0.components(separatedBy: "long-seed7.incomplete-").dropFirst().first }
        .compactMap { Int32($0) }.first
    }
    #expect(kill(try #require(worker), SIGKILL) == 0)
    let output = try gate.finish()
    #expect(output.status == 3, "\(output.text)\(output.log)")
    #expect(output.log.contains("again: ./assay run"))
    #expect(folder.list() == ["in", "out"])
    #expect(!folder.files(below: "out").contains { $0.contains("incomplete") })
    let long = try folder.json("out/long-seed7/result.json")
    #expect(long["partial"] as? String == "the run ended without a result")
  }

  /// Class and name of every test case.
  private func testCases(_ xml: String) throws -> [String] {
    xml.split(separator: "\n").filter { $0.contains("<testcase ") }.map {
      String($0[..<($0.range(of: " time=")?.lowerBound ?? $0.endIndex)])
    }
  }
}

/// What gates and files of expectations say, as a user sees it.
@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct GateVerdicts {
  private static let median =
    Sample.scenario(
      "median", expect: "metric: assay.connectTime, over: 1ms") + "acrossSeeds: median\n"

  /// Terminal, exit code, result.json, summary.md, junit.xml, HTML and OpenMetrics of one gate.
  @Test(
    arguments: [("over: 1ms", "pass", 0), ("under: 1ms", "fail", 1)] as [(String, String, Int32)])
  func sevenOutputsOfAGateAgree(_ limit: String, _ verdict: String, _ status: Int32) throws {
    let folder = try Folder()
    let text = Self.median.replacingOccurrences(of: "over: 1ms", with: limit)
    _ = try folder.write("in/m.yaml", text)
    let gate = try Assay.run(
      "gate", "\(folder.path)/in", "--seeds", "3", "--out", "\(folder.path)/out")
    #expect(gate.status == status, "\(gate.text)\(gate.log)")
    let counts = /[0-9]+ checks: [0-9]+ passed, [0-9]+ failed, [0-9]+ inconclusive, [0-9]+ skipped/
    let last = try #require(gate.text.split(separator: "\n").dropLast().last)
    let told = String(try #require(last.firstMatch(of: counts)).0)
    #expect(last.contains(verdict.uppercased()))
    #expect(last.contains("3 of 3 runs passed"))
    for name in ["summary.md", "index.html"] {
      let contents = try folder.text("out/\(name)")
      #expect(contents.contains(told), "\(name)")
      #expect(contents.contains(verdict))
    }
    let result = try folder.json("out/result.json")
    #expect(result["verdict"] as? String == verdict)
    #expect(result["exitCode"] as? Int == Int(status))
    let checks = try #require(result["checks"] as? [String: Int])
    #expect(
      told == "\(checks.values.reduce(0, +)) checks: \(checks["passed"]!) passed, "
        + "\(checks["failed"]!) failed, \(checks["inconclusive"]!) inconclusive, "
        + "\(checks["skipped"]!) skipped")
    let junit = try folder.text("out/junit.xml")
    #expect(junit.contains("failures=\"\(checks["failed"]!)\""))
    #expect(junit.contains("classname=\"median over 3 seeds\" name=\"e\""))
    let metrics = try Assay.run("report", "\(folder.path)/out", "--format", "openmetrics")
    #expect(metrics.status == 0, "\(metrics.log)")
    #expect(metrics.text.contains("assay_gate_verdict{assay_gate_verdict=\"\(verdict)\"} 1"))
    #expect(metrics.text.contains("assay_gate_checks{verdict=\"failed\"} \(checks["failed"]!)"))
    let run = try folder.json("out/median-seed7/result.json")
    #expect(run["verdict"] as? String == "pass", "a seed is evidence, in its own folder too")
    #expect((run["evidence"] as? [Any])?.count == 1)
  }

  private static let known = """
    expectations: 1
    known:
      - { id: e, scenario: failing, known-failure: true, reason: slow, expires: 2999-01-01 }

    """

  @Test func knownFailures() throws {
    let folder = try Folder()
    let failing = try folder.write("failing.yaml", Sample.failing)
    let known = try folder.write("known.yaml", Self.known)
    let out = ["--out", "\(folder.path)/out"]
    let accepted = try Assay.run(["run", failing, "--expectations", known] + out)
    #expect(accepted.status == 0, "\(accepted.text)\(accepted.log)")
    #expect(accepted.text.contains("expected failure"))
    let over = try folder.write(
      "over.yaml", Self.known.replacingOccurrences(of: "2999-01-01", with: "2001-01-01"))
    let late = try Assay.run(["run", failing, "--expectations", over] + out)
    #expect(late.status == 1)
    #expect(late.text.contains("--expectations"), "the command that repeats it has the file")
    let wrong = try folder.write(
      "wrong.yaml", Self.known.replacingOccurrences(of: "id: e,", with: "id: f,"))
    let unknown = try Assay.run(["run", failing, "--expectations", wrong] + out)
    #expect(unknown.status == 2 && unknown.log.contains("no expectation or rule"))
    _ = try folder.write(
      "in/failing.yaml", Sample.scenario("failing", expect: "metric: assay.connectTime, over: 1ms"))
    let passing = try Assay.run(["gate", "\(folder.path)/in", "--expectations", known] + out)
    #expect(passing.status == 1, "an expected failure that passes fails")
    #expect(try folder.text("out/junit.xml").contains("failures=\"1\""))
  }

  @Test func waivedRulesAreShown() throws {
    let folder = try Folder()
    let file = try folder.write(
      "w.yaml", Sample.passing + "rules: { nack-answered: { off: paced out } }\n")
    let output = try Assay.run("run", file, "--out", "\(folder.path)/out")
    #expect(output.status == 0, "\(output.text)\(output.log)")
    #expect(output.text.contains("1 waived"))
    #expect(try folder.text("out/passing-seed7/index.html").contains("Waived: paced out"))
  }

  @Test func gatesRunFromAnyFolder() throws {
    let folder = try Folder()
    let output = try Assay.run("list", "rfc8867", in: folder.path)
    #expect(output.status == 0, "\(output.log)")
    #expect(output.text.contains("6-3"))
    let gate = try Assay.run(
      ["gate", "adaptation", "--only", "nothing"], in: folder.path)
    #expect(gate.status == 4, "\(gate.log)")
    let wrong = try Assay.run(["gate", "rfc9999"], in: folder.path)
    #expect(wrong.status == 2 && wrong.log.contains("the profiles are"))
    #expect(folder.list().isEmpty)
  }
}

/// Names in scenarios reach neither a terminal nor a CI runner as they are.
@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct HostileNames {
  private static let name =
    "\"::error::owned\\e[31m\\n::error file=x::again ##[error]\\r\\u009b2J\""

  private func isHarmless(_ output: Assay.Output) -> Bool {
    let all = output.text + "\n" + output.log
    let isPlain = all.unicodeScalars.allSatisfy { scalar in
      scalar == "\n" || scalar == "\t"
        || scalar.value >= 0x20 && !(0x7F..<0xA0).contains(scalar.value)
    }
    let lines = all.split(separator: "\n").map { $0.drop { $0 == " " } }
    return isPlain && !all.contains("##[") && !lines.contains { $0.hasPrefix("::") }
  }

  @Test func everyTextOutputIsHarmless() throws {
    let folder = try Folder()
    let file = try folder.write("in/a.yaml", Sample.scenario(Self.name))
    _ = try folder.write(
      "in/b.yaml",
      Sample.scenario(Self.name, expect: "metric: assay.connectTime, under: 1ms")
        .replacingOccurrences(of: "seed: 7", with: "seed: 9"))
    for words in [
      ["validate", file], ["list", "\(folder.path)/in"], ["criteria", "\(folder.path)/in"],
      ["run", file, "--out", "\(folder.path)/out"],
      ["gate", "\(folder.path)/in", "--out", "\(folder.path)/gate"],
      ["calls", file, "--seeds", "2"],
    ] {
      let output = try Assay.run(words)
      #expect(isHarmless(output), "\(words[0]): \(output.text)\(output.log)")
    }
    let bad = try folder.write("bad.yaml", "assay: 1\n\"\\e[2J\\n::error::x\": 1\nduration: 1s\n")
    for words in [["validate", bad], ["run", bad]] {
      let output = try Assay.run(words)
      #expect(output.status == 2)
      #expect(isHarmless(output), "\(words[0]): \(output.log)")
    }
  }
}
