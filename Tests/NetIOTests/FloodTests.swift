// What strangers and members may make the loop hold: connections, requests, frames that nobody reads.

import Basics
import COpenSSL
import Foundation
import Testing

@testable import NetIO

@Suite(.serialized) struct FloodTests {
  /// Whether somebody new is answered.
  private func isAnswered(_ server: EchoServer) -> Bool {
    server.exchange("GET /new HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("HTTP/1.1 200 ")
  }

  /// Pings whose pongs are not read count like messages that are not read.
  @Test func unreadPongsEndTheirConnection() throws {
    let server = try EchoServer()
    let connection = server.connect()
    _ = connection.upgrade()
    let payload = [UInt8](repeating: 7, count: 125)
    var pings: [UInt8] = []
    for _ in 0..<500 {
      pings += [0x89, 0x80 | 125, 0, 0, 0, 0] + payload
    }
    var most = 0
    for _ in 0..<400 where server.loop.openConnections > 0 {
      connection.send(pings)
      most = max(most, server.loop.connections.values.map(\.output.count).max() ?? 0)
    }
    #expect(server.loop.reaches { server.loop.openConnections == 0 })
    #expect(most <= NetIOLimits.sendQueue + 1 << 20, "\(most)")
    #expect(server.node.events.last == "lost")
    #expect(isAnswered(server))
  }

  /// One address holds its share; its oldest connection makes room for its next one.
  @Test func unacceptedConnectionsOfAnAddressAreFew() throws {
    let server = try EchoServer()
    let member = server.connect()
    _ = member.upgrade()
    // Some wait with the request, some with reading the answer.
    let held = (0..<NetIOLimits.unacceptedPerAddress + 60).map { number in
      let connection = server.connect()
      if number % 2 == 0 { connection.send(Array("GET / HTTP/1.1\r\n".utf8)) }
      server.loop.run(until: server.loop.now)
      return connection
    }
    #expect(server.loop.unaccepted <= NetIOLimits.unacceptedPerAddress)
    #expect(isAnswered(server))
    held[0].read()
    #expect(held[0].hasEnded, "the oldest went first")
    member.send(frame: 2, [5])
    #expect(member.readFrame()?.1 == [5], "who was accepted stays")
    withExtendedLifetime(held) {}
  }

  @Test func requestsThatNeverEndHaveALimitTogether() throws {
    let server = try EchoServer()
    let body = [UInt8](repeating: 1, count: 1_500_000)
    let held = (0..<40).map { _ in
      let connection = server.connect()
      connection.send(
        Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n".utf8) + body)
      return connection
    }
    // What the kernel holds is not read yet; on a busy machine some run out of time first.
    let limited = server.loop.reaches {
      for connection in held { connection.read() }
      return held.count(where: \.hasEnded) >= 15
    }
    #expect(limited)
    let kept = server.loop.connections.values.reduce(0) { $0 + $1.requestBytes }
    #expect(kept <= NetIOLimits.requestBytes + 2_000_000, "\(kept)")
    #expect(isAnswered(server))
  }

  @Test func aRequestHasALimitOfFields() throws {
    let server = try EchoServer()
    let fields = { (count: Int) in (0..<count).map { "X-\($0): y\r\n" }.joined() }
    #expect(server.exchange("GET / HTTP/1.1\r\n\(fields(90))\r\n").hasPrefix("HTTP/1.1 200 "))
    #expect(server.exchange("GET / HTTP/1.1\r\n\(fields(120))\r\n").hasPrefix("HTTP/1.1 431 "))
  }

  // MARK: - TLS

  /// A certificate for 127.0.0.1, made by the openssl command.
  private func identity() throws -> (certificate: String, key: String, folder: String) {
    let folder = NSTemporaryDirectory() + "assay-tls-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-keyout", "\(folder)/key.pem", "-out", "\(folder)/cert.pem", "-days", "2", "-subj",
      "/CN=127.0.0.1",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return ("\(folder)/cert.pem", "\(folder)/key.pem", folder)
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
  func requestsOverTLS() throws {
    let (certificate, key, folder) = try identity()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let loop = try EventLoop()
    let node = EchoNode()
    let address = try loop.listen(
      on: Address(loopback, port: 0), tls: TLSIdentity(certificate: certificate, key: key))
    _ = try loop.attach(node, interfaces: [loopbackInterface], sockets: [], listeners: [address])
    let client = TLSClient(PlainConnection(to: address, loop), loop)
    // More than one record each way.
    let body = String(repeating: "b", count: 200_000)
    let answer = client.exchange(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.hasSuffix("\r\n\r\n\(body)"))
    #expect(loop.reaches { loop.openConnections == 0 })
    // Plain HTTP is no TLS.
    let plain = PlainConnection(to: address, loop)
    plain.send(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    plain.finish()
    #expect(!String(decoding: plain.readToEnd(), as: UTF8.self).contains("HTTP"))
    #expect(node.requests.count == 1)
  }

  @Test func whatIsNoCertificate() {
    #expect(throws: NetIOError.certificateUnreadable) {
      _ = try TLSIdentity(certificate: "/dev/null", key: "/dev/null")
    }
  }
}

/// The client's end of TLS on a plain connection.
private final class TLSClient {
  private let connection: PlainConnection
  private let loop: EventLoop
  private let context = SSL_CTX_new(TLS_client_method())!
  private let ssl: OpaquePointer
  private let input = BIO_new(BIO_s_mem())!
  private let output = BIO_new(BIO_s_mem())!
  private var taken = 0

  init(_ connection: PlainConnection, _ loop: EventLoop) {
    self.connection = connection
    self.loop = loop
    ssl = SSL_new(context)!
    SSL_set_bio(ssl, input, output)
    SSL_set_connect_state(ssl)
  }

  deinit {
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  /// Sends `request` and returns what comes until the server ends the connection.
  func exchange(_ request: String) -> String {
    var rest = Array(request.utf8)[...]
    var answer: [UInt8] = []
    _ = loop.reaches {
      if SSL_do_handshake(ssl) == 1, !rest.isEmpty {
        let count = rest.prefix(16_000).withUnsafeBytes {
          SSL_write(ssl, $0.baseAddress, Int32($0.count))
        }
        rest = rest.dropFirst(max(0, Int(count)))
      }
      var bytes = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = BIO_read(output, &bytes, Int32(bytes.count))
        guard count > 0 else { break }
        connection.send(Array(bytes[..<Int(count)]))
      }
      connection.read()
      let fresh = Array(connection.received.dropFirst(taken))
      taken += fresh.count
      if !fresh.isEmpty { BIO_write(input, fresh, Int32(fresh.count)) }
      while true {
        let count = SSL_read(ssl, &bytes, Int32(bytes.count))
        guard count > 0 else { break }
        answer += bytes[..<Int(count)]
      }
      return connection.hasEnded
    }
    return String(decoding: answer, as: UTF8.self)
  }
}
