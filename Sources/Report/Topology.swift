// Who is joined to whom: participants left and right, the SFU in the middle, as one SVG picture.

import Results

struct Topology {
  /// A participant, or several of one group on links of the same settings.
  private struct Host: Equatable {
    var name: String
    var count: Int
    var up: String
    var down: String
    var isImpaired: Bool
  }

  private static let hostLimit = 24
  private static let boxWidth = 370.0
  private static let width = 980.0
  private static let lineLength = 56
  private static let lineHeight = 16.0

  private let run: RunResult
  private let timeline: Timeline

  init(_ run: RunResult, _ timeline: Timeline) {
    self.run = run
    self.timeline = timeline
  }

  private var hosts: [Host] {
    var hosts: [Host] = []
    for participant in run.participants {
      let ends = [participant.identity, participant.group]
      let host = host(
        participant.group.isEmpty ? participant.identity : participant.group, ends,
        timeline.links(of: participant))
      let same = hosts.firstIndex {
        $0.name == host.name && $0.up == host.up && $0.down == host.down
          && $0.isImpaired == host.isImpaired
      }
      if let same { hosts[same].count += 1 } else { hosts.append(host) }
    }
    return hosts + shared
  }

  private func host(_ name: String, _ ends: [String], _ links: [Link]) -> Host {
    let up = links.filter { ends.contains($0.from) }
    let down = links.filter { ends.contains($0.to) }
    let names = ends + links.map(\.name)
    let impairments = run.marks.filter { $0.kind == .impairment }.map(\.subject)
    return Host(
      name: name, count: 1, up: up.map(\.configuration).joined(separator: " + "),
      down: down.map(\.configuration).joined(separator: " + "),
      isImpaired: impairments.contains { subject in
        !subject.isEmpty && names.contains { $0 == subject || $0.hasPrefix(subject + ".") }
      })
  }

  /// The links between the SFU and something that is no participant: several people's common line.
  private var shared: [Host] {
    let people = Set(run.participants.flatMap { [$0.identity, $0.group] })
    var names: [String] = []
    for link in run.links {
      for (end, other) in [(link.from, link.to), (link.to, link.from)]
      where other == "SFU" && !people.contains(end) && !names.contains(end) { names.append(end) }
    }
    return names.map { name in
      let own = run.links.filter { $0.from == name || $0.to == name }
      return host("\(name), a shared line", [name], own)
    }
  }

  var section: Markup {
    let hosts = hosts
    guard !hosts.isEmpty else { return .empty }
    let shown = Array(hosts.prefix(Topology.hostLimit))
    let leftCount = (shown.count + 1) / 2
    let lines = shown.map { Topology.settings($0).count }.max() ?? 0
    let rowHeight = 50 + Double(lines) * Topology.lineHeight
    let height = max(72, Double(leftCount) * rowHeight)
    var body = Markup.empty
    for (index, host) in shown.enumerated() {
      let isLeft = index < leftCount
      let row = isLeft ? index : index - leftCount
      let rows = isLeft ? leftCount : shown.count - leftCount
      let top = (height - Double(rows) * rowHeight) / 2 + Double(row) * rowHeight
      body += draw(
        host, isLeft: isLeft, top: top + 6, boxHeight: rowHeight - 12, hub: height / 2)
    }
    return """
      <section id="topology"><h2>Topology</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="Topology">
      <svg class="topology" viewBox="0 0 980 \(Int(height))" role="img" \
      aria-labelledby="topology-t topology-d"><title id="topology-t">Topology</title>
      <desc id="topology-d">\(Topology.description(shown))</desc>
      \(body)\(hub(at: height / 2))</svg></div>
      \(hosts.count > shown.count ? Page.more(hosts.count - shown.count, "host") : "")</section>

      """
  }

  private static func description(_ hosts: [Host]) -> String {
    hosts.map { "\(title($0)): up \($0.up), down \($0.down)" }.joined(separator: "; ")
  }

  private static func title(_ host: Host) -> String {
    host.count > 1 ? "\(host.name) × \(host.count)" : host.name
  }

  private func hub(at y: Double) -> Markup {
    let x = Topology.width / 2
    return """
      <rect class="hub" x="\(Int(x - 46))" y="\(Int(y - 28))" width="92" height="56" rx="10"/>\
      <text class="hubname" x="\(Int(x))" y="\(Int(y + 5))">SFU</text>

      """
  }

  private func draw(
    _ host: Host, isLeft: Bool, top: Double, boxHeight: Double, hub: Double
  ) -> Markup {
    let left = isLeft ? 2.0 : Topology.width - Topology.boxWidth - 2
    let edge = isLeft ? left + Topology.boxWidth : left
    let end = Topology.width / 2 + (isLeft ? -46.0 : 46)
    let middle = top + boxHeight / 2
    let bend = (edge + end) / 2
    func wire(_ offset: Double) -> Markup {
      let from = middle + offset
      let to = min(max(hub + offset * 1.2, hub - 20), hub + 20)
      let kind: Markup = host.isImpaired ? "wire impaired" : "wire"
      return """
        <path class="\(kind)" d="M\(Int(edge)) \(Int(from))C\(Int(bend)) \(Int(from)) \
        \(Int(bend)) \(Int(to)) \(Int(end)) \(Int(to))"/>
        """
    }
    let x = Int(left + 14)
    let settings = Topology.settings(host).enumerated().map { index, line -> Markup in
      let y = Int(top + 42 + Double(index) * Topology.lineHeight)
      return "<text class=\"settings\" x=\"\(x)\" y=\"\(y)\">\(line)</text>"
    }
    return """
      <g>\(wire(-7))\(wire(7))\
      <rect class="box" x="\(Int(left))" y="\(Int(top))" width="\(Int(Topology.boxWidth))" \
      height="\(Int(boxHeight))" rx="8"/><text class="name" x="\(x)" y="\(Int(top + 22))">\
      \(Topology.title(host).clipped(to: 38))</text>\
      \(settings)<title>\(Topology.description([host]))</title></g>

      """
  }

  private static func settings(_ host: Host) -> [String] {
    wrapped("↑ ", host.up) + wrapped("↓ ", host.down)
  }

  /// One or two lines, broken between words; what does not fit stands in the table of links.
  private static func wrapped(_ arrow: String, _ text: String) -> [String] {
    guard !text.isEmpty else { return [] }
    guard text.count > lineLength else { return [arrow + text] }
    let head = text.prefix(lineLength)
    let end = head.lastIndex(of: " ") ?? head.endIndex
    let rest = text[end...].drop { $0 == " " }
    return [arrow + text[..<end], "\u{A0}\u{A0}\u{A0}" + String(rest).clipped(to: lineLength)]
  }
}
