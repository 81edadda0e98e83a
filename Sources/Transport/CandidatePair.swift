// A candidate pair and the state of its checks (RFC 8445 §6.1.2, §7.2).

import Basics
import Wire

/// A local and a remote candidate and what checks between them have shown.
struct CandidatePair {
  let path: Path
  let localPriority: UInt32
  let remotePriority: UInt32
  /// RFC 8445 §6.1.2.3.
  private(set) var priority: UInt64 = 0
  var lastSent: Instant?
  var lastResponse: Instant?
  /// When anything authenticated last came on this path.
  var lastReceived: Instant?
  var roundTrip: Duration?
  var unansweredChecks = 0
  var answeredChecks = 0
  var nominatedByPeer = false

  init(path: Path, localPriority: UInt32, remotePriority: UInt32, role: ICERole) {
    self.path = path
    self.localPriority = localPriority
    self.remotePriority = remotePriority
    takeRole(role)
  }

  /// Computes the priority as an agent of this role does.
  mutating func takeRole(_ role: ICERole) {
    let isControlled = role == .controlled
    priority = CandidatePair.priority(
      controlling: isControlled ? remotePriority : localPriority,
      controlled: isControlled ? localPriority : remotePriority)
  }

  /// RFC 8445 §6.1.2.3: 2^32*MIN(G,D) + 2*MAX(G,D) + (G>D?1:0). Two candidates of priorities beyond
  /// 2^31 - 1, which RFC 8445 §5.1.2 does not allow, wrap.
  static func priority(controlling g: UInt32, controlled d: UInt32) -> UInt64 {
    UInt64(min(g, d)) << 32 &+ 2 * UInt64(max(g, d)) &+ (g > d ? 1 : 0)
  }

  func isAlive(at now: Instant) -> Bool {
    guard let lastResponse else { return false }
    return unansweredChecks < TransportLimits.disconnectChecks
      || now - lastResponse < TransportLimits.disconnectTimeout
  }

  /// Whether anything came lately, with time for a check to be answered.
  func isReceiving(at now: Instant) -> Bool {
    guard let lastReceived, lastResponse != nil else { return false }
    return now - lastReceived
      < TransportLimits.receivingTimeout + TransportLimits.switchingDelay
  }

  mutating func noteSent(at now: Instant) {
    lastSent = now
    unansweredChecks += 1
  }

  mutating func noteResponse(at now: Instant, roundTrip sample: Duration) {
    lastResponse = now
    lastReceived = now
    unansweredChecks = 0
    answeredChecks += 1
    // libwebrtc `Connection::ReceivedPingResponse`: smoothed 3:1.
    roundTrip = roundTrip.map { ($0 * 3 + sample) / 4 } ?? sample
  }
}

struct OutstandingCheck {
  let transaction: STUNTransactionID
  let path: Path
  /// The role it claimed.
  let role: ICERole
  let sentAt: Instant
}
