// A record made by hand that has everything which the catalogue can be judged on, and the same without
// what came in half of its time.

import Basics
import Results
import Scenario

/// A minute with four participants and two media flows.
///
/// Dora watches and listens; Bob has a camera and talks now and then; Carl leaves once; Ada talks all
/// the time.
enum CompleteRecord {
  static let text = """
    assay: 1
    name: complete
    duration: 60s
    links:
      home: { rate: 100Mbps, delay: 10ms }
      bottleneck: { rate: 3Mbps, delay: 10ms }
    participants:
      ada: { publish: [microphone] }
      bob:
        link: home
        publish: [camera, microphone]
        camera:
          layers: [{ height: 360p, bitrate: 400kbps }, { height: 720p, bitrate: 1500kbps }]
        talk:
          - { at: 5s, for: 5s }
          - { at: 20s, for: 5s }
          - { at: 35s, for: 5s }
          - { at: 47s, for: 5s }
        data: { every: 1s }
      carl: { talk: never }
      dora: { talk: never }
    flows:
      m: { count: 2, via: [bottleneck], media: {} }
    events:
      - { at: 12s, participant: bob, do: blackout, for: 2s }
      - { at: 22s, participant: bob, do: mute, for: 1s }
      - { at: 25s, flow: m-2, do: pause, for: 5s }
      - { at: 30s, participant: carl, do: leave, for: 5s }
      - { at: 44s, participant: bob, do: mute, for: 2s }
      - { at: 55s, participant: bob, do: blackout, for: 2s }

    """

  static func scenario() throws -> Scenario {
    try ScenarioFile.parse(Array(text.utf8), file: "complete")[0].scenario
  }

  /// Nothing that came after it is in the record without its second half.
  static let half = Instant.seconds(30)
  static let end = Instant.seconds(60)

  static func seconds(_ value: Double) -> Instant { .seconds(value) }

  /// - Parameter isWhole: whether its second half is there.
  static func record(isWhole: Bool) -> RunRecord {
    var record = RunRecord(end: end)
    record.participants = ["ada", "bob", "carl", "dora"].map { name in
      var participant = ParticipantRecord(identity: name, group: name, room: "main")
      participant.state = .connected
      participant.sessions = [session(at: 0)]
      participant.series = own
      return participant
    }
    fillPublishers(&record)
    fillViewer(&record.participants[3])
    record.participants[2].sessions = [session(at: 0, ended: 30), session(at: 35)]
    record.muteRequests = [(22.0, true), (23, false), (44, true), (46, false)].map {
      MuteChange(at: seconds($0.0), identity: "bob", source: .microphone, isMuted: $0.1)
    }
    record.messages = (0..<60).map {
      SentMessage(sender: "bob", number: UInt32($0), at: seconds(Double($0)), isReliable: true)
    }
    record.server = ServerRecord()
    record.server?.stays = record.participants.map {
      .init(
        room: "main", identity: $0.identity, joinedAt: seconds(0.1), leftAt: nil,
        active: .seconds(59.8))
    }
    record.links = [downlink, bottleneck]
    record.flows = flows
    record.packetsSent = 1
    return isWhole ? record : halved(record)
  }

  private static func session(at: Double, ended: Double? = nil) -> SessionRecord {
    SessionRecord(
      requested: seconds(at), connected: seconds(at + 0.1), ended: ended.map(seconds), waits: [])
  }

  private static func samples(
    every step: Double = 1, from first: Double = 1, _ value: (Double) -> Double
  ) -> MetricSamples {
    var samples = MetricSamples()
    for moment in stride(from: first, through: 60, by: step) {
      samples.append(value(moment), at: seconds(moment))
    }
    return samples
  }

  private static var own: [SampleSeries] {
    let gauges: [(String, Double)] = [
      ("assay.joined", 1), ("assay.bitrateSent", 1e6), ("assay.bitrateReceived", 1e6),
      ("roundTripTime", 30), ("assay.keyframeRequestRate", 0), ("assay.unknownSsrcPackets", 0),
      ("assay.unauthorisedPackets", 0), ("assay.unauthorisedTracks", 0),
      ("assay.protocolFaults", 0),
      ("assay.downlinkEstimate", 1e6), ("assay.estimateRatio", 0.9),
    ]
    return gauges.map { name, value in series(name, "", nil, samples { _ in value }) }
      + [series("assay.connectionQuality", "", nil, samples(every: 5, from: 5) { _ in 3 })]
  }

  private static func series(
    _ metric: String, _ peer: String, _ kind: TrackKind?, _ samples: MetricSamples
  ) -> SampleSeries {
    let source: MediaSource? = kind.map { $0 == .video ? .camera : .microphone }
    return SampleSeries(metric: metric, peer: peer, kind: kind, source: source, samples: samples)
  }

  // MARK: - Publishers

