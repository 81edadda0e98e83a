// Worker processes that are asked over a pipe, a line of JSON each way. OpenSSL's randomness and usrsctp
// are one for a process, so worlds side by side need processes; one worker runs many worlds.

import Basics
import Foundation
import Results
import Scenario

/// What came back for a task.
enum WorkerAnswer {
  case result(JSON)
  /// The process ended in the middle: a crash of what it ran.
  case died(status: Int32)
  /// It did not answer within `WorkerPool.limit` and was ended.
  case stuck
}

/// As many workers as there are cores. Answers come in any order; who cares for one sorts them.
final class WorkerPool {
  private struct Worker {
    let process: Process
    let input: FileHandle
    let output: Int32
    /// What it is doing; nil while it waits.
    var task: Int?
    var since = ContinuousClock.now
    var line: [UInt8] = []
  }

  /// Longest that one task may take.
  static let limit = Swift.Duration.seconds(300)

  let count: Int
  private let verb: String
  private var workers: [Worker] = []

  /// - Parameter verb: what the workers are started with; it reads tasks from standard input.
  init(verb: String, count: Int) {
    self.verb = verb
    self.count = max(1, count)
  }

  deinit { stop() }

  static var cores: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

  /// Does tasks 0, 1, 2 … until there are no more, or `keepGoing` says no; those that were begun are
  /// finished, unless an interrupt came.
  func run(
    task: (Int) -> JSON?, keepGoing: () -> Bool = { true },
    answered: (Int, WorkerAnswer) throws -> Void
  ) throws {
    var next = 0
    var isOver = false
    while true {
      if Interrupt.received != nil {
        stop()
        return
      }
      isOver = isOver || !keepGoing()
      while !isOver, workers.count(where: { $0.task != nil }) < count {
        guard let words = task(next) else {
          isOver = true
          break
        }
        try give(next, words)
        next += 1
      }
      guard workers.contains(where: { $0.task != nil }) else { return }
      for (task, answer) in try wait() { try answered(task, answer) }
    }
  }

  func stop() {
    for worker in workers {
      try? worker.input.close()
      worker.process.terminate()
      worker.process.waitUntilExit()
    }
    workers = []
  }

  // MARK: - One worker

  private func give(_ task: Int, _ words: JSON) throws {
    let index: Int
    if let idle = workers.firstIndex(where: { $0.task == nil }) {
      index = idle
    } else {
      workers.append(try start())
      index = workers.count - 1
    }
    workers[index].task = task
    workers[index].since = .now
    try workers[index].input.write(contentsOf: Data((words.text() + "\n").utf8))
  }

  private func start() throws -> Worker {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [verb]
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    // A crash is told by its status; its backtrace comes when the scenario is run by itself.
    process.environment = ProcessInfo.processInfo.environment
      .merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    try process.run()
    return Worker(
      process: process, input: input.fileHandleForWriting,
      // A descriptor of our own: the pipe's is closed with it.
      output: dup(output.fileHandleForReading.fileDescriptor))
  }

  /// The answers that have come, after waiting a moment for one.
  private func wait() throws -> [(Int, WorkerAnswer)] {
    var polled = workers.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
    _ = poll(&polled, nfds_t(polled.count), 200)
    var answers: [(Int, WorkerAnswer)] = []
    for index in workers.indices.reversed() {
      if polled[index].revents != 0 {
        if let answer = read(index) { answers.append(answer) }
      } else if let task = workers[index].task,
        ContinuousClock.now - workers[index].since > WorkerPool.limit
      {
        kill(workers[index].process.processIdentifier, SIGKILL)
        drop(index)
        answers.append((task, .stuck))
      }
    }
    return answers
  }

  private func read(_ index: Int) -> (Int, WorkerAnswer)? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = Foundation.read(workers[index].output, &buffer, buffer.count)
    guard count > 0 else {
      let worker = workers[index]
      drop(index)
      return worker.task.map { ($0, .died(status: worker.process.terminationStatus)) }
    }
    workers[index].line += buffer.prefix(count)
    guard workers[index].line.last == UInt8(ascii: "\n"), let task = workers[index].task else {
      return nil
    }
    let text = String(decoding: workers[index].line, as: UTF8.self)
    workers[index].line = []
    workers[index].task = nil
    return (task, .result((try? JSON(parsing: text)) ?? .null))
  }

  private func drop(_ index: Int) {
    let worker = workers.remove(at: index)
    try? worker.input.close()
    close(worker.output)
    worker.process.waitUntilExit()
  }
}

/// The other end: what a worker process does.
enum WorkerLoop {
  /// Answers each line of standard input with one of standard output, until there are no more.
  static func run(_ answer: (JSON) throws -> JSON) throws -> ExitCode {
    while let line = readLine(), Interrupt.received == nil {
      let words = (try? JSON(parsing: line)) ?? .null
      Console.printMachine(try answer(words).text())
    }
    return .passed
  }
}
