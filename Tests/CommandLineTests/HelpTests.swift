// What the command line says of itself, and to those who mistype.

import Foundation
import Testing

private let verbs = [
  "run", "gate", "validate", "report", "list", "criteria", "bench", "schema", "doctor", "init",
]

@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct Help {
  @Test func namesEveryVerb() throws {
    let output = try Assay.run("--help")
    #expect(output.status == 0)
    #expect(output.log.isEmpty)
    for verb in verbs { #expect(output.text.contains("\n  \(verb) ")) }
    #expect(!output.text.contains("worker"))
    #expect(try Assay.run("help").text == output.text)
  }

  @Test(arguments: verbs) func ofEachVerb(_ verb: String) throws {
    let output = try Assay.run(verb, "--help")
    #expect(output.status == 0)
    #expect(output.log.isEmpty)
    #expect(output.text.contains("Usage: assay \(verb)"))
  }

  @Test func withoutWords() throws {
    let output = try Assay.run()
    #expect(output.status == 2)
    #expect(output.text.isEmpty)
    #expect(output.log.contains("Usage: assay VERB"))
  }

  @Test(
    arguments: [
      (["rnu"], "did you mean 'run'?"), (["validat", "x"], "did you mean 'validate'?"),
      (["frobnicate"], "no verb 'frobnicate'"),
      (["run", "x.yaml", "--sed", "3"], "did you mean '--seed'?"),
      (["run", "x.yaml", "--seed"], "--seed needs a value"),
      (["run", "x.yaml", "--out="], "--out needs a value"),
      (["run", "x.yaml", "--out", ""], "--out needs a value"),
      (["run", "x.yaml", "--seed", "three"], "a whole number"),
      (["run", "x.yaml", "--seed=-1"], "a whole number"),
      (["run", "x.yaml", "--seeds", "0"], "at least 1"),
      (["run", "x.yaml", "--pcap=yes"], "--pcap takes no value"),
      (["run", "x.yaml", "--format", "xml"], "text, json"),
      (["run"], "name a scenario file"), (["run", "no-such.yaml"], "no such file"),
      (["gate", "a", "b"], "one folder at a time"),
      (["report", "/"], "result.json: cannot be read"),
      (["bench", "hall"], "there is no bench 'hall'"),
    ] as [([String], String)])
  func badUse(_ row: (words: [String], says: String)) throws {
    let output = try Assay.run(row.words)
    #expect(output.status == 2)
    #expect(output.text.isEmpty)
    #expect(output.log.contains(row.says), "\(output.log)")
    #expect(output.log.contains("Try: assay"))
  }
}

@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct SmallVerbs {
  @Test func validate() throws {
    let folder = try Folder()
    let good = try folder.write("good.yaml", Sample.passing)
    let output = try Assay.run("validate", good)
    #expect(output.status == 0)
    #expect(output.text.hasPrefix("\(good): passing is valid\n  link home: 10 Mbps, 5 ms"))
    #expect(try Assay.run("validate", "scenarios").status == 0)
    #expect(folder.list() == ["good.yaml"])
  }

  @Test func validateGoesOnThroughFilesAndMistakes() throws {
    let folder = try Folder()
    _ = try folder.write("a.yaml", "assay: 1\nname: a\nduration: 20\nlinks: { b: { los: 1% } }\n")
    let good = try folder.write("b.yaml", Sample.passing)
    _ = try folder.write("c.yaml", "assay: 2\n")
    let output = try Assay.run("validate", folder.path)
    #expect(output.status == 2)
    #expect(output.text.contains("\(good): passing is valid"))
    for place in ["a.yaml:3:", "a.yaml:4:", "c.yaml:1:"] {
      #expect(output.log.contains(place), "\(place) in \(output.log)")
    }
    #expect(output.log.contains("2 of 3 files have mistakes"))
  }

  @Test func tracesOfCells() throws {
    let folder = try Folder()
    #expect(try Assay.run("traces", "cell").text.contains("lte-narrow-up"))
    let file = "\(folder.path)/a.up"
    let words = ["traces", "cell", file, "--profile", "lte-narrow-up", "--seconds", "20"]
    #expect(try Assay.run(words).status == 0)
    let first = try folder.text("a.up")
    #expect(first.split(separator: "\n").count > 100)
    #expect(try Assay.run(words).status == 0)
    #expect(try folder.text("a.up") == first)
    #expect(try Assay.run("traces", "cell", file).status == 2)
    #expect(try Assay.run("traces", "elsewhere").status == 2)
  }

  /// The shipped traces are what the generator makes, so that nobody has to take them on trust.
  @Test(arguments: [
    ("lte-narrow.up", "lte-narrow-up", 120), ("lte-narrow.down", "lte-narrow-down", 120),
    ("lte-wide.up", "lte-wide-up", 60), ("lte-wide.down", "lte-wide-down", 60),
  ])
  func shippedTracesAreMade(_ name: String, _ profile: String, _ seconds: Int) throws {
    let folder = try Folder()
    let output = try Assay.run(
      "traces", "cell", "\(folder.path)/t", "--profile", profile, "--seed", "6", "--seconds",
      "\(seconds)")
    #expect(output.status == 0, "\(output.log)")
    let shipped = try String(
      contentsOfFile: "\(Assay.root)/scenarios/traces/\(name)", encoding: .utf8)
    #expect(try folder.text("t") == shipped)
  }

  @Test func errorsOfFilesAreWords() throws {
    let folder = try Folder()
    let file = try folder.write("passing.yaml", Sample.passing)
    let broken = try folder.write("run/result.json", "{}")
    for (words, says) in [
      (["report", "\(folder.path)/nowhere"], "No such file or directory"),
      (["report", (broken as NSString).deletingLastPathComponent], "not a result of Assay"),
      (["run", file, "--out", "/proc/x"], "No such file or directory"),
      (["init", "/proc/x/s.yaml"], "No such file or directory"),
    ] {
      let output = try Assay.run(words)
      #expect(output.status == 2)
      #expect(output.log.contains(says), "\(output.log)")
      for raw in ["NSError", "Domain", "Code=", "NSFilePath"] {
        #expect(!output.log.contains(raw), "\(output.log)")
      }
    }
  }

  @Test func tooFewCallsAreNoVerdict() throws {
    let folder = try Folder()
    let file = try folder.write("passing.yaml", Sample.passing)
    let few = try Assay.run("calls", file, "--seeds", "5")
    #expect(few.status == 3, "\(few.text)\(few.log)")
    #expect(few.text.contains("? passing: 5 of 5 calls succeeded"))
    #expect(few.text.contains("too few calls to say") && few.text.contains("--seeds "))
    #expect(try Assay.run("calls", file, "--seeds", "5", "--over", "30%").status == 0)
  }

  @Test func validateNothing() throws {
    let folder = try Folder()
    #expect(try Assay.run("validate", folder.path).status == 4)
  }

  @Test func list() throws {
    let output = try Assay.run("list")
    #expect(output.status == 0)
    #expect(output.text.contains("quickstart"))
    #expect(try Assay.run("list", "metrics").text.contains("assay.endToEndDelay"))
    #expect(try Assay.run("list", "presets").text.contains("lossy-wifi"))
    let events = try Assay.run("list", "events").text
    #expect(events.contains("rebindNAT") && events.contains("set: { rate, trace"))
    let rules = try Assay.run("list", "rules").text
    for part in ["rule/nack-answered", "SHOULD", "RFC 4588 §3", "noRetransmission", "any SFU"] {
      #expect(rules.contains(part), "\(part)")
    }
    #expect(try Assay.run("list", "policies").text.contains("five-attempts"))
    let mutants = try Assay.run("list", "mutants").text
    for name in ["wrongSSRC", "noICERestart", "trendlineOff"] { #expect(mutants.contains(name)) }
  }

  @Test func criteria() throws {
    let output = try Assay.run("criteria")
    #expect(output.status == 0)
    #expect(output.text.contains("000:43"))
    #expect(output.text.contains("quickstart/latency-at-home"))
  }

  @Test func schemaFitsTheShippedScenarios() throws {
    let folder = try Folder()
    let output = try Assay.run("schema")
    #expect(output.status == 0)
    let file = try folder.write("schema.json", output.text)
    #expect(try folder.json("schema.json")["$schema"] != nil)
    let witness = """
      import sys
      try:
          import json, yaml, jsonschema
      except ImportError:
          sys.exit(77)
      schema = json.load(open(sys.argv[1]))
      for name in sys.argv[2:]:
          jsonschema.validate(yaml.safe_load(open(name)), schema)
      """
    let script = try folder.write("witness.py", witness)
    let checked = try Assay.shell("python3 \(script) \(file) scenarios/*.yaml")
    // 77: the witness is not installed here.
    #expect(checked.status == 0 || checked.status == 77, "\(checked.log)")
  }

  @Test func initWritesAScenarioThatRuns() throws {
    let folder = try Folder()
    #expect(try Assay.run("init", "s.yaml", in: folder.path).status == 0)
    #expect(try Assay.run("validate", "s.yaml", in: folder.path).status == 0)
    let again = try Assay.run("init", "s.yaml", in: folder.path)
    #expect(again.status == 2)
    #expect(again.log.contains("is there already"))
  }

  @Test func benchOfCongestionControl() throws {
    let output = try Assay.run(["bench", "bwe", "--format", "json"])
    let json = try JSONSerialization.jsonObject(with: Data(output.text.utf8)) as? [String: Any]
    let rows = try #require(json?["rows"] as? [[String: Any]])
    #expect(rows.map { $0["capacity"] as? Double } == [1_000_000, 2_500_000, 600_000, 1_000_000])
    for row in rows {
      let used = try #require(row["utilisation"] as? Double)
      #expect(used > 60 && used < 110, "\(row)")
    }
  }

  @Test func bench() throws {
    let output = try Assay.run(
      "bench", "room", "--participants", "2", "--seconds", "1", "--crypto", "cleartext",
      "--format", "json")
    #expect(output.status == 0)
    let json = try JSONSerialization.jsonObject(with: Data(output.text.utf8)) as? [String: Any]
    #expect(json?["schema"] as? String == "assay.bench.v1")
    let row = try #require((json?["rows"] as? [[String: Any]])?.first)
    #expect(row["simulatedSeconds"] as? Double == 1)
    #expect((row["packetsPerSecond"] as? Double ?? 0) > 0)
  }

  @Test func doctor() throws {
    let output = try Assay.run("doctor")
    #expect(output.status == 0)
    #expect(output.text.contains("cores"))
  }
}
