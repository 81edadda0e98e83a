// The verbs of the command line, one file each.

import Results

/// A verb: how it is called, what it takes, what it does.
struct Verb: Sendable {
  var name: String
  /// Operands as the help shows them.
  var operands: String
  var summary: String
  var flags: [Flag]
  var run: @Sendable (Arguments) throws -> ExitCode
}

extension Verb {
  /// In the order of the help.
  static let all: [Verb] = [
    .run, .gate, .inspect, .replay, .diff, .explore, .calls, .serve, .token, .validate, .report,
    .list,
    .criteria, .bench, .traces, .schema,
    .doctor, .initialise, .worker, .exploreWorker, .callsWorker,
  ]

  var help: String {
    var text = "\(summary)\n\nUsage: assay \(name) \(operands)\n"
    guard !flags.isEmpty else { return text }
    let width = flags.map { label($0).count }.max() ?? 0
    text += "\nFlags:\n"
    for flag in flags {
      let label = label(flag)
      text += "  \(label)\(String(repeating: " ", count: width - label.count))  \(flag.help)\n"
    }
    return text
  }

  private func label(_ flag: Flag) -> String {
    flag.value.map { "\(flag.name) \($0)" } ?? flag.name
  }
}
