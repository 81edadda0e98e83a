// Which charts a participant or a crowd gets, and what is drawn into each of them.

import Results

/// The series of a run, ready to be asked for by participant.
struct MetricCharts {
  private static let linesPerChart = 3
  private static let capacity = "linkCapacity"

  /// A chart of one metric or of two that belong together.
  private struct Family {
    var title: String
    /// The first one has the chart's meaning; more than one shows the worst publisher of each.
    var metrics: [String]
    var labels: [String] = [""]
    /// The direction of the link whose capacity bounds it.
    var link: String?
    var rungs: [String] = []
    /// Instead of what the catalogue says.
    var meaning: String?
  }

  private static let families: [Family] = [
    Family(
      title: "Bitrate received", metrics: ["assay.bitrateReceived", "assay.downlinkEstimate"],
      labels: ["received", "the SFU's estimate"], link: "down",
      meaning: "UDP payload received in the last second, and the SFU's bandwidth estimate"),
    Family(title: "Bitrate sent", metrics: ["assay.bitrateSent"], link: "up"),
    Family(
      title: "Layer", metrics: ["assay.layer"], rungs: ["low", "medium", "high"],
      meaning: "simulcast layer rendered"),
    Family(title: "End-to-end delay", metrics: ["assay.endToEndDelay"]),
    Family(title: "Audio end-to-end delay", metrics: ["assay.audioEndToEndDelay"]),
    Family(title: "Frame rate", metrics: ["framesPerSecond"]),
    Family(title: "Frame height", metrics: ["frameHeight"]),
    Family(title: "Freezes so far", metrics: ["freezeCount"]),
    Family(
      title: "Loss", metrics: ["assay.lossBeforeRepair", "assay.lossAfterRepair"],
      labels: ["before repair", "after repair"],
      meaning: "RTP packets missing, last second, worst track"),
    Family(title: "Jitter buffer", metrics: ["jitterBufferDelay"]),
    Family(
      title: "Connection quality", metrics: ["assay.connectionQuality"],
      rungs: ["lost", "poor", "good", "best"],
      meaning: "the SFU's last word for this participant"),
  ]

  private let run: RunResult
  private let timeline: Timeline
  private var byParticipant: [String: [Series]] = [:]
  private var families = MetricCharts.families

  init(_ run: RunResult, _ timeline: Timeline) {
    self.run = run
    self.timeline = timeline
    var named = Set(families.flatMap(\.metrics) + [MetricCharts.capacity])
    for series in run.series {
      byParticipant[series.participant, default: []].append(series)
      if named.insert(series.metric).inserted {
        families.append(Family(title: series.metric, metrics: [series.metric]))
      }
    }
  }

  private func series(_ metric: String, of participant: Participant) -> [Series] {
    (byParticipant[participant.identity] ?? []).filter { $0.metric == metric }
  }

  /// The SFU speaks its word of quality now and then; until the next it holds.
  private func samples(_ series: Series) -> Samples {
    let samples = Samples(series)
    return series.metric == "assay.connectionQuality" ? samples.held : samples
  }

  private func chart(_ family: Family, _ unit: String, for members: [Participant]) -> Chart {
    var chart = Chart(title: family.title, unit: unit, duration: duration)
    chart.meaning =
      family.meaning ?? MetricCatalogue.metric(named: family.metrics[0])?.meaning ?? ""
    chart.marks = timeline.marks(for: members)
    chart.limits = limits(family, unit: unit, for: members)
    chart.rungs = family.rungs
    return chart
  }

  private var duration: Double {
    let told = run.simulatedSeconds
    if told > 0, told <= Samples.largest { return told }
    return max(1, min(Samples.largest, run.series.map { Samples($0).end }.max() ?? 1))
  }

  private func isStep(_ metric: String) -> Bool {
    let isLadder =
      metric == "frameHeight"
      || families.contains {
        !$0.rungs.isEmpty && $0.metrics.contains(metric)
      }
    return isLadder || MetricCatalogue.metric(named: metric)?.kind == .counter
  }

  // MARK: One participant

