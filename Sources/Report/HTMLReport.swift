// A run as one HTML page that a person reads from top to bottom: verdict, cause, evidence.

import Results

public enum HTMLReport {
  /// The whole page. One file without script that fetches nothing; under 5 MB for 100 participants
  /// over a minute. The same run gives the same bytes.
  public static func render(_ run: RunResult) -> String {
    let timeline = Timeline(run)
    let sections = RunSections(run: run)
    let parts: [(id: String, name: String, markup: Markup)] = [
      ("assertions", "Expectations", AssertionSection(run: run).section),
      ("timeline", "What happened", timeline.section),
      ("topology", "Topology", Topology(run, timeline).section),
      ("recovery", "Reconnections", RecoverySection(run: run).section),
      ("charts", "Over time", ChartSections(run, timeline).section),
      ("flows", "Flows", FlowSection(run, timeline).section),
      ("participants", "Participants", sections.participants),
      ("pictures", "Picture quality", sections.pictures),
      ("links", "Links", sections.links),
      ("run", "What ran", sections.facts),
      ("repeat", "Repeat it", command(run)),
    ].filter { !$0.2.isEmpty }
    let nav = parts.map { part -> Markup in "<a href=\"#\(part.id)\">\(part.name)</a>\n" }
    let about: Markup =
      run.scenario.about.isEmpty ? "" : "<p class=\"about\">\(run.scenario.about)</p>"
    return Page.render(
      title: "\(run.look.symbol) \(run.title): \(run.look.word)",
      body: """
        <header><p class="kind">Assay run report</p><h1>\(run.title)</h1>
        \(about)\(banner(run))\(brief(run))<nav aria-label="Sections">\(nav)</nav></header>
        <main>
        \(parts.map(\.markup))</main>
        \(footer(build: run.build))
        """)
  }

  /// What ran in one line; the whole of it stands at the end.
  private static func brief(_ run: RunResult) -> Markup {
    var parts = ["seed \(run.seed)"]
    if !run.variant.isEmpty { parts.append(run.variantText) }
    parts.append(
      "\(Figure.seconds(run.simulatedSeconds)) \(run.clock == .virtual ? "simulated" : "played") "
        + "in \(Figure.seconds(run.wallSeconds))")
    parts.append(run.crowd)
    parts.append("\(Figure.grouped(run.packets)) packets")
    return "<p class=\"note\">\(parts.joined(separator: " · "))</p>"
  }

  private static func banner(_ run: RunResult) -> Markup {
    guard let reason = run.partial else { return Page.banner(run.look, run.sentence) }
    let judged = VerdictLook(run.verdict)
    return Page.banner(
      run.look,
      "The run did not reach its end: \(reason). "
        + "The verdict so far is \(judged.word) and proves nothing about the rest.",
      stamp: "PARTIAL")
  }

  private static func command(_ run: RunResult) -> Markup {
    guard !run.command.isEmpty else { return .empty }
    let promise =
      run.clock == .virtual
      ? "The same scenario, seed and build give the same trace hash, byte for byte."
      : "On the wall clock a second run is alike, not identical."
    return """
      <section id="repeat"><h2>Repeat it</h2><p>\(promise)</p>
      <pre><code>\(run.command)</code></pre></section>

      """
  }

  static func footer(build: String) -> Markup {
    """
    <footer><p>Assay \(build). Metric names are those of W3C webrtc-stats where one exists. \
    All data of this page is in result.json and series.json beside it.</p></footer>
    """
  }
}