  private static func fillPublishers(_ record: inout RunRecord) {
    record.participants[0].outbound = [
      OutboundTrack(source: "microphone", kind: .audio, packetsSent: 100)
    ]
    record.participants[1].outbound = [
      OutboundTrack(source: "camera", kind: .video, packetsSent: 100),
      OutboundTrack(source: "microphone", kind: .audio, packetsSent: 100),
    ]
    for place in record.participants.indices {
      let whole = ClosedSpan(seconds(0.1)...end)
      record.participants[place].datagramsAtServer = [whole]
      record.participants[place].everythingAtServer = [whole]
      record.participants[place].duplicateSequenceNumbers = 0
    }
    // Silent twice for six seconds, of which the others are told after two.
    let heard = [(0.1, 12.0), (18, 50), (56, 60)].map { ClosedSpan(seconds($0.0)...seconds($0.1)) }
    record.participants[1].datagramsAtServer = heard
    record.participants[1].everythingAtServer = heard
    record.participants[1].reconnections = [(13.0, 14.2), (55, 57.2)].map { lost, back in
      ReconnectionRecord(
        lost: seconds(lost), back: seconds(back), wasResumed: true, attempts: [seconds(back - 1)],
        waits: [])
    }
  }

  // MARK: - The viewer

  private static func fillViewer(_ dora: inout ParticipantRecord) {
    dora.downlink = "dora.down"
    dora.firstFrame = seconds(0.6)
    dora.series += video + audio(of: "bob") + audio(of: "ada")
    dora.pictures = [
      PictureRecord(
        publisher: "bob", spans: [.init(from: seconds(1), to: end, state: .moving)],
        lastShown: seconds(59.9), wasPausedAtEnd: false)
    ]
    dora.recoveries = [12.0, 55].map { begin in
      MediaRecoveryRecord(
        publisher: "bob", kind: .video, begin: seconds(begin), heal: seconds(begin + 2),
        back: seconds(begin + 2.4), gap: .seconds(2.5))
    }
    dora.mutes = [(22.1, true), (23.1, false), (44.1, true), (46.1, false)].map {
      MuteChange(at: seconds($0.0), identity: "bob", source: .microphone, isMuted: $0.1)
    }
    dora.messages = (1..<60).map {
      ReceivedMessage(sender: "bob", number: UInt32($0), at: seconds(Double($0) + 0.05))
    }
    dora.speaking = [
      ToldIntervals(identity: "ada", intervals: [Interval(start: seconds(0.1), end: end)]),
      ToldIntervals(
        identity: "bob",
        intervals: [5.0, 20, 35, 47].map {
          Interval(start: seconds($0 + 0.2), end: seconds($0 + 5))
        }),
    ]
    dora.lostConnections = [
      ToldIntervals(
        identity: "bob",
        intervals: [14.0, 52].map { Interval(start: seconds($0), end: seconds($0 + 4.2)) })
    ]
    dora.streams = [
      StreamRecord(
        publisher: "ada", kind: .audio, ssrc: 1, hasRTX: false, recoveredPackets: 0,
        unansweredPackets: 0,
        lostPackets: 0, lostAnswers: 0, keyframeRequests: 0,
        longestKeyframeWait: .zero, skippedSequenceNumbers: 0)
    ]
  }

  private static var video: [SampleSeries] {
    let gauges: [(String, Double)] = [
      ("framesPerSecond", 30), ("frameHeight", 720), ("jitterBufferDelay", 20), ("jitter", 2),
      ("assay.layer", 1), ("assay.lossBeforeRepair", 0), ("assay.lossAfterRepair", 0),
      ("assay.psnr", 38), ("assay.ssim", 0.9),
    ]
    let zeros = [
      "freezeCount", "totalFreezesDuration", "framesDropped", "packetsLost", "assay.rungSwitches",
      "retransmittedPacketsReceived", "nackCount", "pliCount", "assay.layerSwitches",
      "assay.decodeErrors", "assay.unansweredNacks",
    ]
    let growing: [(String, Double)] = [
      ("framesDecoded", 30), ("keyFramesDecoded", 1), ("packetsReceived", 100),
      ("bytesReceived", 100_000),
    ]
    let rung = samples { time in time < 21 || time > 41 ? 720 : 360 }
    var all: [SampleSeries] = []
    for (name, value) in gauges { all.append(series(name, "bob", .video, samples { _ in value })) }
    for name in zeros {
      all.append(series(name, "bob", .video, samples(every: 100) { _ in 0 }))
    }
    for (name, rate) in growing {
      all.append(series(name, "bob", .video, samples { time in time * rate }))
    }
    all.append(series("assay.rung", "bob", .video, rung))
    let delay = samples(every: 0.1, from: 0.6) { _ in 60 }
    all.append(series("assay.endToEndDelay", "bob", .video, delay))
    return all
  }

