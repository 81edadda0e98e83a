// The hot path: from a publisher's packet to everybody who gets it.

import Basics
import Transport
import Wire

extension Participant {
  /// A decrypted RTP packet of this publisher.
  func receivePublished(_ packet: inout Packet, at now: Instant, into outbox: inout Outbox) {
    guard var header = try? RTPHeader(packet.bytes),
      let route = routes[header.ssrc]
        ?? routes.resolve(packet.bytes, header, among: tracks),
      let section = route.track.section
    else {
      mediaCounts.unrouted += 1
      return
    }
    let track = route.track
    noteArrival(packet.bytes, header, section, at: now)
    if route.isRetransmission {
      guard case .retransmission(let original)? = section.meaning(of: header.payloadType),
        let ssrc = track.layers[route.layer].ssrc,
        (try? packet.unwrapRTX(header, payloadType: original, ssrc: ssrc)) != nil,
        let restored = try? RTPHeader(packet.bytes)
      else {
        mediaCounts.needless += 1
        return
      }
      header = restored
    }
    guard case .media(let codec)? = section.meaning(of: header.payloadType),
      let incoming = IncomingPacket(
        packet.bytes, layer: route.layer, extensions: section.extensions, codec: codec),
      codec.encoding == track.codec?.encoding
        || follow(codec, of: track, incoming, at: now, into: &outbox)
    else {
      mediaCounts.unrouted += 1
      return
    }
    // What was asked for in vain, or is padded with, comes twice; passed on again it would use its number
    // twice under one key (RFC 3711 §9.1).
    guard track.layers[route.layer].seen.insert(header.sequenceNumber) else {
      mediaCounts.needless += 1
      return
    }
    mediaCounts.accepted += 1
    let isLate = track.received(
      incoming, packet, layer: route.layer, isRetransmission: route.isRetransmission, at: now)
    if track.isMuted && sfu.configuration.mutant != .audioAfterMute {
      mediaCounts.copiesDue += track.listeners.count
      for subscription in track.listeners {
        subscription.copies.muted += 1
        subscription.skip(incoming, at: now, into: &outbox)
      }
      return
    }
    if let level = incoming.extensions.audioLevel {
      room.observe(level: level.level, of: self, at: now)
    }
    if !track.isLive {
      track.noteLive()
      note(.published(track: track.sid, source: track.info.source.name))
      bumpVersion()
      room.published(track, at: now, into: &outbox)
    }
    mediaCounts.copiesDue += track.listeners.count
    let forgets = sfu.configuration.mutant == .dropsUncounted && mediaCounts.accepted % 50 == 0
    for subscription in track.listeners where !forgets {
      subscription.forward(packet, incoming, isLate: isLate, at: now, into: &outbox)
    }
    for taken in track.sinks {
      taken.forward(
        packet.bytes, incoming, isVideo: track.isVideo, isLate: isLate, at: now)
    }
  }

  /// Notes the arrival for transport-wide congestion control.
  private func noteArrival(
    _ packet: RawSpan, _ header: RTPHeader, _ section: PublishedSection, at now: Instant
  ) {
    guard section.extensions[.transportSequenceNumber] != nil else { return }
    let extensions = RTPExtensions(packet, header, section.extensions)
    guard let number = extensions.transportSequenceNumber else { return }
    feedback.mediaSSRC = header.ssrc
    feedback.received(number, at: now)
  }
}

extension PublishedTrack {
  /// Repair and statistics of an arriving packet.
  /// - Returns: whether newer packets of its layer came before it.
  func received(
    _ incoming: IncomingPacket, _ packet: borrowing Packet, layer: Int, isRetransmission: Bool,
    at now: Instant
  ) -> Bool {
    let header = incoming.header
    var wasOvertaken = false
    if !isRetransmission {
      let arrival = layers[layer].reception?.received(
        header.sequenceNumber, timestamp: header.timestamp,
        payloadSize: header.payloadRange.count, at: now)
      wasOvertaken = arrival == .reordered
    }
    window.received(bytes: header.payloadRange.count)
    guard isVideo else { return wasOvertaken }
    let arrival = layers[layer].nack.received(
      header.sequenceNumber, isRetransmission: isRetransmission, at: now)
    layers[layer].cache?.store(packet, sequenceNumber: header.sequenceNumber, at: now)
    var isLate = false
    switch arrival {
    case .recovered, .late: isLate = true
    case .inOrder, .gap, .restarted, .overflow: break
    }
    if incoming.isKeyframe && !isLate {
      keyframes.received(layer: layer)
      if let resolution = incoming.resolution {
        noteSize(
          layer: layer, width: resolution.width, height: resolution.height, at: now)
      }
    }
    // Padding keeps no layer alive: viewers would wait for its pictures.
    guard !incoming.input.isPadding else { return isLate }
    let isNewlyLive = tracker.received(
      layer: layer, temporal: incoming.temporal, size: packet.count + SFULimits.packetOverhead,
      startsFrame: incoming.startsFrame, at: now)
    if isNewlyLive { noteLayers(at: now) }
    return isLate
  }
}
