// A record beside the scenario that asked for it: what every judge reads.

import Basics
import Results
import Scenario

/// What was observed, and what was meant to happen.
struct Evidence {
  /// A participant of the scenario with what was observed of it.
  struct Participant {
    let member: Scenario.Member
    let group: Scenario.Group
    let record: ParticipantRecord
  }

  let scenario: Scenario
  let record: RunRecord
  /// In the scenario's order.
  let participants: [Participant]
  private let places: [String: Int]
  private let rights: [String: [RightsChange]]

  init(_ record: RunRecord, of scenario: Scenario) {
    self.scenario = scenario
    self.record = record
    let records = Dictionary(record.participants.map { ($0.identity, $0) }) { first, _ in first }
    participants = scenario.participants.flatMap { group in
      group.members.map { member in
        Participant(
          member: member, group: group,
          record: records[member.identity]
            ?? ParticipantRecord(
              identity: member.identity, group: group.name, room: member.room))
      }
    }
    rights = Dictionary(grouping: record.rightsChanges, by: \.identity)
    places = Dictionary(
      uniqueKeysWithValues: participants.enumerated().map { ($1.member.identity, $0) })
  }

  var end: Instant { record.end }

  func participant(_ identity: String) -> Participant? {
    places[identity].map { participants[$0] }
  }

  /// Changes of a participant's rights, in order of time.
  func rightsChanges(of identity: String) -> [RightsChange] { rights[identity] ?? [] }

  func link(_ name: String?) -> LinkRecord? { record.links.first { $0.name == name } }

  // MARK: - Links of a participant

  /// Its own, the shared ones on its way, and the SFU's.
  private func path(of participant: Participant) -> [LinkRecord] {
    record.links.filter { link in
      switch link.owner {
      case .one(let identity): identity == participant.member.identity
      case .network: participant.group.via.contains(link.scenarioLink)
      case .server: true
      }
    }
  }

  /// Whether every packet of this participant reached the SFU in order and whole.
  func isUplinkClean(of participant: Participant) -> Bool {
    // What a NAT or a suspended host loses, or an SFU that does not know the address yet, no link counts.
    guard
      !FaultWindow.all(of: scenario).contains(where: {
        $0.strikes(participant.member.identity)
      })
    else { return false }
    return path(of: participant).allSatisfy { link in
      // Towards the SFU a participant's links lead up and the SFU's own down.
      let leadsToServer = (link.owner == .server) == (link.direction == .down)
      return !leadsToServer || (link.droppedTotal == 0 && link.corrupted == 0)
    }
  }

  /// The share of packets that this participant's own link lost, 0...1; nil without packets.
  func lossShare(of participant: Participant, _ direction: LinkRecord.Direction) -> Double? {
    let name = direction == .up ? participant.record.uplink : participant.record.downlink
    guard let link = link(name) else { return 0 }
    guard link.entered > 0 else { return nil }
    // A packet with a wrong byte is lost as well.
    return Double(link.droppedTotal + link.corrupted) / Double(link.entered)
  }

  /// Whether a blackout, a pause or a change of its link struck this participant, or what it shares.
  func wasCut(_ participant: Participant) -> Bool {
    scenario.events.contains { event in
      guard event.action.isImpairment else { return false }
      if event.action.strikesEverybody { return true }
      if event.target.identities?.contains(participant.member.identity) == true { return true }
      return path(of: participant).contains(where: event.target.covers)
    }
  }

  /// Delay that a good connection may have one way, in propagation and in queues.
  private static let steadyDelay = Duration.milliseconds(60)
  /// Below this share of lost packets either way a connection is clean.
  private static let cleanLoss = 0.002

  /// Whether nothing struck this participant, and its links lose and delay next to nothing.
  func isClean(_ participant: Participant) -> Bool {
    guard !wasCut(participant), isSteady(participant),
      let up = lossShare(of: participant, .up), let down = lossShare(of: participant, .down)
    else { return false }
    return up < Evidence.cleanLoss && down < Evidence.cleanLoss
  }

  /// Above this share TCP may repeat a word so often that it takes longer than anybody waits.
  private static let talkativeLoss = 0.02

  /// Whether nothing struck this participant, and what is said to it, or by it, arrives within seconds.
  func hearsInTime(_ participant: Participant) -> Bool {
    guard !wasCut(participant), let up = lossShare(of: participant, .up),
      let down = lossShare(of: participant, .down)
    else { return false }
    return up < Evidence.talkativeLoss && down < Evidence.talkativeLoss
  }

  /// Whether this participant's links add little delay and no variation.
  func isSteady(_ participant: Participant) -> Bool {
    path(of: participant).allSatisfy { link in
      !link.hasJitter && link.delay <= Evidence.steadyDelay
        && link.maximumQueueDelay <= Evidence.steadyDelay
    }
  }

  /// What this participant's links take there and back, their queues full.
  func longestRoundTrip(of participant: Participant) -> Duration {
    path(of: participant).reduce(.zero) { $0 + $1.delay + $1.maximumQueueDelay }
  }

  /// What a link without a rate is taken for.
  private static let unlimited = Bitrate.kbps(10_000_000)

  /// The rates that a participant's own link to it had, each from when on; of changes at one moment the last.
  func capacityChanges(of participant: Participant) -> [(from: Instant, rate: Bitrate)] {
    var changes: [(from: Instant, rate: Bitrate)] = []
    for change in link(participant.record.downlink)?.capacities ?? [] {
      let rate = change.rate ?? Evidence.unlimited
      if changes.last?.from == change.from { changes.removeLast() }
      guard rate != changes.last?.rate else { continue }
      changes.append((change.from, rate))
    }
    return changes
  }
}

extension Scenario.Event.Target {
  /// Whether a link is meant.
  func covers(_ link: LinkRecord) -> Bool {
    switch self {
    case .link(let name, let direction):
      link.scenarioLink == name
        && (direction == nil || direction?.rawValue == link.direction.rawValue)
    case .participants(_, let identities):
      if case .one(let owner) = link.owner { identities.contains(owner) } else { false }
    case .sfu: link.owner == .server
    case .room, .flows: false
    }
  }
}
