// From what the bots and the taps saw to the metrics of the catalogue.

import Basics
import Bots
import NetSim
import Results
import Scenario
import Signal
import Wire

/// Fills the store of a finished run.
struct Measurement {
  let world: World
  let tap: EgressTap
  let arrivals: ArrivalTap
  let director: Director
  var store = MetricStore()
  /// By identity.
  var returns: [String: Returns] = [:]
  private var muteRequests: [Director.MuteRequest] { director.muteRequests }
  let flows: FlowMeasurement

  init(world: World, tap: EgressTap, arrivals: ArrivalTap, director: Director) {
    self.world = world
    self.tap = tap
    self.arrivals = arrivals
    self.director = director
    flows = FlowMeasurement(world)
    let faults = FaultWindow.all(of: world.scenario)
    for seat in world.seats { measure(seat, faults) }
    for seat in world.seats { measureReconnections(seat, faults) }
    measureMessages()
    measureJoins()
    measurePresence()
    measureAbsences()
    flows.fill(&store)
    measureSharing()
  }

  private mutating func measure(_ seat: World.Seat, _ faults: [FaultWindow]) {
    let identity = seat.member.identity
    let observations = seat.bot.observations
    store.setPresence(presence(of: seat), of: identity)
    store.setPublishers(publishers(for: seat), of: identity)
    for series in seat.bot.series {
      var samples = MetricSamples(series.samples)
      if series.metric == "assay.packetsAfterMute" { samples = whileMuted(samples, series.peer) }
      store.add(
        samples, participant: identity, metric: series.metric,
        peer: series.peer, kind: Scenario.MediaKind(rawValue: series.kind))
    }
    measureSession(identity, observations)
    measureRecovery(of: seat)
    measureCall(seat, faults)
    measureState(of: seat)
    measureMutes(seat)
    measureSpeakers(seat)
    measureGaps(seat)
    measureRepeats(seat)
    measureSteps(seat)
    measureWraps(seat)
    director.downlinks.fill(&store, for: identity)
  }

  private func presence(of seat: World.Seat) -> [Int64] {
    let log = seat.bot.observations.joined
    return zip(log.times, log.values).filter { $0.1 > 0 }.map(\.0)
  }

  /// Who publishes in the same room, visible to this participant and wanted by it.
  private func publishers(
    for seat: World.Seat
  ) -> [(identity: String, kind: Scenario.MediaKind)] {
    guard seat.group.grants.canSubscribe, seat.group.subscribe != .none else { return [] }
    var result: [(identity: String, kind: Scenario.MediaKind)] = []
    for other in world.seats
    where other.member.room == seat.member.room && other.member.identity != seat.member.identity {
      for track in other.bot.outbound where track.packetsSent > 0 || other.group.mayEverPublish {
        if case .only(let selection) = seat.group.subscribe,
          Scenario.Source(track.source).map({ !selection.includes($0, of: other.member.identity) })
            ?? true
        {
          continue
        }
        let kind: Scenario.MediaKind = track.kind == .audio ? .audio : .video
        if !result.contains(where: { $0 == (other.member.identity, kind) }) {
          result.append((other.member.identity, kind))
        }
      }
    }
    return result
  }

  /// Of a running total only what came while `publisher` wanted to be muted: sound may be back before
  /// the word of it is.
  private func whileMuted(_ total: MetricSamples, _ publisher: String) -> MetricSamples {
    let wishes = muteRequests.filter { $0.identity == publisher && $0.source == .microphone }
    var result = MetricSamples()
    var (before, counted) = (0.0, 0.0)
    for (time, value) in zip(total.times, total.values) {
      let at = Instant(nanoseconds: time)
      if wishes.last(where: { $0.at <= at })?.isMuted ?? true { counted += value - before }
      before = value
      result.append(counted, at: at)
    }
    return result
  }

  private mutating func measureSession(_ identity: String, _ observations: BotObservations) {
    for session in observations.sessions {
      guard let connected = session.connected else { continue }
      var samples = MetricSamples()
      samples.append((connected - session.requested).milliseconds, at: connected)
      store.add(samples, participant: identity, metric: "assay.connectTime")
    }
    if let first = observations.firstFrame, let requested = observations.sessions.first?.requested {
      var samples = MetricSamples()
      samples.append((first - requested).milliseconds, at: first)
      store.add(samples, participant: identity, metric: "assay.timeToFirstFrame")
    }
  }

  /// Definition D2: in within 10 s, not thrown out, and every wanted video live in 99 % of its windows
  /// of 5 s.
  private mutating func measureCall(_ seat: World.Seat, _ faults: [FaultWindow]) {
    guard let session = seat.bot.observations.sessions.first else { return }
    let end = Instant.zero + world.scenario.duration
    var samples = MetricSamples()
    let judge = CallJudge(seat, in: world, store: store, faults: faults)
    samples.append(judge.hasSucceeded(session) ? 1 : 0, at: end)
    store.add(samples, participant: seat.member.identity, metric: "assay.callSuccess")
  }

