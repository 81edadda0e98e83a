// How much the SFU holds, so that a test can see that nothing stays behind.

import Basics

/// Live objects and entries of tables, by what they are.
public struct Census: Sendable, Equatable {
  public var rooms = 0
  public var participants = 0
  /// Signalling streams that lead to somebody.
  public var streams = 0
  /// ICE fragments, and addresses, that lead to a transport.
  public var fragments = 0
  public var addresses = 0
  public var tracks = 0
  public var subscriptions = 0
  /// SSRCs of publishers and towards subscribers.
  public var ssrcs = 0
  /// Moments at which it wants to be called.
  public var timers = 0
  /// Participants, tracks and subscriptions that are still in memory, whether a table leads to them
  /// or not.
  public var objects = 0

  /// Nothing at all.
  public static let empty = Census()

  public var entries: [(name: String, count: Int)] {
    [
      ("rooms", rooms), ("participants", participants), ("streams", streams),
      ("ICE fragments", fragments), ("addresses", addresses), ("tracks", tracks),
      ("subscriptions", subscriptions), ("SSRCs", ssrcs), ("timers of the SFU", timers),
      ("objects in memory", objects),
    ]
  }
}

/// How many objects of an SFU there are: each holds a token as long as it lives.
final class LiveObjects {
  final class Token {
    private let owner: LiveObjects

    fileprivate init(_ owner: LiveObjects) {
      self.owner = owner
      owner.count += 1
    }

    deinit { owner.count -= 1 }
  }

  fileprivate(set) var count = 0

  func makeToken() -> Token { Token(self) }
}

extension SFU {
  public var census: Census {
    var census = Census()
    census.rooms = rooms.count
    census.streams = participantByStream.count
    census.fragments = transportByUfrag.count
    census.addresses = transportByRemote.count
    census.timers = pendingTimers
    census.objects = liveObjects.count
    for participant in rooms.flatMap(\.participants) {
      census.participants += 1
      census.tracks += participant.tracks.count
      census.subscriptions += participant.subscriptions.count
      census.ssrcs += participant.routes.count + participant.subscriptionBySSRC.count
    }
    return census
  }
}
