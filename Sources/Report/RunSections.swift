// What ran, who took part and which links carried it.

import Basics
import Results

struct RunSections {
  private static let trackRows = 400
  private static let linkRows = 240
  private static let participantRows = 1000

  let run: RunResult

  var facts: Markup {
    let speed = run.speed.map { " (\(Figure.plain($0))× real time)" } ?? ""
    return """
      <section id="run"><h2>What ran</h2>
      \(Page.facts([
        ("Scenario", run.scenario.name), ("File", run.scenario.file),
        ("Seed", String(run.seed)), ("Variant", run.variantText), ("Build", run.build),
        ("Clock", run.clock.rawValue), ("Simulated", Figure.seconds(run.simulatedSeconds)),
        ("Wall time", Figure.seconds(run.wallSeconds) + speed),
        ("Memory", run.memoryText),
        ("Packets", Figure.grouped(run.packets)), ("Trace hash", run.traceHash),
        ("SFU", run.target ?? ""), ("Harness", run.harnessText),
        ("Participants", run.participants.isEmpty ? "" : Figure.grouped(run.participants.count)),
        ("Flows", run.flows.isEmpty ? "" : Figure.grouped(run.flows.count)),
        ("Scenario SHA-256", run.scenario.sha256),
      ]))</section>

      """
  }

  // MARK: Pictures

  var pictures: Markup {
    guard !run.pictures.isEmpty else { return .empty }
    let rows = run.pictures.map { rung -> Markup in
      """
      <tr><th scope="row">\(rung.height)p</th>\
      <td class="number">\(Figure.grouped(rung.pictures))</td>\
      <td class="number">\(Figure.text(rung.psnr, unit: "dB"))</td>\
      <td class="number">\(Figure.text(rung.ssim, unit: "1"))</td></tr>

      """
    }
    let table = Page.table(
      "Picture quality", heads: ["Height", "#Compared", "#PSNR", "#SSIM"], rows: rows)
    return """
      <section id="pictures"><h2>Picture quality</h2>
      <p>Pictures that viewers decoded, against the originals that their senders encoded (luma).</p>
      \(table)</section>

      """
  }

  // MARK: Participants

  private typealias Column = (metric: String, head: String, unit: String)

  /// The usual columns, with short headings.
  private static let columns: [Column] = [
    ("framesPerSecond", "fps", "1"), ("frameHeight", "Height", "px"),
    ("framesDecoded", "Frames", "1"), ("framesEncoded", "Frames", "1"),
    ("freezeCount", "Freezes", "1"), ("totalFreezesDuration", "Frozen", "s"),
    ("assay.endToEndDelay", "Delay", "ms"), ("jitterBufferDelay", "Buffer", "ms"),
    ("packetsReceived", "Packets", "1"), ("packetsSent", "Packets", "1"),
    ("packetsLost", "Lost", "1"), ("bytesReceived", "Bytes", "B"), ("bytesSent", "Bytes", "B"),
    ("nackCount", "NACK", "1"), ("pliCount", "PLI", "1"),
    ("concealedSamples", "Concealed", "1"),
  ]

  var participants: Markup {
    guard !run.participants.isEmpty else { return .empty }
    let rows = run.participants.prefix(RunSections.participantRows).map(row)
    let hasLeft = run.participants.contains { $0.left != nil }
    let heads = [
      "Participant", "Joined", "#Connect", "#First frame", "#Reconnects", "#Tracks in",
      "#Tracks out",
    ]
    let table = Page.table("Participants", heads: heads + (hasLeft ? ["Left"] : []), rows: rows)
    return """
      <section id="participants"><h2>Participants</h2>
      \(table)\(Page.more(run.participants.count - rows.count, "participant"))
      \(tracks("Inbound tracks", "From", \.inbound))\(tracks("Outbound tracks", "", \.outbound))\
      </section>

      """
  }

  private func row(_ participant: Participant) -> Markup {
    let group = participant.groupNote
    let hasRooms = run.participants.contains { $0.room != participant.room }
    let room = participant.room.isEmpty || !hasRooms ? "" : "room \(participant.room)"
    let aside = [group, room].filter { !$0.isEmpty }.joined(separator: ", ")
    let small: Markup = aside.isEmpty ? "" : "<small>\(aside)</small>"
    func milliseconds(_ value: Double?) -> String {
      value.map { Figure.text($0, unit: "ms") } ?? "–"
    }
    let hasLeft = run.participants.contains { $0.left != nil }
    let left: Markup = hasLeft ? Page.cell(participant.left ?? "") : .empty
    return """
      <tr><th scope="row">\(participant.identity)\(small)</th>\
      <td>\(participant.joined ? "yes" : "no")</td>\
      <td class="number">\(milliseconds(participant.connectMs))</td>\
      <td class="number">\(milliseconds(participant.timeToFirstFrameMs))</td>\
      <td class="number">\(participant.reconnects)</td>\
      <td class="number">\(participant.inbound.count)</td>\
      <td class="number">\(participant.outbound.count)</td>\(left)</tr>

      """
  }

