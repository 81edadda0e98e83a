// A participant on real sockets as the simulator has it: a host with a link, and its real addresses.

import Basics
import NetSim

struct NetworkSeat {
  let identity: String
  let room: String
  let host: HostID
  /// Its node: what the SFU sends it leaves the simulator here.
  let gateway = Gateway()
  let up: LinkID
  let down: LinkID
  /// Nil while nothing stands in the way.
  var link: Network.NamedLink?
  /// Real streams by their numbers in the simulator.
  var realStream: [StreamID: StreamID] = [:]
  var openedStreams: UInt32 = 0
  /// What of its uplink's bytes has been read.
  var readBytes = 0
  private let number: UInt32
  /// Real addresses; each has the port `firstPort` plus its place. The oldest gives way.
  private var remotes: [Address] = []
  private var nextPlace = 0

  private static let firstPort = 40_000
  private static let addressLimit = 256

  init(
    identity: String, room: String, number: UInt32, link: Network.NamedLink?,
    in simulator: Simulator
  ) {
    self.identity = identity
    self.room = room
    self.number = number
    self.link = link
    let name = "\(number).\(identity)@\(room)"
    up = simulator.addLink(name: "\(name).up", link?.up ?? LinkConfiguration())
    down = simulator.addLink(name: "\(name).down", link?.down ?? LinkConfiguration())
    let interfaces = NetworkSeat.interfaces(number: number)
    host = simulator.addHost(name: name, interfaces: interfaces)
    simulator.attach(gateway, to: host)
    for interface in interfaces {
      simulator.setUplinks(of: host, interface: interface.name, [up])
      simulator.setDownlinks(of: host, interface: interface.name, [down])
    }
  }

  /// 100.64.0.0/10 (RFC 6598) and fc00::/7 (RFC 4193): nobody's on the internet.
  static func ip(number: UInt32, _ family: IPAddress.Family) -> IPAddress {
    family == .v4
      ? IPAddress(v4: 100 << 24 | 64 << 16 | (number & 0x3F_FFFF))
      : IPAddress(v6High: 0xFD00 << 48, low: UInt64(number))
  }

  static func interfaces(number: UInt32) -> [Interface] {
    [
      Interface(name: "v4", ip: ip(number: number, .v4)),
      Interface(name: "v6", ip: ip(number: number, .v6)),
    ]
  }

  /// The simulated address that stands for the remote end of `path`.
  mutating func simulated(_ path: Path) -> Address {
    Address(
      NetworkSeat.ip(number: number, path.local.ip.family),
      port: UInt16(NetworkSeat.firstPort + place(of: path.remote)))
  }

  private mutating func place(of remote: Address) -> Int {
    if let known = remotes.firstIndex(of: remote) { return known }
    defer { nextPlace = (nextPlace + 1) % NetworkSeat.addressLimit }
    if nextPlace < remotes.count {
      remotes[nextPlace] = remote
    } else {
      remotes.append(remote)
    }
    return nextPlace
  }

  /// The real address behind a simulated port.
  func remote(at port: UInt16) -> Address? {
    let place = Int(port) - NetworkSeat.firstPort
    return remotes.indices.contains(place) ? remotes[place] : nil
  }
}
