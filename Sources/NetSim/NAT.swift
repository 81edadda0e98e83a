// Network address translation between the uplinks of private interfaces and the core (RFC 4787).
import Basics

/// How a NAT behaves. The defaults are what RFC 4787 requires or recommends.
public struct NATConfiguration: Sendable, Equatable {
  /// What of the remote address a decision looks at (RFC 4787 §4.1 and §5).
  public enum Dependence: Sendable {
    case endpointIndependent, addressDependent, addressAndPortDependent
  }

  /// When a packet to another remote address gets another mapping.
  public var mapping: Dependence
  /// Which remote addresses may send to a mapping: all, or those it has sent to.
  public var filtering: Dependence
  /// A UDP mapping that sends nothing for so long is forgotten (§4.3).
  public var lifetime: Duration
  /// Whether the external port is the internal one when that is free (§4.2.1).
  public var preservesPorts: Bool
  /// Whether hosts behind it reach each other by its external address (§6).
  public var hairpins: Bool

  public init(
    mapping: Dependence = .endpointIndependent, filtering: Dependence = .addressDependent,
    lifetime: Duration = .seconds(120), preservesPorts: Bool = false, hairpins: Bool = true
  ) {
    self.mapping = mapping
    self.filtering = filtering
    self.lifetime = lifetime
    self.preservesPorts = preservesPorts
    self.hairpins = hairpins
  }
}

/// One NAT of the world.
public struct NATID: Hashable, Sendable {
  public let index: Int
}

struct NAT {
  private struct Mapping {
    let key: Key
    var lastSent: Instant
    /// Whom it has sent to.
    var permitted: Set<Address> = []
    var permittedIPs: Set<IPAddress> = []
  }

  /// What a mapping is found by when a packet leaves.
  private struct Key: Hashable {
    let inside: Address
    let ipProtocol: IPProtocol
    let remote: Address?
  }

  private struct Port: Hashable {
    let number: UInt16
    let ipProtocol: IPProtocol
  }

  let configuration: NATConfiguration
  private(set) var ip: IPAddress
  private var places: [Key: Port] = [:]
  private var mappings: [Port: Mapping] = [:]
  private var nextPort: UInt16 = 1_024

  init(ip: IPAddress, _ configuration: NATConfiguration) {
    self.ip = ip
    self.configuration = configuration
  }

  /// Forgets all mappings; new ones get other ports, and the address if one is given.
  mutating func rebind(to ip: IPAddress?) {
    places = [:]
    mappings = [:]
    if let ip { self.ip = ip }
  }

  /// The external address of a packet that leaves; makes or refreshes its mapping.
  mutating func translateOut(_ path: Path, _ ipProtocol: IPProtocol, at now: Instant) -> Address? {
    let key = Key(
      inside: path.local, ipProtocol: ipProtocol, remote: remotePart(of: path.remote))
    var port = places[key]
    if let known = port, isExpired(known, at: now) {
      forget(known)
      port = nil
    }
    guard let port = port ?? assign(key, at: now) else { return nil }
    mappings[port]?.lastSent = now
    mappings[port]?.permitted.insert(path.remote)
    mappings[port]?.permittedIPs.insert(path.remote.ip)
    return Address(ip, port: port.number)
  }

  /// The internal address that a packet to the port `outside` is meant for, or why it ends here.
  func translateIn(
    _ outside: UInt16, from remote: Address, _ ipProtocol: IPProtocol, at now: Instant
  ) -> (inside: Address?, reason: DropReason) {
    let port = Port(number: outside, ipProtocol: ipProtocol)
    guard let mapping = mappings[port], !isExpired(port, at: now) else {
      return (nil, .noMapping)
    }
    let passes =
      switch configuration.filtering {
      case .endpointIndependent: true
      case .addressDependent: mapping.permittedIPs.contains(remote.ip)
      case .addressAndPortDependent: mapping.permitted.contains(remote)
      }
    return (passes ? mapping.key.inside : nil, .filtered)
  }

  private func remotePart(of remote: Address) -> Address? {
    switch configuration.mapping {
    case .endpointIndependent: nil
    case .addressDependent: Address(remote.ip, port: 0)
    case .addressAndPortDependent: remote
    }
  }

  /// TCP mappings live as long as the world (RFC 5382 REQ-5 asks for two hours).
  private func isExpired(_ port: Port, at now: Instant) -> Bool {
    guard port.ipProtocol == .udp, let mapping = mappings[port] else { return false }
    return now - mapping.lastSent >= configuration.lifetime
  }

  private mutating func forget(_ port: Port) {
    if let mapping = mappings.removeValue(forKey: port) { places[mapping.key] = nil }
  }

  private mutating func assign(_ key: Key, at now: Instant) -> Port? {
    guard let port = freePort(key, at: now) else { return nil }
    forget(port)
    places[key] = port
    mappings[port] = Mapping(key: key, lastSent: now)
    return port
  }

  private mutating func freePort(_ key: Key, at now: Instant) -> Port? {
    let same = Port(number: key.inside.port, ipProtocol: key.ipProtocol)
    if configuration.preservesPorts, mappings[same] == nil { return same }
    for _ in 0..<(Int(UInt16.max) - 1_023) {
      let port = Port(number: nextPort, ipProtocol: key.ipProtocol)
      nextPort = nextPort == .max ? 1_024 : nextPort + 1
      if mappings[port] == nil || isExpired(port, at: now) { return port }
    }
    return nil
  }
}