  /// From the request to the moment at which this participant saw it.
  private mutating func measureMutes(_ seat: World.Seat) {
    for request in muteRequests where request.identity != seat.member.identity {
      let seen = seat.bot.observations.mutes.first {
        $0.identity == request.identity && $0.source == request.source
          && $0.isMuted == request.isMuted && $0.at >= request.at
      }
      guard let seen else { continue }
      var samples = MetricSamples()
      samples.append((seen.at - request.at).milliseconds, at: seen.at)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.muteDelay",
        peer: request.identity, kind: request.source == .microphone ? .audio : .video)
    }
  }

  private mutating func measureSpeakers(_ seat: World.Seat) {
    let judge = SpeakerJudge(world: world, seat: seat)
    let end = Instant.zero + world.scenario.duration
    for (at, delay) in judge.onsets {
      var samples = MetricSamples()
      samples.append(delay.milliseconds, at: at)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.speakingIndicatorOnset")
    }
    if let precision = judge.precision {
      var samples = MetricSamples()
      samples.append(precision * 100, at: end)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.speakingIndicatorPrecision")
    }
    if let recall = judge.recall {
      var samples = MetricSamples()
      samples.append(recall * 100, at: end)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.speakingIndicatorRecall")
    }
  }

  /// How the picture followed the capacity of this participant's link.
  private mutating func measureSteps(_ seat: World.Seat) {
    let identity = seat.member.identity
    for (publisher, steps) in LadderJudge(world: world, store: store).steps(of: seat) {
      var down = MetricSamples()
      var up = MetricSamples()
      var switches = MetricSamples()
      for step in steps {
        let time = step.settled.milliseconds
        if step.isDown { down.append(time, at: step.at) } else { up.append(time, at: step.at) }
        switches.append(Double(step.switches), at: step.at)
      }
      let series = [
        ("assay.stepDownTime", down), ("assay.stepUpTime", up),
        ("assay.switchesPerStep", switches),
      ]
      for (metric, samples) in series where !samples.times.isEmpty {
        store.add(samples, participant: identity, metric: metric, peer: publisher, kind: .video)
      }
    }
  }

  private mutating func measureWraps(_ seat: World.Seat) {
    let wraps = seat.bot.wraps
    for (metric, count) in [
      ("assay.sequenceNumberWraps", wraps.sequenceNumbers),
      ("assay.timestampWraps", wraps.timestamps), ("assay.rolloverCount", wraps.rollovers),
      ("assay.pictureIdWraps", wraps.pictureIDs),
      ("assay.referenceTimeWraps", wraps.referenceTimes),
    ] {
      var samples = MetricSamples()
      samples.append(Double(count), at: world.simulator.now)
      store.add(samples, participant: seat.member.identity, metric: metric)
    }
  }

  /// Of the reference SFU: others may send a lost packet again as it was.
  private mutating func measureRepeats(_ seat: World.Seat) {
    guard world.sfu != nil, let viewer = world.position(of: seat.member.identity) else { return }
    var samples = MetricSamples()
    samples.append(
      Double(tap.repeatedNumbers(to: viewer)), at: Instant.zero + world.scenario.duration)
    store.add(samples, participant: seat.member.identity, metric: "assay.repeatedNumbers")
  }

  /// Streams of publishers from whom nothing was lost on the way to the SFU.
  private mutating func measureGaps(_ seat: World.Seat) {
    let end = Instant.zero + world.scenario.duration
    guard let viewer = world.position(of: seat.member.identity) else { return }
    for stream in seat.bot.inboundStreams {
      guard let publisher = world.seat(stream.publisher), world.isUplinkClean(of: publisher),
        let gaps = tap.gaps(to: viewer, ssrc: stream.ssrc)
      else { continue }
      var samples = MetricSamples()
      samples.append(Double(gaps), at: end)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.sequenceGaps",
        peer: stream.publisher, kind: stream.kind == .audio ? .audio : .video)
    }
  }
}

extension Scenario.Group {
  /// Whether its tracks are expected to be received at all.
  var mayEverPublish: Bool { grants.canPublish && hasDevices && !publish.isEmpty }
}

extension World {
  /// Whether every packet of this participant reached the SFU in order and whole.
  func isUplinkClean(of seat: Seat) -> Bool {
    // What a NAT or a sleeping host loses, or an SFU that does not know the address yet, no link counts.
    guard !FaultWindow.all(of: scenario).contains(where: { $0.strikes(seat.member.identity) })
    else { return false }
    let links = instances.filter { instance in
      instance.direction == .up && instance.owner != "SFU"
        && (instance.owner == seat.member.identity
          || (instance.owner == "network" && seat.group.via.contains(instance.scenarioLink)))
        || instance.owner == "SFU" && instance.direction == .down
    }
    return links.allSatisfy { instance in
      let statistics = simulator.statistics(of: instance.link)
      return statistics.dropped.total == 0 && statistics.corrupted == 0
    }
  }

  /// Whether a link of this participant has lost any packet.
  func losesPackets(of seat: Seat) -> Bool {
    for direction in Scenario.Event.Direction.allCases
    where lossShare(of: seat, direction) ?? 0 > 0 {
      return true
    }
    return false
  }

  /// The share of packets that this participant's own link lost, 0...1; nil without packets.
  func lossShare(of seat: Seat, _ direction: Scenario.Event.Direction) -> Double? {
    guard let link = direction == .up ? seat.up : seat.down else { return 0 }
    let statistics = simulator.statistics(of: link)
    guard statistics.entered > 0 else { return nil }
    // What comes with a wrong byte is lost as well.
    return Double(statistics.dropped.total + statistics.corrupted) / Double(statistics.entered)
  }
}
