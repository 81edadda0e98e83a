// Who is in the room, as the SFU tells it.

struct BotRoster {
  private(set) var participants: [SessionParticipant] = []

  /// Takes news of a participant; older ones than those known are ignored.
  mutating func update(_ info: SessionParticipant) {
    if let index = participants.firstIndex(where: { $0.sid == info.sid }) {
      guard info.version >= participants[index].version else { return }
      if info.hasLeft {
        participants.remove(at: index)
      } else {
        participants[index] = info
      }
    } else if !info.hasLeft {
      participants.append(info)
    }
  }

  func participant(sid: String) -> SessionParticipant? { participants.first { $0.sid == sid } }

  func participant(identity: String) -> SessionParticipant? {
    participants.first { $0.identity == identity }
  }

  var identities: [String] { participants.map(\.identity) }
}
