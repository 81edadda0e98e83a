// What a bot sends, as congestion control lets it: encoders follow the target, the pacer spaces the
// packets, probes and padding fill where that helps (libwebrtc
// call/rtp_transport_controller_send.cc).

import Basics
import Congestion
import Transport
import Wire

/// A packet that waits for its turn, and the stream it belongs to.
struct BotPacket: ~Copyable {
  var track: Int
  var stream: Int
  /// When what it carries was captured.
  var sampled: Instant
  var packet: Packet
}

/// What the encoders follow now.
struct FollowedTarget: Equatable {
  var target = Bitrate.zero
  var revision = 0
}

extension Bot {
  func produceMedia(at now: Instant, into outbox: inout Outbox) {
    lastMediaCall = now
    guard publisher.canSendMedia else { return }
    noteNetwork(at: now)
    uplink.handleTimeout(at: now)
    followTarget(at: now)
    for index in localTracks.indices {
      let track = localTracks[index]
      guard let due = track.nextTimeout, due <= now else { continue }
      let kind = track.isPaced ? Congestion.PacketKind.video : .audio
      track.produce(at: now, pool: outbox.pool) { packet, stream in
        enqueue(packet, track: index, stream: stream, kind, at: now)
      }
    }
    while let departure = uplink.next(at: now) {
      switch consume departure {
      case .packet(let entry, let size, let kind, let probe):
        let (track, stream, sampled) = (entry.track, entry.stream, entry.sampled)
        guard track < localTracks.count, stream < localTracks[track].streams.count else {
          continue
        }
        // The other end reports on numbers alone that it negotiated: others would be missing.
        let isNumbered = localTracks[track].streams[stream].map[.transportSequenceNumber] != nil
        let number =
          isNumbered ? uplink.number(of: size, kind: kind, probe: probe, at: now) : nil
        transmit(
          entry.packet, of: localTracks[track], stream: stream, number: number,
          sampled: sampled, at: now, into: &outbox)
      case .padding(let size, let probe):
        pad(size, probe: probe, at: now, into: &outbox)
      }
    }
  }

  /// Another address of ours is another network; that the other end sees another one of a NAT is not
  /// (libwebrtc RtpTransportControllerSend::IsRelevantRouteChange).
  private func noteNetwork(at now: Instant) {
    guard let local = publisher.ice.selectedPath?.local.ip, local != uplinkNetwork else { return }
    if uplinkNetwork != nil { uplink.networkRouteChanged(at: now) }
    uplinkNetwork = local
  }

  func enqueue(
    _ packet: consuming Packet, track: Int, stream: Int, _ kind: Congestion.PacketKind,
    at now: Instant
  ) {
    let size = WireOverhead.size(packet.count)
    uplink.enqueue(
      BotPacket(track: track, stream: stream, sampled: now, packet: packet), size: size,
      kind: kind, at: now)
  }

  private func transmit(
    _ packet: consuming Packet, of track: LocalTrack, stream: Int, number: UInt16?,
    sampled: Instant, at now: Instant, into outbox: inout Outbox
  ) {
    var packet = packet
    packet.stampDeparture(number: number, absSendTime: nil, map: track.streams[stream].map)
    if let header = try? RTPHeader(packet.bytes), header.ssrc == track.streams[stream].ssrc {
      track.streams[stream].sent(packet, header: header, sampled: sampled, at: now)
    }
    observations.bytesSent += packet.count
    publisher.sendRTP(packet, at: now, into: &outbox)
  }

  /// Padding goes over the RTX stream of the highest video layer that is on.
  private func pad(
    _ size: DataSize, probe: ProbeMark?, at now: Instant, into outbox: inout Outbox
  ) {
    for (index, track) in localTracks.enumerated() where track.kind == .video && track.isSending {
      for stream in track.streams.indices.reversed() {
        guard track.video?.isActive(layer: stream) ?? false,
          let packet = track.streams[stream].padding(
            Int(size.bytes), pool: outbox.pool, at: now)
        else { continue }
        let number = uplink.number(
          of: WireOverhead.size(packet.count), kind: .padding, probe: probe, at: now)
        observations.paddingSent += packet.count
        transmit(
          packet, of: localTracks[index], stream: stream, number: number, sampled: now,
          at: now, into: &outbox)
        return
      }
    }
    uplink.cannotPad(size, at: now)
  }

  // MARK: - Target

  /// Divides the target among the tracks where it changed, or they did.
  private func followTarget(at now: Instant) {
    let revision = localTracks.reduce(0) { $0 &+ $1.allocationRevision }
    let current = FollowedTarget(target: uplink.controller.target, revision: revision)
    guard current != followed else { return }
    let audio = localTracks.reduce(Bitrate.zero) { $0 + $1.audioRate }
    let tracks = localTracks.filter { $0.videoRange != nil }
    let ranges = tracks.compactMap(\.videoRange)
    if revision != followed.revision {
      uplink.setAllocated(
        maximum: ranges.reduce(audio) { $0 + $1.maximum },
        padding: ranges.reduce(.zero) { $0 + $1.padding }, at: now)
    }
    followed = current
    let parts = shares(
      of: max(.zero, current.target - audio), minima: ranges.map(\.minimum),
      maxima: ranges.map(\.maximum))
    for (track, share) in zip(tracks, parts) { track.follow(share, at: now) }
  }

  // MARK: - Feedback

  func receive(_ report: TransportFeedback, at now: Instant) {
    uplink.received(
      base: report.baseSequenceNumber, reference: report.referenceTime,
      deltas: report.packets.lazy.map { status in
        if case .received(let delta) = status { delta } else { nil }
      }, at: now)
  }

  /// Retransmissions wait with the other packets, and go before them.
  func answer(_ nack: GenericNACK, at now: Instant) {
    let mediaRate = localTracks.reduce(Bitrate.zero) { $0 + $1.mediaRate }
    for (index, track) in localTracks.enumerated() {
      guard let stream = track.streams.firstIndex(where: { $0.ssrc == nack.mediaSSRC }) else {
        continue
      }
      let roundTrip = publisher.ice.roundTrip ?? .milliseconds(100)
      for number in nack.sequenceNumbers {
        guard
          let packet = track.streams[stream].retransmission(
            of: number, roundTrip: roundTrip, at: now),
          retransmissionLimiter.allows(packet.count, mediaRate: mediaRate, at: now)
        else { continue }
        enqueue(packet, track: index, stream: stream, .videoRetransmission, at: now)
      }
    }
  }

  /// The answer says whether the other end reports by transport-wide numbers. Where it does not,
  /// its receiver reports and REMB have to do.
  func noteFeedback(in answer: SessionDescription) {
    guard answer.media.contains(where: { $0.isRTP && !$0.isRejected }) else { return }
    uplink.hasTransportFeedback = answer.media.contains { section in
      section.isRTP && !section.isRejected
        && section.extensionMap[.transportSequenceNumber] != nil
    }
  }
}
