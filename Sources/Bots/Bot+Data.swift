// The bot's data channels, as LiveKit's clients use them: reliable messages are numbered, kept, and sent
// again after a resume from where the SFU stopped hearing them.

import Basics
import Signal
import Transport
import Wire

/// What a bot has sent, received and not sent yet.
struct BotData {
  /// Counts the reliable messages of the session.
  var sequence: UInt32 = 0
  /// Waiting for channels.
  var waiting: [DataPacket] = []
  /// Reliable messages of the session, the latest.
  var sent: [DataPacket] = []
  /// The last reliable message from each publisher, in the order in which they first spoke.
  var received: [DataChannelReceiveState] = []
  /// Reliable messages that came again.
  private(set) var repeats = 0

  mutating func startOver() {
    sequence = 0
    sent = []
    received = []
  }

  /// Whether a reliable message is new: what the SFU sends again after a resume may have come already
  /// (livekit-client `RTCEngine`, since 2.15).
  mutating func isNew(_ packet: DataPacket) -> Bool {
    guard packet.sequence > 0 else { return true }
    let place = received.firstIndex { $0.publisherSid == packet.participantSid }
    if let place {
      guard packet.sequence > received[place].lastSeq else {
        repeats += 1
        return false
      }
      received[place].lastSeq = packet.sequence
    } else {
      received.append(
        DataChannelReceiveState {
          $0.publisherSid = packet.participantSid
          $0.lastSeq = packet.sequence
        })
    }
    return true
  }
}

extension Bot {
  /// A client's three; the third carries data tracks, of which the bot has none.
  private static let channels = [
    DataChannelParameters(label: "_reliable"),
    DataChannelParameters(label: "_lossy", isOrdered: false, reliability: .retransmits(0)),
    DataChannelParameters(label: "_data_track", isOrdered: false, reliability: .retransmits(0)),
  ]

  func openDataChannels(at now: Instant, into outbox: inout Outbox) {
    guard !publisher.negotiatesData else { return }
    publisher.negotiateData(at: now, into: &outbox)
    for channel in Bot.channels { publisher.openChannel(channel, at: now, into: &outbox) }
  }

  /// Sends `bytes` to these identities, or to everybody; waits for the channels where it has just
  /// joined, or is on its way back.
  /// - Parameter bytes: up to 15,000, as LiveKit's clients keep it.
  public func sendData(
    _ bytes: [UInt8], reliable: Bool, to identities: [String] = [], at now: Instant,
    into outbox: inout Outbox
  ) {
    precondition(bytes.count <= BotLimits.dataSize, "too large for one data packet")
    var user = UserPacket()
    user.payload = bytes
    var packet = DataPacket()
    packet.kind = reliable ? .reliable : .lossy
    packet.value = .user(user)
    packet.destinationIdentities = identities
    if !reliable, state != .connected { return }
    data.waiting.append(packet)
    sendWaitingData(at: now, into: &outbox)
  }

  func sendWaitingData(at now: Instant, into outbox: inout Outbox) {
    guard !data.waiting.isEmpty, state == .connected || state == .connecting else { return }
    var sent = 0
    for var packet in data.waiting {
      let isReliable = packet.kind == .reliable
      if isReliable { packet.sequence = data.sequence + 1 }
      guard
        publisher.sendData(
          packet.encoded, on: isReliable ? "_reliable" : "_lossy", at: now, into: &outbox)
      else { break }
      sent += 1
      guard isReliable else { continue }
      data.sequence += 1
      data.sent.append(packet)
      if data.sent.count > BotLimits.dataHistory { data.sent.removeFirst() }
    }
    if sent > 0 { data.waiting.removeFirst(sent) }
  }

  /// Sends again what the SFU had not heard when signalling was lost.
  func resendData(after sequence: UInt32, at now: Instant, into outbox: inout Outbox) {
    for packet in data.sent where packet.sequence > sequence {
      publisher.sendData(packet.encoded, on: "_reliable", at: now, into: &outbox)
    }
  }

  func receiveData(at now: Instant) {
    // The SFU sends nothing on the publisher's channels.
    _ = publisher.takeDataEvents()
    for event in subscriber.takeDataEvents() {
      guard case .message(let label, let bytes, _) = event,
        let packet = try? DataPacket(decoding: bytes), case .user(let user) = packet.value
      else { continue }
      if label == "_reliable", !data.isNew(packet) { continue }
      observations.data.append(
        .init(
          at: now, sender: packet.participantIdentity, bytes: user.payload,
          isReliable: label == "_reliable"))
    }
  }
}
