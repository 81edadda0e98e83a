// When the SFU offers: changes are gathered for a moment, one offer is out at a time, and what came
// meanwhile goes into the next one (LiveKit pkg/rtc/transport.go).

import Basics

struct SubscriberNegotiation {
  var offer: SubscriberOffer
  private(set) var offerID: UInt32 = 0
  private var due: Instant?
  private var sentAt: Instant?
  private var isChangedSince = false

  /// - Parameter data: whether data channels are offered.
  init(data: Bool) { offer = SubscriberOffer(data: data) }

  /// Something changed that the other end must learn.
  mutating func request(at now: Instant) {
    if sentAt != nil {
      isChangedSince = true
    } else if due == nil {
      due =
        now
        + (offerID == 0 ? SFULimits.firstNegotiationDelay : SFULimits.negotiationDelay)
    }
  }

  /// Whether an offer is to be sent now; it then counts as sent.
  mutating func begin(at now: Instant) -> Bool {
    guard let due, due <= now, sentAt == nil else { return false }
    self.due = nil
    sentAt = now
    isChangedSince = false
    offerID += 1
    return true
  }

  /// Whether `id` answers the offer that is out; the next one may then go.
  mutating func answered(id: UInt32, at now: Instant) -> Bool {
    guard sentAt != nil, id == 0 || id == offerID else { return false }
    sentAt = nil
    if isChangedSince { request(at: now) }
    return true
  }

  /// The offer that is out will never be answered: the next one goes at once.
  mutating func restart(at now: Instant) {
    sentAt = nil
    isChangedSince = false
    due = now
  }

  /// Whether an offer is out.
  var awaitsAnswer: Bool { sentAt != nil }

  func isOverdue(at now: Instant) -> Bool {
    sentAt.map { now - $0 >= SFULimits.negotiationTimeout } ?? false
  }
}
