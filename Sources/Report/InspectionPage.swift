// A capture's report as one HTML page: the sentence, what went wrong, streams with their charts.

import Basics
import Results

public enum InspectionPage {
  /// Charts of streams; the busiest are drawn.
  private static let chartedStreams = 24
  private static let timelineRows = 200

  public static func render(_ report: CaptureReport, build: String) -> String {
    let look =
      report.problems.isEmpty
      ? VerdictLook(symbol: "✓", word: "nothing to report", tone: "pass")
      : VerdictLook(symbol: "✗", word: Figure.count(report.problems.count, "problem"), tone: "fail")
    return Page.render(
      title: "\(look.symbol) inspect: \(report.file)",
      body: """
        <header><p class="kind">Assay capture report</p><h1>\(fileName(report.file))</h1>
        \(Page.banner(look, report.sentence))</header>
        <main>
        \(facts(report))\(problems(report))\(streams(report))\(charts(report))\
        \(transports(report))\(timeline(report))\
        \(list("hidden", "What stays hidden", report.hidden))\
        \(list("notes", "Notes", report.notes))\(comments(report))</main>
        <footer><p>Assay \(build). All data of this page is in result.json beside it.</p></footer>
        """)
  }

  private static func fileName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  private static func facts(_ report: CaptureReport) -> Markup {
    let counts = report.records
    return """
      <section id="capture"><h2>The capture</h2>
      \(Page.facts([
        ("Format", report.format),
        ("From", report.start.map { Moments.text($0, since: report.start) } ?? ""),
        ("Length", Figure.seconds(report.duration.seconds)),
        ("Clock", report.clock == .rtp ? "RTP timestamps" : ""),
        ("Packets", Figure.grouped(counts.packets)), ("RTP", Figure.grouped(counts.rtp)),
        ("RTCP", Figure.grouped(counts.rtcp)), ("STUN", Figure.grouped(counts.stun)),
        ("DTLS", Figure.grouped(counts.dtls)), ("Other", Figure.grouped(counts.other)),
        ("Cut by snaplen", counts.truncated > 0 ? Figure.grouped(counts.truncated) : ""),
        ("Relayed by TURN", counts.relayed > 0 ? Figure.grouped(counts.relayed) : ""),
      ]))</section>

      """
  }

  private static func problems(_ report: CaptureReport) -> Markup {
    guard !report.problems.isEmpty else { return .empty }
    let rows = report.problems.map { problem -> Markup in
      """
      <tr>\(Page.cell(Moments.text(problem.time, since: report.start)))\
      \(Page.numberCell(offset(problem.time, report)))\
      \(Page.numberCell(problem.packetNumber > 0 ? String(problem.packetNumber) : ""))\
      \(Page.cell(Figure.words(problem.kind.rawValue)))\(Page.cell(problem.text))</tr>

      """
    }
    return """
      <section id="problems"><h2>What went wrong</h2>
      \(Page.table(
        "Problems", heads: ["Time", "#Offset s", "#Packet", "Kind", "What"], rows: rows))</section>

      """
  }

  private static func offset(_ time: Instant, _ report: CaptureReport) -> String {
    Moments.number((time - (report.start ?? .zero)).seconds, 3)
  }

  // MARK: - Streams

  private static func figure(_ value: Double?, _ decimals: Int = 2) -> String {
    value.map { Moments.number($0, decimals) } ?? "–"
  }

  private static func name(_ stream: CapturedStream) -> Markup {
    let codec = stream.codec ?? stream.payloadTypes.first.map { "PT \($0.number)" } ?? ""
    return """
      <td class="mono">\(Moments.ssrc(stream.ssrc))</td>\(Page.cell("\(stream.label) \(codec)"))
      """
  }

  private static func streams(_ report: CaptureReport) -> Markup {
    let analysis = report.streams.map { stream -> Markup in
      let row = stream.analysis
      let hasJitter = stream.clockRate != nil
      let path = "\(stream.source) → \(stream.destination)"
      let numbers: [String] = [
        Figure.grouped(stream.packets), Figure.grouped(row.expected), Figure.grouped(row.lost),
        figure(row.minimumDelta < 0 ? nil : row.minimumDelta), figure(row.meanDelta),
        figure(row.maximumDelta), figure(hasJitter ? row.meanJitter : nil),
        figure(hasJitter ? row.maximumJitter : nil), figure(hasJitter ? row.maximumSkew : nil),
        String(row.sequenceErrors),
      ]
      return """
        <tr>\(name(stream))\(Page.cell(path))\(numbers.map { Page.numberCell($0) })</tr>

        """
    }
    let media: [Markup] = report.streams.map { mediaRow($0) }
    return """
      <section id="streams"><h2>Streams</h2>
      \(Page.table(
        "RTP streams, as Wireshark's stream analysis counts them",
        heads: [
          "SSRC", "Stream", "Path", "#Packets", "#Expected", "#Lost", "#Delta min", "#mean",
          "#max ms", "#Jitter mean", "#max ms", "#Max skew ms", "#Seq errors",
        ], rows: analysis))
      <p class="note">These are the columns of Wireshark's RTP stream analysis.</p>
      \(Page.table(
        "Media of the streams",
        heads: [
          "SSRC", "Stream", "#kbps", "#RFC 3550 jitter ms", "#Missing", "#Repaired",
          "#Longest burst", "#Reordered", "#Longest gap", "#Frames", "#Keyframes", "#Freezes",
          "#PLI, FIR", "#NACKed", "#RTT ms",
        ], rows: media))
      </section>

      """
  }

