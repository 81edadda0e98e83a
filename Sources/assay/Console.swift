// Where words go: results to standard output, everything else to standard error.

import Foundation

enum Console {
  /// Why standard output took no more; nil while it does, and for a reader who went away.
  nonisolated(unsafe) private(set) static var failure: String?

  static func print(_ text: String) {
    guard let error = write(text.hasSuffix("\n") ? text : text + "\n", to: STDOUT_FILENO),
      error != EPIPE
    else { return }
    failure = String(cString: strerror(error))
  }

  static func log(_ text: String) { _ = write(visible(text) + "\n", to: STDERR_FILENO) }

  /// Without characters that a terminal obeys, since names and paths may hold any.
  static func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      shown.append(isControl(scalar) ? "\u{FFFD}" : scalar)
    }
    return String(shown)
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar != "\n" && scalar != "\t" && scalar.properties.generalCategory == .control
  }

  /// Writes all of it; returns the error that stopped it. `FileHandle` would trap on one.
  @discardableResult
  static func write(_ text: String, to file: Int32) -> Int32? {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno != EINTR { return errno }
      rest = rest.dropFirst(max(0, count))
    }
    return nil
  }

  /// Colours only on a terminal, and never with NO_COLOR (no-color.org).
  static var hasColours: Bool {
    isatty(STDOUT_FILENO) == 1
      && ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
  }

  static var hasTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

/// One line that is written over on a terminal, and a heartbeat every ten seconds elsewhere.
struct Progress {
  private let title: String
  private let clock = ContinuousClock()
  private let started: ContinuousClock.Instant
  private var last: ContinuousClock.Instant?

  init(_ title: String) {
    self.title = title
    started = clock.now
  }

  mutating func update(simulated: Double, of total: Double) {
    let now = clock.now
    let interval: Swift.Duration = Console.hasTerminal ? .milliseconds(100) : .seconds(10)
    if let last, now - last < interval { return }
    if last == nil && !Console.hasTerminal {
      last = now
      return
    }
    last = now
    let elapsed =
      Double((now - started).components.attoseconds) / 1e18
      + Double((now - started).components.seconds)
    let speed = elapsed > 0 ? Int(simulated / elapsed) : 0
    let text = "\(title)  \(Int(simulated)) s of \(Int(total)) s  ×\(speed)"
    write(Console.hasTerminal ? "\r\u{1B}[K\(text)" : text + "\n")
  }

  func finish() {
    if Console.hasTerminal { write("\r\u{1B}[K") }
  }

  private func write(_ text: String) { Console.write(text, to: STDERR_FILENO) }
}

/// Whether the process was asked to stop, and by what.
enum Interrupt {
  // Written by a signal handler, read by the run: a word either way.
  nonisolated(unsafe) private static var signalNumber: sig_atomic_t = 0
  nonisolated(unsafe) private static var signalCount: sig_atomic_t = 0

  static func install() {
    for number in [SIGINT, SIGTERM] {
      signal(number) {
        Interrupt.signalNumber = $0
        Interrupt.signalCount &+= 1
      }
    }
    signal(SIGPIPE, SIG_IGN)
    // A file that grows too large is an error of its write, told like a full disk.
    signal(SIGXFSZ, SIG_IGN)
    // A parent may have started us deaf to them.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    sigprocmask(SIG_UNBLOCK, &signals, nil)
  }

  /// How often it was asked.
  static var count: Int { Int(signalCount) }

  static var received: Int32? { signalNumber == 0 ? nil : Int32(signalNumber) }
}

/// One line that says how far a long job is.
final class Heartbeat {
  private let title: String
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant

  init(_ title: String) {
    self.title = title
    last = clock.now
  }

  func update(_ text: String) {
    let now = clock.now
    let interval: Swift.Duration = Console.hasTerminal ? .milliseconds(100) : .seconds(10)
    guard now - last >= interval else { return }
    last = now
    let line = "\(title): \(text)"
    Console.write(Console.hasTerminal ? "\r\u{1B}[K\(line)" : line + "\n", to: STDERR_FILENO)
  }

  func finish() {
    if Console.hasTerminal { Console.write("\r\u{1B}[K", to: STDERR_FILENO) }
  }
}