/// Where a packet goes when its list of links ends.
enum Leg {
  /// To its host.
  case last
  /// Out of the NAT it was sent behind.
  case outOf(Int32)
  /// Through the NAT that has its destination address.
  case into(Int32)
}

/// The links up to a packet's host or up to the first NAT on its way.
struct FirstLeg {
  var route: Route
  /// The interface it goes to; -1 before a NAT has found it.
  var destination: Int32 = -1
  var leg: Leg
}

// MARK: Building

extension Simulator {
  /// Adds a NAT with the external address `ip`.
  @discardableResult
  public func addNAT(ip: IPAddress, _ configuration: NATConfiguration = .init()) -> NATID {
    precondition(
      world.interfaceOfIP[ip] == nil && world.natOfIP[ip] == nil, "two owners of one address")
    world.nats.append(NAT(ip: ip, configuration))
    world.natOfIP[ip] = Int32(truncatingIfNeeded: world.nats.count - 1)
    return NATID(index: world.nats.count - 1)
  }

  /// Puts an interface behind the NAT: its own address is known to nobody outside from now on.
  public func setNAT(of host: HostID, interface: String, _ nat: NATID?) {
    let index = Int(world.interfaceIndex(interface, host.index))
    world.interfaces[index].nat = nat.map { Int32(truncatingIfNeeded: $0.index) } ?? -1
  }

  /// Forgets all mappings, as a NAT that restarts or a carrier that moves its customers: what is
  /// behind it is seen from other ports, and from another address if one is given.
  public func rebind(_ nat: NATID, to ip: IPAddress? = nil) {
    world.natOfIP[world.nats[nat.index].ip] = nil
    world.nats[nat.index].rebind(to: ip)
    world.natOfIP[world.nats[nat.index].ip] = Int32(truncatingIfNeeded: nat.index)
  }
}

// MARK: Passing

extension World {
  /// The way of a packet sent from `source`; nil when nobody has its destination.
  func firstLeg(from source: Int32, _ path: Path) -> FirstLeg? {
    let nat = interfaces[Int(source)].nat
    if let destination = owner(of: path.remote.ip), destination != gateway || source != gateway {
      let other = interfaces[Int(destination)].nat
      if nat < 0, other < 0 {
        let route = route(from: source, to: destination, path)
        return FirstLeg(route: route, destination: destination, leg: .last)
      }
      if nat == other {
        // Both behind the same NAT: past it.
        let route = Route(
          up: interfaces[Int(source)].up, down: interfaces[Int(destination)].down)
        return FirstLeg(route: route, destination: destination, leg: .last)
      }
    }
    let up = interfaces[Int(source)].up
    if nat >= 0 { return FirstLeg(route: Route(up: up, down: 0), leg: .outOf(nat)) }
    return natOfIP[path.remote.ip].map {
      FirstLeg(route: Route(up: up, core: coreList, down: 0), leg: .into($0))
    }
  }

  /// A packet has come to a NAT from inside.
  mutating func leave(_ nat: Int32, _ id: Int32) {
    let path = traffic.flights[id].path
    let ipProtocol = traffic.flights[id].ipProtocol
    guard let outside = nats[Int(nat)].translateOut(path, ipProtocol, at: now) else {
      return drop(id, .noMapping)
    }
    traffic.flights[id].path.local = outside
    let sender = Int(traffic.flights[id].sender)
    if let destination = owner(of: path.remote.ip), interfaces[Int(destination)].nat < 0 {
      guard mayPass(id, from: sender, to: interfaces[Int(destination)].host) else {
        return drop(id, .partition)
      }
      let down = interfaces[Int(destination)].down
      traffic.flights[id].destination = destination
      redirect(id, Route(up: 0, core: coreList, down: down), .last)
    } else if let other = natOfIP[path.remote.ip] {
      guard other != nat || nats[Int(nat)].configuration.hairpins else {
        return drop(id, .noMapping)
      }
      redirect(id, Route(up: 0, core: other == nat ? 0 : coreList, down: 0), .into(other))
    } else {
      drop(id, .noSuchDestination)
    }
  }

  /// A packet has come to a NAT from outside.
  mutating func enter(_ nat: Int32, _ id: Int32) {
    let path = traffic.flights[id].path
    let (inside, reason) = nats[Int(nat)].translateIn(
      path.remote.port, from: path.local, traffic.flights[id].ipProtocol, at: now)
    guard let inside else { return drop(id, reason) }
    guard let destination = interfaceOfIP[inside.ip] else { return drop(id, .noSuchDestination) }
    let sender = Int(traffic.flights[id].sender)
    guard mayPass(id, from: sender, to: interfaces[Int(destination)].host) else {
      return drop(id, .partition)
    }
    traffic.flights[id].path.remote = inside
    traffic.flights[id].destination = destination
    redirect(id, Route(up: interfaces[Int(destination)].down, down: 0), .last)
  }

  private func mayPass(_ id: Int32, from sender: Int, to host: Int) -> Bool {
    mayPass(sender, host, isStream: traffic.flights[id].stream >= 0)
  }

  private mutating func redirect(_ id: Int32, _ route: Route, _ leg: Leg) {
    traffic.flights[id].route = route
    traffic.flights[id].leg = leg
    traffic.flights[id].hop = 0
    advance(id)
  }
}
