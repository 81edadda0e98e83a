// What was shown of one track and when, exactly: the last seconds frame by frame, the whole run second by
// second. Sample logs thin out in the course of a day, so what needs each moment reads this.

import Basics

/// A frame on the screen, or a packet of sound heard.
public struct ShownFrame: Sendable, Equatable {
  public var at: Instant
  public var captured: Instant

  public init(at: Instant, captured: Instant) {
    self.at = at
    self.captured = captured
  }
}

/// The last frames, in the order in which they were shown.
public struct RecentFrames: Sendable {
  /// Eight seconds of 60 frames; a power of two.
  static let capacity = 512

  private var frames: [ShownFrame] = []
  private var next = 0

  public init() {}

  public mutating func note(_ frame: ShownFrame) {
    if frames.count < RecentFrames.capacity {
      frames.append(frame)
    } else {
      frames[next & (RecentFrames.capacity - 1)] = frame
    }
    next &+= 1
  }

  /// Appends those shown after `from` and up to `to`.
  public func collect(
    after from: Instant, upTo to: Instant, into result: inout [ShownFrame]
  ) {
    var index = next
    while index > next - frames.count {
      index -= 1
      let frame = frames[index & (RecentFrames.capacity - 1)]
      if frame.at <= from { break }
      if frame.at <= to { result.append(frame) }
    }
  }
}

/// Whether a picture moved in each second of the run, as runs of equal seconds.
public struct PictureSeconds: Sendable, Equatable {
  public enum State: Sendable, Equatable {
    /// At least one frame was shown.
    case moving
    /// None was, though some should have been.
    case still
    /// None was expected.
    case idle
  }

  /// Seconds that end after `from` and not after `to`.
  public struct Span: Sendable, Equatable {
    /// In seconds, as a day has many of these.
    private let start: UInt32
    private var end: UInt32
    public let state: State

    init(from: Instant, to: Instant, state: State) {
      start = Span.seconds(from)
      end = Span.seconds(to)
      self.state = state
    }

    public var from: Instant { .zero + .seconds(Int(start)) }
    public var to: Instant {
      get { .zero + .seconds(Int(end)) }
      set { end = Span.seconds(newValue) }
    }

    private static func seconds(_ moment: Instant) -> UInt32 {
      UInt32(clamping: moment.nanoseconds / 1_000_000_000)
    }
  }

  public private(set) var spans: [Span] = []

  public init() {}

  /// Takes the seconds of another track that came later.
  mutating func append(_ later: PictureSeconds) {
    for span in later.spans {
      if let last = spans.indices.last, spans[last].state == span.state, spans[last].to == span.from
      {
        spans[last].to = span.to
      } else {
        spans.append(span)
      }
    }
  }

  /// Notes the second that ends at `end`.
  public mutating func note(_ state: State, endingAt end: Instant) {
    if let last = spans.indices.last, spans[last].state == state,
      spans[last].to == end - .seconds(1)
    {
      spans[last].to = end
    } else {
      spans.append(Span(from: end - .seconds(1), to: end, state: state))
    }
  }
}