  func charts(of participant: Participant) -> [Chart] {
    families.compactMap { family in
      let found = family.metrics.map { series($0, of: participant) }
      guard let unit = found.joined().first?.unit else { return nil }
      var chart = chart(family, unit, for: [participant])
      if family.metrics.count > 1 {
        for (index, metric) in family.metrics.enumerated() {
          guard let samples = summary(metric, of: participant) else { continue }
          chart.lines.append(
            Chart.Line(
              label: family.labels[index] + (found[index].count > 1 ? ", worst publisher" : ""),
              samples: samples, style: Chart.Line.Style(rawValue: index) ?? .first))
        }
      } else {
        drawPublishers(found[0], into: &chart, step: isStep(family.metrics[0]))
      }
      chart.lines += capacities(family, of: participant)
      return chart.isEmpty ? nil : chart
    }
  }

  /// One line for each publisher while they are few.
  private func drawPublishers(_ found: [Series], into chart: inout Chart, step: Bool) {
    let total = found.filter { $0.subject.isEmpty }
    let publishers = found.filter { !$0.subject.isEmpty }
    let metric = MetricCatalogue.metric(named: found.first?.metric ?? "")
    let lowerIsBetter = metric?.lowerIsBetter ?? true
    for series in total {
      let label =
        switch (metric?.scope, metric?.kind) {
        case (.pair, .event): "p95 over all publishers"
        case (.pair, _): "all publishers"
        default: chart.title
        }
      chart.lines.append(
        Chart.Line(label: label, samples: samples(series), style: .first, isStep: step))
    }
    let room = MetricCharts.linesPerChart + (total.isEmpty ? 1 : 0)
    if publishers.count <= room {
      for (index, series) in publishers.enumerated() {
        let style = Chart.Line.Style(rawValue: index + min(1, total.count)) ?? .fourth
        chart.lines.append(
          Chart.Line(
            label: label(series, among: publishers), samples: samples(series), style: style,
            isStep: step))
      }
    } else if total.isEmpty,
      let crowd = Crowd(
        publishers.map {
          Crowd.Member(label: label($0, among: publishers), samples: samples($0))
        })
    {
      chart.draw(
        crowd, lowerIsBetter: lowerIsBetter, isCounter: metric?.kind == .counter, isStep: step)
    }
  }

  /// `from teacher`, and of which track where there are several or it is no camera.
  private func label(_ series: Series, among publishers: [Series]) -> String {
    let isOne = publishers.count { $0.subject == series.subject } == 1
    let isPlain = series.source.isEmpty || isOne && series.source != "screenShare"
    return "from \(series.subject)" + (isPlain ? "" : ", \(Figure.words(series.source))")
  }

  private func capacities(_ family: Family, of participant: Participant) -> [Chart.Line] {
    guard let direction = family.link else { return [] }
    let links = timeline.links(of: participant)
    let own = series(MetricCharts.capacity, of: participant)
    let shared = (byParticipant[""] ?? []).filter { series in
      series.metric == MetricCharts.capacity && links.contains { $0.name == series.subject }
    }
    return (own.isEmpty ? shared : own).filter { series in
      if series.subject.hasSuffix(".up") { return direction == "up" }
      if series.subject.hasSuffix(".down") { return direction == "down" }
      guard let link = links.first(where: { $0.name == series.subject }) else { return true }
      let isUp = link.from == participant.identity || link.from == participant.group
      return isUp == (direction == "up")
    }
    .prefix(1).map { series in
      let own = "@" + participant.identity
      let name = series.subject
      let link = name.hasSuffix(own) ? String(name.dropLast(own.count)) : name
      return Chart.Line(
        label: "capacity of \(link)", samples: Samples(series), style: .capacity, isStep: true)
    }
  }

  // MARK: Many participants

  /// One line for all publishers of a participant: their sum for a running total, else the worst.
  private func summary(_ metric: String, of participant: Participant) -> Samples? {
    let found = series(metric, of: participant)
    if let total = found.first(where: { $0.subject.isEmpty }) { return samples(total) }
    if found.count == 1 { return samples(found[0]) }
    let catalogued = MetricCatalogue.metric(named: metric)
    guard
      let crowd = Crowd(found.map { Crowd.Member(label: $0.subject, samples: samples($0)) })
    else { return nil }
    return catalogued?.kind == .counter
      ? crowd.sum : crowd.worst(lowerIsBetter: catalogued?.lowerIsBetter ?? true)
  }

