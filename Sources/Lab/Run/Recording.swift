// From a finished world to its record: the one place where what bots, links and the SFU counted becomes
// plain values.

import Basics
import Bots
import NetSim
import RefSFU
import Results
import Scenario
import Signal
import Wire

/// Writes down what a world and those who watched it have seen.
struct Recording {
  let world: World
  let egress: EgressTap
  let arrivals: ArrivalTap
  let director: Director

  /// - Parameters:
  ///   - queues: the fullest that the SFU's were.
  ///   - memory: of the process.
  func record(queues: [ServerRecord.Queue], memory: [ServerRecord.Memory]) -> RunRecord {
    var record = RunRecord(end: world.simulator.now)
    record.participants = world.seats.indices.map(participant)
    record.links = world.instances.map(link)
    record.flows = world.flows.map(flow)
    record.muteRequests = director.muteRequests
    record.rightsChanges = director.rightsChanges
    record.messages = director.messages.sent
    record.packetsSent = world.simulator.packetsSent
    record.unaccounted =
      Bookkeeping(
        world: world, rtpSeen: egress.packets, datagramsSeen: arrivals.count
      ).differences
    if let sfu = world.sfu {
      var server = ServerRecord()
      server.stays = sfu.presence.map {
        .init(
          room: $0.room, identity: $0.identity, joinedAt: $0.joinedAt, leftAt: $0.leftAt,
          active: $0.active)
      }
      server.queues = queues
      server.memory = memory
      record.server = server
    }
    return record
  }

  // MARK: - Participants

  private func participant(_ place: Int) -> ParticipantRecord {
    let seat = world.seats[place]
    let identity = seat.member.identity
    let observations = seat.bot.observations
    let end = world.simulator.now
    var record = ParticipantRecord(
      identity: identity, group: seat.group.name, room: seat.member.room)
    record.state = ConnectionState(seat.bot.state)
    record.stateChanges = observations.states.map {
      StateChange(at: $0.at, state: ConnectionState($0.state))
    }
    record.sessions = observations.sessions.map { session in
      SessionRecord(
        requested: session.requested, connected: session.connected, ended: session.ended,
        waits: session.waits.map(AttemptWait.init))
    }
    record.reconnections = observations.reconnections.map { loss in
      ReconnectionRecord(
        lost: loss.lost, back: loss.back, wasResumed: loss.wasResumed, attempts: loss.attempts,
        waits: loss.waits.map(AttemptWait.init))
    }
    record.firstFrame = observations.firstFrame
    record.mutes = observations.mutes.map {
      MuteChange(
        at: $0.at, identity: $0.identity, source: MediaSource($0.source), isMuted: $0.isMuted)
    }
    record.messages = observations.data.compactMap { note in
      MessageLog.number(of: note.bytes).map {
        ReceivedMessage(sender: note.sender, number: $0, at: note.at)
      }
    }
    record.listed = observations.listed
    // Also of those in other rooms: nobody should have told of them.
    for other in world.seats where other.member.identity != identity {
      tell(of: other.member.identity, observations, until: end, &record)
    }
    record.series = seat.bot.series.map(SampleSeries.init) + director.downlinks.series(of: identity)
    record.inbound = seat.bot.inbound.map(InboundTrack.init)
    record.outbound = seat.bot.outbound.map(OutboundTrack.init)
    record.streams = seat.bot.inboundStreams.map { stream(of: place, $0) }
    record.pictures = pictures(seat)
    record.pauses = pauses(seat)
    record.recoveries = director.recoveries.recoveries(of: identity, in: world)
    record.counters = CounterWraps(seat.bot.wraps)
    record.protocolFaults = seat.bot.faults.counts
    record.duplicateSequenceNumbers = egress.repeatedNumbers(to: place)
    record.staleStateSeconds = director.audit.wrongSeconds[identity] ?? 0
    record.zombieSeconds = director.audit.longestGhost[identity] ?? 0
    record.datagramsAtServer = arrivals.datagrams(from: seat.addresses)
    record.everythingAtServer = arrivals.everything(from: seat.addresses)
    record.uplink = name(of: seat.up)
    record.downlink = name(of: seat.down)
    return record
  }

  private func tell(
    of other: String, _ observations: BotObservations, until end: Instant,
    _ record: inout ParticipantRecord
  ) {
    let speaking = observations.indications(
      of: other, until: .zero + world.scenario.duration)
    let lost = observations.absences(of: other, until: end)
    if !speaking.isEmpty {
      record.speaking.append(
        ToldIntervals(identity: other, intervals: speaking))
    }
    if !lost.isEmpty {
      record.lostConnections.append(
        ToldIntervals(identity: other, intervals: lost))
    }
  }

  private func name(of link: LinkID?) -> String? {
    world.instances.first { $0.link == link }?.name
  }

