// Datagrams of somebody who is in no room: they change nobody's path and get no media.

import Basics
import Signal
import Testing
import Transport

@testable import Bots
@testable import RefSFU

@Suite(.serialized) struct StrangerTests {
  private static let stranger = Address(IPAddress(v4: 198, 51, 100, 9), port: 4_444)
  private static let server = Address(IPAddress(v4: 10, 0, 0, 1), port: 7_882)
  private let pool = PacketPool()

  private func connected() -> DataCall {
    let call = DataCall()
    call.join("ada")
    call.join("bob")
    call.run(for: .seconds(4))
    return call
  }

  private func paths(_ call: DataCall) -> [Path?] {
    call.sfu.rooms[0].participants.flatMap {
      [$0.publisher.ice.selectedPath, $0.subscriber.ice.selectedPath]
    }
  }

  /// How many datagrams come back to the stranger.
  private func send(_ bytes: [UInt8], to call: DataCall) -> Int {
    var outbox = Outbox(pool: pool)
    call.sfu.receive(
      pool.makePacket(bytes), on: Path(local: Self.server, remote: Self.stranger), at: call.now,
      into: &outbox)
    var count = 0
    while let out = outbox.packets.popFirst() {
      #expect(out.path.remote == Self.stranger)
      count += 1
    }
    return count
  }

  /// A check that names a transport, signed with `password`.
  private func check(_ username: String, password: String) -> [UInt8] {
    var agent = ICEAgent(role: .controlling, random: RandomStream(seed: 9, name: "stranger"))
    let parts = username.split(separator: ":").map(String.init)
    agent.setLocalAddresses([(Self.stranger, 0)], at: .zero)
    agent.setRemote(
      credentials: ICECredentials(ufrag: parts[0], password: password),
      candidates: [RemoteCandidate(address: Self.server, priority: 1)], at: .zero)
    var outbox = Outbox(pool: pool)
    for tick in 0..<20 { agent.handleTimeout(at: .zero + .milliseconds(50 * tick), into: &outbox) }
    guard let out = outbox.packets.popFirst() else { return [] }
    return out.packet.bytes.withUnsafeBytes { Array($0) }
  }

  @Test func whatAStrangerSendsLeadsNowhere() throws {
    let call = connected()
    let before = paths(call)
    #expect(before.count == 4 && before.allSatisfy { $0 != nil })
    let ufrag = call.sfu.rooms[0].participants[0].ufrag(of: .publisher)
    let wrong = check("\(ufrag):x", password: "nobody knows the password")
    let unknown = check("nobody:x", password: "nobody knows the password")
    try #require(!wrong.isEmpty && !unknown.isEmpty)
    // A ClientHello's record, RTP, RTCP, and what is nothing at all.
    let others: [[UInt8]] = [
      [22, 0xFE, 0xFD] + [UInt8](repeating: 0, count: 60),
      [0x80, 96] + [UInt8](repeating: 1, count: 50),
      [0x80, 200] + [UInt8](repeating: 0, count: 50),
      [0xFF], [],
    ]
    for bytes in [unknown] + others { #expect(send(bytes, to: call) == 0) }
    // Whoever guesses a fragment is at most told that the password is wrong.
    #expect(send(wrong, to: call) <= 1)
    for bytes in others { #expect(send(bytes, to: call) == 0) }
    #expect(call.sfu.dropped.fromStranger >= 11)
    #expect(paths(call) == before)
    call.act(0) { bot, now, outbox in
      bot.sendData([7], reliable: true, at: now, into: &outbox)
    }
    call.run(for: .seconds(1))
    #expect(call.bots[1].observations.data.map(\.bytes) == [[7]])
    #expect(paths(call) == before)
  }
}
