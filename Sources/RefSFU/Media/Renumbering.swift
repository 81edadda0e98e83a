// Closes the gaps that deliberately dropped numbers leave in a running sequence, and keeps the gaps
// that loss left (RTP sequence numbers RFC 3550 §5.1, VP8 picture ids RFC 7741 §4.2).

/// A mapping from incoming to outgoing numbers, both unwrapped.
///
/// It only ever grows at the newest number. Every number that was skipped on the way keeps a place
/// of its own, so that it can still come late.
struct Renumbering: Sendable {
  /// Where an incoming number went.
  enum Place: Equatable, Sendable {
    case mapped(Int64)
    case dropped
    /// Older than the history, or than the start.
    case unknown
  }

  /// Numbers from `first` until the next run's are all dropped, or all moved down by `shift`.
  private struct Run {
    var first: Int64
    var shift: Int64
    var isDropped: Bool
  }

  /// Runs remembered: at 30 frame/s with every second frame dropped, about four seconds.
  static let maximumRuns = 128

  private var runs: [Run]
  /// The highest incoming number so far; one before the first at the start.
  private(set) var newest: Int64

  /// Maps `input` to `output` and what follows accordingly; nothing before.
  init(from input: Int64, to output: Int64) {
    newest = input - 1
    runs = [Run(first: input, shift: input - output, isDropped: false)]
  }

  /// The outgoing number that the number after `newest` gets if it is kept.
  var next: Int64 { newest + 1 - runs[runs.count - 1].shift }

  /// Keeps `input`, which is above `newest`, and reserves places for those between.
  mutating func keep(_ input: Int64) -> Int64 {
    precondition(input > newest)
    newest = input
    return input - runs[runs.count - 1].shift
  }

  /// Drops `input`, which is above `newest`, and reserves places for those between.
  mutating func drop(_ input: Int64) {
    precondition(input > newest)
    newest = input
    let last = runs.count - 1
    let shift = runs[last].shift
    if runs[last].first == input {
      if last > 0, runs[last - 1].isDropped {
        // The dropped run before becomes longer.
        runs[last].first += 1
        runs[last].shift += 1
        return
      }
      runs[last].isDropped = true
    } else {
      append(Run(first: input, shift: shift, isDropped: true))
    }
    append(Run(first: input + 1, shift: shift + 1, isDropped: false))
  }

  /// An outgoing number of our own between `newest` and what follows.
  mutating func insert() -> Int64 {
    let output = next
    let last = runs.count - 1
    if runs[last].first == newest + 1 {
      runs[last].shift -= 1
    } else {
      append(Run(first: newest + 1, shift: runs[last].shift - 1, isDropped: false))
    }
    return output
  }

  /// Where `input`, which is not above `newest`, went when it was new or skipped.
  func place(of input: Int64) -> Place {
    var index = runs.count - 1
    while index >= 0, runs[index].first > input { index -= 1 }
    guard index >= 0 else { return .unknown }
    return runs[index].isDropped ? .dropped : .mapped(input - runs[index].shift)
  }

  private mutating func append(_ run: Run) {
    if runs.count == Renumbering.maximumRuns {
      runs.removeFirst(Renumbering.maximumRuns / 2)
    }
    runs.append(run)
  }
}
