// DTLS-SRTP handshakes in virtual time (RFC 6347, RFC 5764).

import Basics
import Testing
import Wire

@testable import Transport

/// Two ends of a handshake over a path that may lose datagrams.
struct HandshakePair {
  let client: DTLS
  let server: DTLS
  var now = Instant.zero
  /// Every datagram in the order it was sent, lost ones included.
  var wire: [[UInt8]] = []

  init(seed: UInt64, promised: Fingerprint? = nil) {
    let root = RandomStream(seed: seed, name: "pair")
    let clientIdentity = DTLSIdentity(random: root.child("client certificate"))
    let serverIdentity = DTLSIdentity(random: root.child("server certificate"))
    client = DTLS(
      role: .client, identity: clientIdentity,
      remoteFingerprint: promised ?? serverIdentity.fingerprint, random: root.child("client"))
    server = DTLS(
      role: .server, identity: serverIdentity, remoteFingerprint: clientIdentity.fingerprint,
      random: root.child("server"))
  }

  /// Runs until both ends rest or `limit` passes; drops the datagrams whose index is in `lost`.
  mutating func run(until limit: Instant, losing lost: Set<Int> = []) {
    client.start(at: now, roundTrip: .milliseconds(20))
    server.start(at: now, roundTrip: .milliseconds(20))
    while now <= limit {
      var toServer: [[UInt8]] = []
      var toClient: [[UInt8]] = []
      client.drain { toServer.append($0) }
      server.drain { toClient.append($0) }
      if toServer.isEmpty && toClient.isEmpty {
        guard let next = earlier(client.nextTimeout, server.nextTimeout) else { return }
        now = max(now, next)
        client.handleTimeout(at: now)
        server.handleTimeout(at: now)
        continue
      }
      now += .milliseconds(10)
      for datagram in toServer {
        wire.append(datagram)
        if !lost.contains(wire.count - 1) { server.receive(datagram.span.bytes, at: now) }
      }
      for datagram in toClient {
        wire.append(datagram)
        if !lost.contains(wire.count - 1) { client.receive(datagram.span.bytes, at: now) }
      }
    }
  }
}

@Suite struct DTLSTests {
  @Test func handshakeGivesBothEndsTheSameKeys() throws {
    var pair = HandshakePair(seed: 1)
    pair.run(until: .seconds(5))
    #expect(pair.client.state == .connected)
    #expect(pair.server.state == .connected)
    let clientKeys = pair.client.exportKeys()
    let serverKeys = pair.server.exportKeys()
    let client = try #require(clientKeys)
    let server = try #require(serverKeys)
    #expect(client.profile == .aeadAES128GCM)
    #expect(client.local == server.remote)
    #expect(client.remote == server.local)
    #expect(client.local != client.remote)
  }

  @Test func handshakeIsTheSameToTheByte() {
    var first = HandshakePair(seed: 7)
    var second = HandshakePair(seed: 7)
    var other = HandshakePair(seed: 8)
    first.run(until: .seconds(5))
    second.run(until: .seconds(5))
    other.run(until: .seconds(5))
    #expect(first.wire == second.wire)
    #expect(first.wire != other.wire)
  }

  @Test(arguments: 0..<6) func lostFlightIsRetransmitted(index: Int) {
    var pair = HandshakePair(seed: 3)
    pair.run(until: .seconds(10), losing: [index])
    #expect(pair.client.state == .connected)
    #expect(pair.server.state == .connected)
    #expect(pair.now < .seconds(2), "retransmission follows the virtual clock")
  }

  @Test func wrongFingerprintFails() {
    let stranger = DTLSIdentity(random: RandomStream(seed: 9, name: "stranger"))
    var pair = HandshakePair(seed: 1, promised: stranger.fingerprint)
    pair.run(until: .seconds(5))
    #expect(pair.client.state == .failed(.fingerprintMismatch))
    let keys = pair.client.exportKeys()
    #expect(keys == nil)
  }

  @Test func garbageIsDropped() {
    var pair = HandshakePair(seed: 1)
    pair.client.start(at: .zero, roundTrip: .zero)
    var random = RandomStream(seed: 1, name: "garbage")
    for size in [1, 12, 13, 14, 60, 1_200] {
      pair.server.receive(([22, 254, 253] + random.bytes(size)).span.bytes, at: .zero)
      pair.client.receive(([20] + random.bytes(size)).span.bytes, at: .zero)
    }
    pair.run(until: .seconds(10))
    #expect(pair.server.state == .connected)
  }
}
