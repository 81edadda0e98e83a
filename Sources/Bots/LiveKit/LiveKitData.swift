// LiveKit's data channels: which there are, and the protobuf message in each of their messages.

import Basics
import Signal
import Transport

extension LiveKitSession {
  private static let reliable = "_reliable"

  /// A client's three; the third carries data tracks, of which the bot has none.
  public var dataChannels: [DataChannelParameters] {
    [
      DataChannelParameters(label: LiveKitSession.reliable),
      DataChannelParameters(label: "_lossy", isOrdered: false, reliability: .retransmits(0)),
      DataChannelParameters(label: "_data_track", isOrdered: false, reliability: .retransmits(0)),
    ]
  }

  public func encode(_ message: DataMessage) -> [UInt8] {
    var user = UserPacket()
    user.payload = message.payload
    var packet = DataPacket()
    packet.kind = message.isReliable ? .reliable : .lossy
    packet.value = .user(user)
    packet.destinationIdentities = message.recipients
    packet.sequence = message.sequence
    return packet.encoded
  }

  public func decode(_ bytes: [UInt8], on label: String) -> DataMessage? {
    guard let packet = try? DataPacket(decoding: bytes), case .user(let user) = packet.value
    else { return nil }
    var message = DataMessage(user.payload, isReliable: label == LiveKitSession.reliable)
    message.sequence = packet.sequence
    message.senderSID = packet.participantSid
    message.sender = packet.participantIdentity
    message.recipients = packet.destinationIdentities
    return message
  }
}
