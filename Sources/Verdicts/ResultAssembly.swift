// From a record to the result that reports are drawn from: people, links, marks, series.

import Basics
import Results
import Scenario

struct ResultAssembly {
  let evidence: Evidence
  let store: MetricStore

  /// Rooms of up to this many get a series for each pair; larger ones only totals.
  private static let pairSeriesLimit = 8

  func fill(_ result: inout RunResult) {
    result.packets = Int64(evidence.record.packetsSent)
    result.participants = evidence.participants.map(participant)
    result.links = links()
    result.marks = marks
    for seat in evidence.participants { result.series += series(of: seat) }
    result.pictures = pictures()
    fillRecovery(&result)
  }

  /// The scenario's events that have begun, in order of time.
  private var marks: [TimelineMark] {
    evidence.scenario.events.filter { $0.at <= evidence.end }.sorted { $0.at < $1.at }.map {
      event in
      TimelineMark(
        kind: event.action.isImpairment ? .impairment : .event, at: event.at.seconds,
        until: event.duration.map { (event.at + $0).seconds },
        label: "\(event.target.text): \(event.action.text)", subject: event.target.subject)
    }
  }

  /// Over all who decoded pictures of a height.
  private func pictures() -> [PictureQuality] {
    let rungs = evidence.participants.flatMap { $0.record.inbound.flatMap(\.pictureQuality) }
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

  private func participant(_ seat: Evidence.Participant) -> Participant {
    var result = Participant(
      identity: seat.member.identity, group: seat.group.name, room: seat.member.room)
    let sessions = seat.record.sessions
    result.joined = sessions.contains { $0.connected != nil }
    if let first = sessions.first, let connected = first.connected {
      result.connectMs = (connected - first.requested).milliseconds
    }
    if let requested = sessions.first?.requested, let frame = seat.record.firstFrame {
      result.timeToFirstFrameMs = (frame - requested).milliseconds
    }
    result.reconnects =
      max(0, sessions.count { $0.connected != nil } - 1)
      + seat.record.reconnections.count { $0.back != nil }
    result.left = departure(seat.record.state)
    result.succeeded = store.samples(
      participant: seat.member.identity, metric: "assay.callSuccess", peer: nil, kind: nil)?
      .values.last.map { $0 == 1 }
    result.inbound = seat.record.inbound.map(statistics)
    result.outbound = seat.record.outbound.map(statistics)
    return result
  }

  private func departure(_ state: ConnectionState) -> String? {
    guard case .disconnected(let reason) = state else { return nil }
    return switch reason {
    case .left: "left"
    case .refused(let status, let text): "refused: \(status) \(text)"
    case .dismissed(let reason): "dismissed: \(reason)"
    case .gaveUp(let attempts, let status?, let text):
      "gave up after \(attempts) attempts, the last answered \(status) \(text ?? "")"
    case .gaveUp(let attempts, nil, _): "gave up after \(attempts) attempts"
    }
  }

  private func statistics(_ track: InboundTrack) -> TrackStatistics {
    var result = TrackStatistics(
      peer: track.publisher, source: track.source, kind: track.kind.rawValue)
    result.values = track.values.map { .init($0.metric, $0.value) }
    return result
  }

  private func statistics(_ track: OutboundTrack) -> TrackStatistics {
    var result = TrackStatistics(peer: "", source: track.source, kind: track.kind.rawValue)
    result.values = track.values.map { .init($0.metric, $0.value) }
    return result
  }

  // MARK: - Links

  private func links() -> [Link] {
    evidence.record.links.map { record in
      let isUp = record.direction == .up
      var (near, far) = ("SFU", "network")
      switch record.owner {
      case .one(let identity): (near, far) = (identity, "SFU")
      case .network: (near, far) = (record.scenarioLink, "SFU")
      case .server: break
      }
      // Flows alone go from host to host.
      if evidence.participants.isEmpty { (near, far) = ("senders", "receivers") }
      var link = Link(
        name: record.name, from: isUp ? near : far, to: isUp ? far : near,
        configuration: record.configuration)
      link.sentPackets = record.entered
      link.sentBytes = record.enteredBytes
      link.deliveredPackets = record.delivered
      link.deliveredBytes = record.deliveredBytes
      link.maximumQueueMs = record.maximumQueueDelay.milliseconds
      link.dropped = record.dropped.map { .init(reason: $0.name, packets: Int64($0.packets)) }
      return link
    }
  }

  // MARK: - Series

  private func series(of seat: Evidence.Participant) -> [Series] {
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
    if evidence.participants.count <= ResultAssembly.pairSeriesLimit {
      for peer in store.peers(of: identity, metric: "assay.layer", kind: .video) {
        for source in store.sources(of: peer, to: identity, kind: .video) {
          for (metric, unit) in [
            ("assay.layer", "1"), ("framesPerSecond", "fps"), ("frameHeight", "px"),
          ] {
            result.append(
              perSecond(identity, metric, peer: peer, source: source, unit: unit) { $0.last })
          }
        }
      }
    } else {
      // Few frames of a screen are no slow camera.
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
    _ participant: String, _ metric: String, peer: String?, source: MediaSource? = nil,
    unit: String, _ reduce: ([Double]) -> Double?
  ) -> Series {
    let seconds = Int(evidence.scenario.duration.seconds.rounded(.up))
    var values = [Double?](repeating: nil, count: seconds)
    if let samples = store.samples(
      participant: participant, metric: metric, peer: peer, kind: nil,
      tracks: source.map(TrackSelection.source) ?? .usual)
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
    var series = Series(
      participant: participant, metric: metric, subject: peer ?? "", unit: unit, start: 0,
      step: 1, values: values)
    series.source = source?.rawValue ?? ""
    return series
  }

  /// What the participant's links could carry in each second; nothing where they have no limit.
  private func capacity(of seat: Evidence.Participant) -> [Series] {
    let seconds = Int(evidence.scenario.duration.seconds.rounded(.up))
    return evidence.record.links.filter { $0.owner == .one(seat.member.identity) }.compactMap {
      link in
      let rates = ResultAssembly.rates(of: link, seconds: seconds)
      guard rates.contains(where: { $0 != nil }) else { return nil }
      return Series(
        participant: seat.member.identity, metric: "linkCapacity", subject: link.name,
        unit: "bps", start: 0, step: 1, values: rates)
    }
  }

  /// The rate of a link in each second of the run, at the second's start; nil where it has none.
  private static func rates(of link: LinkRecord, seconds: Int) -> [Double?] {
    (0..<seconds).map { second in
      let moment = Instant.seconds(Double(second))
      let change = link.capacities.last { $0.from <= moment } ?? link.capacities.first
      return change?.bitsPerSecond.map(Double.init)
    }
  }
}
