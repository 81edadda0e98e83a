// Connectivity checks, roles, nomination and failover (RFC 8445, RFC 7675), without DTLS.

import Basics
import TestKit
import Testing
import Wire

@testable import Transport

@Suite struct ICEPriorityTests {
  /// RFC 8445 §6.1.2.3: 2^32*MIN(G,D) + 2*MAX(G,D) + (G>D?1:0).
  private static let pairs: [(controlling: UInt32, controlled: UInt32, expected: UInt64)] = [
    (0, 0, 0), (1, 0, 3), (0, 1, 2), (1, 1, 4_294_967_298),
    // A host and a server-reflexive candidate.
    (2_130_706_431, 1_694_498_815, 7_277_816_997_797_167_103),
    (1_694_498_815, 2_130_706_431, 7_277_816_997_797_167_102),
    (2_130_706_431, 2_130_706_431, 9_151_314_442_783_293_438),
    // The largest that RFC 8445 §5.1.2 allows.
    (0x7FFF_FFFF, 0x7FFF_FFFF, 0x7FFF_FFFF_FFFF_FFFE),
  ]

  @Test(arguments: pairs)
  func pairPriority(controlling: UInt32, controlled: UInt32, expected: UInt64) {
    #expect(
      CandidatePair.priority(controlling: controlling, controlled: controlled) == expected)
  }

  @Test func bothEndsAgreeOnPriorities() {
    let path = Path(local: ICEPair.host(1), remote: ICEPair.host(2))
    let controlling = CandidatePair(
      path: path, localPriority: 100, remotePriority: 7, role: .controlling)
    let controlled = CandidatePair(
      path: path.reversed, localPriority: 7, remotePriority: 100, role: .controlled)
    #expect(controlling.priority == controlled.priority)
    let extreme = CandidatePair(
      path: path, localPriority: .max, remotePriority: .max, role: .controlled)
    #expect(extreme.priority == 4_294_967_294, "wraps")
  }

  /// RFC 8445 §5.1.2.1: 2^24*type + 2^8*local + (256 - component).
  private static let hosts: [(networkCost: UInt16, index: Int, expected: UInt32)] = [
    (0, 0, 2_130_706_431), (10, 0, 2_130_665_471), (0, 1, 2_130_706_175),
    (999, 0, 2_126_614_527), (.max, 99, 2_126_610_687),
  ]

  @Test(arguments: hosts)
  func hostPriority(networkCost: UInt16, index: Int, expected: UInt32) {
    #expect(ICEAgent.hostPriority(networkCost: networkCost, index: index) == expected)
  }
}

@Suite struct ICEAgentTests {
  @Test(arguments: [ICERole.controlled, .lite])
  func connectsAndNominates(other: ICERole) {
    let pair = ICEPair(.controlling, other)
    pair.exchange()
    pair.run(for: .milliseconds(100))
    #expect(pair.a.agent.state == .connected)
    #expect(pair.b.agent.state == .connected)
    #expect(pair.a.agent.selectedPath?.reversed == pair.b.agent.selectedPath)
    #expect(pair.a.agent.roundTrip == .milliseconds(20))
    let nominations = pair.sent.filter { $0.message.usesCandidate }
    #expect(!nominations.isEmpty)
    #expect(nominations.allSatisfy { $0.path.local == ICEPair.host(1) })
  }

  @Test func checksAreSigned() {
    let pair = ICEPair(.controlling, .controlled)
    pair.exchange()
    pair.run(for: .milliseconds(100))
    let check = pair.sent.first { $0.message.messageClass == .request }!.message
    let (a, b) = (pair.a.agent.localCredentials, pair.b.agent.localCredentials)
    #expect(check.username == "\(b.ufrag):\(a.ufrag)")
    // Peer-reflexive, with the local candidate's local preference.
    #expect(check.priority == 1_862_270_975)
    #expect(check.iceControlling != nil)
    #expect(check.integrityOffset != nil && check.fingerprintOffset != nil)
  }

