// The scenarios that we ship are read without fault, and editors' schema agrees with the parser.

import Basics
import Foundation
import Testing

@testable import Lab
@testable import Scenario

private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("scenarios").path

private let shipped =
  (try? FileManager.default.contentsOfDirectory(atPath: folder))?
  .filter { $0.hasSuffix(".yaml") }.sorted() ?? []

@Suite struct ShippedScenarios {
  @Test(arguments: shipped) func isRead(_ name: String) throws {
    for variant in try ScenarioFile.load("\(folder)/\(name)") {
      let scenario = variant.scenario
      #expect(scenario.name == name.dropLast(5))
      #expect(!scenario.about.isEmpty)
      #expect(scenario.expectations.count >= 3)
    }
  }

  @Test func thereAreSome() { #expect(shipped.contains("quickstart.yaml")) }
}

/// Runs a Python program that has `yaml` and `jsonschema`; its output, or nil without them.
private func python(_ program: String, _ arguments: [String] = [], input: String = "") -> String? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["python3", "-W", "ignore", "-c", program] + arguments
  let (output, standardInput) = (Pipe(), Pipe())
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  process.standardInput = standardInput
  guard (try? process.run()) != nil else { return nil }
  standardInput.fileHandleForWriting.write(Data(input.utf8))
  try? standardInput.fileHandleForWriting.close()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
}

private let hasValidator = python("import yaml, jsonschema") != nil

@Suite struct Schema {
  @Test func everyKeyOfTheGrammarIsInTheSchema() throws {
    let properties = try #require(ScenarioSchema.json()["properties"]?.object)
    #expect(properties.members.map(\.key) == Grammar.scenario.keys.map(\.name))
    let link = ScenarioSchema.json()["properties"]?["links"]?["additionalProperties"]
    #expect(link?["properties"]?.object?.members.map(\.key) == Grammar.link.keys.map(\.name))
    #expect(link?["additionalProperties"] == .bool(false))
  }

  @Test func everyVerbHasItsKeysInTheTable() {
    let known = Grammar.verbArguments.map(\.name)
    for verb in EventVerb.all {
      #expect((verb.required + verb.optional).allSatisfy { known.contains($0) })
      #expect(verb.targets.allSatisfy { Grammar.targets.contains($0) })
      #expect(verb.undoneBy.map { EventVerb.named($0) != nil } ?? true)
    }
  }

  /// Another implementation reads our schema and holds it against our scenarios and our faults.
  @Test(.enabled(if: hasValidator, "needs python3 with yaml and jsonschema"))
  func anotherValidatorAgrees() throws {
    let program = """
      import json, sys, yaml, jsonschema
      schema = json.load(sys.stdin)
      jsonschema.Draft202012Validator.check_schema(schema)
      validator = jsonschema.Draft202012Validator(schema)
      for path in sys.argv[1:]:
          for e in validator.iter_errors(yaml.safe_load(open(path))):
              print(path, list(e.absolute_path), e.message[:200])
      bad = ["nmae: x", "duration: 60", "crypto: on", "links: {a: {use: fiber}}",
             "links: {a: {rate: 1Mbps, trace: x}}", "links: {a: {jitter: 5ms}}",
             "events: [{at: 1s, link: a, do: mute}]", "events: [{at: 1s, group: a, do: blackout}]",
             "events: [{at: 1s, group: a, do: mute, who: b}]", "events: [{at: 1s, group: a}]",
             "expect: [{id: a, of: b, metric: nope, stat: p95, under: 1ms}]",
             "expect: [{id: a, of: b, metric: freezeCount, stat: p95}]"]
      for text in bad:
          whole = {"assay": 1, "duration": "60s", "participants": {"a": {}}}
          whole.update(yaml.safe_load(text))
          if validator.is_valid(whole): print("accepted", text)
      """
    let paths = shipped.map { "\(folder)/\($0)" }
    #expect(python(program, paths, input: ScenarioSchema.json().text()) == "")
  }
}
