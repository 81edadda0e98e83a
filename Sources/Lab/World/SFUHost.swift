// The host that the reference SFU runs on, and those that take its place.

import Basics
import NetSim
import RefSFU
import Results
import Scenario

extension World {
  /// The addresses of the `number`-th host an SFU runs on, in 10.0.0.0/16; IPv6 only where somebody
  /// has it.
  static func sfuInterfaces(_ number: Int, _ scenario: Scenario) -> [Interface] {
    let number = UInt16(number)
    var result = [Interface(name: "eth0", ip: IPAddress(v4: 10 << 24 | UInt32(number)))]
    if scenario.participants.contains(where: \.hasIPv6) {
      result.append(Interface(name: "eth0-6", ip: World.ipv6(network: 0, number: UInt64(number))))
    }
    return result
  }

  func connectSFU() {
    for interface in simulator.interfaces(of: sfuHost) {
      simulator.setUplinks(of: sfuHost, interface: interface.name, [sfuUplink])
      simulator.setDownlinks(of: sfuHost, interface: interface.name, [sfuDownlink])
    }
  }

  /// A process that dies takes its memory along: what the dead SFU held goes back, and what it would
  /// have said about that is heard by nobody.
  func burySFU() {
    var unheard = Outbox(pool: simulator.pool)
    sfu?.shutDown(at: simulator.now, into: &unheard)
    if let sfu { buriedAccounts.append(SFUAccount(sfu)) }
    sfu = nil
  }

  /// The process of an SFU that has sent everybody away ends.
  func retireSFU(on host: HostID) {
    if let sfu = simulator.node(on: host) as? SFU { buriedAccounts.append(SFUAccount(sfu)) }
    simulator.detach(host)
  }

  /// An SFU that knows nothing of the one before it, on the same host.
  func startSFUAnew() {
    generations += 1
    let new = SFU(
      World.configuration(scenario, access), random: sfuRandom.child("\(generations)"))
    simulator.attach(new, to: sfuHost)
    sfu = new
  }

  /// A second SFU on a host of its own, to which clients turn from now on; the first lives on.
  func startSuccessor() {
    let number = sfuHosts.count + 1
    sfuHost = simulator.addHost(
      name: "sfu-\(number)", interfaces: World.sfuInterfaces(number, scenario))
    sfuHosts.append(sfuHost)
    sfuAddress = World.sfuInterfaces(number, scenario)[0].ip
    connectSFU()
    startSFUAnew()
  }

  static func configuration(
    _ scenario: Scenario, _ access: Access
  ) -> SFUConfiguration {
    var configuration = SFUConfiguration(keys: access.keys)
    configuration.epochSeconds = access.epochSeconds
    configuration.maximumParticipants = scenario.sfu.maxParticipants
    configuration.subscriberLimit = scenario.sfu.subscriberLimit
    configuration.dynacast = scenario.sfu.dynacast
    configuration.protection = scenario.crypto == .real ? .srtp : .cleartext
    configuration.joinRate = scenario.sfu.joinRate
    configuration.dataChannels = scenario.usesData
    configuration.startValues = scenario.startValues
    configuration.mutant = scenario.sfu.mutant.flatMap(Mutant.init)
    return configuration
  }
}
