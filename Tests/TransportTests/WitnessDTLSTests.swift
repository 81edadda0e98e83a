// DTLS-SRTP with OpenSSL's own command line as the peer, over UDP on the loopback interface: both
// ends must export the same keys (RFC 5764 §4.2).

import Basics
import Foundation
import Glibc
import TestKit
import Testing
import Wire

@testable import Transport

private let openssl = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first {
  FileManager.default.isExecutableFile(atPath: $0)
}

/// A UDP socket on the loopback interface.
private final class LoopbackSocket {
  let descriptor: CInt
  let port: UInt16
  private var peer: sockaddr_in?

  /// - Parameter port: 0 for any.
  init(port: UInt16 = 0) throws {
    let opened = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    descriptor = opened
    var address = LoopbackSocket.address(port)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(opened, $0, size) }
    }
    var actual = size
    let named = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(opened, $0, &actual) }
    }
    guard opened >= 0, bound == 0, named == 0 else { throw Failure() }
    self.port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  func connect(to port: UInt16) { peer = LoopbackSocket.address(port) }

  /// The next datagram within `milliseconds`; its sender is the peer from then on.
  func receive(within milliseconds: CInt) -> [UInt8]? {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, milliseconds) > 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 2_048)
    var from = LoopbackSocket.address(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let count = withUnsafeMutablePointer(to: &from) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        recvfrom(descriptor, &bytes, bytes.count, 0, $0, &size)
      }
    }
    guard count >= 0 else { return nil }
    peer = from
    return Array(bytes.prefix(count))
  }

  func send(_ bytes: [UInt8]) {
    guard var peer else { return }
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafePointer(to: &peer) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, 0, $0, size)
      }
    }
  }

  private static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  struct Failure: Error {}
}

/// A key and certificate that OpenSSL made, as files.
private struct PeerCertificate {
  let key = TemporaryFile("key")
  let certificate = TemporaryFile("certificate")
  let fingerprint: Fingerprint

  init() throws {
    let text = try run([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-keyout", key.path, "-out", certificate.path, "-days", "30", "-subj", "/CN=peer",
    ])
    guard text != nil,
      let line = try run(["x509", "-in", certificate.path, "-noout", "-fingerprint", "-sha256"]),
      let digits = line.split(separator: "=").last
    else { throw LoopbackSocket.Failure() }
    let bytes = hex(digits.filter(\.isHexDigit).map(String.init).joined())
    fingerprint = Fingerprint(algorithm: "sha-256", bytes: bytes)
  }
}

/// What the program prints; nil where it fails.
private func run(_ arguments: [String]) throws -> String? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: openssl!)
  process.arguments = arguments
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  process.standardInput = FileHandle.nullDevice
  try process.run()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
}

/// `openssl s_client` or `s_server` in the background, its output in a file.
private final class Peer {
  private let process = Process()
  private let output = TemporaryFile("peer")
  private let input = Pipe()

  init(_ arguments: [String]) throws {
    FileManager.default.createFile(atPath: output.path, contents: nil)
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: output.path))
    process.executableURL = URL(fileURLWithPath: openssl!)
    process.arguments = arguments
    process.standardOutput = file
    process.standardError = file
    process.standardInput = input
    try process.run()
  }

  deinit {
    // A milder signal would be blocked in it, as in the threads that run tests.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }

  var text: String { (try? output.bytes).map { String(decoding: $0, as: UTF8.self) } ?? "" }

  /// What the program exported; nil before the handshake is over at its end.
  var keyingMaterial: [UInt8]? {
    guard let line = text.split(separator: "\n").first(where: { $0.contains("Keying material: ") }),
      let digits = line.split(separator: " ").last
    else { return nil }
    return hex(String(digits))
  }
}

@Suite(.serialized) struct WitnessDTLSTests {
  @Test(
    .enabled(if: openssl != nil, "no openssl on this machine"),
    arguments: [DTLSRole.client, .server],
    [
      (SRTPProfile.aeadAES128GCM, "SRTP_AEAD_AES_128_GCM"),
      (.aes128CMSHA1, "SRTP_AES128_CM_SHA1_80"),
    ])
  func keysAreThoseOfOpenSSL(role: DTLSRole, offer: (SRTPProfile, String)) throws {
    let (profile, name) = offer
    let size = 2 * (profile.keySize + profile.saltSize)
    let certificate = try PeerCertificate()
    let common = [
      "-dtls1_2", "-use_srtp", name, "-cert", certificate.certificate.path, "-key",
      certificate.key.path, "-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", "\(size)",
    ]
    let socket = try LoopbackSocket()
    let peer: Peer
    switch role {
    case .server:
      peer = try Peer(["s_client", "-connect", "127.0.0.1:\(socket.port)"] + common)
    case .client:
      // A port that was free a moment ago.
      let port = try LoopbackSocket().port
      peer = try Peer(["s_server", "-accept", "127.0.0.1:\(port)", "-verify", "1"] + common)
      socket.connect(to: port)
    }
    let random = RandomStream(seed: 1, name: "witness \(role) \(name)")
    let dtls = DTLS(
      role: role, identity: DTLSIdentity(random: random.child("identity")),
      remoteFingerprint: certificate.fingerprint, random: random.child("dtls"))
    pump(dtls, socket, peer)
    #expect(dtls.state == .connected, "\(peer.text)")
    let exported = try #require(peer.keyingMaterial, "\(peer.text)")
    let ours = try #require(dtls.exportKeys())
    #expect(ours.profile == profile)
    let (client, server) = role == .client ? (ours.local, ours.remote) : (ours.remote, ours.local)
    let keys = profile.keySize
    let inOrder = client.prefix(keys) + server.prefix(keys) + client[keys...] + server[keys...]
    #expect(Array(inOrder) == exported)
  }

  /// Carries datagrams until both ends have keys, ten seconds at most.
  private func pump(_ dtls: DTLS, _ socket: LoopbackSocket, _ peer: Peer) {
    let clock = ContinuousClock()
    let start = clock.now
    var now: Instant {
      let (seconds, attoseconds) = (clock.now - start).components
      return .zero + .seconds(Int(seconds)) + .nanoseconds(Int(attoseconds / 1_000_000_000))
    }
    dtls.start(at: now, roundTrip: .milliseconds(50))
    while now < .seconds(10), dtls.state != .connected || peer.keyingMaterial == nil {
      dtls.drain { socket.send($0) }
      if let datagram = socket.receive(within: 20) {
        dtls.receive(datagram.span.bytes, at: now)
      }
      if let due = dtls.nextTimeout, due <= now { dtls.handleTimeout(at: now) }
      if case .failed = dtls.state { return }
    }
  }
}
