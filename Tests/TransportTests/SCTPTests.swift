// An association whose peer keeps to no message size (RFC 9260 §6.9, RFC 8841 §6).

import Basics
import Testing

@testable import Transport

@Suite(.serialized) struct SCTPTests {
  /// Two associations on a path of ten milliseconds.
  private struct Pair {
    let a: SCTPAssociation
    let b: SCTPAssociation
    var now: Instant
    /// The packet to `b` that does not arrive, from 1.
    var lost: Int?
    private(set) var sent = 0

    init(_ name: String, at now: Instant = .zero, losing lost: Int? = nil) {
      let root = RandomStream(seed: 1, name: "sctp/\(name)")
      a = SCTPAssociation(random: root.child("a"), at: now)
      b = SCTPAssociation(random: root.child("b"), at: now)
      self.now = now
      self.lost = lost
    }

    mutating func step() {
      let (toA, toB) = (b.outgoing, a.outgoing)
      (a.outgoing, b.outgoing) = ([], [])
      now += .milliseconds(10)
      for packet in toB {
        sent += 1
        if sent != lost { b.receive(packet, at: now) }
      }
      for packet in toA { a.receive(packet, at: now) }
      a.handleTimeout(at: now)
      b.handleTimeout(at: now)
    }
  }

  /// Sends one message above the size we take and a small one; returns what arrived, and how many
  /// messages were found too large. The packet numbered `lost`, from 1, does not arrive.
  private func exchange(
    _ reliability: DataReliability, losing lost: Int? = nil
  ) -> (messages: [SCTPEvent], oversized: UInt64) {
    var pair = Pair("exchange", losing: lost)
    var events: [SCTPEvent] = []
    func run(_ steps: Int) {
      for _ in 0..<steps {
        pair.step()
        events += pair.b.events.filter { $0 != .connected }
        pair.b.events = []
      }
    }
    run(20)
    pair.a.send(
      SCTPMessage(
        stream: 1, protocolID: 53, reliability: reliability,
        bytes: [UInt8](repeating: 9, count: 900_000)), at: pair.now)
    run(1_000)
    if let lost { #expect(pair.sent > lost) }
    pair.a.send(SCTPMessage(stream: 1, protocolID: 53, bytes: [1, 2, 3]), at: pair.now)
    run(200)
    return (events, pair.b.oversized)
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
      var pair = Pair("round \(round)", at: now)
      pair.a.send(SCTPMessage(stream: 1, protocolID: 53, bytes: [UInt8(round)]), at: now)
      for _ in 0..<20 {
        pair.step()
        staying.handleTimeout(at: pair.now)
      }
      now = pair.now
      #expect(pair.b.events == [.connected, .message(stream: 1, protocolID: 53, [UInt8(round)])])
    }
  }

  @Test func messageAbandonedInTheMiddleLeavesNothingBehind() {
    // Its first parts have been handed over by then.
    let (messages, _) = exchange(.retransmits(0), losing: 700)
    #expect(messages == [.message(stream: 1, protocolID: 53, [1, 2, 3])])
  }
}
