// The bot's data channels, as LiveKit's clients use them.

import Basics
import Signal
import Transport
import Wire

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
  /// joined.
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
    if reliable {
      dataSequence += 1
      packet.sequence = dataSequence
    }
    waitingData.append(packet)
    sendWaitingData(at: now, into: &outbox)
  }

  func sendWaitingData(at now: Instant, into outbox: inout Outbox) {
    var sent = 0
    for packet in waitingData {
      let label = packet.kind == .reliable ? "_reliable" : "_lossy"
      guard publisher.sendData(packet.encoded, on: label, at: now, into: &outbox) else { break }
      sent += 1
    }
    if sent > 0 { waitingData.removeFirst(sent) }
  }

  func receiveData(at now: Instant) {
    // The SFU sends nothing on the publisher's channels.
    _ = publisher.takeDataEvents()
    for event in subscriber.takeDataEvents() {
      guard case .message(let label, let bytes, _) = event,
        let packet = try? DataPacket(decoding: bytes), case .user(let user) = packet.value
      else { continue }
      observations.data.append(
        .init(
          at: now, sender: packet.participantIdentity, bytes: user.payload,
          isReliable: label == "_reliable"))
    }
  }
}
