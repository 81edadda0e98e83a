// A full controlling end and an ICE-lite end over a path of 10 ms (RFC 8445, RFC 5764, RFC 7675).

import Basics
import Testing
import Wire

@testable import Transport

/// Two transports and the datagrams between them.
final class TransportPair {
  var client: PeerTransport
  var server: PeerTransport
  let pool = PacketPool()
  var now = Instant.zero
  var clientAddress = Address(IPAddress(v4: 10, 0, 0, 1), port: 5_000)
  let serverAddress = Address(IPAddress(v4: 10, 0, 0, 2), port: 7_882)
  /// Clear packets that came out at each end.
  var atServer: [[UInt8]] = []
  var atClient: [[UInt8]] = []
  var isBlackout = false

  init(seed: UInt64 = 1, serverRole: ICERole = .lite, protection: MediaProtection = .srtp) {
    let root = RandomStream(seed: seed, name: "transports")
    client = PeerTransport(
      role: .controlling, identity: DTLSIdentity(random: root.child("a")),
      protection: protection, random: root.child("client"))
    server = PeerTransport(
      role: serverRole, identity: DTLSIdentity(random: root.child("b")), protection: protection,
      random: root.child("server"))
    client.setLocalAddresses([(clientAddress, 0)], at: now)
    server.setLocalAddresses([(serverAddress, 0)], at: now)
    exchangeDescriptions()
  }

  func exchangeDescriptions() {
    let toServer = RemoteTransportDescription(
      credentials: client.ice.localCredentials, fingerprint: client.localFingerprint,
      candidates: [RemoteCandidate(address: clientAddress, priority: 2_130_706_431)])
    let toClient = RemoteTransportDescription(
      credentials: server.ice.localCredentials, fingerprint: server.localFingerprint,
      candidates: [RemoteCandidate(address: serverAddress, priority: 2_130_706_431)])
    server.setRemote(toServer, dtlsRole: .server, at: now)
    client.setRemote(toClient, dtlsRole: .client, at: now)
  }

  func run(for span: Duration) {
    let end = now + span
    var outbox = Outbox(pool: pool)
    while true {
      deliver(&outbox)
      guard let next = earlier(client.nextTimeout, server.nextTimeout), next <= end else { break }
      now = max(now, next)
      client.handleTimeout(at: now, into: &outbox)
      server.handleTimeout(at: now, into: &outbox)
    }
    now = end
  }

  /// Sends one packet from the client and runs until it has arrived.
  func sendRTP(_ bytes: [UInt8], fromClient: Bool = true) {
    var outbox = Outbox(pool: pool)
    if fromClient {
      client.sendRTP(pool.makePacket(bytes), at: now, into: &outbox)
    } else {
      server.sendRTP(pool.makePacket(bytes), at: now, into: &outbox)
    }
    deliver(&outbox)
  }

  func deliver(_ outbox: inout Outbox) {
    while let out = outbox.packets.popFirst() {
      if isBlackout { continue }
      now += .milliseconds(10)
      let path = out.path.reversed
      var packet = out.packet.copy()
      if path.local == serverAddress {
        if case .handled = server.receive(&packet, on: path, at: now, into: &outbox) { continue }
        atServer.append(packet.bytes.array)
      } else if path.local == clientAddress {
        if case .handled = client.receive(&packet, on: path, at: now, into: &outbox) { continue }
        atClient.append(packet.bytes.array)
      }
    }
  }
}

func rtpPacket(sequenceNumber: UInt16 = 1, payload: [UInt8] = [1, 2, 3, 4]) -> [UInt8] {
  [0x80, 96, UInt8(sequenceNumber >> 8), UInt8(sequenceNumber & 255), 0, 0, 0, 1, 0, 0, 0, 7]
    + payload
}

@Suite struct PeerTransportTests {
  @Test(arguments: [ICERole.lite, .controlled])
  func connectsAndCarriesMedia(serverRole: ICERole) {
    let pair = TransportPair(serverRole: serverRole)
    pair.run(for: .seconds(2))
    #expect(pair.client.state == .connected)
    #expect(pair.server.state == .connected)
    pair.sendRTP(rtpPacket())
    pair.sendRTP(rtpPacket(), fromClient: false)
    #expect(pair.atServer == [rtpPacket()])
    #expect(pair.atClient == [rtpPacket()])
    #expect(pair.pool.inUse == 0)
  }

