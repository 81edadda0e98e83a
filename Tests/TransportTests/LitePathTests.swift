// What an ICE-lite end takes for a path, what it sends there before the peer has proven itself, and when
// it stops (RFC 8445 §6.1.1 and §12.1.1, RFC 7675 §5.1).

import Basics
import Testing
import Wire

@testable import Transport

@Suite struct LitePathTests {
  private static let victim = Address(IPAddress(v4: 198, 51, 100, 9), port: 4_444)

  /// A check of the client's for the server, as somebody sends it who knows the client's credentials.
  private func check(
    _ pair: TransportPair, _ attributes: [STUNAttribute], password: String? = nil
  ) -> [UInt8] {
    let (server, client) = (pair.server.ice.localCredentials, pair.client.ice.localCredentials)
    let message = STUNMessage(
      .request, transactionID: STUNTransactionID(high: 1, low: 2),
      attributes: [.username("\(server.ufrag):\(client.ufrag)"), .priority(1)] + attributes)
    return message.bytes(
      integrityKey: Array((password ?? server.password).utf8), hmacSHA1: hmacSHA1)
  }

  /// Hands `bytes` to the server as if they came from `remote`; returns what it sends there.
  private func deliver(
    _ bytes: [UInt8], from remote: Address, to pair: TransportPair
  ) -> [[UInt8]] {
    var outbox = Outbox(pool: pair.pool)
    var packet = pair.pool.makePacket(bytes)
    let path = Path(local: pair.serverAddress, remote: remote)
    _ = pair.server.receive(&packet, on: path, at: pair.now, into: &outbox)
    return sent(&outbox, to: remote)
  }

  private func sent(_ outbox: inout Outbox, to remote: Address) -> [[UInt8]] {
    var sent: [[UInt8]] = []
    while let out = outbox.packets.popFirst() {
      if out.path.remote == remote { sent.append(out.packet.bytes.array) }
    }
    return sent
  }

  private func answer(_ bytes: [[UInt8]]) -> STUNMessage? {
    bytes.first.flatMap { try? STUNMessage($0.span.bytes) }
  }

  private func media(from pair: TransportPair, count: Int) -> [[UInt8]] {
    var outbox = Outbox(pool: pair.pool)
    for number in 0..<count {
      let packet = rtpPacket(
        sequenceNumber: UInt16(number), payload: [UInt8](repeating: 5, count: 1_000))
      pair.server.sendRTP(pair.pool.makePacket(packet), at: pair.now, into: &outbox)
    }
    return sent(&outbox, to: pair.server.ice.selectedPath?.remote ?? Self.victim)
  }

  // MARK: - Roles

  @Test func aLiteAgentNeverControls() {
    let pair = TransportPair()
    for tiebreaker in [0, UInt64.max] {
      let refused = answer(
        deliver(
          check(pair, [.iceControlled(tiebreaker: tiebreaker), .useCandidate]), from: Self.victim,
          to: pair))
      #expect(refused?.messageClass == .error && refused?.errorCode == 487)
      #expect(pair.server.ice.role == .lite && pair.server.ice.selectedPath == nil)
      #expect(pair.server.authenticated == 0)
    }
    let taken = answer(
      deliver(check(pair, [.iceControlling(tiebreaker: 0)]), from: Self.victim, to: pair))
    #expect(taken?.messageClass == .success)
  }

  // MARK: - Nomination

  @Test func onlyANominatedPathIsTaken() {
    let pair = TransportPair()
    #expect(deliver(check(pair, []), from: Self.victim, to: pair).count == 1)
    #expect(pair.server.ice.selectedPath == nil, "checked, not nominated")
    _ = deliver(check(pair, [.useCandidate]), from: Self.victim, to: pair)
    #expect(pair.server.ice.selectedPath?.remote == Self.victim)
  }

