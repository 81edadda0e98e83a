// What junit-10.xsd of Jenkins' xUnit plugin allows: elements, their parents and their attributes.

import Testing

private let attributes: [String: (required: Set<String>, allowed: Set<String>)] = [
  "testsuites": ([], ["name", "time", "tests", "failures", "errors"]),
  "testsuite": (
    ["name", "tests", "failures", "errors"],
    [
      "group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url",
    ]
  ),
  "testcase": (["name"], ["time", "classname", "group"]),
  "failure": ([], ["type", "message"]), "error": ([], ["type", "message"]),
  "skipped": ([], ["type", "message"]),
]

private let parents = [
  "testsuites": "", "testsuite": "testsuites", "testcase": "testsuite", "failure": "testcase",
  "error": "testcase", "skipped": "testcase",
]

/// Holds a document against the schema, and each suite's counts against its cases.
func expectJUnit(_ xml: StrictXML) {
  for element in xml.elements {
    guard let known = attributes[element.name] else {
      Issue.record("junit-10.xsd has no element \(element.name)")
      continue
    }
    #expect(parents[element.name] == element.parent)
    let written = Set(element.attributes.keys)
    #expect(written.isSuperset(of: known.required), "\(element.name)")
    #expect(written.isSubset(of: known.required.union(known.allowed)), "\(element.name)")
    // The pattern SUREFIRE_TIME, without its groups of three digits.
    if let time = element.attributes["time"] {
      #expect(time.wholeMatch(of: /[0-9]*(\.[0-9]*)?/) != nil, "\(time)")
    }
  }
  let suites = xml.named("testsuite")
  func sum(_ key: String) -> Int {
    suites.compactMap { Int($0.attributes[key] ?? "") }.reduce(0, +)
  }
  #expect(sum("tests") == xml.named("testcase").count)
  #expect(sum("failures") == xml.named("failure").count)
  #expect(sum("errors") == xml.named("error").count)
  #expect(sum("skipped") == xml.named("skipped").count)
}