  private func stream(of viewer: Int, _ stream: BotStream) -> StreamRecord {
    StreamRecord(
      publisher: stream.publisher, kind: stream.kind == .audio ? .audio : .video,
      ssrc: stream.ssrc, hasRTX: stream.rtxSSRC != nil, recoveredPackets: stream.recoveredPackets,
      unansweredPackets: stream.unansweredPackets,
      lostPackets: egress.lostPackets(to: viewer, ssrc: stream.ssrc),
      lostAnswers: stream.rtxSSRC.map { egress.lostPackets(to: viewer, ssrc: $0) } ?? 0,
      keyframeRequests: stream.keyframeRequests, longestKeyframeWait: stream.longestKeyframeWait,
      skippedSequenceNumbers: egress.gaps(to: viewer, ssrc: stream.ssrc))
  }

  private func pictures(_ seat: World.Seat) -> [PictureRecord] {
    let end = Instant.zero + world.scenario.duration
    let last = end - PictureRecord.stillness
    return world.seats.compactMap { other -> PictureRecord? in
      let publisher = other.member.identity
      guard other.member.room == seat.member.room, publisher != seat.member.identity else {
        return nil
      }
      let spans = seat.bot.pictureSeconds(of: publisher).flatMap(\.spans)
      let shown = seat.bot.shown(of: publisher, .video, after: last, upTo: end).last?.at
      let wasPaused = seat.bot.wasPaused(publisher, since: last)
      guard !spans.isEmpty || shown != nil || wasPaused else { return nil }
      return PictureRecord(
        publisher: publisher,
        spans: spans.map { .init(from: $0.from, to: $0.to, state: .init($0.state)) },
        lastShown: shown, wasPausedAtEnd: wasPaused)
    }
  }

  private func pauses(_ seat: World.Seat) -> [PauseRecord] {
    seat.bot.pauses(until: .zero + world.scenario.duration).compactMap { paused in
      MediaSource(paused.source).map {
        PauseRecord(publisher: paused.publisher, source: $0, intervals: paused.intervals)
      }
    }
  }

  // MARK: - Links and flows

  private func link(_ instance: World.Instance) -> LinkRecord {
    let owner: LinkRecord.Owner =
      switch instance.owner {
      case "network": .network
      case "SFU": .server
      default: .one(instance.owner)
      }
    var record = LinkRecord(
      name: instance.name, scenarioLink: instance.scenarioLink,
      direction: instance.direction == .up ? .up : .down, owner: owner)
    record.configuration = instance.setting.text
    record.delay = instance.setting.delay
    record.hasJitter = instance.setting.jitter != .none
    let statistics = world.simulator.statistics(of: instance.link)
    record.entered = Int64(statistics.entered)
    record.enteredBytes = Int64(statistics.enteredBytes)
    record.delivered = Int64(statistics.delivered)
    record.deliveredBytes = Int64(statistics.deliveredBytes)
    record.corrupted = Int64(statistics.corrupted)
    record.maximumQueueDelay = statistics.maximumQueueDelay
    record.dropped = DropReason.allCases.compactMap { reason in
      let count = statistics.dropped[reason]
      return count > 0 ? PacketDifference("\(reason)", Int(count)) : nil
    }
    record.capacities = world.capacityChanges(of: instance.name).map {
      RateChange(from: $0.from, bitsPerSecond: $0.rate?.bitsPerSecond)
    }
    guard instance.owner == "network" else { return record }
    record.mediaBytes = world.simulator.samples(of: instance.link).map {
      $0.bytes - $0.backgroundBytes
    }
    record.waits = world.simulator.waits(of: instance.link).map {
      QueueWait(at: $0.at, wait: $0.wait)
    }
    record.traceBytes = traceBytes(of: instance.link)
    return record
  }

  private func traceBytes(of link: LinkID) -> [Int]? {
    guard let trace = world.simulator.configuration(of: link).trace else { return nil }
    let step = ByteLog.interval
    let steps = Int((world.scenario.duration.nanoseconds + step.nanoseconds - 1) / step.nanoseconds)
    return (0..<steps).map { index in
      let start = step * index
      let first = trace.firstIndex(after: start - .nanoseconds(1))
      let last = trace.firstIndex(after: start + step - .nanoseconds(1))
      return (last - first) * CapacityTrace.mtu
    }
  }

  private func flow(_ seat: World.FlowSeat) -> FlowRecord {
    let demand = (world.demands[seat.name] ?? []).map {
      RateChange(from: $0.from, bitsPerSecond: $0.rate.bitsPerSecond)
    }
    switch seat.ends {
    case .tcp(let source, let sink):
      return FlowRecord(
        name: seat.name, demand: demand,
        traffic: .bytes(sent: source.sent.bytes, received: sink.received.bytes))
    case .udp(let source, let sink):
      return FlowRecord(
        name: seat.name, demand: demand,
        traffic: .bytes(sent: source.sent.bytes, received: sink.received.bytes))
    case .media(let sender, let receiver):
      let log = MediaFlowLog(
        packets: sender.log.packets.map {
          .init(
            at: $0.at, bytes: $0.bytes, isAudio: $0.kind == .audio, mediaNumber: $0.mediaNumber)
        }, arrivals: receiver.log.arrivals,
        feedback: receiver.log.feedback.map { .init(at: $0.at, bytes: $0.bytes) },
        targets: MetricSamples(sender.log.targets))
      var record = FlowRecord(name: seat.name, demand: demand, traffic: .media(log))
      record.series = receiver.series.map(SampleSeries.init)
      return record
    }
  }
}