  /// A recorded check comes again from elsewhere: the stream stays where DTLS and SRTP are.
  @Test func aRepeatedCheckTakesNoStream() {
    let pair = TransportPair()
    pair.run(for: .seconds(2))
    let path = pair.server.ice.selectedPath
    for _ in 0..<20 { _ = deliver(check(pair, [.useCandidate]), from: Self.victim, to: pair) }
    #expect(pair.server.ice.selectedPath == path)
    #expect(media(from: pair, count: 3).count == 3)
  }

  @Test func aPathThatProvesItselfIsFollowedAtOnce() {
    let pair = TransportPair()
    pair.run(for: .seconds(5))
    pair.clientAddress = Address(IPAddress(v4: 10, 9, 9, 9), port: 5_001)
    pair.client.setLocalAddresses([(pair.clientAddress, 50)], at: pair.now)
    pair.run(for: .milliseconds(200))
    #expect(pair.server.ice.selectedPath?.remote != pair.clientAddress, "not proven yet")
    pair.sendRTP(rtpPacket(sequenceNumber: 7))
    #expect(pair.server.ice.selectedPath?.remote == pair.clientAddress)
  }

  /// A few small packets ask for SRTCP there; media stays on the proven path meanwhile.
  @Test func aNewPathIsProbed() {
    let pair = TransportPair()
    pair.run(for: .seconds(5))
    let old = pair.server.ice.selectedPath?.remote
    pair.clientAddress = Address(IPAddress(v4: 10, 9, 9, 9), port: 5_001)
    pair.client.setLocalAddresses([(pair.clientAddress, 50)], at: pair.now)
    pair.run(for: .milliseconds(200))
    let awaitsProof = pair.server.awaitsProof
    #expect(awaitsProof)
    var outbox = Outbox(pool: pair.pool)
    for number in 0..<5 {
      let probe = pair.pool.makePacket(rtpPacket(sequenceNumber: UInt16(900 + number)))
      pair.server.sendProbe(probe, at: pair.now, into: &outbox)
    }
    #expect(sent(&outbox, to: pair.clientAddress).count == TransportLimits.pathProbes)
    let stillAwaits = pair.server.awaitsProof
    #expect(!stillAwaits && pair.server.ice.selectedPath?.remote == old)
  }

  /// Without SRTP on the new path: 30 s after the last authenticated packet on the old one.
  @Test func aPathIsLeftAfterItsLife() {
    let pair = TransportPair()
    pair.run(for: .seconds(5))
    pair.clientAddress = Address(IPAddress(v4: 10, 9, 9, 9), port: 5_001)
    pair.client.setLocalAddresses([(pair.clientAddress, 50)], at: pair.now)
    pair.run(for: .seconds(20))
    #expect(pair.server.ice.selectedPath?.remote != pair.clientAddress)
    pair.run(for: .seconds(16))
    #expect(pair.server.ice.selectedPath?.remote == pair.clientAddress)
  }

  // MARK: - Amplification

  /// Checks and a ClientHello with the victim's source address: the victim gets three times their bytes
  /// at most, retransmissions of the handshake among them.
  @Test func aForgedSourceGetsThreeTimesItsBytes() {
    let pair = TransportPair()
    var outbox = Outbox(pool: pair.pool)
    var received = 0
    var sent = 0
    var hellos = 0
    for _ in 0..<400 {
      pair.now += .milliseconds(25)
      var packets = [check(pair, [.useCandidate])]
      pair.client.handleTimeout(at: pair.now, into: &outbox)
      // The client itself hears of nothing but the answers to its checks.
      while let out = outbox.packets.popFirst() {
        let bytes = out.packet.bytes.array
        if PacketKind(bytes.span.bytes) == .dtls {
          hellos += 1
          packets.append(bytes)
          continue
        }
        var check = pair.pool.makePacket(bytes)
        var answers = Outbox(pool: pair.pool)
        _ = pair.server.receive(
          &check, on: out.path.reversed, at: pair.now, into: &answers)
        while let answer = answers.packets.popFirst() {
          guard PacketKind(answer.packet.bytes) == .stun else { continue }
          var packet = answer.packet.copy()
          _ = pair.client.receive(
            &packet, on: answer.path.reversed, at: pair.now, into: &outbox)
        }
      }
      for bytes in packets {
        received += bytes.count
        sent += deliver(bytes, from: Self.victim, to: pair).reduce(0) { $0 + $1.count }
        #expect(sent <= 3 * received, "\(sent) of \(received)")
      }
      var late = Outbox(pool: pair.pool)
      pair.server.handleTimeout(at: pair.now, into: &late)
      sent += self.sent(&late, to: Self.victim).reduce(0) { $0 + $1.count }
      #expect(sent <= 3 * received, "\(sent) of \(received)")
    }
    #expect(hellos > 2 && pair.server.state == .connecting)
  }

