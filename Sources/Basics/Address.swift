// IP addresses and transport addresses as small values.

/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Comparable, Sendable {
  public enum Family: UInt8, Sendable {
    case v4 = 4
    case v6 = 6
  }

  public let family: Family
  /// The 128 bits; an IPv4 address fills the last 32 of `low`.
  public let high: UInt64
  public let low: UInt64

  public init(v4: UInt32) {
    family = .v4
    high = 0
    low = UInt64(v4)
  }

  public init(v4 a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    self.init(v4: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d))
  }

  public init(v6High high: UInt64, low: UInt64) {
    family = .v6
    self.high = high
    self.low = low
  }

  /// Parses dotted IPv4 or RFC 4291 §2.2 IPv6 text; nil for anything else.
  public init?(_ text: some StringProtocol) {
    if let v4 = IPAddress.parseV4(text) {
      self.init(v4: v4)
    } else if let (high, low) = IPAddress.parseV6(text) {
      self.init(v6High: high, low: low)
    } else {
      return nil
    }
  }

  private static func parseV4(_ text: some StringProtocol) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard part.utf8.count <= 3, !part.isEmpty,
        part.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let byte = UInt8(part)
      else { return nil }
      value = value << 8 | UInt32(byte)
    }
    return value
  }

  private static func parseV6(_ text: some StringProtocol) -> (UInt64, UInt64)? {
    guard text.utf8.count <= 45 else { return nil }
    func groups(_ part: Substring) -> [UInt16]? {
      if part.isEmpty { return [] }
      var result: [UInt16] = []
      let pieces = part.split(separator: ":", omittingEmptySubsequences: false)
      for (index, piece) in pieces.enumerated() {
        if index == pieces.count - 1, let v4 = parseV4(piece) {
          result.append(UInt16(v4 >> 16))
          result.append(UInt16(truncatingIfNeeded: v4))
          continue
        }
        guard !piece.isEmpty, piece.utf8.count <= 4,
          piece.utf8.allSatisfy({ $0 != 43 && $0 != 45 }),
          let group = UInt16(piece, radix: 16)
        else { return nil }
        result.append(group)
      }
      return result
    }
    let text = Substring(text)
    var all: [UInt16]
    if let gap = doubleColon(in: text) {
      guard let front = groups(text[..<gap.lowerBound]), let back = groups(text[gap.upperBound...]),
        front.count + back.count <= 7
      else { return nil }
      all = front + Array(repeating: 0, count: 8 - front.count - back.count) + back
    } else {
      guard let whole = groups(text) else { return nil }
      all = whole
    }
    guard all.count == 8 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for i in 0..<4 {
      high = high << 16 | UInt64(all[i])
      low = low << 16 | UInt64(all[i + 4])
    }
    return (high, low)
  }

  private static func doubleColon(in text: Substring) -> Range<Substring.Index>? {
    var index = text.startIndex
    while index < text.endIndex {
      let next = text.index(after: index)
      if text[index] == ":", next < text.endIndex, text[next] == ":" {
        return index..<text.index(after: next)
      }
      index = next
    }
    return nil
  }

  public static func < (a: IPAddress, b: IPAddress) -> Bool {
    (a.family.rawValue, a.high, a.low) < (b.family.rawValue, b.high, b.low)
  }
}

extension IPAddress: CustomStringConvertible {
  /// Dotted IPv4, or IPv6 after RFC 5952 §4.
  public var description: String {
    if family == .v4 {
      return "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)"
    }
    let groups = (0..<8).map { i in
      UInt16(truncatingIfNeeded: (i < 4 ? high : low) >> UInt64(48 - 16 * (i % 4)))
    }
    var best = 0..<0
    var i = 0
    while i < 8 {
      var j = i
      while j < 8, groups[j] == 0 { j += 1 }
      if j - i > best.count, j - i > 1 { best = i..<j }
      i = max(j, i + 1)
    }
    func join(_ range: Range<Int>) -> String {
      range.map { String(groups[$0], radix: 16) }.joined(separator: ":")
    }
    if best.isEmpty { return join(0..<8) }
    return join(0..<best.lowerBound) + "::" + join(best.upperBound..<8)
  }
}

/// An IP address and a port.
public struct Address: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var ip: IPAddress
  public var port: UInt16

  public init(_ ip: IPAddress, port: UInt16) {
    self.ip = ip
    self.port = port
  }

  public static func < (a: Address, b: Address) -> Bool {
    a.ip == b.ip ? a.port < b.port : a.ip < b.ip
  }

  public var description: String {
    ip.family == .v4 ? "\(ip):\(port)" : "[\(ip)]:\(port)"
  }
}

/// The two ends of a datagram as its holder sees them: on a received packet `remote` is the sender.
public struct Path: Hashable, Sendable {
  public var local: Address
  public var remote: Address

  public init(local: Address, remote: Address) {
    self.local = local
    self.remote = remote
  }

  /// The same path seen from the other end.
  public var reversed: Path { Path(local: remote, remote: local) }
}

/// A network interface that a node may bind to; `networkCost` as libwebrtc ranks them (0 = best).
public struct Interface: Hashable, Sendable {
  public var name: String
  public var ip: IPAddress
  public var networkCost: UInt16

  public init(name: String, ip: IPAddress, networkCost: UInt16 = 0) {
    self.name = name
    self.ip = ip
    self.networkCost = networkCost
  }
}
