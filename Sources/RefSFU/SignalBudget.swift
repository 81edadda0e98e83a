// What one participant's signalling may cost the others: how many messages and bytes of it are taken in a
// turn and in a second, and how many bytes about it the others are told. Token buckets; what is over waits
// in order, and what does not fit into the wait ends the participant's own connection.

import Basics

/// A token bucket that may go into debt, so that whatever is larger than it passes when it is full.
struct TokenBucket {
  private let capacity: Double
  /// A second.
  private let rate: Double
  private var level: Double
  private var last: Instant

  init(capacity: Int, rate: Int, at now: Instant) {
    self.capacity = Double(capacity)
    self.rate = Double(rate)
    level = Double(capacity)
    last = now
  }

  mutating func refill(at now: Instant) {
    level = min(capacity, level + rate * (now - last).seconds)
    last = now
  }

  /// Whether `size` may pass: all of it, or where it is larger than the bucket, a full bucket.
  func allows(_ size: Int) -> Bool { level >= min(Double(size), capacity) }

  mutating func spend(_ size: Int) { level -= Double(size) }
}

/// The messages of one client that wait for their turn.
struct SignalInbox: ~Copyable {
  struct Message {
    let bytes: [UInt8]
    let isText: Bool
  }

  enum Verdict {
    case now, later
    /// More waits than may.
    case flooded
  }

  private var messages: TokenBucket
  private var bytes: TokenBucket
  private var messagesInTurn = 0
  private var bytesInTurn = 0
  private var waiting = RingBuffer<Message>()
  private var waitingBytes = 0
  /// The offer whose answer was taken for free.
  private var freeOffer: UInt32 = 0

  init(at now: Instant) {
    messages = TokenBucket(
      capacity: SFULimits.signalMessageBurst, rate: SFULimits.signalMessageRate, at: now)
    bytes = TokenBucket(
      capacity: SFULimits.signalByteBurst, rate: SFULimits.signalByteRate, at: now)
  }

  var isEmpty: Bool { waiting.isEmpty }

  /// A turn begins.
  mutating func beginTurn(at now: Instant) {
    messages.refill(at: now)
    bytes.refill(at: now)
    messagesInTurn = 0
    bytesInTurn = 0
  }

  /// - Parameter offer: the offer of ours that it answers, if it does: its number and size are our doing.
  mutating func take(_ message: Message, answering offer: UInt32?) -> Verdict {
    if waiting.isEmpty {
      if let offer, offer != freeOffer {
        freeOffer = offer
        return .now
      }
      if allows(message.bytes.count) {
        spend(message.bytes.count)
        return .now
      }
    }
    guard waiting.count < SFULimits.waitingSignalMessages,
      waitingBytes + message.bytes.count <= SFULimits.waitingSignalBytes
    else { return .flooded }
    waiting.append(message)
    waitingBytes += message.bytes.count
    return .later
  }

  /// The next message that waited and may be read now.
  mutating func next() -> Message? {
    guard let first = waiting.first, allows(first.bytes.count),
      let message = waiting.popFirst()
    else { return nil }
    waitingBytes -= message.bytes.count
    spend(message.bytes.count)
    return message
  }

  mutating func removeAll() {
    waiting.removeAll()
    waitingBytes = 0
  }

  private func allows(_ size: Int) -> Bool {
    let fitsTurn =
      messagesInTurn == 0
      || messagesInTurn < SFULimits.signalMessagesPerTurn
        && bytesInTurn + size <= SFULimits.signalBytesPerTurn
    return fitsTurn && messages.allows(1) && bytes.allows(size)
  }

  private mutating func spend(_ size: Int) {
    messagesInTurn += 1
    bytesInTurn += size
    messages.spend(1)
    bytes.spend(size)
  }
}

extension Participant {
  /// A message of the client's came: reads it, or lets it wait.
  func hear(_ message: SignalInbox.Message, at now: Instant, into outbox: inout Outbox) {
    noteHeard(at: now)
    let isAnswer = negotiation.awaitsAnswer && channel.isAnswer(message.bytes)
    switch inbox.take(message, answering: isAnswer ? negotiation.offerID : nil) {
    case .now: read(message, at: now, into: &outbox)
    case .later: break
    case .flooded: receivedGarbage(at: now, into: &outbox)
    }
  }

  private func read(
    _ message: SignalInbox.Message, at now: Instant, into outbox: inout Outbox
  ) {
    channel.receive(message.bytes, isText: message.isText, from: self, at: now, into: &outbox)
  }

  /// A turn of the room's clock: reads what waited, and tells what was not told.
  func takeTurn(at now: Instant, into outbox: inout Outbox) {
    inbox.beginTurn(at: now)
    while !inbox.isEmpty, !hasLeft, let message = inbox.next() {
      noteHeard(at: now)
      read(message, at: now, into: &outbox)
    }
    updates.refill(at: now)
    if hasUntoldUpdate, !hasLeft { room.announce(self, into: &outbox) }
  }

  /// Whether an update about this participant may go to everybody; what may not is merged into the next
  /// one.
  func mayTell() -> Bool {
    let cost = max(updateSize, SFULimits.leastUpdateCost)
    // Everybody has to hear that it is gone.
    hasUntoldUpdate = !hasLeft && !updates.allows(cost)
    if !hasUntoldUpdate { updates.spend(cost) }
    return !hasUntoldUpdate
  }
}
