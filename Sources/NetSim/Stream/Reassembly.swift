// The receiving half of TCP (RFC 9293 §3.10.7.4): bytes in order out of segments in any order.
import Basics

struct Reassembly {
  /// The next number expected; the SYN was number 0.
  private(set) var next: Int64 = 0
  /// Bytes in order, not yet taken.
  private(set) var bytes: [UInt8] = []
  /// The other end's FIN and all before it has come.
  private(set) var isFinished = false
  private var finAt: Int64?
  /// What came too early, by number.
  private var early: [(sequence: Int64, bytes: [UInt8])] = []

  /// The SYN came.
  mutating func begin() { next = max(next, 1) }

  /// Takes a segment's data.
  mutating func insert(_ data: [UInt8], at sequence: Int64, hasFin: Bool) {
    if hasFin { finAt = sequence + Int64(data.count) }
    if sequence > next {
      let place = early.firstIndex { $0.sequence >= sequence } ?? early.count
      if !data.isEmpty { early.insert((sequence, data), at: place) }
    } else {
      append(data, at: sequence)
      while let first = early.first, first.sequence <= next {
        append(first.bytes, at: first.sequence)
        early.removeFirst()
      }
    }
    if next == finAt {
      next += 1
      isFinished = true
    }
  }

  private mutating func append(_ data: [UInt8], at sequence: Int64) {
    let known = next - sequence
    guard known < data.count else { return }
    bytes.append(contentsOf: data[Int(known)...])
    next = sequence + Int64(data.count)
  }

  /// Nothing more will come or be taken.
  mutating func release() {
    bytes = []
    early = []
  }

  /// Takes the first `count` bytes away.
  mutating func removeFirst(_ count: Int) { bytes.removeFirst(count) }
}
