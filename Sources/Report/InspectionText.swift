// A capture's report for a terminal: the sentence, the streams, what went wrong, the timeline.

import Basics
import Results

public enum InspectionText {
  private static let timelineLines = 40
  private static let problemLines = 40
  private static let wrap = 100

  /// - Parameter colours: whether ANSI colours are used; never the sole carrier of a meaning.
  public static func render(_ report: CaptureReport, colours: Bool = false) -> String {
    let paint = TextSummary.Paint(isOn: colours)
    let isFine = report.problems.isEmpty
    let mark = isFine ? paint("✓", "pass") : paint("✗", "fail")
    var out = "\(mark) \(report.sentence.printable)\n\n"
    out += facts(report) + "\n"
    out += streamTable(report) + "\n"
    out += mediaTable(report)
    out += problems(report)
    out += transports(report)
    out += timeline(report)
    for (title, lines) in [("Hidden", report.hidden), ("Notes", report.notes)] {
      guard !lines.isEmpty else { continue }
      out += "\(title)\n" + lines.map { "  - \($0.printable)\n" }.joined() + "\n"
    }
    if !report.comments.isEmpty {
      out += "Comments in the capture\n"
      for comment in report.comments.prefix(20) {
        let place = comment.packetNumber.map { "packet \($0)" } ?? "file"
        out += "  - \(place): \(comment.text.printable.clipped(to: wrap))\n"
      }
    }
    return out
  }

  private static func facts(_ report: CaptureReport) -> String {
    let counts = report.records
    var kinds = [
      "\(Figure.grouped(counts.rtp)) RTP", "\(Figure.grouped(counts.rtcp)) RTCP",
      "\(Figure.grouped(counts.stun)) STUN", "\(Figure.grouped(counts.dtls)) DTLS",
    ]
    let rest = counts.other + counts.notMedia + counts.malformed + counts.unsupportedLink
    if rest > 0 { kinds.append("\(Figure.grouped(rest)) other") }
    let start = report.start.map { Moments.text($0, since: report.start) } ?? "-"
    return
      "\(report.file.printable): \(report.format), \(Figure.grouped(counts.packets)) packets in "
      + "\(Figure.seconds(report.duration.seconds)) from \(start): "
      + kinds.joined(separator: ", ") + "\n"
  }

  // MARK: - Tables

