// From a scenario that fails to the smallest one found that still does (delta debugging: Zeller and
// Hildebrandt, IEEE TSE 28(2), 2002, on people, events, time and links).

import Basics
import Scenario

public enum Shrinking {
  /// The smallest scenario found, by taking whatever can be taken away until nothing more can.
  ///
  /// - Parameters:
  ///   - width: how many candidates are tried side by side; the outcome does not depend on it.
  ///   - firstFailing: the place of the first of the candidates that still fails.
  public static func smallest(
    _ scenario: Scenario, width: Int = 1, firstFailing: ([Scenario]) throws -> Int?
  ) rethrows -> Scenario {
    var best = scenario
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      for pass in passes {
        var place = 0
        var candidates = simpler(than: best, by: pass)
        while place < candidates.count {
          let batch = Array(candidates[place..<min(candidates.count, place + max(1, width))])
          guard let found = try firstFailing(batch) else {
            place += batch.count
            continue
          }
          best = batch[found]
          hasChanged = true
          // What stood before in the list was tried; the next round tries it again.
          place += found
          candidates = simpler(than: best, by: pass)
        }
      }
    }
    return best
  }

  /// What a pass makes of a scenario, as far as it is simpler: so there is an end.
  private static func simpler(
    than best: Scenario, by pass: (Scenario) -> [Scenario]
  ) -> [Scenario] {
    let size = size(of: best)
    return pass(best).compactMap(\.reread).filter {
      self.size(of: $0).lexicographicallyPrecedes(size)
    }
  }

  /// People, events, time, the events' time, and what is left to read.
  private static func size(of scenario: Scenario) -> [Int] {
    let spans = scenario.events.reduce(0) { $0 + Int(($1.duration ?? .zero).milliseconds) }
    return [
      scenario.members.count, scenario.events.count, Int(scenario.duration.milliseconds), spans,
      scenario.yaml.utf8.count,
    ]
  }

  /// Ways to make a scenario simpler, those that take away most first.
  private static let passes: [@Sendable (Scenario) -> [Scenario]] = [
    fewerPeople, fewerEvents, shorter, noSharedParts, simplerPeople, simplerLinks, shorterEvents,
  ]

  // MARK: - Fewer

  private static func fewerPeople(_ scenario: Scenario) -> [Scenario] {
    let groups = scenario.participants
    var candidates: [Scenario] = []
    for chunk in chunks(of: groups.count) where chunk.count < groups.count {
      candidates.append(scenario.without(Set(groups[chunk].flatMap(\.members).map(\.identity))))
    }
    for (index, group) in groups.enumerated() {
      guard let count = group.count, count > 1 else { continue }
      for fewer in [1, count / 2, count - 1] where fewer > 0 && fewer < count {
        var candidate = scenario
        candidate.participants[index].count = fewer
        candidates.append(candidate)
      }
    }
    return candidates
  }

  private static func fewerEvents(_ scenario: Scenario) -> [Scenario] {
    chunks(of: scenario.events.count).map { chunk in
      var candidate = scenario
      candidate.events.removeSubrange(chunk)
      return candidate
    }
  }

  /// All, halves, quarters … single ones.
  private static func chunks(of count: Int) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var size = count
    while size > 0 {
      for start in stride(from: 0, to: count, by: size) {
        result.append(start..<min(count, start + size))
      }
      size /= 2
    }
    return result
  }

  // MARK: - Shorter

  private static func shorter(_ scenario: Scenario) -> [Scenario] {
    let whole = Int(scenario.duration.seconds.rounded(.up))
    var candidates: [Scenario] = []
    for seconds in [whole / 2, whole * 3 / 4, whole - 2, whole - 1]
    where seconds > 0 && seconds < whole {
      candidates.append(scenario.cut(to: .seconds(seconds)))
    }
    // Time in which nothing begins or ends.
    let moments = scenario.moments
    for (before, after) in zip(moments, moments.dropFirst()) where after - before > .seconds(2) {
      for kept in [Duration.seconds(1), (after - before) / 2] {
        candidates.append(scenario.closing(after: before, by: after - before - kept))
      }
    }
    return candidates
  }

  private static func shorterEvents(_ scenario: Scenario) -> [Scenario] {
    scenario.events.indices.compactMap { index -> Scenario? in
      guard let duration = scenario.events[index].duration, duration > .milliseconds(200),
        scenario.events[index].action.ownDuration == nil
      else { return nil }
      var candidate = scenario
      let half = Int((duration / 2).milliseconds) / 100
      candidate.events[index].duration = .milliseconds(max(1, half) * 100)
      return candidate
    }
  }

  // MARK: - Simpler

  private static func noSharedParts(_ scenario: Scenario) -> [Scenario] {
    var candidates: [Scenario] = []
    func edit(_ change: (inout Scenario) -> Void) {
      var candidate = scenario
      change(&candidate)
      candidates.append(candidate)
    }
    edit { scenario in
      let mutant = scenario.sfu.mutant
      scenario.sfu = Scenario.SFU()
      scenario.sfu.mutant = mutant
    }
    edit { $0.sfu.link = nil }
    edit { $0.sfu.subscriberLimit = nil }
    edit { $0.sfu.dynacast = true }
    edit { $0.media = Scenario.MediaCosts() }
    edit { $0.startValues = .random }
    for index in scenario.participants.indices {
      edit { $0.participants[index].link = nil }
      edit { $0.participants[index].via = [] }
    }
    return candidates.map(\.withoutUnusedLinks)
  }

  private static func simplerPeople(_ scenario: Scenario) -> [Scenario] {
    var candidates: [Scenario] = []
    for index in scenario.participants.indices {
      for change in groupChanges {
        var candidate = scenario
        change(&candidate.participants[index])
        candidates.append(candidate)
      }
      for source in scenario.participants[index].publish {
        var candidate = scenario
        candidate.participants[index].publish.removeAll { $0 == source }
        candidates.append(candidate)
      }
    }
    return candidates
  }

  private static let groupChanges: [@Sendable (inout Scenario.Group) -> Void] = [
    {
      $0.role = .participant
      $0.grants = Scenario.Grants()
    },
    { $0.grants = $0.role.grants },
    { $0.publish = [] },
    { $0.camera.layers = Array($0.camera.layers.prefix(1)) },
    { $0.camera.layers = Array($0.camera.layers.dropLast($0.camera.layers.count > 1 ? 1 : 0)) },
    { $0.camera.temporalLayers = 1 },
    { $0.camera = .camera },
    { $0.screenShare = .screenShare },
    { $0.microphone = Scenario.AudioSource() },
    { $0.talk = .always },
    { $0.data = nil },
    { $0.view = Scenario.View() },
    { $0.subscribe = .all },
    {
      $0.reconnect = nil
      $0.reconnectPolicy = nil
    },
    { $0.hasDevices = true },
    { $0.nat = nil },
    { $0.hasIPv6 = false },
    { $0.joinAt = .zero },
    { $0.joinOver = .zero },
    { $0.leaveAt = nil },
    { $0.tags = [] },
  ]

  private static func simplerLinks(_ scenario: Scenario) -> [Scenario] {
    var candidates: [Scenario] = []
    for index in scenario.links.indices {
      for change in directionChanges {
        for directions in [[\Scenario.Link.up, \Scenario.Link.down], [\.up], [\.down]] {
          var candidate = scenario
          for direction in directions { change(&candidate.links[index][keyPath: direction]) }
          candidates.append(candidate)
        }
      }
    }
    return candidates
  }

  private static let directionChanges: [@Sendable (inout Scenario.LinkDirection) -> Void] = [
    { $0 = Scenario.LinkDirection() },
    { $0.capacity = .unlimited },
    { $0.jitter = .none },
    { $0.loss = .none },
    { $0.reorder = nil },
    { $0.duplicate = 0 },
    { $0.corrupt = 0 },
    {
      $0.aqm = .dropTail
      $0.ecn = false
    },
    { $0.queue = .time(.milliseconds(300)) },
    { $0.delay = .zero },
    { $0.delay = .milliseconds(10) },
  ]
}

