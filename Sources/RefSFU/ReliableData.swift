// Reliable data across a resume, exactly once and in order: publishers number their messages, the SFU
// drops what comes twice and keeps what it passed on for those who missed it (LiveKit pkg/rtc/room.go,
// GetCachedReliableDataMessage).

import Basics
import Transport

/// Whom a message is for; both empty is everybody else.
struct DataDestination: Equatable {
  var identities: [String] = []
  var sids: [String] = []

  /// Names in it.
  var count: Int { identities.count + sids.count }

  func includes(_ participant: Participant) -> Bool {
    (identities.isEmpty && sids.isEmpty) || identities.contains(participant.identity)
      || sids.contains(participant.sid)
  }
}

/// The latest reliable messages of a room, bounded in age and size.
struct ReliableDataCache: ~Copyable {
  struct Message {
    let publisherSid: String
    let sequence: UInt32
    let destination: DataDestination
    let bytes: [UInt8]
    let at: Instant
  }

  private var messages = RingBuffer<Message>()
  private var size = 0

  mutating func add(_ message: Message) {
    messages.append(message)
    size += message.bytes.count
    while let first = messages.first,
      size > SFULimits.replaySize || message.at - first.at > SFULimits.replayAge
    {
      size -= first.bytes.count
      _ = messages.popFirst()
    }
  }

  /// What lies beyond `states`, in the order in which it came. A publisher without a state sent
  /// nothing that its receiver counts.
  func messages(beyond states: [DataReceiveState]) -> [Message] {
    guard !states.isEmpty else { return [] }
    let last = Dictionary(
      states.map { ($0.publisherSid, $0.lastSequence) }, uniquingKeysWith: min)
    return (0..<messages.count).map { messages[$0] }.filter { message in
      last[message.publisherSid].map { $0 < message.sequence } ?? false
    }
  }
}

extension Participant {
  /// Whether a reliable message is new; one that its publisher sent again after a resume, because it
  /// could not know, is not. Zero is no number.
  func isNew(sequence: UInt32) -> Bool {
    guard sequence > 0 else { return true }
    guard sequence > lastReliableSequence else { return false }
    lastReliableSequence = sequence
    return true
  }

  /// What others sent while this one was away, from where it stopped receiving.
  func replayData(
    after states: [DataReceiveState], at now: Instant, into outbox: inout Outbox
  ) {
    var states = states
    if sfu.configuration.mutant == .dataReplayedTwice {
      for index in states.indices { states[index].lastSequence = 0 }
    }
    for message in room.reliableData.messages(beyond: states)
    where message.publisherSid != sid && message.destination.includes(self) {
      var bytes = message.bytes
      if sfu.configuration.mutant == .dataReplayedTwice { bytes = unnumbered(bytes) }
      deliver(bytes, on: DataChannels.reliable.label, at: now, into: &outbox)
    }
  }

  /// Sends on the subscriber's channel. What is reliable waits for the channel, as far as there is
  /// room; what is lossy does not.
  func deliver(
    _ bytes: [UInt8], on label: String, at now: Instant, into outbox: inout Outbox
  ) {
    guard egress.bufferedData < SFULimits.dataBacklog else { return }
    if !waitingData.isEmpty { deliverWaitingData(at: now, into: &outbox) }
    if egress.sendData(bytes, on: label, at: now, into: &outbox) { return }
    guard label == DataChannels.reliable.label, sfu.configuration.dataChannels, channel.takesData,
      bytes.count <= TransportLimits.dataMessageSize,
      waitingData.count < SFULimits.waitingData
    else { return }
    waitingData.append(bytes)
  }

  /// Sends what has waited for the channel, once there is one.
  func deliverWaitingData(at now: Instant, into outbox: inout Outbox) {
    var sent = 0
    for bytes in waitingData {
      guard
        egress.sendData(bytes, on: DataChannels.reliable.label, at: now, into: &outbox)
      else { break }
      sent += 1
    }
    waitingData.removeFirst(sent)
  }
}
