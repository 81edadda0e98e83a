// What faults do to the simulator: links that let nothing through, other addresses, NATs, dead SFUs.

import Basics
import Bots
import NetSim
import RefSFU
import Scenario

/// A fault of one link direction; several may hold at once.
enum LinkFault: Equatable {
  case blackout, pause
  case filter(LinkFilter)

  init(_ blackout: Scenario.Event.Blackout) {
    var filter = LinkFilter()
    switch blackout.only {
    case nil:
      self = .blackout
      return
    // RFC 7983 §7: STUN is 0 to 3, RTP and RTCP are 128 to 191.
    case .media: filter.firstBytes = [128...191]
    case .ice: filter.firstBytes = [0...3]
    case .datagrams: filter.blocksDatagrams = true
    case .signalling: filter.blocksStreams = true
    case .ipv6: filter.family = .v6
    }
    self = .filter(filter)
  }
}

extension World {
  func add(_ fault: LinkFault, where select: (Instance) -> Bool) throws {
    for index in instances.indices where select(instances[index]) {
      instances[index].faults.append(fault)
      try applyState(of: instances[index])
    }
  }

  /// Takes one such fault away; another of its kind may still hold.
  func remove(_ fault: LinkFault, where select: (Instance) -> Bool) throws {
    for index in instances.indices where select(instances[index]) {
      guard let place = instances[index].faults.firstIndex(of: fault) else { continue }
      instances[index].faults.remove(at: place)
      try applyState(of: instances[index])
    }
  }

  /// Puts an instance's setting and its faults in force.
  func applyState(of instance: Instance) throws {
    var configuration = try instance.setting.configuration()
    for fault in instance.faults {
      switch fault {
      case .blackout: configuration.isBlackedOut = true
      case .pause: configuration.isPaused = true
      case .filter(let filter): configuration.filter = configuration.filter.union(filter)
      }
    }
    simulator.configure(instance.link) { $0 = configuration }
  }
}

// MARK: - Addresses

extension World {
  static func ipv6(network: UInt64, number: UInt64) -> IPAddress {
    IPAddress(v6High: 0x2001_0db8_0000_0000 | network, low: number)
  }

  /// Networks that one device can have been on before an address of the first ones is its own again.
  private static let networks = 254

  /// IPv6 first: it is preferred (RFC 8421 §4). Of IPv4 the `network`-th part of 10.0.0.0/8, from 1.
  static func interfaces(
    of group: Scenario.Group, number: UInt32, network: Int, cost: UInt16
  ) -> [Interface] {
    let name = "eth\(network - 1)"
    let part = UInt32((network - 1) % networks + 1)
    let v4 = IPAddress(v4: 10 << 24 | part << 16 | number)
    var result = [Interface(name: name, ip: v4, networkCost: cost)]
    if group.hasIPv6 {
      let v6 = World.ipv6(network: UInt64(network), number: UInt64(number))
      result.insert(Interface(name: "\(name)-6", ip: v6, networkCost: cost), at: 0)
    }
    return result
  }

  /// The participant's own NAT, before all the interfaces that have an IPv4 address.
  func placeBehindNAT(_ seat: inout Seat, number: UInt32) {
    guard let nat = seat.group.nat else { return }
    let ip = IPAddress(v4: 198 << 24 | 18 << 16 | number)
    seat.nat = simulator.addNAT(ip: ip, nat.configuration)
    seat.addresses.append(ip)
    simulator.setNAT(of: seat.host, interface: "eth0", seat.nat)
  }

  /// On real sockets candidates are the sockets' own addresses, as the SFU cannot reach others. What is
  /// behind a simulated NAT has none: it is reached once it has sent.
  func advertiseSockets(of seat: Seat) {
    guard let realTime else { return }
    guard seat.nat == nil else { return seat.bot.setAdvertisedAddresses([:]) }
    let ports = [seat.bot.configuration.port, seat.bot.configuration.port + 1]
    seat.bot.setAdvertisedAddresses(
      realTime.outsideAddresses(
        of: seat.addresses.filter { $0.family == .v4 }
          .flatMap { ip in ports.map { Address(ip, port: $0) } }))
  }

  // MARK: - Handover

  /// Brings the network up that `link` leads to.
  func addNetwork(_ link: String, for identity: String) throws {
    guard var seat = seat(identity),
      let position = seats.firstIndex(where: { $0.host == seat.host })
    else { return }
    let (up, down) = try route(of: &seat, over: link)
    seat.networks += 1
    let cost = scenario.link(named: link)?.networkCost ?? 0
    let interfaces = World.interfaces(
      of: seat.group, number: UInt32(position + 1), network: seat.networks, cost: cost)
    seat.addresses += interfaces.map(\.ip)
    update(seat)
    advertiseSockets(of: seat)
    for interface in interfaces {
      simulator.addInterface(interface, to: seat.host, up: up, down: down)
    }
  }

  /// Takes every network down that the participant has now.
  func interfaces(of identity: String) -> [String] {
    seat(identity).map { simulator.interfaces(of: $0.host).map(\.name) } ?? []
  }

  func removeNetworks(_ names: [String], of identity: String) {
    guard let seat = seat(identity) else { return }
    for name in names where interfaces(of: identity).contains(name) {
      simulator.removeInterface(named: name, from: seat.host)
    }
  }
}

extension Scenario.NAT {
  var configuration: NATConfiguration {
    NATConfiguration(
      mapping: mapping.inSimulator, filtering: filtering.inSimulator, lifetime: lifetime)
  }
}

extension Scenario.NATDependence {
  fileprivate var inSimulator: NATConfiguration.Dependence {
    switch self {
    case .endpointIndependent: .endpointIndependent
    case .addressDependent: .addressDependent
    case .addressAndPortDependent: .addressAndPortDependent
    }
  }
}
