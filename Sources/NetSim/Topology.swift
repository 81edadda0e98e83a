// Hosts, interfaces, links and the routes between them; all of it may change while the world runs.
import Basics

/// The datagrams that reached a host, and those that were handed to its node: it may have slept, or had
/// no node, or no time.
public struct HostDatagrams: Sendable, Equatable {
  public internal(set) var arrived = 0
  public internal(set) var handedOver = 0
}

struct Host {
  let name: String
  var node: (any Node)?
  /// In the order they were added.
  var interfaces: [Int32] = []
  var timers = PendingTimers()
  var lastCall: Instant?
  var isSuspended = false
  /// Whether its interfaces changed while it slept.
  var missedInterfaces = false
  /// What befell its streams while it slept.
  var missedNews: [(StreamEndIndex, StreamEvent)] = []
  var processing = Processing()
  /// How much longer each of its stream segments takes.
  var streamDelay = Duration.zero
  var callsAtThisInstant = 0
  var datagrams = HostDatagrams()
  var isBackground = false
}

/// An interface on its host. Its place in the table is never used again.
struct AttachedInterface {
  let interface: Interface
  let host: Int
  var up: Int32
  var down: Int32
  /// The NAT it is behind; -1 for none.
  var nat: Int32 = -1
  var isUp = true
}

struct AddressPair: Hashable {
  var from: IPAddress
  var to: IPAddress
}

/// Two hosts, in either order.
struct HostPair: Hashable {
  private let lower: Int
  private let upper: Int

  init(_ a: Int, _ b: Int) {
    lower = min(a, b)
    upper = max(a, b)
  }
}

extension World {
  /// The link at `hop`, counted from 0; nil at the route's end.
  func link(at hop: Int, of route: Route) -> Int32? {
    let up = linkLists[Int(route.up)].count
    if hop < up { return linkLists[Int(route.up)][hop] }
    let core = linkLists[Int(route.core)].count
    if hop < up + core { return linkLists[Int(route.core)][hop - up] }
    let down = linkLists[Int(route.down)].count
    return hop < up + core + down ? linkLists[Int(route.down)][hop - up - core] : nil
  }

  mutating func intern(_ links: [LinkID]) -> Int32 {
    let list = links.map { Int32(truncatingIfNeeded: $0.index) }
    if let known = linkLists.firstIndex(of: list) { return Int32(truncatingIfNeeded: known) }
    linkLists.append(list)
    return Int32(truncatingIfNeeded: linkLists.count - 1)
  }
}

// MARK: Tables

extension World {
  mutating func insert(_ interface: Interface, on host: Int, up: Int32, down: Int32) {
    precondition(
      interfaceOfIP[interface.ip] == nil && natOfIP[interface.ip] == nil,
      "two owners of one address")
    let index = Int32(truncatingIfNeeded: interfaces.count)
    interfaces.append(AttachedInterface(interface: interface, host: host, up: up, down: down))
    interfaceOfIP[interface.ip] = index
    hosts[host].interfaces.append(index)
  }

  mutating func withdraw(_ name: String, from host: Int) -> Interface {
    let index = interfaceIndex(name, host)
    let interface = interfaces[Int(index)].interface
    interfaces[Int(index)].isUp = false
    interfaceOfIP[interface.ip] = nil
    hosts[host].interfaces.removeAll { $0 == index }
    return interface
  }

  func interfaceIndex(_ name: String, _ host: Int) -> Int32 {
    let index = hosts[host].interfaces.first { interfaces[Int($0)].interface.name == name }
    guard let index else { preconditionFailure("no interface \(name) on \(hosts[host].name)") }
    return index
  }

  /// The interface of `host` that has `ip`.
  func interface(of host: Int, at ip: IPAddress) -> Int32? {
    for index in hosts[host].interfaces where interfaces[Int(index)].interface.ip == ip {
      return index
    }
    return nil
  }

