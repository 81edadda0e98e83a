// From a finished world to the result that reports are drawn from: people, links, marks, series.

import Basics
import Bots
import NetSim
import Results
import Scenario
import Signal
import Wire

struct ResultAssembly {
  let world: World
  let store: MetricStore
  let marks: [Director.MarkedEvent]

  /// Rooms of up to this many get a series for each pair; larger ones only totals.
  private static let pairSeriesLimit = 8

  func fill(_ result: inout RunResult) {
    result.traceHash = world.simulator.traceHash.hex
    result.packets = Int64(world.simulator.packetsSent)
    result.participants = world.seats.map(participant)
    result.links = links()
    result.marks = marks.map { mark in
      TimelineMark(
        kind: mark.isImpairment ? .impairment : .event, at: mark.at.seconds,
        until: mark.until?.seconds, label: mark.label, subject: mark.subject)
    }
    for seat in world.seats { result.series += series(of: seat) }
    result.pictures = pictures()
    fillRecovery(&result)
  }

  /// Over all who decoded pictures of a height.
  private func pictures() -> [PictureQuality] {
    let rungs = world.seats.flatMap { $0.bot.inbound.flatMap(\.rungs) }
    return Set(rungs.map(\.height)).sorted().map { height in
      let same = rungs.filter { $0.height == height }
      let count = same.reduce(0) { $0 + $1.pictures }
      return PictureQuality(
        height: height, pictures: count,
        psnr: same.reduce(0) { $0 + $1.psnr } / Double(count),
        ssim: same.reduce(0) { $0 + $1.ssim } / Double(count))
    }
  }

  // MARK: - People

  private func participant(_ seat: World.Seat) -> Participant {
    var result = Participant(
      identity: seat.member.identity, group: seat.group.name, room: seat.member.room)
    let sessions = seat.bot.observations.sessions
    result.joined = sessions.contains { $0.connected != nil }
    if let first = sessions.first, let connected = first.connected {
      result.connectMs = (connected - first.requested).milliseconds
    }
    if let requested = sessions.first?.requested, let frame = seat.bot.observations.firstFrame {
      result.timeToFirstFrameMs = (frame - requested).milliseconds
    }
    result.reconnects =
      max(0, sessions.count { $0.connected != nil } - 1)
      + seat.bot.observations.reconnections.count { $0.back != nil }
    result.left = departure(seat.bot.state)
    result.succeeded = store.samples(
      participant: seat.member.identity, metric: "assay.callSuccess", peer: nil, kind: nil)?
      .values.last.map { $0 == 1 }
    result.inbound = seat.bot.inbound.map(statistics)
    result.outbound = seat.bot.outbound.map(statistics)
    return result
  }

  private func departure(_ state: BotState) -> String? {
    guard case .disconnected(let reason) = state else { return nil }
    return switch reason {
    case .left: "left"
    case .refused(let refusal): "refused: \(refusal.status) \(refusal.text)"
    case .dismissed(let reason): "dismissed: \(reason)"
    case .gaveUp(let attempts, nil): "gave up after \(attempts) attempts"
    case .gaveUp(let attempts, let answer?):
      "gave up after \(attempts) attempts, the last answered \(answer.status) \(answer.text)"
    }
  }

  private func statistics(_ track: RemoteTrackSummary) -> TrackStatistics {
    var result = TrackStatistics(
      peer: track.publisher, source: "\(track.source)", kind: track.kind.text)
    result.values = [
      .init("packetsReceived", Double(track.packetsReceived)),
      .init("bytesReceived", Double(track.bytesReceived)),
      .init("packetsLost", Double(track.packetsLost)),
    ]
    if track.kind == .video {
      result.values += [
        .init("framesDecoded", Double(track.framesDecoded)),
        .init("framesDropped", Double(track.framesDropped)),
        .init("keyFramesDecoded", Double(track.keyFramesDecoded)),
        .init("frameHeight", Double(track.frameHeight)),
        .init("freezeCount", Double(track.freezeCount)),
        .init("totalFreezesDuration", track.totalFreezesDuration),
        .init("nackCount", Double(track.nackCount)),
        .init("pliCount", Double(track.pliCount)),
        .init("retransmittedPacketsReceived", Double(track.retransmittedPacketsReceived)),
        .init("assay.paddingPacketsReceived", Double(track.paddingPacketsReceived)),
        .init("assay.layerSwitches", Double(track.layerSwitches)),
        .init("assay.decodeErrors", Double(track.decodeErrors)),
      ]
    } else {
      result.values.append(.init("concealedSamples", Double(track.concealedSamples)))
      if track.framesDecoded > 0 {
        result.values.append(.init("assay.decodeErrors", Double(track.decodeErrors)))
      }
    }
    return result
  }

