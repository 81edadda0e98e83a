// RTCP in both directions: it ends at the SFU, which answers, asks and reports for itself.

import Basics
import Results
import Transport
import Wire

extension Participant {
  // MARK: - From publishers

  func receiveSenderReports(_ bytes: RawSpan, at now: Instant) {
    try? RTCPReader.read(bytes) { packet in
      if case .temporaryMaximumBitrateNotification(let notification) = packet {
        let own = notification.entries.first { $0.ssrc == Participant.reportSSRC }
        if let own { routes[notification.senderSSRC]?.track.rateBound.notified(own.bitrate) }
      }
      guard case .senderReport(let report) = packet, let route = routes[report.ssrc] else { return }
      route.track.layers[route.layer].reception?.received(report, at: now)
      senderClock.report(ntp: report.ntp, at: now, epoch: sfu.epoch)
      route.track.clock.report(
        layer: route.layer, ntp: report.ntp, timestamp: report.rtpTimestamp)
    }
  }

  // MARK: - To publishers

  /// Asks the publisher for what is missing: packets, keyframes.
  func askPublisher(at now: Instant, into outbox: inout Outbox) {
    var writer = RTCPWriter()
    for track in tracks where track.isVideo && !track.isMuted {
      track.reorderIfNeeded(at: now)
      for index in track.layers.indices {
        guard let due = track.layers[index].nack.nextTimeout, due <= now,
          let ssrc = track.layers[index].ssrc
        else { continue }
        let missing = track.layers[index].nack.due(at: now)
        guard !missing.isEmpty, sfu.configuration.mutant != .noUplinkNACK else { continue }
        writer.append(
          .nack(
            GenericNACK(
              senderSSRC: Participant.reportSSRC, mediaSSRC: ssrc, sequenceNumbers: missing)))
      }
      track.stormIfMutant(at: now)
      for request in track.keyframes.due(at: now) {
        guard let ssrc = track.layers[request.layer].ssrc else { continue }
        writer.append(
          .pictureLossIndication(senderSSRC: Participant.reportSSRC, mediaSSRC: ssrc))
      }
      if let bound = track.rateBound.take(at: now), let layer = track.boundedLayer,
        let ssrc = track.layers[layer].ssrc
      {
        writer.append(
          .temporaryMaximumBitrateRequest(
            TemporaryMaximumBitrate(
              senderSSRC: Participant.reportSSRC,
              entries: [
                .init(ssrc: ssrc, bitrate: bound, overhead: UInt16(SFULimits.packetOverhead))
              ])))
      }
      if track.needsDynacastUpdate { sendDynacast(track, into: &outbox) }
    }
    send(writer, over: .publisher, at: now, into: &outbox)
  }

  /// Tells the publisher which of its tracks somebody takes, once for each.
  func tellOfTakers(into outbox: inout Outbox) {
    for track in tracks where !track.isTakerTold && track.subscriptions.contains(where: \.isActive)
    {
      track.isTakerTold = true
      notify(.trackSubscribed(sid: track.sid), into: &outbox)
    }
  }

  /// Tells the publisher which layers have takers.
  private func sendDynacast(_ track: PublishedTrack, into outbox: inout Outbox) {
    track.needsDynacastUpdate = false
    guard sfu.configuration.dynacast else { return }
    notify(
      .subscribedQualities(
        trackSid: track.sid, encoding: track.codec?.encoding ?? "", track.qualityDemands),
      into: &outbox)
  }

  func sendTransportFeedback(at now: Instant, into outbox: inout Outbox) {
    guard let due = feedback.nextTimeout, due <= now else { return }
    for report in feedback.feedback(at: now) {
      var writer = RTCPWriter()
      writer.append(.transportFeedback(report))
      send(writer, over: .publisher, at: now, into: &outbox)
    }
  }

  // MARK: - From subscribers

  func receiveFeedback(_ bytes: RawSpan, at now: Instant, into outbox: inout Outbox) {
    var packets: [RTCPPacket] = []
    try? RTCPReader.read(bytes) { packets.append($0) }
    for packet in packets {
      switch packet {
      case .nack(let nack):
        guard let subscription = subscriptionBySSRC[nack.mediaSSRC] else { continue }
        subscription.nackCount += 1
        // An answer that has yet to leave is not lost.
        let wait = roundTrip + downlink.queueDelay
        for number in nack.sequenceNumbers {
          subscription.retransmit(number, roundTrip: wait, at: now, into: &outbox)
        }
      case .pictureLossIndication(_, let ssrc):
        subscriptionBySSRC[ssrc]?.keyframeWanted(at: now)
      case .fullIntraRequest(let request):
        for entry in request.entries { subscriptionBySSRC[entry.ssrc]?.keyframeWanted(at: now) }
      case .transportFeedback(let report): receive(report, at: now, into: &outbox)
      case .receiverEstimatedMaximumBitrate(let report): receive(report, at: now)
      case .receiverReport(let report): receive(report.reports, at: now)
      case .senderReport(let report): receive(report.reports, at: now)
      default: break
      }
    }
  }