  @Test func mediaWaitsForAProof() {
    let pair = TransportPair()
    pair.run(for: .seconds(5))
    pair.isBlackout = true
    pair.run(for: .seconds(31))
    #expect(pair.server.ice.selectedPath == nil)
    let check = check(pair, [.useCandidate])
    let answer = deliver(check, from: Self.victim, to: pair)
    #expect(pair.server.ice.selectedPath?.remote == Self.victim)
    let canSend = pair.server.canSendMedia
    #expect(!canSend)
    let sent = answer + media(from: pair, count: 50)
    #expect(sent.reduce(0) { $0 + $1.count } <= 3 * check.count)
  }

  // MARK: - Ends

  @Test func nothingFollowsThirtySecondsOfSilence() {
    let pair = TransportPair()
    pair.run(for: .seconds(5))
    pair.isBlackout = true
    // The last check came up to 2.5 s before.
    pair.run(for: .seconds(27))
    #expect(!media(from: pair, count: 1).isEmpty)
    pair.run(for: .seconds(4))
    let canSend = pair.server.canSendMedia
    #expect(!canSend && media(from: pair, count: 1).isEmpty)
    #expect(pair.server.ice.selectedPath == nil && pair.server.ice.nextTimeout == nil)
    pair.isBlackout = false
  }

  /// What anybody may send is no sign of life: STUN with a wrong password, DTLS and SRTP that do not
  /// authenticate.
  @Test func onlyWhatAuthenticatesCounts() {
    let pair = TransportPair()
    pair.run(for: .seconds(5))
    pair.isBlackout = true
    let before = pair.server.authenticated
    let forged = [
      check(pair, [.useCandidate], password: "nobody knows the password"),
      [22, 0xFE, 0xFD] + [UInt8](repeating: 0, count: 60),
      [23, 0xFE, 0xFD, 0, 1] + [UInt8](repeating: 9, count: 60),
      rtpPacket(sequenceNumber: 77) + [UInt8](repeating: 3, count: 30),
    ]
    for _ in 0..<12 {
      for bytes in forged { _ = deliver(bytes, from: pair.clientAddress, to: pair) }
      pair.run(for: .seconds(3))
    }
    #expect(pair.server.authenticated == before)
    #expect(pair.server.state == .interrupted && pair.server.ice.selectedPath == nil)
  }

  @Test func anAddressIsHeldByWhoProvedIt() {
    let pair = TransportPair()
    pair.run(for: .seconds(2))
    let path = Path(local: pair.serverAddress, remote: pair.clientAddress)
    #expect(pair.server.ice.holds(path, at: pair.now))
    #expect(!pair.server.ice.holds(path, at: pair.now + .seconds(11)))
    let forged = Path(local: pair.serverAddress, remote: Self.victim)
    _ = deliver(check(pair, [.useCandidate]), from: Self.victim, to: pair)
    #expect(pair.server.ice.accepts(forged) && !pair.server.ice.holds(forged, at: pair.now))
  }
}