  @Test func replayIsDropped() {
    let pair = TransportPair()
    pair.run(for: .seconds(2))
    pair.sendRTP(rtpPacket())
    pair.sendRTP(rtpPacket())
    #expect(pair.atServer.count == 1)
    #expect(pair.server.dropped.replayed == 1)
  }

  @Test func cleartextKeepsTheOverhead() {
    let pair = TransportPair(protection: .cleartext)
    pair.run(for: .seconds(2))
    let before = pair.client.bytesSent
    pair.sendRTP(rtpPacket())
    #expect(pair.client.bytesSent - before == UInt64(rtpPacket().count + 16))
    #expect(pair.atServer == [rtpPacket()])
  }

  @Test func strangersChangeNothing() {
    let pair = TransportPair()
    pair.run(for: .seconds(2))
    let path = pair.server.ice.selectedPath
    var outbox = Outbox(pool: pair.pool)
    let stranger = Path(
      local: pair.serverAddress, remote: Address(IPAddress(v4: 10, 0, 0, 66), port: 6_666))
    var media = pair.pool.makePacket(rtpPacket())
    _ = pair.server.receive(&media, on: stranger, at: pair.now, into: &outbox)
    #expect(pair.server.dropped.fromStranger == 1)
    var check = pair.pool.makePacket(
      STUNMessage(
        .request, transactionID: STUNTransactionID(high: 1, low: 2),
        attributes: [
          .username("\(pair.server.ice.localCredentials.ufrag):x"), .useCandidate,
        ]
      ).bytes(integrityKey: Array("guess".utf8), hmacSHA1: hmacSHA1))
    _ = pair.server.receive(&check, on: stranger, at: pair.now, into: &outbox)
    #expect(pair.server.ice.selectedPath == path)
    let isSilent = outbox.packets.isEmpty
    #expect(isSilent, "a wrong password gets no answer")
  }

  @Test func itFailsFifteenSecondsAfterTheFirstCheckWithoutAnAnswer() {
    let pair = TransportPair()
    pair.run(for: .seconds(5))
    pair.isBlackout = true
    pair.run(for: .seconds(12))
    #expect(pair.client.state == .interrupted)
    #expect(pair.server.state == .interrupted)
    pair.run(for: .seconds(2))
    #expect(pair.client.state == .interrupted)
    pair.run(for: .seconds(4))
    #expect(pair.client.state == .failed)
  }

  @Test func comesBackAfterASilenceAndAfterARestart() {
    let pair = TransportPair()
    pair.run(for: .seconds(5))
    pair.isBlackout = true
    pair.run(for: .seconds(8))
    pair.isBlackout = false
    pair.run(for: .seconds(1))
    #expect(pair.client.state == .connected)
    pair.client.restartICE()
    pair.server.restartICE()
    pair.exchangeDescriptions()
    pair.run(for: .seconds(1))
    #expect(pair.client.state == .connected)
    pair.sendRTP(rtpPacket(sequenceNumber: 9))
    #expect(pair.atServer == [rtpPacket(sequenceNumber: 9)], "the keys outlive the restart")
  }

  @Test func handoverMovesThePath() {
    let pair = TransportPair()
    pair.run(for: .seconds(5))
    pair.clientAddress = Address(IPAddress(v4: 10, 9, 9, 9), port: 5_001)
    pair.client.setLocalAddresses([(pair.clientAddress, 50)], at: pair.now)
    #expect(pair.client.state == .interrupted)
    pair.run(for: .seconds(1))
    #expect(pair.client.state == .connected)
    // A check may have been recorded and sent again from elsewhere; SRTP may not.
    pair.sendRTP(rtpPacket(sequenceNumber: 9))
    #expect(pair.server.ice.selectedPath?.remote == pair.clientAddress)
  }
}
