// An association whose peer keeps to no message size (RFC 9260 §6.9, RFC 8841 §6).

import Basics
import Testing

@testable import Transport

@Suite(.serialized) struct SCTPTests {
  /// Sends one message above the size we take and a small one; returns what arrived, and how many
  /// messages were found too large. The packet numbered `lost`, from 1, does not arrive.
  private func exchange(
    _ reliability: DataReliability, losing lost: Int? = nil
  ) -> (messages: [SCTPEvent], oversized: UInt64) {
    let root = RandomStream(seed: 1, name: "sctp")
    let a = SCTPAssociation(random: root.child("a"), at: .zero)
    let b = SCTPAssociation(random: root.child("b"), at: .zero)
    var now = Instant.zero
    var sent = 0
    var events: [SCTPEvent] = []
    func run(_ steps: Int) {
      for _ in 0..<steps {
        let toB = a.outgoing
        let toA = b.outgoing
        a.outgoing = []
        b.outgoing = []
        now += .milliseconds(10)
        for packet in toB {
          sent += 1
          if sent != lost { b.receive(packet, at: now) }
        }
        for packet in toA { a.receive(packet, at: now) }
        a.handleTimeout(at: now)
        b.handleTimeout(at: now)
        events += b.events.filter { $0 != .connected }
        b.events = []
      }
    }
    run(20)
    a.send(
      SCTPMessage(
        stream: 1, protocolID: 53, reliability: reliability,
        bytes: [UInt8](repeating: 9, count: 900_000)), at: now)
    run(1_000)
    if let lost { #expect(sent > lost) }
    a.send(SCTPMessage(stream: 1, protocolID: 53, bytes: [1, 2, 3]), at: now)
    run(200)
    return (events, b.oversized)
  }

  @Test func messageAboveTheLimitIsDroppedAndTheNextOneArrives() {
    let (messages, oversized) = exchange(.reliable)
    #expect(oversized == 1)
    #expect(messages == [.message(stream: 1, protocolID: 53, [1, 2, 3])])
  }

  /// While somebody else stays, so that usrsctp does not begin anew in between.
  @Test func addressesOfThoseWhoLeftServeAgain() {
    let root = RandomStream(seed: 2, name: "sctp")
    let staying = SCTPAssociation(random: root.child("staying"), at: .zero)
    var now = Instant.zero
    for round in 0..<50 {
      let a = SCTPAssociation(random: root.child("a\(round)"), at: now)
      let b = SCTPAssociation(random: root.child("b\(round)"), at: now)
      a.send(SCTPMessage(stream: 1, protocolID: 53, bytes: [UInt8(round)]), at: now)
      for _ in 0..<20 {
        now += .milliseconds(10)
        let (toA, toB) = (b.outgoing, a.outgoing)
        (a.outgoing, b.outgoing) = ([], [])
        for packet in toB { b.receive(packet, at: now) }
        for packet in toA { a.receive(packet, at: now) }
        a.handleTimeout(at: now)
        b.handleTimeout(at: now)
        staying.handleTimeout(at: now)
      }
      #expect(b.events == [.connected, .message(stream: 1, protocolID: 53, [UInt8(round)])])
    }
  }

  @Test func messageAbandonedInTheMiddleLeavesNothingBehind() {
    // Its first parts have been handed over by then.
    let (messages, _) = exchange(.retransmits(0), losing: 700)
    #expect(messages == [.message(stream: 1, protocolID: 53, [1, 2, 3])])
  }
}
