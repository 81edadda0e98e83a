// What a world has more on the wall clock: the event loop that carries it, and how well that kept up.

import Basics
import NetIO
import NetSim
import Results

/// The clock, the sockets and the state of the harness of one run against a served SFU.
final class RealTime {
  let loop: EventLoop
  private let server: Address
  private var network: EmulatedNetwork?
  private var watch: HealthWatch?
  private let isSFULocal: Bool
  /// The SFU's on this machine, as far as they are known.
  private let processes: [Int]

  /// - Parameters:
  ///   - server: where the SFU answers HTTP and WebSockets.
  ///   - process: the SFU's on this machine; unless given it is found by the server's port.
  init(to server: Address, process: Int?) throws {
    self.server = server
    isSFULocal = process != nil || LocalProcesses.isHere(server)
    processes =
      process.map { [$0] } ?? (isSFULocal ? LocalProcesses.listening(on: server.port) : [])
    loop = try EventLoop()
  }

  /// Begins to carry `simulator`; its time starts to run.
  func start(_ simulator: Simulator, gateway: Gateway, on host: HostID) throws {
    let watch = HealthWatch(sfu: processes, at: loop.now)
    self.watch = watch
    _ = try loop.attach(watch, interfaces: [], sockets: [])
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
    // A stall during the last wait has no event of its own.
    network.noteStall(at: loop.now)
  }

  /// Waits for the last words to be said, a second at most.
  func finish() {
    let end = loop.now + .seconds(1)
    // What is on its way to the outside may be about to open another.
    loop.run(
      until: end,
      while: { loop.openConnections > 0 || (network?.clock.simulator.packetsOnLinks ?? 0) > 0 })
  }

  /// - Parameter limit: above which lag is a stall that counts as missed.
  func health(lagLimit limit: Duration) -> HarnessHealth {
    var health = HarnessHealth()
    guard let network, let watch else { return health }
    let elapsed = max(loop.now - network.clock.origin, .milliseconds(1))
    let lag = network.clock.lag
    health.lagP99Ms =
      lag.delay(exceededFor: 0.01, of: Double(elapsed.wholeMicroseconds)) / 1_000
    health.lagMaxMs = Double(lag.maximum) / 1_000
    health.longestStallAt = network.clock.longestStallAt.seconds
    health.missedMs = lag.sum(above: limit.wholeMicroseconds) / 1_000
    health.socketDrops = Int64(loop.socketDrops)
    health.sendErrors = Int64(loop.counters.sendErrors)
    health.sockets = Int64(network.sockets.count)
    health.isSFULocal = isSFULocal
    watch.fill(&health, at: loop.now)
    return health
  }
}
