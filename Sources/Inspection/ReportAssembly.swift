// From what was gathered to the report: streams and transports in order, notes, what stayed hidden.

import Basics
import Capture
import Results
import Wire

struct ReportAssembly {
  private let pass: CaptureInspection.Pass
  private let options: InspectionOptions
  private var inspector: CaptureInspector { pass.inspector }

  init(_ pass: CaptureInspection.Pass, _ options: InspectionOptions) {
    self.pass = pass
    self.options = options
  }

  func report() -> CaptureReport {
    var report = CaptureReport()
    report.file = pass.file
    report.format = pass.format.rawValue
    report.start = inspector.start
    report.end = inspector.end
    report.streams = streams()
    report.transports = transports()
    report.records = records(report)
    report.comments = pass.annotations.comments.map {
      CaptureReport.Comment(packetNumber: $0.packetNumber, text: $0.text)
    }
    report.timeline = timeline(report)
    report.hidden = hidden(report)
    report.notes = notes(report)
    report.problems = Findings(report).problems()
    report.sentence = Findings.sentence(report)
    return report
  }

  // MARK: - Streams and transports

  private func streams() -> [CapturedStream] {
    var result: [CapturedStream] = []
    for stream in inspector.streams where inspector.flows[stream.flow].isConfirmed {
      guard options.ssrcs.isEmpty || options.ssrcs.contains(stream.ssrc), stream.packets > 0
      else { continue }
      var facts = stream.finish(inspector.codecs)
      facts.repairIsHidden =
        facts.payload == .encrypted && facts.missing > 0
        && inspector.streams.contains {
          $0.flow == stream.flow && $0 !== stream && $0.facts.role != .media
        }
      result.append(facts)
    }
    return result.sorted {
      ($0.firstPacket, $0.ssrc, $0.source.port) < ($1.firstPacket, $1.ssrc, $1.source.port)
    }
  }

  private func transports() -> [CapturedTransport] {
    inspector.transports.filter { transport in
      transport.facts.ice != nil || transport.association != nil
        || inspector.flows.contains { $0.transport === transport && $0.isConfirmed }
    }.map { transport in
      var facts = transport.facts
      if let association = transport.association,
        association.client == facts.forward.source
          || association.client == facts.backward.source
      {
        facts.dtls.append(association.facts)
      }
      for flow in inspector.flows where flow.transport === transport {
        if flow.isForward {
          facts.forward.rtcp = flow.rtcp.result
        } else {
          facts.backward.rtcp = flow.rtcp.result
        }
      }
      if var ice = facts.ice {
        ice.unanswered = max(0, ice.requests - ice.responses - ice.errors)
        facts.ice = ice
      }
      return facts
    }
  }

  private func records(_ report: CaptureReport) -> CaptureReport.RecordCounts {
    var counts = inspector.counts
    let read = pass.counts
    counts.packets = read.packets
    counts.datagrams = read.datagrams
    counts.fragments = read.fragments
    counts.reassembled = read.reassembled
    counts.truncated = read.truncated
    counts.relayed = read.relayed
    counts.tcpPackets = read.tcpPackets
    counts.tcpGaps = read.tcpGaps
    counts.notMedia = read.others
    counts.malformed = read.malformed
    counts.unsupportedLink = read.unsupportedLink
    counts.droppedByCapture = pass.annotations.droppedByCapture
    let uncertain = inspector.streams.filter { !inspector.flows[$0.flow].isConfirmed }
      .reduce(0) { $0 + $1.packets }
    counts.rtp -= uncertain
    counts.other += uncertain + inspector.ignoredStreams + inspector.ignoredFlows
    return counts
  }

  private func timeline(_ report: CaptureReport) -> [CaptureEvent] {
    var events = inspector.timeline
    for stream in report.streams {
      let name = "\(stream.label) \(Moments.ssrc(stream.ssrc))"
      let isMoved = report.streams.contains {
        $0.ssrc == stream.ssrc && $0.firstPacket < stream.firstPacket
          && $0.source != stream.source
      }
      let what = isMoved ? "RTP: \(name) moves to" : "RTP: first packet of \(name),"
      events.append(
        CaptureEvent(
          time: stream.start, packetNumber: stream.firstPacket,
          text: "\(what) \(stream.source) to \(stream.destination)"))
      events.append(
        CaptureEvent(
          time: stream.end, packetNumber: stream.lastPacket, text: "RTP: last packet of \(name)"))
    }
    events.sort { ($0.time, $0.packetNumber) < ($1.time, $1.packetNumber) }
    return events
  }

  // MARK: - What stays open