  /// Those of the usual columns that any track has, then whatever else there is by its own name.
  private static func columns(of tracks: [TrackStatistics]) -> [Column] {
    var present: Set<String> = []
    var others: [Column] = []
    for metric in tracks.flatMap(\.values).map(\.metric) where present.insert(metric).inserted {
      guard !columns.contains(where: { $0.metric == metric }) else { continue }
      others.append((metric, metric, MetricCatalogue.metric(named: metric)?.unit ?? "1"))
    }
    return columns.filter { present.contains($0.metric) } + others
  }

  /// A count with every digit, anything else with three.
  private static func text(_ value: Double, unit: String) -> String {
    let isCount = unit == "1" && value == value.rounded()
    return Figure.text(value, unit: unit, digits: isCount ? 15 : 3)
  }

  /// One row a track, folded away; in a large room only the first tracks of each participant.
  private func tracks(
    _ title: String, _ peerHead: String, _ side: KeyPath<Participant, [TrackStatistics]>
  ) -> Markup {
    let total = run.participants.reduce(0) { $0 + $1[keyPath: side].count }
    guard total > 0 else { return .empty }
    let share = max(1, RunSections.trackRows / max(1, run.participants.count))
    var shown: [(owner: String, track: TrackStatistics)] = []
    for participant in run.participants {
      let all = participant[keyPath: side]
      for track in total <= RunSections.trackRows ? all[...] : all.prefix(share) {
        shown.append((participant.identity, track))
      }
    }
    shown = Array(shown.prefix(RunSections.trackRows))
    let columns = RunSections.columns(of: shown.map(\.track))
    let rows = shown.map { entry -> Markup in
      let cells = columns.map { column -> Markup in
        let value = entry.track.values.first { $0.metric == column.metric }?.value
        return Page.numberCell(
          value.map { RunSections.text($0, unit: column.unit) } ?? "")
      }
      let peer = peerHead.isEmpty ? Markup.empty : Page.cell(entry.track.peer)
      return """
        <tr><th scope="row">\(entry.owner)</th>\(peer)<td>\(Figure.words(entry.track.source))</td>\
        <td>\(entry.track.kind)</td>\(cells)</tr>

        """
    }
    let heads =
      ["Participant"] + (peerHead.isEmpty ? [] : [peerHead]) + ["Source", "Kind"]
      + columns.map { "#" + $0.head }
    return """
      <details><summary>\(title) (\(Figure.grouped(total)))</summary>
      \(Page.table(title, heads: heads, rows: rows))\(Page.more(total - shown.count, "track"))\
      </details>

      """
  }

  // MARK: Links

  var links: Markup {
    guard !run.links.isEmpty else { return .empty }
    let rows = run.links.prefix(RunSections.linkRows).map { link -> Markup in
      let lost = link.dropped.filter { $0.packets > 0 }
        .map { "\(Figure.words($0.reason)) \(Figure.grouped($0.packets))" }
        .joined(separator: ", ")
      let travelling =
        link.sentPackets - link.deliveredPackets - link.dropped.reduce(0) { $0 + $1.packets }
      let rest: Markup =
        travelling > 0 ? "<small>\(Figure.grouped(travelling)) under way</small>" : ""
      return """
        <tr><th scope="row">\(link.name)<small>\(link.from) → \(link.to)</small></th>\
        <td class="wide">\(link.configuration)</td>\
        <td class="number">\(Figure.grouped(link.sentPackets))\
        <small>\(Figure.text(Double(link.sentBytes), unit: "B"))</small></td>\
        <td class="number">\(Figure.grouped(link.deliveredPackets))\
        <small>\(Figure.text(Double(link.deliveredBytes), unit: "B"))</small></td>\
        <td class="worst">\(lost.isEmpty ? "none" : lost)\(rest)</td>\
        <td class="number">\(Figure.text(link.maximumQueueMs, unit: "ms"))</td></tr>

        """
    }
    let table = Page.table(
      "Links",
      heads: ["Link", "Configuration", "#Sent", "#Delivered", "Dropped", "#Longest queue"],
      rows: rows)
    return """
      <section id="links"><h2>Links</h2>
      \(table)\(Page.more(run.links.count - rows.count, "link"))</section>

      """
  }
}
