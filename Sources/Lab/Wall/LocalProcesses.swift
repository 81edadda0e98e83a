// The processes of this machine behind an address.

import Basics
import Foundation

enum LocalProcesses {
  /// Whether `address` is one of this machine.
  static func isHere(_ address: Address) -> Bool {
    guard address.ip.family == .v4 else { return false }
    // 127.0.0.0/8 (RFC 1122 §3.2.1.3). Towards an address of its own the kernel sends from the same.
    return address.ip.low >> 24 & 0xFF == 127 || LocalAddress.towards(address) == address.ip
  }

  /// Those that hold the socket which listens on `port`: TCP, or where none does UDP; in ascending order.
  /// Sockets of other users are seen by an administrator only, those of other network namespaces by nobody.
  static func listening(on port: UInt16) -> [Int] {
    let tables: [[(path: String, state: String)]] = [
      [("/proc/net/tcp", "0A"), ("/proc/net/tcp6", "0A")],
      [("/proc/net/udp", "07"), ("/proc/net/udp6", "07")],
    ]
    for kind in tables {
      let inodes = kind.flatMap { table in
        sockets(boundTo: port, state: table.state, in: ProcFile.text(table.path) ?? "")
      }
      let found = holders(of: Set(inodes))
      if !found.isEmpty { return found }
    }
    return []
  }

  /// Inodes of the sockets in a table of proc_pid_net(5) with this local port and state.
  static func sockets(boundTo port: UInt16, state: String, in table: String) -> [String] {
    table.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 9, fields[3] == state,
        let local = fields[1].split(separator: ":").last, UInt16(local, radix: 16) == port
      else { return nil }
      return String(fields[9])
    }
  }

  private static func holders(of sockets: Set<String>) -> [Int] {
    guard !sockets.isEmpty else { return [] }
    let links = Set(sockets.map { "socket:[\($0)]" })
    return ProcFile.numbers(in: "/proc").filter { process in
      let folder = "/proc/\(process)/fd"
      return ProcFile.numbers(in: folder).contains { descriptor in
        guard let target = link("\(folder)/\(descriptor)") else { return false }
        return links.contains(target)
      }
    }
  }

  private static func link(_ path: String) -> String? {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = bytes.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { readlink(path, $0.baseAddress!, $0.count) }
    }
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
