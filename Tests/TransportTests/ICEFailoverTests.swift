// Several interfaces and many candidates: which pair carries, and who follows (RFC 8445 §8).

import Basics
import Testing
import Wire

@testable import Transport

@Suite struct ICEFailoverTests {
  private static let wifi = ICEPair.host(1)
  private static let cellular = ICEPair.host(11)
  private static let both = [(wifi, 10 as UInt16), (cellular, 900)]

  /// The path of each end, seen from A; nil where they disagree.
  private func agreed(_ pair: ICEPair) -> Address? {
    let path = pair.a.agent.selectedPath
    return path?.reversed == pair.b.agent.selectedPath ? path?.local : nil
  }

  private func connected(_ other: ICERole) -> ICEPair {
    let pair = ICEPair(.controlling, other, aAddresses: ICEFailoverTests.both)
    pair.exchange()
    pair.run(for: .seconds(5))
    return pair
  }

  @Test(arguments: [ICERole.controlled, .lite])
  func theCheaperInterfaceCarries(other: ICERole) {
    #expect(agreed(connected(other)) == ICEFailoverTests.wifi)
  }

  /// The interface is still there and nothing comes through: as in libwebrtc, 2.5 s to notice and
  /// 1 s to be sure.
  @Test(arguments: [ICERole.controlled, .lite])
  func aSilentInterfaceIsLeftAndComesBack(other: ICERole) {
    let pair = connected(other)
    pair.cut = [ICEFailoverTests.wifi]
    pair.run(for: .milliseconds(8_000))
    #expect(agreed(pair) == ICEFailoverTests.cellular)
    #expect(pair.a.agent.state == .connected)
    pair.cut = []
    pair.run(for: .seconds(60))
    #expect(pair.a.agent.state == .connected)
    #expect(agreed(pair) != nil)
  }

  @Test(arguments: [ICERole.controlled, .lite])
  func aVanishedInterfaceIsLeftAtOnce(other: ICERole) {
    let pair = connected(other)
    pair.a.addresses.removeFirst()
    pair.a.agent.setLocalAddresses(pair.a.addresses, at: pair.now)
    #expect(pair.a.agent.selectedPath?.local == ICEFailoverTests.cellular)
    pair.run(for: .milliseconds(200))
    #expect(agreed(pair) == ICEFailoverTests.cellular)
  }

  /// The controlled end hears on its other pair, and its selected one stays silent.
  @Test func anotherPairsLifeIsNotTheSelectedPairs() {
    let pair = connected(.controlled)
    pair.cut = [ICEFailoverTests.wifi]
    // What would move the selection never arrives.
    pair.tamper = { path, bytes in
      guard let message = try? STUNMessage(bytes.span.bytes) else { return nil }
      return message.usesCandidate ? nil : bytes
    }
    pair.run(for: .seconds(12))
    #expect(pair.b.agent.selectedPath?.remote == ICEFailoverTests.wifi)
    for _ in 0..<40 {
      pair.run(for: .milliseconds(25))
      #expect(pair.b.agent.state == .disconnected)
    }
    pair.tamper = { $1 }
    pair.run(for: .seconds(3))
    #expect(agreed(pair) == ICEFailoverTests.cellular)
    #expect(pair.b.agent.state == .connected)
  }

  /// While the old path still carries, a better one is checked, taken, and followed.
  @Test(arguments: [ICERole.controlled, .lite])
  func aBetterInterfaceIsTaken(other: ICERole) {
    let pair = ICEPair(.controlling, other, aAddresses: [(ICEFailoverTests.cellular, 900)])
    pair.exchange()
    pair.run(for: .seconds(4))
    pair.a.addresses = ICEFailoverTests.both.map { (address: $0, networkCost: $1) }
    pair.a.agent.setLocalAddresses(pair.a.addresses, at: pair.now)
    pair.run(for: .milliseconds(200))
    #expect(agreed(pair) == ICEFailoverTests.wifi)
    pair.run(for: .seconds(20))
    #expect(agreed(pair) == ICEFailoverTests.wifi, "and kept")
  }

