// LiveKit's data packets: in whose name they go on, and to whom (pkg/rtc/participant.go, room.go).

import Signal

struct LiveKitData: DataFormat {
  /// Who sent it is what we know, not what it says; its `sequence` stays.
  func read(_ bytes: [UInt8], fromIdentity identity: String, sid: String) -> DataMessage? {
    guard var packet = try? DataPacket(decoding: bytes) else { return nil }
    packet.participantIdentity = identity
    packet.participantSid = sid
    var destination = DataDestination(identities: packet.destinationIdentities)
    if case .user(var user) = packet.value {
      user.participantIdentity = identity
      user.participantSid = sid
      destination.identities += user.destinationIdentities
      destination.sids = user.destinationSids
      packet.value = .user(user)
    }
    return DataMessage(
      sequence: packet.sequence, destination: destination, bytes: packet.encoded)
  }

  func unnumbered(_ bytes: [UInt8]) -> [UInt8] {
    guard var packet = try? DataPacket(decoding: bytes) else { return bytes }
    packet.sequence = 0
    return packet.encoded
  }
}
