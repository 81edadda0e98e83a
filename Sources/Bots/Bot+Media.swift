// The media a bot sends and receives, packet by packet, and the feedback about both.

import Basics
import Transport
import Wire

extension Bot {
  // MARK: - Sending media

  func makeLocalTrack(_ track: LocalTrackConfiguration, pool: PacketPool) -> LocalTrack {
    defer { tracksMade += 1 }
    let name = "\(track.source)/\(connectionsOpened)/\(tracksMade)"
    var random = random.child("track/\(name)")
    return LocalTrack(
      track, cid: random.string(16, from: "0123456789abcdef"), mid: ShortName(String(tracksMade))!,
      map: PublisherOffer.extensionMap, epoch: configuration.epoch, pool: pool, clips: clips,
      starts: configuration.startValues, random: random)
  }

  /// Feedback from the SFU about what this bot sends.
  func receivePublisherFeedback(
    _ bytes: RawSpan, at now: Instant, into outbox: inout Outbox
  ) {
    var packets: [RTCPPacket] = []
    try? RTCPReader.read(bytes) { packets.append($0) }
    for packet in packets {
      switch packet {
      case .nack(let nack):
        uplinkAudit.nacks += 1
        answer(nack, at: now)
      case .pictureLossIndication(_, let ssrc):
        requestKeyframe(ssrc, at: now)
      case .fullIntraRequest(let request):
        for entry in request.entries { requestKeyframe(entry.ssrc, at: now) }
      case .receiverReport(let report):
        for block in report.reports { note(block, at: now) }
      // An SFU that sends on the same transport reports in its sender reports (RFC 3550 §6.4).
      case .senderReport(let report):
        for block in report.reports { note(block, at: now) }
      case .transportFeedback(let report): receive(report, at: now)
      case .receiverEstimatedMaximumBitrate(let remb):
        uplink.received(receiverLimit: remb.bitrate, at: now)
      case .temporaryMaximumBitrateRequest(let request):
        follow(request, at: now, into: &outbox)
      default: break
      }
    }
    produceMedia(at: now, into: &outbox)
  }

  private func requestKeyframe(_ ssrc: UInt32, at now: Instant) {
    for track in localTracks {
      guard let layer = track.streams.firstIndex(where: { $0.ssrc == ssrc }) else { continue }
      track.requestKeyframe(layer: layer, at: now)
    }
  }

  /// Bounds the streams that are named, and says so (RFC 5104 §4.2.2).
  private func follow(
    _ request: TemporaryMaximumBitrate, at now: Instant, into outbox: inout Outbox
  ) {
    var writer = RTCPWriter()
    for entry in request.entries {
      for track in localTracks {
        guard track.takesBounds,
          let layer = track.streams.firstIndex(where: { $0.ssrc == entry.ssrc })
        else { continue }
        track.withVideo { $0.setBound(entry.bitrate, layer: layer) }
        writer.append(
          .temporaryMaximumBitrateNotification(
            TemporaryMaximumBitrate(
              senderSSRC: entry.ssrc,
              entries: [
                .init(
                  ssrc: request.senderSSRC, bitrate: entry.bitrate, overhead: entry.overhead)
              ])))
      }
    }
    sendRTCP(writer, onSubscriber: false, at: now, into: &outbox)
  }

  private func note(_ block: ReportBlock, at now: Instant) {
    for track in localTracks {
      guard let stream = track.streams.firstIndex(where: { $0.ssrc == block.ssrc }) else {
        continue
      }
      track.streams[stream].isKnownToPeer = true
      uplinkAudit.reported(block, isVideo: track.kind == .video)
      track.streams[stream].statistics.received(block, at: now)
      track.heard(ofLoss: Double(block.fractionLost) / 256)
      if !uplink.hasTransportFeedback { noteLoss(of: track.streams[stream], block, at: now) }
    }
  }

  // MARK: - Receiving media