  /// Trickled late, a candidate is checked within the pace of checks.
  @Test func aTrickledCandidateIsCheckedAtOnce() {
    let pair = ICEPair(.controlling, .controlled)
    pair.exchange()
    pair.run(for: .seconds(5))
    let started = pair.now
    pair.a.agent.addRemoteCandidate(
      RemoteCandidate(address: ICEPair.host(7), priority: 1), at: started)
    pair.run(for: .milliseconds(100))
    let check = pair.sent.last { $0.path.remote == ICEPair.host(7) }
    #expect(check.map { $0.at - started <= .milliseconds(50) } == true)
    #expect(pair.a.agent.state == .connected)
  }

  @Test func aRestartIsCheckedAtOnceAndKeepsThePath() {
    let pair = connected(.controlled)
    pair.a.agent.restart()
    pair.b.agent.restart()
    let (path, started) = (pair.a.agent.selectedPath, pair.now)
    pair.exchange()
    #expect(pair.a.agent.selectedPath == path)
    pair.run(for: .milliseconds(100))
    let ufrag = pair.b.agent.localCredentials.ufrag
    let check = pair.sent.first { $0.message.username?.hasPrefix(ufrag) == true }
    #expect(check.map { $0.at - started <= .milliseconds(50) } == true)
    #expect(agreed(pair) == ICEFailoverTests.wifi)
  }

  /// With nothing left to check from, consent still runs out.
  @Test func withoutInterfacesItFailsAllTheSame() {
    let pair = connected(.controlled)
    pair.a.agent.setLocalAddresses([], at: pair.now)
    pair.run(for: .seconds(12))
    #expect(pair.a.agent.state == .disconnected)
    pair.run(for: .seconds(4))
    #expect(pair.a.agent.state == .failed)
  }

  private func nowhere(_ number: UInt32, priority: UInt32) -> RemoteCandidate {
    RemoteCandidate(
      address: Address(IPAddress(v4: 0x0B00_0000 + number), port: 9), priority: priority)
  }

  /// Far more candidates than the limits allow; the one that answers falls behind them, and is
  /// learned from its own checks.
  @Test func manyCandidatesAreBoundedAndPaced() {
    let pair = ICEPair(.controlling, .controlled, aAddresses: ICEFailoverTests.both)
    pair.b.agent.setRemote(
      credentials: pair.a.agent.localCredentials, candidates: pair.a.description(), at: .zero)
    let dead = (0..<50 as Range<UInt32>).map { nowhere($0, priority: 1_000 + $0) }
    let alive = RemoteCandidate(address: ICEPair.host(2), priority: 999)
    let late = (50..<1_000 as Range<UInt32>).map { nowhere($0, priority: 5) }
    pair.a.agent.setRemote(
      credentials: pair.b.agent.localCredentials, candidates: dead + [alive] + late, at: .zero)
    pair.cut = [ICEPair.host(2)]
    pair.run(for: .seconds(6))
    let remotes = Set(pair.sent.map(\.path.remote)).subtracting([ICEPair.host(1)])
    #expect(remotes.count <= TransportLimits.remoteCandidateLimit + 2)
    let checks = pair.sent.filter { $0.path.local != ICEPair.host(2) }
    #expect(checks.count <= 6_000 / 48 + 2)
    let gaps = zip(checks, checks.dropFirst()).map { $1.at - $0.at }
    #expect(gaps.allSatisfy { $0 >= .milliseconds(48) })
    pair.cut = []
    pair.run(for: .seconds(6))
    #expect(pair.a.agent.state == .connected)
    #expect(agreed(pair) == ICEFailoverTests.wifi)
  }

  /// Of too many pairs those of the least priority are not checked (RFC 8445 §6.1.2.5).
  @Test func theLeastPairsAreDropped() {
    let pair = ICEPair(.controlling, .controlled, aAddresses: ICEFailoverTests.both)
    let candidates = (0..<64 as Range<UInt32>).map { nowhere($0, priority: $0) }
    pair.a.agent.setRemote(
      credentials: pair.b.agent.localCredentials, candidates: candidates, at: .zero)
    pair.run(for: .seconds(10))
    let paths = Set(pair.sent.map(\.path))
    #expect(paths.count == TransportLimits.candidatePairLimit)
    #expect(pair.sent.first?.path.remote == candidates.last?.address)
    #expect(!paths.contains { $0.remote == candidates[0].address })
  }
}
