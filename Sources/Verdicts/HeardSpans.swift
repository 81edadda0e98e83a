// When anything of a participant reached the SFU: presence is judged by it (criterion 003:24).

import Basics
import Results

/// Moments in order, those closer together than the presence gap joined to one span.
struct HeardSpans {
  private var all: [ClosedRange<Instant>] = []

  init(_ spans: [ClosedSpan] = []) { all = spans.map(\.range) }

  /// - Parameter span: begins no earlier than the last one did.
  private mutating func note(_ span: ClosedRange<Instant>) {
    guard let last = all.last, span.lowerBound - last.upperBound < ServerRecord.presenceGap else {
      return all.append(span)
    }
    all[all.count - 1] = last.lowerBound...max(last.upperBound, span.upperBound)
  }

  /// From the last sign of life to the next one, or nil for none until the run's end.
  var silences: [(begin: Instant, end: Instant?)] {
    all.indices.map { (all[$0].upperBound, $0 + 1 < all.count ? all[$0 + 1].lowerBound : nil) }
  }

  /// How long somebody was there who came at the beginning of `stay`, was heard in these spans, and
  /// went at its end if it is over.
  func presence(in stay: ClosedRange<Instant>, isOver: Bool) -> Duration {
    var heard = HeardSpans()
    heard.note(stay.lowerBound...stay.lowerBound)
    for span in all where span.overlaps(stay) { heard.note(span.clamped(to: stay)) }
    if isOver { heard.note(stay.upperBound...stay.upperBound) }
    return heard.all.reduce(.zero) { $0 + ($1.upperBound - $1.lowerBound) }
  }
}
