// Where a bot stands towards its room, as a machine: which state may follow which, and when each came.

import Basics
import Signal

/// Where a bot stands: connecting leads to connected or disconnected, connected to reconnecting or
/// disconnected, reconnecting back or to disconnected.
public enum BotState: Equatable, Sendable {
  case idle, connecting, connected, reconnecting
  case disconnected(BotDeparture)

  /// Whether `next` may follow; no state follows itself.
  public func mayBecome(_ next: BotState) -> Bool {
    switch (self, next) {
    case (.idle, .connecting), (.connecting, .connected), (.connecting, .disconnected),
      (.connected, .reconnecting), (.connected, .disconnected), (.reconnecting, .connected),
      (.reconnecting, .disconnected), (.disconnected, .connecting):
      true
    default: false
    }
  }
}

/// Why a bot is out of the room.
public enum BotDeparture: Equatable, Sendable {
  /// It left because it wanted to.
  case left
  /// The request was refused with this status and text.
  case refused(status: Int, text: String)
  /// The SFU sent it away.
  case dismissed(DisconnectReason)
  /// It tried again as often as its policy allows.
  case gaveUp(attempts: Int)
}

/// A state and when it came.
public struct BotStateNote: Equatable, Sendable {
  public var at: Instant
  public var state: BotState

  public init(at: Instant, state: BotState) {
    self.at = at
    self.state = state
  }
}

extension Sequence where Element == BotStateNote {
  /// How many of these states could not follow the one before them.
  public var illegalTransitions: Int {
    var last = BotState.idle
    var count = 0
    for note in self {
      if !last.mayBecome(note.state) { count += 1 }
      last = note.state
    }
    return count
  }
}

extension Bot {
  /// The only way from one state to another.
  func enter(_ next: BotState, at now: Instant) {
    state = next
    observations.states.append(BotStateNote(at: now, state: next))
  }
}
