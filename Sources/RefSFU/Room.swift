// A room: its participants in the order of their joining, and what they are told about each other.

import Basics
import Transport

final class Room {
  let name: String
  let sid: String
  unowned let sfu: SFU
  private(set) var participants: [Participant] = []
  var settings: RoomSettings
  var reliableData = ReliableDataCache()
  /// Who has left of late, for those who were away meanwhile.
  private var departed: [(last: ParticipantSnapshot, at: Instant)] = []
  /// While nobody is in it.
  private var emptySince: Instant
  private var wasJoined = false
  private let createdAt: Instant
  private var speakers = ActiveSpeakers<String>()
  private var nextQuality: Instant
  private var random: RandomStream

  init(name: String, sfu: SFU, random: RandomStream, at now: Instant) {
    self.name = name
    self.sfu = sfu
    self.random = random
    settings = RoomSettings(maximumParticipants: sfu.configuration.maximumParticipants)
    createdAt = now
    emptySince = now
    nextQuality = now + SFULimits.qualityInterval
    sid = "RM_" + self.random.string(12, from: SID.alphabet)
  }

  var snapshot: RoomSnapshot {
    RoomSnapshot(
      sid: sid, name: name, settings: settings, createdAt: sfu.unixSeconds(at: createdAt),
      participants: participants.count { !$0.isHidden },
      publishers: participants.count { !$0.tracks.isEmpty })
  }

  /// Participants who count towards the room's limit, one identity left out: it would be replaced.
  func visibleCount(besides identity: String) -> Int {
    participants.count { !$0.isHidden && $0.identity != identity }
  }

  /// What somebody who comes back must hear: first who is gone, as one of the same identity may be here
  /// again, then who is here.
  func news(for participant: Participant, at now: Instant) -> [ParticipantSnapshot] {
    departed.filter { now - $0.at <= SFULimits.departureMemory }.map(\.last)
      + participants.filter { $0 === participant || !$0.isHidden }.map(\.snapshot)
  }

  /// Bytes that everybody besides `participant` says about itself.
  func profileSize(besides participant: Participant?) -> Int {
    participants.reduce(0) { $0 + ($1 === participant ? 0 : $1.profileSize) }
  }

  func participant(sid: String) -> Participant? { participants.first { $0.sid == sid } }

  // MARK: - Coming and going

  func join(_ participant: Participant, at now: Instant, into outbox: inout Outbox) {
    participants.append(participant)
    wasJoined = true
    participant.note(.joined)
    participant.welcome(at: now, into: &outbox)
    announce(participant, into: &outbox)
    for other in participants where other !== participant {
      for track in other.tracks where track.isLive {
        participant.subscribeIfWanted(to: track, at: now)
      }
    }
  }

  func remove(_ participant: Participant, at now: Instant, into outbox: inout Outbox) {
    guard let index = participants.firstIndex(where: { $0 === participant }) else { return }
    participants.remove(at: index)
    emptySince = now
    participant.note(.left(reason: (participant.leaveReason ?? .unknown).rawValue))
    speakers.remove(participant.sid)
    announce(participant, into: &outbox)
    departed.removeAll { now - $0.at > SFULimits.departureMemory }
    if !participant.isHidden { departed.append((participant.farewell, now)) }
    if departed.count > SFULimits.departedParticipants { departed.removeFirst() }
    sfu.forget(participant)
  }

  /// Tells everybody who may know what `participant` is now; where it changes too often, a little later.
  func announce(_ participant: Participant, into outbox: inout Outbox) {
    guard participant.mayTell() else { return }
    let update = Broadcast(.participantsChanged([participant.snapshot]))
    if participant.isHidden {
      participant.channel.send(update, into: &outbox)
      return
    }
    tell(update, into: &outbox)
    if sfu.configuration.mutant == .crossesRooms {
      for other in sfu.rooms where other !== self { other.tell(update, into: &outbox) }
    }
    if participant.hasLeft { participant.channel.send(update, into: &outbox) }
  }

  /// Tells everybody in the room.
  func tell(_ broadcast: Broadcast, into outbox: inout Outbox) {
    for participant in participants { participant.channel.send(broadcast, into: &outbox) }
  }

  /// Tells everybody what the room is now.
  func announceItself(into outbox: inout Outbox) {
    tell(Broadcast(.roomChanged(snapshot)), into: &outbox)
  }

  /// A track carries media: it becomes visible, and those who want it get it.
  func published(_ track: PublishedTrack, at now: Instant, into outbox: inout Outbox) {
    announce(track.publisher, into: &outbox)
    feedSinks(track, at: now)
    for other in participants where other !== track.publisher {
      other.subscribeIfWanted(to: track, at: now)
    }
  }

