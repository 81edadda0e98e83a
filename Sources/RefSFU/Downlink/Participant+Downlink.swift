// Packets on their way to a subscriber: at once while there is no queue, else in their turn.

import Basics
import Congestion
import Transport
import Wire

extension Participant {
  /// Sends a packet as the subscriber's link allows. Budget: 60 ns beside protection.
  func transmit(
    _ packet: consuming Packet, _ kind: Congestion.PacketKind, at now: Instant,
    into outbox: inout Outbox
  ) {
    // What has nowhere to go takes no number: it was not lost on the way.
    guard egress.canSendMedia else {
      departures.unconnected += 1
      return
    }
    let size = DataSize.bytes(packet.count + Downlink.overhead)
    if !delaysVideo, downlink.sender.passes(size, kind: kind, at: now) {
      depart(packet, size, kind, probe: nil, at: now, into: &outbox)
    } else {
      downlink.sender.enqueue(packet, size: size, kind: kind, at: now)
      drain(at: now, into: &outbox)
    }
  }

  private var delaysVideo: Bool { sfu.configuration.mutant == .delaysVideo }

  /// Lets everything go that may, and asks to be called for what may not yet.
  func drain(at now: Instant, into outbox: inout Outbox) {
    if delaysVideo, downlink.sender.queuedPackets < SFULimits.mutantQueue { return }
    while let departure = downlink.sender.next(at: now) {
      switch consume departure {
      case .packet(let packet, let size, let kind, let probe):
        depart(packet, size, kind, probe: probe, at: now, into: &outbox)
      case .padding(let size, let probe):
        pad(size, probe: probe, at: now, into: &outbox)
      }
    }
    guard var next = downlink.sender.nextDeparture(at: now) else { return }
    // Time goes on between two calls, whatever rounding made of the moment.
    next = max(next, now + .microseconds(1))
    guard downlink.scheduled.map({ next < $0 }) ?? true else { return }
    downlink.scheduled = next
    sfu.schedule(self, at: next)
  }

  /// Nobody is to get what still waits of this stream, nor padding in its name.
  func discardWaiting(_ subscription: Subscription) {
    if lastVideo === subscription { lastVideo = nil }
    departures.discarded += downlink.sender.remove { packet in
      let ssrc = (try? RTPHeader(packet.bytes))?.ssrc
      return ssrc == subscription.ssrc || ssrc != nil && ssrc == subscription.rtxSSRC
    }
  }

  /// The moment has come that `drain` asked for.
  func departuresDue(at now: Instant, into outbox: inout Outbox) {
    if let scheduled = downlink.scheduled, scheduled <= now { downlink.scheduled = nil }
    guard !hasLeft else { return }
    drain(at: now, into: &outbox)
  }

  func tickDownlink(at now: Instant, into outbox: inout Outbox) {
    guard let due = downlink.sender.controller.nextTimeout, due <= now else { return }
    downlink.sender.handleTimeout(at: now)
    drain(at: now, into: &outbox)
  }

  private func depart(
    _ packet: consuming Packet, _ size: DataSize, _ kind: Congestion.PacketKind,
    probe: ProbeMark?, at now: Instant, into outbox: inout Outbox
  ) {
    var packet = packet
    departures.departed += 1
    // A section that does not take transport-wide numbers has none: they would count as lost.
    guard
      downlink.feedback != .transportWide || kind == .padding
        || packet.hasTransportNumber(downlink.extensions)
    else { return egress.sendRTP(packet, at: now, into: &outbox) }
    let number = downlink.sender.number(of: size, kind: kind, probe: probe, at: now)
    switch downlink.feedback {
    case .transportWide:
      packet.stampDeparture(number: number, absSendTime: nil, map: downlink.extensions)
    case .maximumBitrate:
      packet.stampDeparture(
        number: nil, absSendTime: absSendTime(at: now), map: downlink.extensions)
    case .none: break
    }
    egress.sendRTP(packet, at: now, into: &outbox)
  }

  /// Padding goes over the RTX stream of the video that was sent last.
  private func pad(
    _ size: DataSize, probe: ProbeMark?, at now: Instant, into outbox: inout Outbox
  ) {
    guard let subscription = lastVideo, subscription.isActive,
      let packet = subscription.padding(Int(size.bytes), at: now, into: &outbox)
    else { return downlink.sender.cannotPad(size, at: now) }
    let made = DataSize.bytes(packet.count + Downlink.overhead)
    departures.fillers += 1
    depart(packet, made, .padding, probe: probe, at: now, into: &outbox)
  }

  /// The client moved to another path: its transport-wide feedback on a packet that came there proves it.
  func probeNewPath(at now: Instant, into outbox: inout Outbox) {
    guard egress.awaitsProof, downlink.feedback == .transportWide, let subscription = lastVideo,
      subscription.isActive, var packet = subscription.pathProbe(into: &outbox)
    else { return }
    departures.fillers += 1
    departures.departed += 1
    let size = DataSize.bytes(packet.count + Downlink.overhead)
    let number = downlink.sender.number(of: size, kind: .padding, probe: nil, at: now)
    packet.stampDeparture(number: number, absSendTime: nil, map: downlink.extensions)
    egress.sendProbe(packet, at: now, into: &outbox)
  }

  // MARK: - Feedback

  func receive(_ report: TransportFeedback, at now: Instant, into outbox: inout Outbox) {
    downlink.sender.received(
      base: report.baseSequenceNumber, reference: report.referenceTime,
      deltas: report.packets.lazy.map { status in
        if case .received(let delta) = status { delta } else { nil }
      }, at: now)
    drain(at: now, into: &outbox)
  }

  func receive(_ report: REMB, at now: Instant) {
    guard downlink.feedback != .transportWide else { return }
    downlink.sender.received(receiverLimit: report.bitrate, at: now)
  }

  /// Loss between two receiver reports, where nothing better is told.
  func noteLoss(_ block: ReportBlock, at now: Instant) {
    guard downlink.feedback != .transportWide, let (lost, packets) = reportedLoss.take(block)
    else { return }
    downlink.sender.received(lost: lost, of: packets, roundTrip: roundTrip, at: now)
  }
}
