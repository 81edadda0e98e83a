// What the kernel says of processes and the machine's time (proc(5)), read without delay.

import Basics
import Foundation

enum ProcFile {
  /// The text of a file below /proc; nil where there is none, or it may not be read.
  static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { return nil }
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }

  /// The names in a folder that are numbers, such as those of processes and threads, in ascending order.
  static func numbers(in folder: String) -> [Int] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { Int($0) }
      .sorted()
  }
}

/// What a process has run and waited to run, over all its threads (schedstat).
struct ProcessTimes {
  let process: Int
  /// Nanoseconds since the first look.
  private(set) var ran: Int64 = 0
  private(set) var waited: Int64 = 0
  private var threads: [Int: (ran: Int64, waited: Int64)] = [:]

  /// Nil where the kernel does not tell it.
  init?(of process: Int) {
    self.process = process
    guard look() else { return nil }
    ran = 0
    waited = 0
  }

  /// Adds what was run and waited since the last look. What a thread did between the last look and its end
  /// is missed.
  /// - Returns: false where nothing is known of the process, as after its end.
  @discardableResult
  mutating func look() -> Bool {
    var found: [Int: (ran: Int64, waited: Int64)] = [:]
    for thread in ProcFile.numbers(in: "/proc/\(process)/task") {
      guard let text = ProcFile.text("/proc/\(process)/task/\(thread)/schedstat"),
        let times = ProcessTimes.parse(schedstat: text)
      else { continue }
      found[thread] = times
      let before = threads[thread] ?? (0, 0)
      // A number that another thread has taken over starts anew.
      ran += times.ran >= before.ran ? times.ran - before.ran : times.ran
      waited += times.waited >= before.waited ? times.waited - before.waited : times.waited
    }
    threads = found
    return !found.isEmpty
  }

  /// Time on a core, time runnable without one, in nanoseconds, and slices (sched-stats.rst).
  static func parse(schedstat text: String) -> (ran: Int64, waited: Int64)? {
    let fields = text.split { $0 == " " || $0 == "\n" }
    guard fields.count == 3, let ran = Int64(fields[0]), let waited = Int64(fields[1]) else {
      return nil
    }
    return (ran, waited)
  }
}

/// The processor time of the whole machine so far (/proc/stat), in ticks of all cores together.
struct MachineTime {
  private(set) var total = 0.0
  private(set) var idle = 0.0
  private(set) var stolen = 0.0

  init() { self.init(parsing: ProcFile.text("/proc/stat") ?? "") }

  init(parsing text: String) {
    let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap(
      Double.init)
    guard fields.count >= 8 else { return }
    // The guests' time is in the first two already.
    total = fields.prefix(8).reduce(0, +)
    idle = fields[3] + fields[4]
    stolen = fields[7]
  }

  /// 0...1; 0 where the system does not say.
  func busyShare(since earlier: MachineTime) -> Double {
    let elapsed = total - earlier.total
    return elapsed > 0 ? min(1, max(0, 1 - (idle - earlier.idle) / elapsed)) : 0
  }

  /// Of all cores' time, 0...1.
  func stolenShare(since earlier: MachineTime) -> Double {
    let elapsed = total - earlier.total
    return elapsed > 0 ? min(1, max(0, (stolen - earlier.stolen) / elapsed)) : 0
  }
}

enum CPUPressure {
  /// Time for which some task has waited for a core so far, in microseconds (psi.rst); nil where the
  /// kernel does not count it.
  static var total: Int64? { ProcFile.text("/proc/pressure/cpu").flatMap(parse) }

  static func parse(_ text: String) -> Int64? {
    for line in text.split(separator: "\n") where line.hasPrefix("some ") {
      let field = line.split(separator: " ").first { $0.hasPrefix("total=") }
      return field.flatMap { Int64($0.dropFirst("total=".count)) }
    }
    return nil
  }
}