  private func hidden(_ report: CaptureReport) -> [String] {
    var hidden: [String] = []
    let closed = report.transports.filter { $0.media == .closed }
    if !closed.isEmpty {
      let has13 = closed.contains { $0.dtls.contains { $0.version == "DTLS 1.3" } }
      let label = has13 ? "EXPORTER_SECRET" : "CLIENT_RANDOM"
      hidden.append(
        "SRTP is closed on \(closed.count) of \(report.transports.count) transports: payloads, "
          + "keyframes, resolutions, padding, RTX contents and RTCP beyond each compound's first "
          + "header are hidden. A key log with \(label) lines opens it (--keylog FILE).")
      if has13, closed.contains(where: { $0.dtls.contains { $0.profile.isEmpty } }) {
        hidden.append("DTLS 1.3 encrypts the certificate and the SRTP profile.")
      }
      if !inspector.keyLog.isEmpty {
        hidden.append(
          "The key log holds \(secretCount) secrets, none of these handshakes among them.")
      }
      if closed.contains(where: { $0.dtls.isEmpty }) {
        hidden.append(
          "The capture begins after a DTLS handshake, whose randoms the keys depend on; "
            + "capture from before the call begins.")
      }
    }
    let unknown = report.streams.filter { $0.codec == nil && $0.role == .media }
    if !unknown.isEmpty {
      let types = Set(unknown.flatMap { $0.payloadTypes.filter { $0.codec == nil }.map(\.number) })
      hidden.append(
        "Payload types \(types.sorted().map(String.init).joined(separator: ", ")) are not named "
          + "by any SDP: name them with --sdp FILE or --pt \(types.min() ?? 96)=NAME/RATE.")
    }
    let untimed = report.streams.filter { $0.clockRate == nil && $0.role == .media }
    if !untimed.isEmpty {
      hidden.append(
        "Jitter needs a clock rate, which is unknown for "
          + untimed.prefix(8).map { Moments.ssrc($0.ssrc) }.joined(separator: ", ") + ".")
    }
    return hidden
  }

  private var secretCount: Int {
    inspector.keyLog.masterSecrets.count + inspector.keyLog.exporterSecrets.count
  }

  private func notes(_ report: CaptureReport) -> [String] {
    var notes: [String] = []
    let counts = report.records
    if let damage = pass.damage {
      notes.append("The file cannot be read beyond here: \(damage).")
    }
    let estimated = report.streams.filter { $0.clockOrigin == .estimated }
    if !estimated.isEmpty {
      notes.append(
        "Clock rates of "
          + estimated.prefix(8).map { "\(Moments.ssrc($0.ssrc)) (\($0.clockRate ?? 0) Hz)" }
          .joined(separator: ", ") + " are estimated from the pace of timestamps.")
    }
    if counts.droppedByCapture > 0 {
      notes.append(
        "The capturing host dropped \(counts.droppedByCapture) packets itself: losses here may be "
          + "its own.")
    }
    if counts.truncated > 0 {
      notes.append(
        "\(counts.truncated) packets are cut by the snapshot length; capture with -s 0.")
    }
    if counts.outOfOrderTimes > 0 {
      notes.append("\(counts.outOfOrderTimes) records are older than the one before them.")
    }
    let doubled = report.streams.filter { 3 * $0.duplicates > $0.packets }
    if !doubled.isEmpty, pass.annotations.interfaces.count != 1 || report.format != "pcapng" {
      notes.append(
        "\(doubled.count) streams hold many packets twice: the capture may have been taken on two "
          + "interfaces. Duplicates count as packets, as in Wireshark, and repair nothing.")
    }
    if counts.tcpGaps > 0 {
      notes.append("\(counts.tcpGaps) times TCP segments are missing from the capture.")
    }
    if !inspector.codecs.ambiguous.isEmpty {
      let types = inspector.codecs.ambiguous.map(String.init).joined(separator: ", ")
      notes.append("Payload types \(types) mean different codecs in the descriptions; use --pt.")
    }
    if inspector.outsideWindow > 0 {
      notes.append("\(inspector.outsideWindow) RTP packets lie outside --from and --to.")
    }
    if report.transports.contains(where: { $0.media == .clear && $0.ice != nil && $0.dtls.isEmpty })
    {
      notes.append("Media with ICE are in clear: the endpoints ran without DTLS-SRTP.")
    }
    return notes
  }

  /// Why there is nothing to report.
  static func absence(_ pass: CaptureInspection.Pass, _ report: CaptureReport) -> String {
    let counts = report.records
    if let link = pass.unsupportedLinkType, counts.datagrams == 0 {
      return "link type \(link) is not supported; capture on an Ethernet, Linux cooked, raw IP, "
        + "loopback or PPP interface"
    }
    if !pass.inspector.options.ssrcs.isEmpty {
      return "no RTP packet has an SSRC named by --ssrc"
    }
    if pass.inspector.outsideWindow > 0 { return "no RTP packet lies between --from and --to" }
    if counts.packets == 0 { return "the file holds no packets" }
    if counts.dtls > 0 || counts.stun > 0 {
      return "no RTP in \(counts.packets) packets, though \(counts.stun) of STUN and "
        + "\(counts.dtls) of DTLS: media never flowed, or was captured elsewhere"
    }
    return "no RTP in \(counts.packets) packets (\(counts.datagrams) UDP datagrams); capture "
      + "where the media passes"
  }
}
