// What befalls hosts rather than links: too little processor time, sleep, slow streams.
import Basics

/// A host's processor, where packets cost time: one at a time, in the order they come. What it sends
/// costs as much as what it receives, and is paid for by whoever comes next.
struct Processing {
  /// Zero for a host as fast as need be.
  var cost = Duration.zero
  /// A packet that would wait longer is dropped, as from a socket buffer that is full.
  var limit = Duration.milliseconds(200)
  private var busyUntil = Instant.zero

  var isFree: Bool { cost == .zero }

  /// Takes the time for one packet more.
  mutating func spend(at now: Instant) {
    if !isFree { busyUntil = max(busyUntil, now) + cost }
  }

  /// When a packet that comes now has been dealt with; nil when it has to wait too long.
  mutating func finish(at now: Instant) -> Instant? {
    guard busyUntil <= now + limit else { return nil }
    spend(at: now)
    return busyUntil
  }
}

extension World {
  /// Hands the packet over once its host has had time for it.
  mutating func process(_ id: Int32, on host: Int) {
    guard let finish = hosts[host].processing.finish(at: now) else { return drop(id, .overload) }
    traffic.flights[id].isProcessed = true
    traffic.flights[id].link = -1
    traffic.flights[id].due = finish
    traffic.events.push(.arrived(id), at: finish)
  }
}

extension Simulator {
  /// Every packet that the host receives or sends costs it `cost`; zero for a host as fast as need be.
  /// - Parameter limit: a packet that would wait longer than this is dropped.
  public func setProcessing(
    of host: HostID, cost: Duration, limit: Duration = .milliseconds(200)
  ) {
    world.hosts[host.index].processing.cost = cost
    world.hosts[host.index].processing.limit = limit
  }

  /// Each segment of the host's streams takes so much longer on its way out; zero for no delay.
  public func setStreamDelay(of host: HostID, _ delay: Duration) {
    world.hosts[host.index].streamDelay = delay
  }

  public func isSuspended(_ host: HostID) -> Bool { world.hosts[host.index].isSuspended }

  /// Puts a host to sleep or wakes it: asleep it hears nothing and no timer of it comes, the node's
  /// as little as its streams'. Awake, it finds all overdue timers at once.
  public func setSuspended(of host: HostID, _ isSuspended: Bool) {
    guard world.hosts[host.index].isSuspended != isSuspended else { return }
    world.hosts[host.index].isSuspended = isSuspended
    if !isSuspended { world.wake(host.index) }
  }
}

extension World {
  fileprivate mutating func wake(_ host: Int) {
    if hosts[host].missedInterfaces {
      hosts[host].missedInterfaces = false
      announceInterfaces(of: host)
    }
    for (index, event) in hosts[host].missedNews { post(event, to: index) }
    hosts[host].missedNews = []
    settle(host)
    for index in streams.ends(on: host) { arm(index) }
  }
}