  /// RFC 8445 §7.3.1.1 and §7.2.5.1: whoever of two equals loses, both connect.
  @Test(arguments: [ICERole.controlling, .controlled], [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
  func roleConflictEnds(role: ICERole, seed: UInt64) {
    let pair = ICEPair(role, role, seed: seed)
    pair.exchange()
    pair.run(for: .milliseconds(500))
    #expect(pair.a.agent.state == .connected)
    #expect(pair.b.agent.state == .connected)
    let roles = [pair.a.agent.role, pair.b.agent.role]
    #expect(roles == [.controlling, .controlled] || roles == [.controlled, .controlling])
    let (path, other) = (pair.a.agent.selectedPath, pair.b.agent.selectedPath)
    #expect(path != nil && path?.reversed == other)
  }

  @Test func roleConflictIsAnsweredWith487() {
    let pair = ICEPair(.controlling, .controlled)
    pair.exchange()
    func answer(_ attribute: STUNAttribute) -> Int? {
      pair.deliver(check(of: pair, [attribute]), on: toB).first?.errorCode
    }
    #expect(answer(.iceControlled(tiebreaker: .max)) == 487)
    #expect(pair.b.agent.role == .controlled)
    #expect(answer(.iceControlled(tiebreaker: 0)) == nil)
    #expect(pair.b.agent.role == .controlling)
    #expect(answer(.iceControlling(tiebreaker: 0)) == 487)
    #expect(answer(.iceControlling(tiebreaker: .max)) == nil)
    #expect(pair.b.agent.role == .controlled)
  }

  /// A 487 that nobody signed changes nothing.
  @Test func unsignedErrorIsIgnored() {
    let pair = ICEPair(.controlling, .controlled)
    pair.cut = [ICEPair.host(2)]
    pair.exchange()
    pair.run(for: .milliseconds(10))
    let id = pair.sent[0].message.transactionID
    let error = STUNMessage(
      .error, transactionID: id, attributes: [.errorCode(487, reason: "Role Conflict")])
    _ = pair.deliver(error.bytes(), on: toB.reversed)
    #expect(pair.a.agent.role == .controlling)
    let signed = error.bytes(
      integrityKey: Array(pair.b.agent.localCredentials.password.utf8),
      hmacSHA1: Transport.hmacSHA1)
    _ = pair.deliver(signed, on: toB.reversed)
    #expect(pair.a.agent.role == .controlled)
  }

  private let toB = Path(local: ICEPair.host(2), remote: ICEPair.host(1))

  /// A check of A's for B, with these attributes besides the usual.
  private func check(
    of pair: ICEPair, _ attributes: [STUNAttribute], username: String? = nil,
    password: String? = nil, fingerprint: Bool = true
  ) -> [UInt8] {
    let (a, b) = (pair.a.agent.localCredentials, pair.b.agent.localCredentials)
    let message = STUNMessage(
      .request, transactionID: STUNTransactionID(high: 1, low: 2),
      attributes: [.username(username ?? "\(b.ufrag):\(a.ufrag)"), .priority(1)] + attributes)
    return message.bytes(
      integrityKey: Array((password ?? b.password).utf8), fingerprint: fingerprint,
      hmacSHA1: Transport.hmacSHA1)
  }

  @Test(arguments: [ICERole.controlled, .lite])
  func strangersGetNoAnswer(role: ICERole) {
    let pair = ICEPair(.controlling, role)
    pair.exchange()
    let ufrag = pair.b.agent.localCredentials.ufrag
    let theirs = pair.a.agent.localCredentials.ufrag
    let wrong = ["", ":", ufrag, "\(ufrag):", "\(ufrag):x", "x:\(theirs)", "\(theirs):\(ufrag)"]
    for username in wrong {
      #expect(pair.deliver(check(of: pair, [], username: username), on: toB).isEmpty)
    }
    #expect(pair.deliver(check(of: pair, [], password: "guess"), on: toB).isEmpty)
    #expect(pair.deliver(check(of: pair, [], fingerprint: false), on: toB).isEmpty)
    for damaged in everyBitFlip(of: check(of: pair, [.useCandidate])) {
      #expect(pair.deliver(damaged, on: toB).isEmpty)
    }
    #expect(pair.b.agent.selectedPath == nil)
    #expect(pair.deliver(check(of: pair, []), on: toB).count == 1)
  }

  /// RFC 8489 §6.3.1: what must be understood and is not is named in a 420.
  @Test(arguments: [ICERole.controlled, .lite])
  func unknownRequiredAttributesAreRefused(role: ICERole) {
    let pair = ICEPair(.controlling, role)
    pair.exchange()
    let unknown: [STUNAttribute] = [
      .unknown(type: 0x7FFF, value: [1, 2, 3]), .unknown(type: 0x0033, value: []),
      .unknown(type: 0x8033, value: [1]),
    ]
    let answers = pair.deliver(check(of: pair, unknown + [.useCandidate]), on: toB)
    #expect(answers.first?.errorCode == 420)
    #expect(answers.first?.attributes.contains(.unknownAttributes([0x7FFF, 0x0033])) == true)
    #expect(pair.b.agent.selectedPath == nil)
    let optional = check(of: pair, [.unknown(type: 0x8033, value: [1])])
    #expect(pair.deliver(optional, on: toB).first?.messageClass == .success)
  }

  /// RFC 8445 §7.3.1.3, §7.3.1.4: B knows no candidate of A and learns its address from A's check.
  @Test func peerReflexiveCandidateIsLearned() {
    let pair = ICEPair(.controlling, .controlled)
    pair.a.agent.setRemote(
      credentials: pair.b.agent.localCredentials, candidates: pair.b.description(), at: .zero)
    pair.b.agent.setRemote(
      credentials: pair.a.agent.localCredentials, candidates: [], at: .zero)
    pair.run(for: .milliseconds(100))
    #expect(pair.b.agent.selectedPath == toB)
    #expect(pair.b.agent.state == .connected)
    let triggered = pair.sent.first {
      $0.path.local == ICEPair.host(2) && $0.message.messageClass == .request
    }
    #expect(triggered?.at == .milliseconds(10), "at once")
  }

  /// RFC 8445 §7.2.5.2.1: an answer from another address than the one asked proves nothing.
  @Test func asymmetricAnswerFails() {
    let pair = ICEPair(.controlling, .controlled)
    pair.cut = [ICEPair.host(2)]
    pair.exchange()
    pair.run(for: .milliseconds(10))
    let answer = STUNMessage(
      .success, transactionID: pair.sent[0].message.transactionID,
      attributes: [.xorMappedAddress(ICEPair.host(1))]
    ).bytes(
      integrityKey: Array(pair.b.agent.localCredentials.password.utf8),
      hmacSHA1: Transport.hmacSHA1)
    _ = pair.deliver(answer, on: Path(local: ICEPair.host(1), remote: ICEPair.host(3)))
    #expect(pair.a.agent.selectedPath == nil)
    _ = pair.deliver(answer, on: toB.reversed)
    #expect(pair.a.agent.selectedPath == nil, "and the transaction is over")
  }

  @Test func withoutAnyAnswerItFailsAfterFifteenSeconds() {
    let pair = ICEPair(.controlling, .controlled)
    pair.cut = [ICEPair.host(2)]
    pair.exchange()
    pair.run(for: .milliseconds(14_900))
    #expect(pair.a.agent.state == .checking)
    pair.run(for: .seconds(1))
    #expect(pair.a.agent.state == .failed)
    #expect(pair.a.agent.nextTimeout == nil)
    #expect(pair.a.agent.selectedPath == nil)
  }
}
