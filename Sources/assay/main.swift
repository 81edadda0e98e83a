// Assay's command line: finds the verb, runs it, and turns its outcome into an exit code.

import Capture
import Foundation
import Lab
import Results
import Scenario

func usage() -> String {
  var text = """
    Assay proves an SFU before its users do.

    Usage: assay VERB [operands] [flags]      assay VERB --help


    """
  let shown = Verb.all.filter { !$0.summary.isEmpty }
  let width = shown.map(\.name.count).max() ?? 0
  for verb in shown {
    let padding = String(repeating: " ", count: width - verb.name.count)
    text += "  \(verb.name)\(padding)  \(verb.summary)\n"
  }
  text += """

    Start with: ./assay run scenarios/quickstart.yaml

    Exit codes: 0 passed · 1 failed · 2 bad input · 3 inconclusive · 4 nothing selected
                5 the SFU never became ready · 70 a fault of Assay · 130/143 interrupted
    """
  return text
}

func dispatch(_ words: [String]) -> ExitCode {
  guard let name = words.first else {
    Console.log(usage())
    return .badInput
  }
  if ["help", "--help", "-h"].contains(name) {
    Console.print(usage())
    return .passed
  }
  if name == "--version" {
    Console.print("assay \(Build.identity)")
    return .passed
  }
  guard let verb = Verb.all.first(where: { $0.name == name }) else {
    let near = Suggestion.nearest(to: name, among: Verb.all.map(\.name))
    Console.log("assay: no verb '\(name)'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
    Console.log("Try: assay --help")
    return .badInput
  }
  let rest = Array(words.dropFirst())
  if rest.contains("--help") || rest.contains("-h") {
    Console.print(verb.help)
    return .passed
  }
  do {
    return try verb.run(Arguments(rest, flags: verb.flags))
  } catch let error as UsageError {
    Console.log("assay \(verb.name): \(error.message)")
    Console.log("Try: assay \(verb.name) --help")
    return .badInput
  } catch let error as ScenarioError {
    Console.log("\(error)")
    return .badInput
  } catch let error as RunError {
    Console.log("assay: \(error)")
    if case .neverReady = error { return .neverReady }
    return .badInput
  } catch let error as OutputError {
    Console.log("assay: \(error)")
    return .badInput
  } catch let error as CaptureError {
    Console.log("assay: \(error)")
    return .badInput
  } catch {
    Console.log("assay: \(error)")
    return .internalFault
  }
}

Interrupt.install()
let code = dispatch(Array(CommandLine.arguments.dropFirst()))
if let failure = Console.failure {
  Console.log("assay: standard output: \(failure)")
  exit(ExitCode.badInput.rawValue)
}
exit(code.rawValue)
