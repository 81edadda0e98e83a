// `assay bench bwe`: how much of a changing capacity a sender's congestion control uses, and the queue it
// makes: the lab's own in virtual time, and Chromium's over the same link on the wall clock.

import Basics
import Foundation
import Lab
import NetIO
import RefSFU
import Results
import Scenario
import Signal
import Transport

/// The variable capacity of RFC 8867 §5.1, one way 50 ms, without jitter.
struct BWEBench {
  /// From when on the capacity is this, in seconds and bit/s; the last one ends at `end`.
  private static let phases: [(start: Double, rate: Double)] = [
    (0, 1_000_000), (40, 2_500_000), (60, 600_000), (80, 1_000_000),
  ]
  private static let end = 99.0
  /// Figures leave out the first seconds of a phase, as the RFC's suite does.
  private static let settling = 5.0
  /// RFC 8867 §4.3: the most that a sender makes.
  private static let sourceMaximum = 1_500_000.0

  struct Figures {
    /// % of the lesser of capacity and source maximum.
    var utilisation: Double
    /// ms
    var queueP95: Double
  }

  // MARK: - The lab's own

  private static var links: String {
    phases.enumerated().map { index, phase in
      "  phase\(index): { up: { rate: \(Int(phase.rate / 1_000))kbps, delay: 50ms, queue: 300ms }, "
        + "down: { delay: 50ms } }\n"
    }.joined()
  }

  private static var scenario: String {
    let changes = phases.dropFirst().map { phase in
      "  - { at: \(Int(phase.start))s, link: phase0.up, set: { rate: \(Int(phase.rate / 1_000))kbps } }\n"
    }.joined()
    return """
      assay: 1
      name: bench-bwe
      duration: \(Int(end))s
      links:
      \(links)flows:
        sender: { via: [phase0], media: {} }
      events:
      \(changes)expect:
        - { id: moves, of: sender, metric: assay.packetLost, stat: mean, under: 100% }

      """
  }

  /// One sender and its receiver over the link, in virtual time.
  static func own(seed: UInt64) throws -> [Figures] {
    var variant = try ScenarioFile.parse(Array(scenario.utf8), file: "bench bwe")[0]
    variant.scenario.seed = seed
    let result = try Runner.run(variant, sha256: "")
    return result.phases.map {
      Figures(utilisation: $0.utilisation ?? 0, queueP95: $0.queueP95 ?? 0)
    }
  }

  // MARK: - Chromium's

  /// A browser that publishes to the reference SFU over the link, on the wall clock.
  /// - Returns: the figures, and how late the link was, p99 in ms.
  static func chromium() throws -> (figures: [Figures], lag: Double) {
    Randomness.useSystem()
    let loop = try EventLoop()
    let ip = IPAddress(v4: 127, 0, 0, 1)
    let signalling = try loop.listen(on: Address(ip, port: 0))
    let media = try loop.bind(Address(ip, port: 0))
    var configuration = SFUConfiguration(
      keys: Keys.development.secrets, tokenLeeway: AccessToken.defaultLeeway)
    configuration.epochSeconds = Int64(Date().timeIntervalSince1970)
    configuration.mediaPort = media.port
    let sfu = SFU(configuration, random: .system)
    let network = try Network(Array("links:\n\(links)".utf8), file: "bench bwe")
    let before = SFUBehindLinks(sfu, network: network, seed: 1, pool: loop.pool)
    let reception = Reception(
      before, network: before, isOpen: true,
      browsers: BrowserPolicy(isDevelopment: true, origins: [], hosts: []),
      tokens: try TokenEndpoint(keys: .development, isOpen: true, isSecure: false),
      metrics: { [unowned loop] in ServeMetrics.response(sfu, loop) })
    let node = try loop.attach(
      reception, interfaces: [Interface(name: "lo", ip: ip)], sockets: [media],
      listeners: [signalling])
    let page = "http://\(signalling)/?name=sender&room=bwe&camera=busy&microphone=none&join"
    let browser = try Browser(page)
    defer { browser.close() }
    try waitForMedia(loop, before, browser)
    let origin = loop.now
    let moment = { (seconds: Double) in origin + .seconds(seconds) }
    var figures: [Figures] = []
    for (index, phase) in phases.enumerated() {
      loop.withNode(node) { _, now, _ in
        _ = before.put(link: "phase\(index)", before: "sender", at: now)
      }
      loop.run(until: moment(phase.start + settling), while: { Interrupt.received == nil })
      _ = before.readUplink(of: "sender")
      let phaseEnd = index + 1 < phases.count ? phases[index + 1].start : end
      loop.run(until: moment(phaseEnd), while: { Interrupt.received == nil })
      guard let reading = before.readUplink(of: "sender"), browser.isRunning else {
        throw UsageError(message: "Chromium left before the bench was over")
      }
      let most = min(phase.rate, sourceMaximum) * (phaseEnd - phase.start - settling) / 8
      figures.append(
        Figures(
          utilisation: 100 * Double(reading.bytes) / most, queueP95: reading.queueP95 ?? 0))
    }
    return (figures, Double(before.lag.value(atQuantile: 0.99) ?? 0) / 1_000)
  }

