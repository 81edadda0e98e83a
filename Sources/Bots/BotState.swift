// Where a bot stands towards its room, as a machine: which state may follow which, and when each came.

import Basics

/// Where a bot stands: connecting leads to connected or disconnected, connected to reconnecting or
/// disconnected, reconnecting back or to disconnected.
public enum BotState: Equatable, Sendable {
  case idle, connecting, connected, reconnecting
  case disconnected(BotDeparture)
}

/// Why a bot is out of the room.
public enum BotDeparture: Equatable, Sendable {
  /// It left because it wanted to.
  case left
  /// The request was refused.
  case refused(Refusal)
  /// The SFU sent it away.
  case dismissed(DismissalReason)
  /// It tried again as often as its policy allows; the last refusal, where the SFU answered at all.
  case gaveUp(attempts: Int, lastAnswer: Refusal?)

  /// An answer that opened no stream.
  public struct Refusal: Equatable, Sendable {
    public var status: Int
    public var text: String

    public init(status: Int, text: String) {
      self.status = status
      self.text = text
    }

    /// Whether the same request may do later, as at a server that has too much to do (RFC 9110 §15.6),
    /// or at another one in its place.
    var mayPass: Bool { status >= 500 }
    /// Whether it is the token that was not taken (RFC 9110 §15.5.2, §15.5.4).
    var isOfToken: Bool { status == 401 || status == 403 }
  }
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

extension Bot {
  /// The only way from one state to another.
  func enter(_ next: BotState, at now: Instant) {
    state = next
    observations.states.append(BotStateNote(at: now, state: next))
  }
}