  /// Columns as wide as their widest cell; the first `left` of them are text.
  private static func table(_ rows: [[String]], left: Int) -> String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in
      rows.compactMap { column < $0.count ? $0[column].count : nil }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column < left ? cell + space : space + cell
      }
      var line = "  " + cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  private static func figure(_ value: Double?, _ decimals: Int = 2) -> String {
    value.map { Moments.number($0, decimals) } ?? "-"
  }

  private static func streamTable(_ report: CaptureReport) -> String {
    var rows = [
      [
        "SSRC", "Stream", "From", "To", "Packets", "Expected", "Lost", "Delta min", "mean",
        "max ms",
        "Jitter min", "mean", "max ms", "Skew ms", "Seq errors", "",
      ]
    ]
    for stream in report.streams {
      let row = stream.analysis
      let hasJitter = stream.clockRate != nil
      let codec = stream.codec ?? stream.payloadTypes.first.map { "PT \($0.number)" } ?? ""
      rows.append([
        Moments.ssrc(stream.ssrc), "\(stream.label) \(codec.printable)", "\(stream.source)",
        "\(stream.destination)", "\(stream.packets)", "\(row.expected)",
        "\(row.lost) (\(percent(row.lost, row.expected)))",
        figure(row.minimumDelta < 0 ? nil : row.minimumDelta), figure(row.meanDelta),
        figure(row.maximumDelta),
        figure(hasJitter && row.minimumJitter >= 0 ? row.minimumJitter : nil),
        figure(hasJitter ? row.meanJitter : nil), figure(hasJitter ? row.maximumJitter : nil),
        figure(hasJitter ? row.maximumSkew : nil), "\(row.sequenceErrors)",
        row.hasProblem ? "X" : "",
      ])
    }
    return "RTP streams, as Wireshark's telephony table counts them\n" + table(rows, left: 4)
  }

  private static func percent(_ part: Int, _ whole: Int) -> String {
    whole > 0 ? "\(Moments.number(100 * Double(part) / Double(whole), 1)) %" : "-"
  }

  private static func mediaTable(_ report: CaptureReport) -> String {
    var rows = [
      [
        "SSRC", "Rate kbps", "RFC 3550 jitter", "Missing", "Repaired", "Burst", "Reordered", "Dup",
        "Longest gap", "Frames", "fps", "Keyframes", "Freezes", "PLI/FIR", "NACKed", "RTT ms",
      ]
    ]
    for stream in report.streams {
      let frames = stream.frames
      let rate = frames.flatMap { frames -> Double? in
        stream.duration > .zero ? Double(frames.count) / stream.duration.seconds : nil
      }
      let keyframes = frames.map { $0.keyframes.map(String.init) ?? "hidden" } ?? "-"
      rows.append([
        Moments.ssrc(stream.ssrc), figure(stream.meanBitrate.map { $0 / 1_000 }, 0),
        stream.role == .media
          ? stream.jitter.map { "\(Moments.number($0, 2)) ms" } ?? "-" : "-", "\(stream.missing)",
        stream.repairIsHidden ? "hidden" : "\(stream.repaired)", "\(stream.longestBurst)",
        "\(stream.reordered)", "\(stream.duplicates)",
        stream.gaps.first.map { Moments.text($0.duration) } ?? "-",
        frames.map { "\($0.count)" } ?? "-", figure(rate, 1), keyframes,
        frames.map {
          $0.freezeCount == 0
            ? "0" : "\($0.freezeCount) (\(Moments.text($0.totalFreezesDuration)))"
        } ?? "-", "\(stream.keyframeRequestCount)", "\(stream.nacks.requested)",
        figure(stream.reports.flatMap { $0.roundTrip.count > 0 ? $0.roundTrip.mean : nil }, 1),
      ])
    }
    return "Media\n" + table(rows, left: 1) + "\n"
  }

  // MARK: - Lists

  private static func problems(_ report: CaptureReport) -> String {
    guard !report.problems.isEmpty else { return "" }
    var out = "Problems\n"
    for problem in report.problems.prefix(problemLines) { out += "  - \(problem.text.printable)\n" }
    let rest = report.problems.count - problemLines
    if rest > 0 { out += "  and \(rest) more (--format json lists all)\n" }
    return out + "\n"
  }

  private static func transports(_ report: CaptureReport) -> String {
    var out = "Transports\n"
    for transport in report.transports {
      out += "  \(transport.forward.source) and \(transport.forward.destination)"
      if !transport.protocolName.isEmpty { out += ", \(transport.protocolName.uppercased())" }
      if let peer = transport.relayedPeer { out += ", relayed to \(peer)" }
      if transport.media != .none { out += ", media \(transport.media.rawValue)" }
      out += "\n"
      if let ice = transport.ice {
        out +=
          "    ICE: \(ice.requests) checks, \(ice.responses) answered, \(ice.errors) refused"
        if ice.roundTrip.count > 0 { out += ", \(figure(ice.roundTrip.mean)) ms mean" }
        out += "\n"
      }
      for dtls in transport.dtls { out += "    \(text(dtls))\n" }
      if transport.srtp.opened + transport.srtp.failed > 0 {
        out += "    SRTP: \(transport.srtp.opened) packets authenticated, "
        out += "\(transport.srtp.failed) failed\n"
      }
      for direction in [transport.forward, transport.backward] where !direction.rtcp.isEmpty {
        let counts = direction.rtcp.map { "\($0.type) \($0.count)" }.joined(separator: ", ")
        let closed = direction.encryptedCompounds > 0 ? " (first of each compound)" : ""
        out += "    RTCP from \(direction.source): \(counts)\(closed)\n"
      }
    }
    return out + "\n"
  }

  private static func text(_ dtls: CapturedTransport.DTLS) -> String {
    let version = dtls.version.isEmpty ? "DTLS" : dtls.version
    let profile = dtls.profile.isEmpty ? "" : ", \(dtls.profile)"
    let outcome =
      dtls.completed.map { "complete after \(Moments.text($0 - dtls.started))" } ?? "not complete"
    let alerts = dtls.alerts.isEmpty ? "" : ", alert \(dtls.alerts.joined(separator: ", "))"
    return "\(version)\(profile), client \(dtls.client), \(outcome), "
      + "\(dtls.retransmissions) retransmissions\(alerts)"
  }

  private static func timeline(_ report: CaptureReport) -> String {
    guard !report.timeline.isEmpty else { return "" }
    var out = "Timeline\n"
    for event in report.timeline.prefix(timelineLines) {
      let offset = Moments.number((event.time - (report.start ?? .zero)).seconds, 3)
      out += "  \(Moments.text(event.time, since: report.start))  +\(offset) s  "
      out += "packet \(event.packetNumber)  \(event.text.printable)\n"
    }
    let rest = report.timeline.count - timelineLines
    if rest > 0 { out += "  and \(rest) more (--format json lists all)\n" }
    return out + "\n"
  }
}