  /// The interface that has `ip`: its own, or the gateway's where nobody has it.
  func owner(of ip: IPAddress) -> Int32? {
    interfaceOfIP[ip] ?? (gateway >= 0 && natOfIP[ip] == nil ? gateway : nil)
  }

  /// The gateway's interface, if `host` is the gateway: it may send from any address.
  func gateway(on host: Int) -> Int32? {
    gateway >= 0 && interfaces[Int(gateway)].host == host ? gateway : nil
  }

  /// The interface a packet was sent to, or the one that has its address now.
  func liveInterface(_ index: Int32, _ ip: IPAddress) -> Int? {
    interfaces[Int(index)].isUp ? Int(index) : interfaceOfIP[ip].map { Int($0) }
  }

  mutating func configure(_ link: Int, _ configuration: LinkConfiguration) {
    links[link].configure(configuration, &traffic)
  }

  func route(from source: Int32, to destination: Int32, _ path: Path) -> Route {
    if !routeOverrides.isEmpty,
      let list = routeOverrides[AddressPair(from: path.local.ip, to: path.remote.ip)]
    {
      return Route(up: list, down: 0)
    }
    return Route(
      up: interfaces[Int(source)].up, core: coreList, down: interfaces[Int(destination)].down)
  }
}

// MARK: Hosts

extension Simulator {
  /// Adds a host without a node. Names and addresses are unique in the world.
  @discardableResult
  public func addHost(name: String, interfaces: [Interface]) -> HostID {
    precondition(world.hostOfName[name] == nil, "two hosts of one name")
    let id = HostID(index: world.hosts.count)
    world.hostOfName[name] = id
    world.hosts.append(Host(name: name))
    for interface in interfaces { world.insert(interface, on: id.index, up: 0, down: 0) }
    return id
  }

  public func host(named name: String) -> HostID? { world.hostOfName[name] }
  public func name(of host: HostID) -> String { world.hosts[host.index].name }
  public func node(on host: HostID) -> (any Node)? { world.hosts[host.index].node }

  public func interfaces(of host: HostID) -> [Interface] {
    world.hosts[host.index].interfaces.map { world.interfaces[Int($0)].interface }
  }

  /// Puts `node` on the host and tells it the interfaces.
  public func attach(_ node: any Node, to host: HostID) {
    precondition(world.hosts[host.index].node == nil, "the host has a node already")
    world.hosts[host.index].node = node
    world.announceInterfaces(of: host.index)
  }

  /// Takes the node away, as when its process dies: its streams are reset.
  @discardableResult
  public func detach(_ host: HostID) -> (any Node)? {
    guard let node = world.hosts[host.index].node else { return nil }
    world.resetStreams(of: host.index)
    world.hosts[host.index].node = nil
    return node
  }

  // MARK: Interfaces

  /// - Parameters:
  ///   - up: the links that packets from it take first.
  ///   - down: the links that packets to it take last.
  public func addInterface(
    _ interface: Interface, to host: HostID, up: [LinkID] = [], down: [LinkID] = []
  ) {
    world.insert(interface, on: host.index, up: world.intern(up), down: world.intern(down))
    world.announceInterfaces(of: host.index)
  }

  /// Packets to it are dropped from now on, also those on their way; its streams are lost.
  public func removeInterface(named name: String, from host: HostID) {
    let ip = world.withdraw(name, from: host.index).ip
    world.announceInterfaces(of: host.index)
    world.loseStreams(of: host.index, at: ip)
  }

  /// Puts `interface` in the place of the one named `name`, on the same links.
  public func replaceInterface(named name: String, on host: HostID, with interface: Interface) {
    let index = Int(world.interfaceIndex(name, host.index))
    let old = world.interfaces[index]
    _ = world.withdraw(name, from: host.index)
    world.insert(interface, on: host.index, up: old.up, down: old.down)
    world.interfaces[world.interfaces.count - 1].nat = old.nat
    world.announceInterfaces(of: host.index)
    if old.interface.ip != interface.ip { world.loseStreams(of: host.index, at: old.interface.ip) }
  }

  // MARK: Routes

