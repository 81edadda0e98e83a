// An ICE candidate as SDP and trickle messages write it (RFC 8839 §5.1, RFC 6544 §4.5).
//
//   candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type>
//             [raddr <address>] [rport <port>] [tcptype <type>] *(<name> <value>)

import Basics

/// One candidate. Its text is `candidate:1 1 udp 2130706431 192.0.2.2 42711 typ host`.
public struct Candidate: Equatable, Sendable {
  public enum Transport: String, Sendable { case udp, tcp }
  public enum Kind: String, Sendable { case host, srflx, prflx, relay }
  /// Which side opens a TCP connection (RFC 6544 §4.5).
  public enum TCPType: String, Sendable { case active, passive, so }

  /// A literal address, or a name: of multicast DNS (`….local`) or fully qualified.
  public enum Host: Equatable, Sendable {
    case ip(IPAddress)
    case name(String)

    init?(_ text: String) {
      guard isVisible(text) else { return nil }
      self = IPAddress(text).map(Host.ip) ?? .name(text)
    }

    var text: String {
      switch self {
      case .ip(let ip): ip.description
      case .name(let name): name
      }
    }
  }

  /// The base of a reflexive candidate, the mapped address of a relayed one; only for diagnosis.
  public struct Related: Equatable, Sendable {
    public var host: Host
    public var port: UInt16

    public init(host: Host, port: UInt16) {
      self.host = host
      self.port = port
    }
  }

  /// 1 to 32 characters; equal for candidates of one type, base and server (RFC 8445 §5.1.1.3).
  public var foundation: String
  /// 1 for RTP and everything multiplexed with it, 2 for RTCP.
  public var component: UInt16
  public var transport: Transport
  public var priority: UInt32
  public var host: Host
  public var port: UInt16
  public var kind: Kind
  public var related: Related?
  public var tcpType: TCPType?
  /// `generation`, `ufrag`, `network-id`, `network-cost` and others, in their order.
  public var extensions: [SDPParameter]

  public init(
    foundation: String, component: UInt16 = 1, transport: Transport = .udp, priority: UInt32,
    address: Address, kind: Kind, related: Address? = nil, tcpType: TCPType? = nil,
    extensions: [SDPParameter] = []
  ) {
    self.foundation = foundation
    self.component = component
    self.transport = transport
    self.priority = priority
    host = .ip(address.ip)
    port = address.port
    self.kind = kind
    self.related = related.map { Related(host: .ip($0.ip), port: $0.port) }
    self.tcpType = tcpType
    self.extensions = extensions
  }

  /// The transport address; nil for a name, which would have to be resolved first.
  public var address: Address? {
    if case .ip(let ip) = host { Address(ip, port: port) } else { nil }
  }

  public subscript(extension name: String) -> String? {
    extensions.first { $0.key == name }?.value
  }
  public var generation: UInt32? { self[extension: "generation"].flatMap(decimal) }
  public var ufrag: String? { self[extension: "ufrag"] }
  public var networkID: UInt16? { self[extension: "network-id"].flatMap(decimal) }
  public var networkCost: UInt16? { self[extension: "network-cost"].flatMap(decimal) }
}

extension Candidate: CustomStringConvertible {
  /// Reads a candidate with or without `a=` and `candidate:` in front, as `candidateInit` has it.
  /// Nil for what RFC 8839 §5.1 does not allow, and for a transport or type unknown to us, which
  /// it says to ignore.
  public init?(_ text: String) {
    var text = Substring(text)
    for prefix in ["a=", "candidate:"] where text.utf8.starts(with: prefix.utf8) {
      text = Substring(text.utf8.dropFirst(prefix.utf8.count))
    }
    self.init(sdp: SDPFields(text.utf8))
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let foundation = fields.next(), foundation.utf8.count <= 32, isVisible(foundation),
      let component: UInt16 = fields.number(), component >= 1, component <= 256,
      let transport = fields.next().flatMap({ Transport(rawValue: $0.lowercased()) }),
      let priority: UInt32 = fields.number(),
      let host = fields.next().flatMap(Host.init), let port: UInt16 = fields.number(),
      fields.next() == "typ", let kind = fields.next().flatMap(Kind.init)
    else { return nil }
    self.foundation = foundation
    self.component = component
    self.transport = transport
    self.priority = priority
    self.host = host
    self.port = port
    self.kind = kind
    extensions = []
    while let name = fields.next() {
      guard isVisible(name), let value = fields.next(), isVisible(value) else { return nil }
      switch name {
      case "raddr":
        guard related == nil, let host = Host(value) else { return nil }
        related = Related(host: host, port: 0)
      case "rport":
        guard let port: UInt16 = decimal(value), related != nil else { return nil }
        related?.port = port
      case "tcptype":
        guard tcpType == nil, let type = TCPType(rawValue: value) else { return nil }
        tcpType = type
      default: extensions.append(SDPParameter(name, value))
      }
    }
    guard fields.isEmpty else { return nil }
  }

  /// With `candidate:` in front and without `a=`.
  public var description: String {
    var text = "candidate:\(foundation) \(component) \(transport.rawValue) \(priority)"
    text += " \(host.text) \(port) typ \(kind.rawValue)"
    if let related { text += " raddr \(related.host.text) rport \(related.port)" }
    if let tcpType { text += " tcptype \(tcpType.rawValue)" }
    for pair in extensions { text += " \(pair.key) \(pair.value ?? "")" }
    return text
  }
}
