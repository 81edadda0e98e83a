// The address that this machine sends from towards another.

import Basics
import Glibc

enum LocalAddress {
  /// The source address of the route to `remote`, over IPv4; nil without one, and for IPv6. Connecting a
  /// UDP socket asks for the route and sends nothing (connect(2)).
  static func towards(_ remote: Address) -> IPAddress? {
    guard remote.ip.family == .v4 else { return nil }
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = remote.port.bigEndian
    address.sin_addr.s_addr = UInt32(truncatingIfNeeded: remote.ip.low).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        connect(descriptor, generic, length) == 0
          && getsockname(descriptor, generic, &length) == 0
      }
    }
    return isKnown ? IPAddress(v4: UInt32(bigEndian: address.sin_addr.s_addr)) : nil
  }
}
