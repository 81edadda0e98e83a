// Capacity traces read from files, with the line that is wrong.

import Basics
import Foundation

public enum TraceFileError: Error, CustomStringConvertible {
  case unreadable(String)
  /// File and line, and what is wrong there.
  case bad(String, String)

  public var description: String {
    switch self {
    case .unreadable(let file): "\(file): cannot be read; check the path in `trace`"
    case .bad(let place, let reason):
      "\(place): not a capacity trace (\(reason)); a line is a millisecond, in ascending order"
    }
  }
}

extension CapacityTrace {
  /// - Throws: `TraceFileError`, with the line that is wrong.
  public init(file: String) throws(TraceFileError) {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw TraceFileError.unreadable(file)
    }
    let text = String(decoding: data, as: UTF8.self)
    do throws(TraceError) {
      try self.init(text: text)
    } catch {
      throw TraceFileError.bad(CapacityTrace.place(of: error, in: text, file), error.text)
    }
  }

  private static func place(of error: TraceError, in text: String, _ file: String) -> String {
    var previous = 0
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let line = line.filter { $0 != "\r" }
      guard !line.isEmpty else { continue }
      guard let moment = Int(line), moment >= previous else { return "\(file):\(index + 1)" }
      previous = moment
    }
    return file
  }
}

extension TraceError {
  fileprivate var text: String {
    switch self {
    case .notANumber: "not a whole number of milliseconds"
    case .decreasing: "before the line above it"
    case .empty: "no moment after 0"
    }
  }
}
