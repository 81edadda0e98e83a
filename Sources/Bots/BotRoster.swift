// Who is in the room, as the SFU tells it.

import Signal

struct BotRoster {
  private(set) var participants: [ParticipantInfo] = []

  /// Takes news of a participant; older ones than those known are ignored.
  mutating func update(_ info: ParticipantInfo) {
    if let index = participants.firstIndex(where: { $0.sid == info.sid }) {
      guard info.version >= participants[index].version else { return }
      if info.state == .disconnected {
        participants.remove(at: index)
      } else {
        participants[index] = info
      }
    } else if info.state != .disconnected {
      participants.append(info)
    }
  }

  func participant(sid: String) -> ParticipantInfo? { participants.first { $0.sid == sid } }

  func participant(identity: String) -> ParticipantInfo? {
    participants.first { $0.identity == identity }
  }

  var identities: [String] { participants.map(\.identity) }
}