  private func receive(_ blocks: [ReportBlock], at now: Instant) {
    for block in blocks {
      guard let subscription = subscriptionBySSRC[block.ssrc] else { continue }
      subscription.received(block, at: now)
      if let rtt = subscription.statistics.rtt { roundTrip = rtt }
      noteLoss(block, at: now)
    }
  }

  // MARK: - Reports

  func sendReports(at now: Instant, into outbox: inout Outbox) {
    if sfu.configuration.mutant != .noReceiverReports {
      sendReceiverReports(at: now, into: &outbox)
    }
    guard sfu.configuration.mutant != .noSenderReports else { return }
    var reports: [(report: SenderReport, cname: String)] = []
    for subscription in subscriptions where subscription.isActive {
      guard subscription.window.hasSentLately, let report = subscription.senderReport(at: now)
      else { continue }
      subscription.window.hasSentLately = false
      reports.append((report, subscription.track.publisher.sid))
    }
    for start in stride(from: 0, to: reports.count, by: SFULimits.reportsPerPacket) {
      let part = reports[start..<min(start + SFULimits.reportsPerPacket, reports.count)]
      var writer = RTCPWriter()
      for (report, _) in part { writer.append(.senderReport(report)) }
      // RFC 3550 §6.1: every compound packet names its sources.
      writer.append(
        .sourceDescription(part.map { SDESChunk(ssrc: $0.report.ssrc, cname: $0.cname) }))
      send(writer, over: .subscriber, at: now, into: &outbox)
    }
  }

  private func sendReceiverReports(at now: Instant, into outbox: inout Outbox) {
    var blocks: [ReportBlock] = []
    for track in tracks {
      for index in track.layers.indices {
        let loss = track.layers[index].reception?.cumulativeLost ?? 0
        if let block = track.layers[index].reception?.reportBlock(at: now) {
          blocks.append(block)
          track.window.reported(
            cumulativeLost: loss, jitter: track.layers[index].reception?.jitterDuration ?? .zero,
            stream: index, at: now)
        }
      }
    }
    for start in stride(from: 0, to: blocks.count, by: SFULimits.reportsPerPacket) {
      let part = blocks[start..<min(start + SFULimits.reportsPerPacket, blocks.count)]
      var writer = RTCPWriter()
      writer.append(
        .receiverReport(ReceiverReport(ssrc: Participant.reportSSRC, reports: Array(part))))
      writer.append(
        .sourceDescription([SDESChunk(ssrc: Participant.reportSSRC, cname: room.sid)]))
      send(writer, over: .publisher, at: now, into: &outbox)
    }
  }

  private func send(
    _ writer: RTCPWriter, over target: TransportTarget, at now: Instant, into outbox: inout Outbox
  ) {
    guard writer.count > 0 else { return }
    let packet = outbox.pool.makePacket(writer.bytes)
    if target == .publisher {
      publisher.sendRTCP(packet, at: now, into: &outbox)
    } else {
      egress.sendRTCP(packet, at: now, into: &outbox)
    }
  }
}

extension Subscription {
  /// The subscriber cannot go on without a keyframe of what it gets.
  func keyframeWanted(at now: Instant) {
    pliCount += 1
    guard isActive, let layer = selector.current ?? selector.target else { return }
    track.keyframes.request(layer: layer, at: now)
  }

  func received(_ block: ReportBlock, at now: Instant) {
    statistics.received(block, at: now)
    let jitter = Duration.seconds(Double(block.jitter) / Double(codec.clockRate))
    window.reported(cumulativeLost: Int64(block.cumulativeLost), jitter: jitter, stream: 0, at: now)
    window.note(roundTrip: statistics.rtt)
  }
}

extension PublishedTrack {
  /// Which qualities have takers; layers that share one are one.
  fileprivate var qualityDemands: [QualityDemand] {
    var result: [QualityDemand] = []
    for layer in layers.indices {
      let demand = QualityDemand(
        quality: ladder.qualities[layer], isTaken: dynacast.isEnabled(layer))
      if let last = result.indices.last, result[last].quality == demand.quality {
        result[last].isTaken = result[last].isTaken || demand.isTaken
      } else {
        result.append(demand)
      }
    }
    return result
  }

  fileprivate func stormIfMutant(at now: Instant) {
    guard publisher.sfu.configuration.mutant == .keyframeStorm else { return }
    for layer in layers.indices { keyframes.request(layer: layer, at: now) }
  }
}

extension KeyframeRequests.Limits {
  /// Those of the SFU, and of its faults made on purpose.
  static func of(_ mutant: Mutant?) -> KeyframeRequests.Limits {
    var limits = KeyframeRequests.Limits.liveKit
    switch mutant {
    case .keyframeStorm:
      limits.throttle = [SFULimits.mutantKeyframeInterval]
      limits.retry = SFULimits.mutantKeyframeInterval
    case .lateKeyframes: limits.hold = SFULimits.mutantKeyframeHold
    default: break
    }
    return limits
  }
}
