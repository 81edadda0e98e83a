// What a world has more on the wall clock: the event loop that carries it, and how well that kept up.

import Basics
import Foundation
import NetIO
import NetSim
import Results

/// The clock, the sockets and the state of the harness of one run against a served SFU.
final class RealTime {
  let loop: EventLoop
  private let server: Address
  private var network: EmulatedNetwork?
  private var spentBefore = 0.0
  private var machineBefore = MachineTime()

  /// - Parameter server: where the SFU answers HTTP and WebSockets.
  init(to server: Address) throws {
    self.server = server
    loop = try EventLoop()
  }

  /// Begins to carry `simulator`; its time starts to run.
  func start(_ simulator: Simulator, gateway: Gateway, on host: HostID) throws {
    spentBefore = RealTime.processorSeconds
    machineBefore = MachineTime()
    network = try EmulatedNetwork(simulator, gateway: gateway, on: host, to: server, by: loop)
  }

  /// The addresses of sockets by the addresses inside that they stand for; those without a socket are
  /// left out.
  func outsideAddresses(of inside: [Address]) -> [Address: Address] {
    var known: [Address: Address] = [:]
    for address in inside { known[address] = network?.outsideAddress(of: address) }
    return known
  }

  /// Asks the SFU past the links; nobody waits for the answer.
  func ask(_ request: StreamRequest) {
    let question = Question(request, to: server)
    guard let node = try? loop.attach(question, interfaces: [], sockets: []) else { return }
    loop.withNode(node) { _, _, outbox in question.ask(into: &outbox) }
  }

  /// Lets everything happen until `end` in simulated time.
  func run(until end: Instant) {
    guard let network else { return }
    loop.run(until: network.clock.real(end))
  }

  /// Waits for the last words to be said, a second at most.
  func finish() {
    let end = loop.now + .seconds(1)
    // What is on its way to the outside may be about to open another.
    loop.run(
      until: end,
      while: { loop.openConnections > 0 || (network?.clock.simulator.packetsOnLinks ?? 0) > 0 })
  }

  var health: HarnessHealth {
    let elapsed = max(loop.now - (network?.clock.origin ?? .zero), .milliseconds(1)).seconds
    var health = HarnessHealth()
    health.lagP99Ms = Double(network?.clock.lag.value(atQuantile: 0.99) ?? 0) / 1_000
    health.lagMaxMs = Double(network?.clock.lag.maximum ?? 0) / 1_000
    health.socketDrops = Int64(loop.socketDrops)
    health.sendErrors = Int64(loop.counters.sendErrors)
    health.processorShare = (RealTime.processorSeconds - spentBefore) / elapsed
    health.machineShare = MachineTime().busyShare(since: machineBefore)
    health.sockets = Int64(network?.sockets.count ?? 0)
    return health
  }

  /// User and system time of this process so far.
  private static var processorSeconds: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}

/// The processor time of the whole machine so far (proc(5), /proc/stat).
private struct MachineTime {
  private var total = 0.0
  private var idle = 0.0

  init() {
    guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else { return }
    let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap(
      Double.init)
    guard fields.count >= 8 else { return }
    // The guests' time is in the first two already.
    total = fields.prefix(8).reduce(0, +)
    idle = fields[3] + fields[4]
  }

  /// 0...1; 0 where the system does not say.
  func busyShare(since earlier: MachineTime) -> Double {
    let elapsed = total - earlier.total
    return elapsed > 0 ? min(1, max(0, 1 - (idle - earlier.idle) / elapsed)) : 0
  }
}

extension HarnessHealth {
  /// Why the run proves nothing, or that it may.
  func assertion(lagLimit: Duration) -> Assertion {
    let limit = lagLimit.milliseconds
    var assertion = Assertion(
      id: "harness", verdict: .pass, of: "harness", metric: "assay.scheduleLag", stat: "p99",
      comparison: .atMost, observed: lagP99Ms, limit: limit, unit: "ms")
    assertion.origin = .rule
    let isLate = lagP99Ms > limit
    if isLate || socketDrops > 0 {
      assertion.verdict = .inconclusive
      assertion.reason =
        "The harness could not keep up ("
        + (isLate ? "schedule lag p99 \(rounded(lagP99Ms)) ms over \(rounded(limit)) ms" : "")
        + (isLate && socketDrops > 0 ? ", " : "")
        + (socketDrops > 0 ? "\(socketDrops) datagrams lost in socket buffers" : "")
        + "): what was measured may be its own doing. Give it a quieter machine or fewer people."
    } else {
      assertion.reason =
        "The harness kept up: schedule lag p99 \(rounded(lagP99Ms)) ms, no socket drops, "
        + "\(percent(processorShare)) % of a core; the machine was \(percent(machineShare)) % busy."
    }
    return assertion
  }

  private func percent(_ share: Double) -> Int { Int((share * 100).rounded()) }
  private func rounded(_ value: Double) -> String { String(format: "%.3g", value) }
}
