// The front of the simulated internet: one world in virtual time on one thread.
import Basics

/// A network of hosts and links in virtual time. The caller builds it, lets it `run(until:)`,
/// changes it, lets it run on. Same seed, same build, same calls: same `traceHash`.
///
/// Nodes and taps must not call it from within its calls to them.
public final class Simulator {
  public let seed: UInt64
  public let pool: PacketPool
  var world: World

  public init(seed: UInt64, pool: PacketPool = PacketPool()) {
    self.seed = seed
    self.pool = pool
    world = World(pool: pool)
  }

  deinit { world.traffic.flights.removeAll() }

  public var now: Instant { world.now }

  /// When the next thing is due; nil when nothing will ever happen by itself.
  public var nextTimeout: Instant? { world.traffic.events.nextTime }

  /// Handles everything due up to and including `end`, which is `now` afterwards.
  public func run(until end: Instant) {
    precondition(end >= now, "time runs forward")
    world.run(until: end)
  }

  /// Lets `body` command the node on `host` and carries out what it leaves in the outbox. Nil when
  /// the host has no node.
  public func withNode<R>(
    on host: HostID, _ body: (any Node, Instant, inout Outbox) throws -> R
  ) rethrows -> R? {
    guard let node = world.hosts[host.index].node else { return nil }
    defer { world.settle(host.index) }
    return try body(node, now, &world.outbox)
  }

  // MARK: What is known of the run

  /// Every packet that entered a link: which link, when, how many bytes, which bytes.
  public var traceHash: TraceHash { world.traffic.traceHash }
  /// Datagrams handed over by nodes.
  public var packetsSent: Int { world.packetsSent }
  /// Datagrams handed to nodes.
  public var packetsDelivered: Int { world.packetsDelivered }
  /// Packets lost off any link: no such address, no node, a partition, a failed checksum.
  public var dropped: DropCounts { world.dropped }

  /// What became of the datagrams that reached this host.
  public func datagrams(of host: HostID) -> HostDatagrams { world.hosts[host.index].datagrams }

  /// Over all links: what entered, less what left or was dropped, less what is on its way. Zero where
  /// every packet is accounted for.
  public var packetsUnaccounted: Int {
    world.links.reduce(-packetsOnLinks) { sum, link in
      let statistics = link.statistics
      return sum + statistics.entered + statistics.duplicated - statistics.delivered
        - statistics.dropped.total
    }
  }

  /// Packets that have entered a link and not left it.
  public var packetsOnLinks: Int { world.traffic.flights.onLinks }

  /// Timers that are set for the node on this host, and for its ends of streams.
  public func pendingTimers(of host: HostID) -> Int {
    world.streams.ends(on: host.index).reduce(world.hosts[host.index].timers.count) {
      $0 + (world.streams[$1]?.timers.count ?? 0)
    }
  }

  /// Streams that the node on this host has not heard, or said, the last word of.
  public func openStreams(of host: HostID) -> Int {
    world.streams.ends(on: host.index).count { world.streams[$0]?.phase != .over }
  }

  /// Sees every packet on every link from now on.
  public var tap: (any LinkTap)? {
    get { world.traffic.tap }
    set { world.traffic.tap = newValue }
  }

  /// How streams behave; set before the first one is opened.
  public var streamParameters: StreamParameters {
    get { world.streams.parameters }
    set { world.streams.parameters = newValue }
  }
}
