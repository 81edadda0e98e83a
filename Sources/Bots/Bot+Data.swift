// The bot's data channels, as LiveKit's clients use them: reliable messages are numbered, kept, and sent
// again after a resume from where the SFU stopped hearing them.

import Basics
import Transport
import Wire

/// What a bot has sent, received and not sent yet.
struct BotData {
  /// Counts the reliable messages of the session.
  var sequence: UInt32 = 0
  /// Waiting for channels.
  var waiting: [DataMessage] = []
  /// Reliable messages of the session, the latest.
  var sent: [DataMessage] = []
  /// The last reliable message from each publisher, in the order in which they first spoke.
  var received: [DataReceiveState] = []
  /// Reliable messages that came again.
  private(set) var repeats = 0

  mutating func startOver() {
    sequence = 0
    sent = []
    received = []
  }

  /// Whether a reliable message is new: what the SFU sends again after a resume may have come already
  /// (livekit-client `RTCEngine`, since 2.15).
  mutating func isNew(_ message: DataMessage) -> Bool {
    guard message.sequence > 0 else { return true }
    let place = received.firstIndex { $0.publisherSID == message.senderSID }
    if let place {
      guard message.sequence > received[place].sequence else {
        repeats += 1
        return false
      }
      received[place].sequence = message.sequence
    } else {
      received.append(
        DataReceiveState(publisherSID: message.senderSID, sequence: message.sequence))
    }
    return true
  }
}

extension Bot {
  /// Whether the scenario has data to send and the signalling has channels for it.
  var opensDataChannels: Bool { configuration.usesData && !session.dataChannels.isEmpty }

  func openDataChannels(at now: Instant, into outbox: inout Outbox) {
    guard !publisher.negotiatesData else { return }
    publisher.negotiateData(at: now, into: &outbox)
    for channel in session.dataChannels { publisher.openChannel(channel, at: now, into: &outbox) }
  }

  /// Sends `bytes` to these identities, or to everybody; waits for the channels where it has just
  /// joined, or is on its way back.
  /// - Parameter bytes: up to 15,000, as LiveKit's clients keep it.
  public func sendData(
    _ bytes: [UInt8], reliable: Bool, to identities: [String] = [], at now: Instant,
    into outbox: inout Outbox
  ) {
    precondition(bytes.count <= BotLimits.dataSize, "too large for one data message")
    if !reliable, state != .connected { return }
    var message = DataMessage(bytes, isReliable: reliable)
    message.recipients = identities
    data.waiting.append(message)
    sendWaitingData(at: now, into: &outbox)
  }

  func sendWaitingData(at now: Instant, into outbox: inout Outbox) {
    guard !data.waiting.isEmpty, state == .connected || state == .connecting else { return }
    var sent = 0
    for var message in data.waiting {
      let isReliable = message.isReliable
      if isReliable { message.sequence = data.sequence + 1 }
      guard
        publisher.sendData(
          session.encode(message), on: isReliable ? "_reliable" : "_lossy", at: now, into: &outbox)
      else { break }
      sent += 1
      guard isReliable else { continue }
      data.sequence += 1
      data.sent.append(message)
      if data.sent.count > BotLimits.dataHistory { data.sent.removeFirst() }
    }
    if sent > 0 { data.waiting.removeFirst(sent) }
  }

  /// Sends again what the SFU had not heard when signalling was lost.
  func resendData(after sequence: UInt32, at now: Instant, into outbox: inout Outbox) {
    for message in data.sent where message.sequence > sequence {
      publisher.sendData(session.encode(message), on: "_reliable", at: now, into: &outbox)
    }
  }

  func receiveData(at now: Instant) {
    // The SFU sends nothing on the publisher's channels.
    _ = publisher.takeDataEvents()
    for event in subscriber.takeDataEvents() {
      guard case .message(let label, let bytes, _) = event,
        let message = session.decode(bytes, on: label)
      else { continue }
      if message.isReliable, !data.isNew(message) { continue }
      observations.data.append(
        .init(
          at: now, sender: message.sender, bytes: message.payload,
          isReliable: message.isReliable))
    }
  }
}