extension Scenario {
  /// As it is after writing and reading; nil where the language does not allow it.
  var reread: Scenario? {
    (try? ScenarioFile.parse(Array(yaml.utf8), file: file))?.first?.scenario
  }

  /// When something begins or ends, in order, from the start to the end of the run.
  fileprivate var moments: [Instant] {
    var all: [Instant] = [.zero, .zero + duration]
    for event in events {
      all.append(event.at)
      if let duration = event.duration { all.append(event.at + duration) }
    }
    for group in participants {
      all.append(group.joinAt)
      if let leaveAt = group.leaveAt { all.append(leaveAt) }
    }
    return Array(Set(all)).sorted()
  }

  fileprivate var withoutUnusedLinks: Scenario {
    var result = self
    var used = Set(participants.flatMap { [$0.link].compactMap { $0 } + $0.via } + [sfu.link ?? ""])
    for event in events {
      if case .handover(let handover) = event.action { used.insert(handover.to) }
    }
    result.links.removeAll { !used.contains($0.name) }
    result.events.removeAll { event in
      if case .link(let name, _) = event.target { !used.contains(name) } else { false }
    }
    return result
  }

  /// Without these people, and without what is done to nobody any more.
  fileprivate func without(_ gone: Set<String>) -> Scenario {
    var result = self
    result.participants.removeAll { group in group.members.allSatisfy { gone.contains($0.identity) }
    }
    for index in result.participants.indices {
      result.participants[index].view.of.removeAll { gone.contains($0.identity) }
      guard case .only(var selection) = result.participants[index].subscribe else { continue }
      selection.from.removeAll(where: gone.contains)
      result.participants[index].subscribe = selection.from.isEmpty ? .none : .only(selection)
    }
    result.events = events.compactMap { event in
      if let who = event.target.identities, who.allSatisfy(gone.contains) { return nil }
      var event = event
      guard let action = event.action.without(gone) else { return nil }
      event.action = action
      return event
    }
    result.expectations.removeAll { $0.subjects.allSatisfy { gone.contains($0.identity) } }
    for index in result.expectations.indices {
      result.expectations[index].from?.removeAll { gone.contains($0.identity) }
    }
    let rooms = Set(result.members.map(\.room))
    if result.rooms.count > 1 { result.rooms.removeAll { !rooms.contains($0) } }
    return result.withoutUnusedLinks
  }