  private static func waitForMedia(
    _ loop: EventLoop, _ links: SFUBehindLinks, _ browser: Browser
  ) throws {
    let deadline = loop.now + .seconds(30)
    var bytes = 0
    while bytes < 50_000 {
      loop.run(until: loop.now + .milliseconds(100), while: { Interrupt.received == nil })
      bytes += links.readUplink(of: "sender")?.bytes ?? 0
      guard loop.now < deadline, browser.isRunning, Interrupt.received == nil else {
        throw UsageError(
          message: "Chromium sends nothing; try the page of ./assay serve --dev in it")
      }
    }
  }
}

/// Debian's Chromium or Google's Chrome, headless, with a profile of its own.
private final class Browser {
  private let process = Process()
  private let profile: URL

  init(_ page: String) throws {
    let names = ["chromium", "chromium-browser", "google-chrome"]
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let paths = names.flatMap { name in folders.map { "\($0)/\(name)" } }
    guard let path = paths.first(where: FileManager.default.isExecutableFile) else {
      throw UsageError(message: "no Chromium found; install it (Debian: chromium) and try again")
    }
    profile = FileManager.default.temporaryDirectory
      .appendingPathComponent("assay-\(UUID().uuidString)")
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments =
      [
        "--headless", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns", "--disable-background-timer-throttling",
        "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
        "--remote-debugging-port=0", "--user-data-dir=\(profile.path)",
      ]
      // The superuser has no sandbox in Chromium.
      + (geteuid() == 0 ? ["--no-sandbox"] : []) + [page]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  var isRunning: Bool { process.isRunning }

  func close() {
    process.terminate()
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: profile)
  }
}

extension BWEBench {
  /// A row for each phase, of `assay.bench.v1`.
  static func rows(own: [Figures], chromium: [Figures]?) -> [JSON] {
    phases.indices.map { index in
      var row: JSONObject = [
        "fromSecond": .number(phases[index].start), "capacity": .number(phases[index].rate),
        "utilisation": .number(own[index].utilisation),
        "queueP95Ms": .number(own[index].queueP95),
      ]
      if let figures = chromium?[index] {
        row["chromiumUtilisation"] = .number(figures.utilisation)
        row["chromiumQueueP95Ms"] = .number(figures.queueP95)
      }
      return .object(row)
    }
  }

  static func table(own: [Figures], chromium: [Figures]?) -> String {
    var text = "  from   capacity      here: used  queue p95"
    if chromium != nil { text += "   Chromium: used  queue p95" }
    for (index, phase) in phases.enumerated() {
      text += String(
        format: "\n%4.0f s  %5.1f Mbps  %9.0f %%  %6.0f ms", phase.start, phase.rate / 1e6,
        own[index].utilisation, own[index].queueP95)
      if let figures = chromium?[index] {
        text += String(
          format: "  %13.0f %%  %6.0f ms", figures.utilisation, figures.queueP95)
      }
    }
    return text
  }
}