  private func statistics(_ track: LocalTrackSummary) -> TrackStatistics {
    var result = TrackStatistics(peer: "", source: "\(track.source)", kind: track.kind.text)
    result.values = [
      .init("packetsSent", Double(track.packetsSent)),
      .init("bytesSent", Double(track.bytesSent)),
      .init("framesSent", Double(track.framesSent)),
      .init("retransmittedPacketsSent", Double(track.retransmittedPacketsSent)),
      .init("assay.paddingPacketsSent", Double(track.paddingPacketsSent)),
    ]
    return result
  }

  // MARK: - Links

  private func links() -> [Link] {
    world.instances.map { instance in
      let isUp = instance.direction == .up
      var (near, far) = (instance.owner, instance.owner == "SFU" ? "network" : "SFU")
      if instance.owner == "network" { near = instance.scenarioLink }
      // Flows alone go from host to host.
      if world.seats.isEmpty { (near, far) = ("senders", "receivers") }
      var link = Link(
        name: instance.name, from: isUp ? near : far, to: isUp ? far : near,
        configuration: instance.setting.text)
      let statistics = world.simulator.statistics(of: instance.link)
      link.sentPackets = Int64(statistics.entered)
      link.sentBytes = Int64(statistics.enteredBytes)
      link.deliveredPackets = Int64(statistics.delivered)
      link.deliveredBytes = Int64(statistics.deliveredBytes)
      link.maximumQueueMs = statistics.maximumQueueDelay.milliseconds
      link.dropped = DropReason.allCases.compactMap { reason in
        let count = statistics.dropped[reason]
        return count > 0 ? .init(reason: "\(reason)", packets: Int64(count)) : nil
      }
      return link
    }
  }

  // MARK: - Series

  private func series(of seat: World.Seat) -> [Series] {
    let identity = seat.member.identity
    var result: [Series] = []
    for (metric, unit) in [
      ("assay.bitrateReceived", "bps"), ("assay.bitrateSent", "bps"),
      ("assay.connectionQuality", "1"), ("assay.downlinkEstimate", "bps"),
    ] {
      result.append(perSecond(identity, metric, peer: nil, unit: unit) { $0.last })
    }
    result += capacity(of: seat)
    result.append(perSecond(identity, "assay.endToEndDelay", peer: nil, unit: "ms", percentile95))
    result.append(
      perSecond(identity, "assay.audioEndToEndDelay", peer: nil, unit: "ms", percentile95))
    result.append(perSecond(identity, "freezeCount", peer: nil, unit: "1") { $0.last })
    result.append(perSecond(identity, "assay.lossBeforeRepair", peer: nil, unit: "%") { $0.max() })
    result.append(perSecond(identity, "assay.lossAfterRepair", peer: nil, unit: "%") { $0.max() })
    if world.seats.count <= ResultAssembly.pairSeriesLimit {
      for peer in store.peers(of: identity, metric: "assay.layer", kind: .video) {
        result.append(perSecond(identity, "assay.layer", peer: peer, unit: "1") { $0.last })
        result.append(perSecond(identity, "framesPerSecond", peer: peer, unit: "fps") { $0.last })
      }
    } else {
      result.append(perSecond(identity, "framesPerSecond", peer: nil, unit: "fps") { $0.min() })
    }
    return result.filter { series in series.values.contains { $0 != nil } }
  }

  private func percentile95(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, Int((Double(sorted.count) * 0.95).rounded(.up)) - 1)]
  }

  /// One value for each second of the run, from the samples in it.
  private func perSecond(
    _ participant: String, _ metric: String, peer: String?, unit: String,
    _ reduce: ([Double]) -> Double?
  ) -> Series {
    let seconds = Int(world.scenario.duration.seconds.rounded(.up))
    var values = [Double?](repeating: nil, count: seconds)
    if let samples = store.samples(
      participant: participant, metric: metric, peer: peer, kind: nil)
    {
      var bucket: [Double] = []
      var index = -1
      func flush() {
        if index >= 0, index < seconds { values[index] = reduce(bucket) }
        bucket.removeAll(keepingCapacity: true)
      }
      for (time, value) in zip(samples.times, samples.values) {
        // A sample tells of the time before it.
        let second = Int(max(0, time - 1) / 1_000_000_000)
        if second != index {
          flush()
          index = second
        }
        bucket.append(value)
      }
      flush()
    }
    return Series(
      participant: participant, metric: metric, subject: peer ?? "", unit: unit, start: 0,
      step: 1, values: values)
  }

  /// What the participant's links could carry in each second; nothing where they have no limit.
  private func capacity(of seat: World.Seat) -> [Series] {
    let seconds = Int(world.scenario.duration.seconds.rounded(.up))
    return world.instances.filter { $0.owner == seat.member.identity }.compactMap { instance in
      let rates = world.rates(of: instance.name, seconds: seconds)
      guard rates.contains(where: { $0 != nil }) else { return nil }
      return Series(
        participant: seat.member.identity, metric: "linkCapacity", subject: instance.name,
        unit: "bps", start: 0, step: 1, values: rates)
    }
  }
}