  /// The first part of it.
  fileprivate func cut(to length: Duration) -> Scenario {
    var result = self
    let end = Instant.zero + length
    result.duration = length
    result.events = events.compactMap { event in
      guard event.at < end else { return nil }
      var event = event
      if let duration = event.duration { event.duration = min(duration, end - event.at) }
      return event
    }
    for index in result.participants.indices {
      let group = participants[index]
      if let leaveAt = group.leaveAt, leaveAt >= end { result.participants[index].leaveAt = nil }
      if case .spells(let spells) = group.talk {
        result.participants[index].talk = .spells(
          spells.filter { $0.at < end }.map {
            .init(at: $0.at, duration: min($0.duration, end - $0.at))
          })
      }
    }
    return result
  }

  /// With `span` less time after `start`: all that comes later comes so much earlier.
  fileprivate func closing(after start: Instant, by span: Duration) -> Scenario {
    func moved(_ moment: Instant) -> Instant { moment > start ? moment - span : moment }
    var result = self
    for index in result.events.indices { result.events[index].at = moved(events[index].at) }
    for index in result.participants.indices {
      result.participants[index].joinAt = moved(participants[index].joinAt)
      result.participants[index].leaveAt = participants[index].leaveAt.map(moved)
    }
    return result.cut(to: duration - span)
  }
}

extension Scenario.Event.Action {
  /// With nobody of `gone` in it; nil where nobody is left.
  fileprivate func without(_ gone: Set<String>) -> Scenario.Event.Action? {
    func left(_ who: [String]) -> [String]? {
      let rest = who.filter { !gone.contains($0) }
      return rest.isEmpty ? nil : rest
    }
    func left(_ selection: Scenario.Selection) -> Scenario.Selection? {
      left(selection.from).map { .init(from: $0, sources: selection.sources) }
    }
    switch self {
    case .subscribe(let selection): return left(selection).map { .subscribe($0) }
    case .unsubscribe(let selection): return left(selection).map { .unsubscribe($0) }
    case .view(let of, let size, let fps, let priority):
      return left(of).map {
        .view(of: $0, size: size, framesPerSecond: fps, priority: priority)
      }
    case .promote(let who, let fields): return left(who).map { .promote(who: $0, fields) }
    case .demote(let who, let fields): return left(who).map { .demote(who: $0, fields) }
    case .removeParticipant(let who): return left(who).map { .removeParticipant(who: $0) }
    case .muteParticipant(let who, let source):
      return left(who).map { .muteParticipant(who: $0, source: source) }
    default: return self
    }
  }
}