  /// The links that packets from this interface take first.
  public func setUplinks(of host: HostID, interface: String, _ links: [LinkID]) {
    world.interfaces[Int(world.interfaceIndex(interface, host.index))].up = world.intern(links)
  }

  /// The links that packets to this interface take last.
  public func setDownlinks(of host: HostID, interface: String, _ links: [LinkID]) {
    world.interfaces[Int(world.interfaceIndex(interface, host.index))].down = world.intern(links)
  }

  /// The links between everybody's uplinks and everybody's downlinks.
  public func setCore(_ links: [LinkID]) { world.coreList = world.intern(links) }

  /// Packets between these two addresses take exactly these links; nil restores the rule.
  public func setRoute(from: IPAddress, to: IPAddress, _ links: [LinkID]?) {
    world.routeOverrides[AddressPair(from: from, to: to)] = links.map { world.intern($0) }
  }

  /// Makes this interface the way out of the simulated world: what is sent to an address that nobody
  /// has goes there, and its host may send from any address.
  public func setGateway(_ host: HostID, interface: String) {
    world.gateway = world.interfaceIndex(interface, host.index)
  }

  /// Cuts or restores everything between two hosts, both ways. Packets on their way still arrive.
  public func setPartition(between a: HostID, and b: HostID, _ isCut: Bool) {
    let pair = HostPair(a.index, b.index)
    if isCut { world.partitions.insert(pair) } else { world.partitions.remove(pair) }
  }
}

extension Simulator {
  /// Breaks the streams of a host and lets none through, or lets them through again. Datagrams pass.
  /// The host knows at once that its streams are lost, the other ends in their own time.
  public func setStreamsCut(of host: HostID, _ isCut: Bool) {
    guard isCut else {
      world.streamlessHosts.remove(host.index)
      return
    }
    world.streamlessHosts.insert(host.index)
    for interface in interfaces(of: host) { world.loseStreams(of: host.index, at: interface.ip) }
  }
}

// MARK: Links

extension Simulator {
  /// Adds one direction of a link, such as `train.up`. Its chance depends on the seed and its name.
  @discardableResult
  public func addLink(name: String, _ configuration: LinkConfiguration = .init()) -> LinkID {
    precondition(world.linkOfName[name] == nil, "two links of one name")
    let id = LinkID(index: world.links.count)
    world.linkOfName[name] = id
    world.links.append(
      Link(id: id, name: name, configuration: configuration, seed: seed, at: now))
    return id
  }

  public func link(named name: String) -> LinkID? { world.linkOfName[name] }
  public func name(of link: LinkID) -> String { world.links[link.index].name }
  public var allLinks: [LinkID] { world.links.map(\.id) }
  public func configuration(of link: LinkID) -> LinkConfiguration {
    world.links[link.index].configuration
  }

  /// Changes a link from now on. Bits already sent stay sent, queued packets stay queued.
  public func configure(_ link: LinkID, _ change: (inout LinkConfiguration) -> Void) {
    var configuration = world.links[link.index].configuration
    change(&configuration)
    world.configure(link.index, configuration)
  }

  public func statistics(of link: LinkID) -> LinkStatistics { world.links[link.index].statistics }

  /// Remembers how long each packet waits on this link from now on.
  public func logWaits(of link: LinkID) { world.links[link.index].waits = [] }

  /// In order of time; empty unless they were logged.
  public func waits(of link: LinkID) -> [LinkWait] { world.links[link.index].waits ?? [] }

  /// Has this host's packets counted apart in the samples of links.
  public func setBackground(_ host: HostID) { world.hosts[host.index].isBackground = true }

  /// Counts what passes on this link from now on, in samples of `interval`.
  public func sample(_ link: LinkID, every interval: Duration) {
    precondition(interval > .zero)
    world.links[link.index].sampling = interval
  }

  /// One sample per interval since the start; empty without sampling.
  public func samples(of link: LinkID) -> [LinkSample] {
    let now = self.now
    world.links[link.index].fillSamples(until: now)
    return world.links[link.index].samples
  }
}