  func receiveMedia(
    _ packet: inout Packet, at now: Instant, into outbox: inout Outbox
  ) {
    guard var header = try? RTPHeader(packet.bytes) else { return }
    let media = remoteBySSRC[header.ssrc]
    let repair = media == nil ? remoteByRTX[header.ssrc] : nil
    noteArrival(packet.bytes, header, of: media ?? repair, at: now)
    if !configuration.maySubscribe, !mayBeLate(since: subscribingEnded, at: now) {
      observations.unauthorisedPackets += 1
    }
    if let index = media ?? repair {
      let isTaken = remoteTracks[index].admits(
        packet.bytes, header, isRTX: media == nil, at: now, &faults)
      guard isTaken else { return }
    }
    var isRetransmission = false
    let index: Int
    if let media {
      index = media
    } else if let repair {
      index = repair
      let identity = remoteTracks[index].identity
      guard
        (try? packet.unwrapRTX(
          header, payloadType: identity.codec.payloadType, ssrc: identity.ssrc)) != nil,
        let restored = try? RTPHeader(packet.bytes)
      else {
        remoteTracks[index].paddingPackets += 1
        return
      }
      header = restored
      isRetransmission = true
    } else {
      if !isStraggler(header.ssrc, at: now) { observations.unknownSSRCPackets += 1 }
      return
    }
    let track = remoteTracks[index]
    track.receive(
      packet.bytes, header, isRetransmission: isRetransmission,
      roundTrip: subscriber.ice.roundTrip ?? .milliseconds(100), at: now, &faults)
    service(index, at: now, into: &outbox)
  }

  /// Whether a packet may have been on its way when the offer without its track came.
  private func isStraggler(_ ssrc: UInt32, at now: Instant) -> Bool {
    mayBeLate(since: endedSSRCs[ssrc], at: now)
  }

  /// Whether a packet may have been sent before `end`.
  private func mayBeLate(since end: Instant?, at now: Instant) -> Bool {
    let roundTrip = subscriber.ice.roundTrip ?? .zero
    return end.map { now - $0 <= roundTrip + BotLimits.stragglerGrace } ?? false
  }

  /// Handles what became due on a track, and remembers when the next thing does.
  func service(_ index: Int, at now: Instant, into outbox: inout Outbox) {
    let track = remoteTracks[index]
    if track.due <= now {
      if let request = track.handleTimeout(at: now).request(to: track.identity.ssrc) {
        sendRTCP(request, onSubscriber: true, at: now, into: &outbox)
      }
    }
    if track.due < track.scheduled {
      track.scheduled = track.due
      remoteTimers.push(index, at: track.due)
    }
  }

  func handleRemoteTracks(at now: Instant, into outbox: inout Outbox) {
    while let due = remoteTimers.nextTime, due <= now, let (time, index) = remoteTimers.pop() {
      // An earlier one has been set since, which took this one's place.
      guard time == remoteTracks[index].scheduled else { continue }
      remoteTracks[index].scheduled = .distantFuture
      service(index, at: now, into: &outbox)
    }
  }

  /// The SSRC of a receiver that sends nothing on this transport.
  static let reportSSRC: UInt32 = 1

  func sendRTCP(
    _ writer: RTCPWriter, onSubscriber: Bool, at now: Instant, into outbox: inout Outbox
  ) {
    guard writer.count > 0 else { return }
    let packet = outbox.pool.makePacket(writer.bytes)
    observations.bytesSent += packet.count
    if onSubscriber {
      subscriber.sendRTCP(packet, at: now, into: &outbox)
    } else {
      publisher.sendRTCP(packet, at: now, into: &outbox)
    }
  }

  func receiveSenderReports(_ bytes: RawSpan, at now: Instant) {
    try? RTCPReader.read(bytes) { packet in
      guard case .senderReport(let report) = packet, let index = remoteBySSRC[report.ssrc] else {
        return
      }
      remoteTracks[index].received(report, epoch: configuration.epoch, at: now)
    }
  }
}
