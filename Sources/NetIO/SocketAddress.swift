// Addresses as the C layer writes them, and the host's interfaces.

import Basics
import CLinux

extension assay_address {
  init(_ address: Address) {
    self.init()
    family = address.ip.family.rawValue
    port = address.port
    withUnsafeMutableBytes(of: &ip) { bytes in
      if address.ip.family == .v4 {
        bytes.storeBytes(
          of: UInt32(truncatingIfNeeded: address.ip.low).bigEndian, as: UInt32.self)
      } else {
        bytes.storeBytes(of: address.ip.high.bigEndian, as: UInt64.self)
        bytes.storeBytes(of: address.ip.low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
    }
  }

  var address: Address {
    withUnsafeBytes(of: ip) { bytes in
      if family == IPAddress.Family.v4.rawValue {
        let v4 = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        return Address(IPAddress(v4: v4), port: port)
      }
      let high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
      let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      return Address(IPAddress(v6High: high, low: low), port: port)
    }
  }
}

extension Interface {
  /// The interfaces of this machine that are up and reach beyond it: no loopback, no link-local.
  public static func ofThisMachine() -> [Interface] {
    var found = [assay_interface](repeating: assay_interface(), count: 64)
    let count = assay_interfaces(&found, Int32(found.count))
    guard count > 0 else { return [] }
    return found.prefix(Int(count)).map { interface in
      let name = withUnsafeBytes(of: interface.name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      return Interface(name: name, ip: interface.address.address.ip)
    }
  }
}
