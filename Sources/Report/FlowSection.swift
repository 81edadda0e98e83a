// Flows from host to host (RFC 8868 §3): each one's figures, and each shared link over time.

import Results

struct FlowSection {
  private static let linesPerChart = 4
  private static let rows = 240
  private static let distributionSteps = 200.0

  private let run: RunResult
  private let timeline: Timeline

  init(_ run: RunResult, _ timeline: Timeline) {
    self.run = run
    self.timeline = timeline
  }

  var section: Markup {
    guard !run.flows.isEmpty else { return .empty }
    var numbering = ChartNumbering(prefix: "f")
    let blocks = links.map { link in
      ChartSections.block(link, "", self.charts(of: link), &numbering)
    }
    return """
      <section id="flows"><h2>Flows</h2>
      \(table)\(Page.more(run.flows.count - FlowSection.rows, "flow"))\(phases)\(blocks)</section>

      """
  }

  /// In the order in which flows name them.
  private var links: [String] {
    var seen: Set<String> = []
    return run.flows.flatMap(\.path).filter { seen.insert($0).inserted }
  }

  // MARK: Tables

  private var table: Markup {
    let rows = run.flows.prefix(FlowSection.rows).map { flow -> Markup in
      let delay = { (rank: Int) in flow.delays.count > rank ? flow.delays[rank] : nil }
      return """
        <tr><th scope="row">\(flow.name)<small>\(flow.kind.rawValue) over \
        \(flow.path.joined(separator: ", "))</small></th>\
        <td class="number">\(Figure.span(flow.start...max(flow.start, flow.stop)))</td>\
        \(cell(flow.meanRate, "bps"))\(cell(flow.loss, "%"))\(cell(flow.residualLoss, "%"))\
        \(cell(delay(50), "ms"))\(cell(delay(95), "ms"))\(cell(flow.frameDelayP95, "ms"))\
        \(cell(flow.watermarkCrossings, "1"))\(cell(flow.feedbackOverhead, "%"))</tr>

        """
    }
    return Page.table(
      "Flows",
      heads: [
        "Flow", "#Active", "#Mean rate", "#Lost", "#After repair", "#Delay, median", "#p95",
        "#Frames, p95", "#Watermark crossings", "#Feedback",
      ], rows: rows)
  }

  private var phases: Markup {
    guard !run.phases.isEmpty else { return .empty }
    let rows = run.phases.map { phase -> Markup in
      """
      <tr><th scope="row">\(phase.link)</th>\
      <td class="number">\(Figure.span(phase.start...max(phase.start, phase.end)))</td>\
      \(cell(phase.capacity, "bps"))\(cell(phase.utilisation, "%"))\(cell(phase.queueP95, "ms"))\
      \(cell(phase.convergence, "s"))\(cell(phase.jain, "1"))</tr>

      """
    }
    return """
      <h3>Between two events</h3>
      \(Page.table(
        "Between two events",
        heads: [
          "Link", "#Phase", "#Capacity", "#Utilisation", "#p95 queue", "#Convergence",
          "#Jain index",
        ], rows: rows))
      <p class="note">Without the first five seconds of each; utilisation is of the lesser of \
      capacity and what the sources make, convergence is of the slowest flow.</p>

      """
  }

  private func cell(_ value: Double?, _ unit: String) -> Markup {
    Page.numberCell(value.map { Figure.text($0, unit: unit) } ?? "–")
  }

  // MARK: Charts

  private func charts(of link: String) -> [Chart] {
    [rates(of: link), queue(of: link), delays(over: link), fairness(of: link)].filter {
      !$0.isEmpty
    }
  }

  private func chart(_ title: String, _ metric: String, _ unit: String) -> Chart {
    var chart = Chart(title: title, unit: unit, duration: max(1, run.simulatedSeconds))
    chart.meaning = MetricCatalogue.metric(named: metric)?.meaning ?? ""
    chart.marks = timeline.marks(for: [])
    return chart
  }

  private func series(_ metric: String, of link: String) -> [Series] {
    run.series.filter { $0.participant == link && $0.metric == metric }
  }

  private func rates(of link: String) -> Chart {
    var chart = chart("Rate received", "assay.receiveRate", "bps")
    let all = series("assay.receiveRate", of: link)
    let cross = Set(run.flows.filter { $0.kind != .media }.map(\.name))
    let media = all.filter { !cross.contains($0.subject) }
    if all.count <= FlowSection.linesPerChart {
      chart.lines = lines(all) { $0.subject }
    } else if media.count < FlowSection.linesPerChart,
      let others = crowd(all.filter { cross.contains($0.subject) })
    {
      chart.lines = lines(media) { $0.subject }
      chart.lines.append(
        Chart.Line(
          label: "\(all.count - media.count) flows of other traffic", samples: others.sum,
          style: .fourth))
    } else if let crowd = crowd(all) {
      chart.draw(crowd, lowerIsBetter: false, isCounter: false, isStep: false)
    }
    for capacity in series("linkCapacity", of: link) {
      chart.lines.append(
        Chart.Line(
          label: "capacity", samples: Samples(capacity), style: .capacity, isStep: true))
    }
    return chart
  }

  private func crowd(_ series: [Series]) -> Crowd? {
    Crowd(series.map { Crowd.Member(label: $0.subject, samples: Samples($0)) })
  }

  private func queue(of link: String) -> Chart {
    var chart = chart("Queue", "assay.queueDelay", "ms")
    chart.meaning = "longest wait of a packet in 200 ms"
    chart.lines = lines(series("assay.queueDelay", of: link)) { _ in "Queue" }
    return chart
  }

  private func fairness(of link: String) -> Chart {
    var chart = chart("Fairness", "assay.fairness1s", "1")
    chart.meaning = "Jain index of the media flows' rates; 1 is equal"
    chart.lines = [20, 5, 1].enumerated().flatMap { index, seconds in
      lines(series("assay.fairness\(seconds)s", of: link), from: index) { _ in "over \(seconds) s" }
    }
    return chart
  }

  private func lines(
    _ series: [Series], from first: Int = 0, label: (Series) -> String
  ) -> [Chart.Line] {
    series.enumerated().map { index, series in
      Chart.Line(
        label: label(series), samples: Samples(series),
        style: Chart.Line.Style(rawValue: first + index) ?? .fourth)
    }
  }

  /// The share of each flow's packets that took at most so long.
  private func delays(over link: String) -> Chart {
    let flows = run.flows.filter { $0.path.contains(link) && !$0.delays.isEmpty }
      .prefix(FlowSection.linesPerChart)
    let longest = flows.compactMap(\.delays.last).max() ?? 1
    var chart = Chart(title: "One-way delay", unit: "%", duration: max(1, longest))
    chart.acrossUnit = "ms"
    chart.meaning = "share of the packets that took at most so long"
    let step = chart.duration / FlowSection.distributionSteps
    chart.lines = flows.enumerated().map { index, flow in
      let values = stride(from: 0, through: chart.duration, by: step).map { delay -> Double? in
        Double(max(0, flow.delays.count { $0 <= delay } - 1))
      }
      return Chart.Line(
        label: flow.name, samples: Samples(start: 0, step: step, values: values),
        style: Chart.Line.Style(rawValue: index) ?? .fourth)
    }
    return chart
  }
}