  private static func mediaRow(_ stream: CapturedStream) -> Markup {
    var numbers: [String] = [
      figure(stream.meanBitrate.map { $0 / 1_000 }, 0),
      figure(stream.role == .media ? stream.jitter : nil), Figure.grouped(stream.missing),
    ]
    numbers.append(stream.repairIsHidden ? "hidden" : Figure.grouped(stream.repaired))
    numbers.append(String(stream.longestBurst))
    numbers.append(Figure.grouped(stream.reordered))
    numbers.append(stream.gaps.first.map { Moments.text($0.duration) } ?? "–")
    numbers += frameCells(stream.frames)
    numbers.append(String(stream.keyframeRequestCount))
    numbers.append(Figure.grouped(stream.nacks.requested))
    let trip = stream.reports.flatMap { $0.roundTrip.count > 0 ? $0.roundTrip.mean : nil }
    numbers.append(figure(trip, 1))
    let cells: [Markup] = numbers.map { Page.numberCell($0) }
    return "<tr>\(name(stream))\(cells)</tr>\n"
  }

  /// Frames, keyframes, freezes.
  private static func frameCells(_ frames: CapturedFrames?) -> [String] {
    guard let frames else { return ["–", "–", "–"] }
    let keyframes = frames.keyframes.map(String.init) ?? "hidden"
    let duration = Moments.text(frames.totalFreezesDuration)
    let freezes = frames.freezeCount == 0 ? "0" : "\(frames.freezeCount) (\(duration))"
    return [Figure.grouped(frames.count), keyframes, freezes]
  }

  private static func charts(_ report: CaptureReport) -> Markup {
    let busiest = report.streams.sorted { $0.packets > $1.packets }.prefix(chartedStreams)
    let duration = max(1, report.duration.seconds)
    var numbering = ChartNumbering()
    var figures: [Markup] = []
    for stream in busiest where stream.packets > 1 {
      let name = "\(stream.label) \(Moments.ssrc(stream.ssrc))"
      let start = (stream.start - (report.start ?? .zero)).seconds
      let rate = Samples(
        start: start, step: stream.bitrate.binWidth.seconds,
        values: stream.bitrate.perSecond.map { $0 })
      var chart = Chart(title: "Bitrate of \(name)", unit: "bps", duration: duration)
      chart.lines = [Chart.Line(label: chart.title, samples: rate, style: .first, isStep: true)]
      figures.append(chart.figure(&numbering))
      guard let frames = stream.frames, frames.count > 1 else { continue }
      let shown = Samples(
        start: start, step: frames.rate.binWidth.seconds, values: frames.rate.perSecond.map { $0 })
      var rates = Chart(title: "Complete frames of \(name)", unit: "1/s", duration: duration)
      rates.meaning = "What a viewer at the capturing point could have been shown."
      rates.lines = [Chart.Line(label: rates.title, samples: shown, style: .second, isStep: true)]
      figures.append(rates.figure(&numbering))
    }
    guard !figures.isEmpty else { return .empty }
    return """
      <section id="charts"><h2>Over time</h2><div class="plots">\(figures)</div></section>

      """
  }

  // MARK: - Transports and lists

  private static func transports(_ report: CaptureReport) -> Markup {
    let rows = report.transports.map { transport -> Markup in
      let ice = transport.ice.map { "\($0.requests) checks, \($0.responses) answered" } ?? "–"
      let dtls = transport.dtls.map { dtls in
        let outcome = dtls.completed.map { Moments.text($0 - dtls.started) } ?? "not complete"
        return "\(dtls.version) \(dtls.profile) \(outcome)"
      }.joined(separator: "; ")
      let rtcp = (transport.forward.rtcp + transport.backward.rtcp)
        .map { "\($0.type) \($0.count)" }.joined(separator: ", ")
      return """
        <tr>\(Page.cell("\(transport.forward.source) ↔ \(transport.forward.destination)"))\
        \(Page.cell(transport.media.rawValue))\(Page.cell(ice))\(Page.cell(dtls))\
        \(Page.numberCell(Figure.grouped(transport.srtp.opened)))\
        \(Page.numberCell(Figure.grouped(transport.srtp.failed)))\(Page.cell(rtcp))</tr>

        """
    }
    return """
      <section id="transports"><h2>Transports</h2>
      \(Page.table(
        "Transports",
        heads: ["Ends", "Media", "ICE", "DTLS", "#SRTP opened", "#failed", "RTCP"], rows: rows)
      )</section>

      """
  }

  private static func timeline(_ report: CaptureReport) -> Markup {
    let rows = report.timeline.prefix(timelineRows).map { event -> Markup in
      """
      <tr>\(Page.cell(Moments.text(event.time, since: report.start)))\
      \(Page.numberCell(offset(event.time, report)))\
      \(Page.numberCell(String(event.packetNumber)))\(Page.cell(event.text))</tr>

      """
    }
    return """
      <section id="timeline"><h2>Timeline</h2>
      \(Page.table("Timeline", heads: ["Time", "#Offset s", "#Packet", "What"], rows: rows))\
      \(Page.more(report.timeline.count - timelineRows, "event"))</section>

      """
  }

  private static func list(_ id: String, _ title: String, _ lines: [String]) -> Markup {
    guard !lines.isEmpty else { return .empty }
    let items = lines.map { line -> Markup in "<li>\(line)</li>\n" }
    return "<section id=\"\(id)\"><h2>\(title)</h2><ul>\(items)</ul></section>\n"
  }

  private static func comments(_ report: CaptureReport) -> Markup {
    list(
      "comments", "Comments in the capture",
      report.comments.map { comment in
        (comment.packetNumber.map { "Packet \($0): " } ?? "File: ") + comment.text
      })
  }
}