  private static func audio(of publisher: String) -> [SampleSeries] {
    let gauges: [(String, Double)] = [
      ("assay.audioConcealment", 0), ("jitterBufferDelay", 20), ("jitter", 2),
      ("assay.lossBeforeRepair", 0), ("assay.lossAfterRepair", 0),
    ]
    var all: [SampleSeries] = []
    for (name, value) in gauges {
      all.append(series(name, publisher, .audio, samples { _ in value }))
    }
    for name in ["concealedSamples", "assay.packetsAfterMute"] {
      all.append(series(name, publisher, .audio, samples(every: 100) { _ in 0 }))
    }
    all.append(series("packetsReceived", publisher, .audio, samples { time in time * 50 }))
    let delay = samples(every: 0.1, from: 0.6) { _ in 50 }
    all.append(series("assay.audioEndToEndDelay", publisher, .audio, delay))
    return all
  }

  // MARK: - Links and flows

  /// Less from 20 s to 40 s.
  private static var downlink: LinkRecord {
    var link = LinkRecord(
      name: "dora.down", scenarioLink: "dora", direction: .down, owner: .one("dora"))
    link.entered = 1_000
    link.capacities = [(0.0, 5_000_000), (20, 600_000), (40, 5_000_000)].map {
      RateChange(from: seconds($0.0), bitsPerSecond: $0.1)
    }
    return link
  }

  /// Less from 40 s on, which the flows follow within half a second.
  private static var bottleneck: LinkRecord {
    var link = LinkRecord(
      name: "bottleneck.up", scenarioLink: "bottleneck", direction: .up, owner: .network)
    link.capacities = [(0.0, 3_000_000), (40, 1_000_000)].map {
      RateChange(from: seconds($0.0), bitsPerSecond: $0.1)
    }
    link.mediaBytes = (0..<300).map { $0 < 200 ? 40_000 : 22_000 }
    link.waits = (1..<600).map { QueueWait(at: seconds(Double($0) / 10), wait: .milliseconds(5)) }
    return link
  }

  private static var flows: [FlowRecord] {
    ["m-1", "m-2"].map { name in
      var log = MediaFlowLog(
        packets: [], arrivals: [], feedback: [], targets: samples { _ in 800_000 })
      for step in 0..<2_999 {
        let at = Double(step) * 0.02
        if name == "m-2", at >= 25, at < 30 { continue }
        let moment = seconds(at)
        log.packets.append(
          .init(
            at: moment, bytes: at < 40.5 ? 2_000 : 1_100, isAudio: false, mediaNumber: Int64(step)))
        log.arrivals.append(moment + .milliseconds(40))
        if step % 5 == 0 { log.feedback.append(.init(at: moment + .milliseconds(50), bytes: 60)) }
      }
      var demand = [RateChange(from: .zero, bitsPerSecond: 1_000_000)]
      if name == "m-2" {
        demand += [
          RateChange(from: seconds(25), bitsPerSecond: 0),
          RateChange(from: seconds(30), bitsPerSecond: 1_000_000),
        ]
      }
      return FlowRecord(name: name, demand: demand, traffic: .media(log))
    }
  }

  // MARK: - Without the second half

  private static func halved(_ record: RunRecord) -> RunRecord {
    var record = record
    record.participants = record.participants.map(halved)
    for place in record.links.indices where record.links[place].owner == .network {
      record.links[place].mediaBytes = Array(record.links[place].mediaBytes.prefix(150))
      record.links[place].waits.removeAll { $0.at > half }
    }
    record.flows = record.flows.map { flow in
      guard case .media(var log) = flow.traffic else { return flow }
      log.packets.removeAll { $0.at > half }
      log.arrivals = Array(log.arrivals.prefix(log.packets.count))
      log.feedback.removeAll { $0.at > half }
      log.targets = halved(log.targets)
      return FlowRecord(name: flow.name, demand: flow.demand, traffic: .media(log))
    }
    return record
  }

  private static func halved(_ participant: ParticipantRecord) -> ParticipantRecord {
    var result = participant
    for place in result.series.indices {
      result.series[place].samples = halved(result.series[place].samples)
    }
    result.sessions.removeAll { $0.requested > half }
    for place in result.reconnections.indices where result.reconnections[place].lost > half {
      result.reconnections[place].back = nil
    }
    result.recoveries.removeAll { $0.begin > half }
    result.mutes.removeAll { $0.at > half }
    result.messages.removeAll { $0.at > half }
    for place in result.speaking.indices {
      result.speaking[place].intervals = halved(result.speaking[place].intervals)
    }
    for place in result.lostConnections.indices {
      result.lostConnections[place].intervals = halved(result.lostConnections[place].intervals)
    }
    return result
  }

  private static func halved(_ samples: MetricSamples) -> MetricSamples {
    let count = samples.times.prefix { $0 <= half.nanoseconds }.count
    return MetricSamples(
      times: Array(samples.times.prefix(count)), values: Array(samples.values.prefix(count)))
  }

  private static func halved(_ intervals: [Interval]) -> [Interval] {
    intervals.compactMap { Interval($0.start, min($0.end, half)) }
  }
}