  func charts(ofCrowd members: [Participant]) -> [Chart] {
    families.flatMap { family in
      family.metrics.indices.compactMap { index -> Chart? in
        let metric = family.metrics[index]
        let lines = members.compactMap { member in
          summary(metric, of: member).map { Crowd.Member(label: member.identity, samples: $0) }
        }
        guard let crowd = Crowd(lines),
          let unit = members.lazy.compactMap({ self.series(metric, of: $0).first?.unit }).first
        else { return nil }
        let catalogued = MetricCatalogue.metric(named: metric)
        var single = family
        single.metrics = [metric]
        if family.metrics.count > 1 { single.title += " \(family.labels[index])" }
        var chart = chart(single, unit, for: members)
        let publishers = members.map { member in
          series(metric, of: member).filter { !$0.subject.isEmpty }.count
        }
        if (publishers.max() ?? 0) > 1, catalogued?.kind != .counter {
          chart.meaning += ", of the worst publisher"
        }
        chart.draw(
          crowd, lowerIsBetter: catalogued?.lowerIsBetter ?? true,
          isCounter: catalogued?.kind == .counter, isStep: isStep(metric))
        return chart
      }
    }
  }

  // MARK: Limits

  /// The limits of the expectations that speak of this metric and of any of these participants.
  private func limits(
    _ family: Family, unit: String, for members: [Participant]
  ) -> [Chart.Limit] {
    var limits: [Chart.Limit] = []
    for assertion in run.assertions
    where assertion.origin == .expectation && family.metrics.contains(assertion.metric)
      && assertion.unit == unit
    {
      let meant = members.filter { speaks(assertion, of: $0) }
      guard let first = meant.first else { continue }
      let isPartial = meant.allSatisfy { somePublishers(assertion, of: $0) != nil }
      let drawsEach = members.count == 1 && !hasTotal(assertion.metric, of: first)
      // One line for all publishers says nothing about a limit on some of them.
      guard !(isPartial || assertion.source != nil) || drawsEach else { continue }
      var whom = isPartial ? somePublishers(assertion, of: first).map { " from \($0)" } ?? "" : ""
      if let source = assertion.source { whom += ", \(Figure.words(source.rawValue))" }
      let limit = Chart.Limit(
        label: "limit\(whom): \(limitText(assertion, family))"
          + (assertion.window.map { ", \(Figure.span($0))" } ?? ""),
        value: assertion.limit, window: assertion.window,
        isMissed: assertion.verdict.needsAttention)
      if !limits.contains(limit) { limits.append(limit) }
    }
    return limits
  }

  private func limitText(_ assertion: Assertion, _ family: Family) -> String {
    let rung = family.rungs.indices.first { Double($0) == assertion.limit }
    let value = rung.map { "\(assertion.comparison.symbol) \(family.rungs[$0])" }
    let which = zip(family.metrics, family.labels).first { $0.0 == assertion.metric }?.1 ?? ""
    return "\(assertion.stat) \(which.isEmpty ? "" : which + " ")\(value ?? assertion.limitText)"
  }

  private func hasTotal(_ metric: String, of participant: Participant) -> Bool {
    series(metric, of: participant).contains { $0.subject.isEmpty }
  }

  /// The publishers that an assertion speaks of; nil where it speaks of all that there are.
  private func somePublishers(
    _ assertion: Assertion, of participant: Participant
  ) -> String? {
    let prefix = participant.identity + "<"
    let named = assertion.perParticipant.map(\.participant).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
    let kind = MetricCharts.delayKinds[assertion.metric]
    let having = participant.inbound.filter { track in
      track.kind == kind || track.values.contains { $0.metric == assertion.metric }
    }
    let peers = (having.isEmpty ? participant.inbound : having).map(\.peer)
    let all = Set(peers + series(assertion.metric, of: participant).map(\.subject)).filter {
      !$0.isEmpty
    }
    guard !named.isEmpty, named.count < all.count else { return nil }
    return named.joined(separator: ", ")
  }

  /// Delays are of frames or of talk and stand in no track's totals.
  private static let delayKinds = [
    "assay.endToEndDelay": "video", "assay.audioEndToEndDelay": "audio",
  ]

  private func speaks(_ assertion: Assertion, of participant: Participant) -> Bool {
    let name = participant.identity
    if [name, participant.group, "all", "everyone", "*"].contains(assertion.of) { return true }
    return assertion.perParticipant.contains {
      $0.participant == name || $0.participant.hasPrefix(name + "<")
    }
  }
}