  // MARK: - Time

  /// Whether nobody is in the room, for longer than it waits.
  func isOver(at now: Instant) -> Bool {
    let patience = wasJoined ? settings.departureTimeout : settings.emptyTimeout
    return participants.isEmpty && now - emptySince >= .seconds(Int(patience))
  }

  func tick(at now: Instant, into outbox: inout Outbox) {
    for participant in participants { participant.tick(at: now, into: &outbox) }
    announceSpeakers(at: now, into: &outbox)
    announceAbsences(at: now, into: &outbox)
    if nextQuality <= now {
      nextQuality = now + SFULimits.qualityInterval
      announceQuality(at: now, into: &outbox)
    }
  }

  // MARK: - Indicators

  func observe(level: UInt8, of participant: Participant, at now: Instant) {
    speakers.observe(participant.sid, level: level, duration: SFULimits.audioPacket, at: now)
  }

  private func announceSpeakers(at now: Instant, into outbox: inout Outbox) {
    var changed = speakers.changes(at: now).map { speaker in
      SpeakerLevel(sid: speaker.id, level: speaker.level, isActive: speaker.isSpeaking)
    }
    if sfu.configuration.mutant == .speakerAfterMute {
      changed.removeAll { speaker in
        let tracks = participant(sid: speaker.sid)?.tracks ?? []
        return !speaker.isActive && tracks.contains { !$0.isVideo && $0.isMuted }
      }
    }
    guard !changed.isEmpty else { return }
    if sfu.configuration.mutant == .wrongSpeaker {
      for index in changed.indices {
        guard let position = participants.firstIndex(where: { $0.sid == changed[index].sid })
        else { continue }
        changed[index].sid = participants[(position + 1) % participants.count].sid
      }
    }
    tell(Broadcast(.speakersChanged(changed)), into: &outbox)
  }

  /// Who speaks at present, to one who may not have heard of it.
  func tellSpeakers(to participant: Participant, into outbox: inout Outbox) {
    let levels = speakers.speakers.map { speaker in
      SpeakerLevel(sid: speaker.id, level: speaker.level, isActive: true)
    }
    guard !levels.isEmpty else { return }
    participant.notify(.speakersChanged(levels), into: &outbox)
  }

  /// Everybody learns everybody's word, as in small LiveKit rooms; beyond 25 people only their own.
  private func announceQuality(at now: Instant, into outbox: inout Outbox) {
    for participant in participants { participant.updateQuality(at: now) }
    var infos = participants.filter { !$0.isHidden }.map(\.connectionQuality)
    if sfu.configuration.mutant == .qualityOfWrongParticipant {
      let sids = infos.map(\.sid)
      for index in infos.indices { infos[index].sid = sids[(index + 1) % sids.count] }
    }
    if infos.count <= 25 {
      tell(Broadcast(.connectionQuality(infos)), into: &outbox)
      return
    }
    for participant in participants {
      let own = infos.filter { $0.sid == participant.sid }
      participant.notify(.connectionQuality(own), into: &outbox)
    }
  }

  /// Whose connection is lost, or found again, is news in rooms of any size, at once.
  private func announceAbsences(at now: Instant, into outbox: inout Outbox) {
    let changed = participants.filter { $0.updateAbsence(at: now) }
    guard !changed.isEmpty else { return }
    let infos = changed.filter { !$0.isHidden }.map(\.connectionQuality)
    let news = Broadcast(.connectionQuality(infos))
    for participant in participants where !participant.isAway {
      // Who was away has missed such news.
      if changed.contains(where: { $0 === participant }) {
        tellQuality(to: participant, into: &outbox)
      } else if !infos.isEmpty {
        participant.channel.send(news, into: &outbox)
      }
    }
  }

  /// Everybody's word at present, to one who may not have heard of it.
  func tellQuality(to participant: Participant, into outbox: inout Outbox) {
    let infos = participants.filter { !$0.isHidden }.map(\.connectionQuality)
    participant.notify(.connectionQuality(infos), into: &outbox)
  }
}

/// What a room was made with. One that a join made lasts while somebody is in it; those made over
/// the API wait for people, too.
struct RoomSettings {
  var maximumParticipants: Int
  /// Seconds without a first participant.
  var emptyTimeout: UInt32 = 0
  /// Seconds after the last participant.
  var departureTimeout: UInt32 = 0
  var metadata = ""
}

/// LiveKit's identifiers: a prefix that clients check, and twelve random characters.
enum SID {
  static let alphabet: StaticString =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
}
