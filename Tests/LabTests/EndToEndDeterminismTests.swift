// A run is a function of scenario and seed, and of nothing else.

import Basics
import NetSim
import Results
import Testing

@testable import Lab

@Suite struct Determinism {
  private static let lossy = """
    assay: 1
    name: lossy
    duration: 5s
    links:
      a: { delay: 10ms, jitter: { uniform: 6ms, reorder: true }, loss: 5% }
      b: { rate: 20Mbps, delay: 10ms, jitter: { nrBPDV: { std: 3ms } }, loss: 5% }
    participants:
      ada: { link: a, publish: [camera, microphone], \(smallCamera) }
      grace: { link: b, publish: [camera, microphone], \(smallCamera) }

    """

  private static let other = """
    assay: 1
    name: other
    duration: 2s
    participants:
      solo: { publish: [camera], \(smallCamera) }
      duo: { publish: [microphone] }

    """

  @Test func sameSeedSameHash() throws {
    let first = try run(Determinism.lossy)
    _ = try run(Determinism.other, seed: 9)
    let second = try run(Determinism.lossy)
    #expect(first.traceHash == second.traceHash)
    #expect(first.traceHash.count == 16)
    #expect(first.packets == second.packets)
    #expect(first.assertions == second.assertions)
    #expect(first.participants == second.participants)
    #expect(first.series == second.series)
  }

  @Test func anotherSeedAnotherHash() throws {
    let hashes = try [1, 2, 3].map { try run(Determinism.other, seed: $0).traceHash }
    #expect(Set(hashes).count == 3)
  }

  @Test func expectationsChangeNothing() throws {
    let expectations = """
      expect:
        - { id: in, of: all, metric: assay.joined, stat: last, equals: 1 }
        - { id: never, of: all, metric: framesPerSecond, stat: min, over: 1000, across: worst }

      """
    let bare = try run(Determinism.other)
    let judged = try run(Determinism.other + expectations)
    #expect(bare.traceHash == judged.traceHash)
    #expect(bare.verdict == .pass)
    #expect(judged.verdict == .fail)
  }

  /// Which packets of a link are lost and how its delay varies depends on that link alone.
  @Test func linksDrawForThemselves() throws {
    let before = try LinkDraws(Determinism.lossy, link: "a.up@ada")
    let changed = Determinism.lossy.replacingOccurrences(
      of: "b: { rate: 20Mbps, delay: 10ms", with: "b: { rate: 5Mbps, delay: 45ms")
    let after = try LinkDraws(changed, link: "a.up@ada")
    let count = min(before.isLost.count, after.isLost.count)
    try #require(count > 200)
    #expect(before.isLost[..<count] == after.isLost[..<count])
    let both = zip(before.delays[..<200], after.delays[..<200]).filter { $0 != nil && $1 != nil }
    #expect(both.count > 150 && both.allSatisfy { $0 == $1 })
    #expect(Set(before.delays[..<200]).count > 100)
    #expect(before.isLost.contains(true))
    let same = try LinkDraws(Determinism.lossy, link: "b.up@grace")
    #expect(same.isLost[..<200] != before.isLost[..<200])
  }
}

/// What one link did to each packet that entered it, in order.
private final class LinkDraws: LinkTap {
  private(set) var isLost: [Bool] = []
  /// How long each was under way; nil for a lost one, and where two were the same to the byte.
  private(set) var delays: [Duration?] = []
  private var isTwin: Set<Int> = []
  private var link: LinkID?
  /// The packets under way, oldest first, by what is in them.
  private var underWay: [(bytes: [UInt8], index: Int, entered: Instant)] = []

  init(_ text: String, link name: String) throws {
    let scenario = try scenario(text)
    let world = try World(scenario, seed: 1)
    link = world.simulator.allLinks.first { world.simulator.name(of: $0) == name }
    world.simulator.tap = self
    var director = Director(world: world)
    for step in Timeline(scenario).steps {
      world.simulator.run(until: step.at)
      try director.perform(step)
    }
    world.simulator.run(until: .zero + scenario.duration)
  }

  func packet(
    on link: LinkID, event: LinkEvent, path: Path, protocol ipProtocol: IPProtocol, bytes: RawSpan,
    ecn: ECN, at now: Instant
  ) {
    guard link == self.link else { return }
    switch event {
    case .entered:
      underWay.append((bytes.withUnsafeBytes { Array($0) }, isLost.count, now))
      isLost.append(false)
      delays.append(nil)
    case .dropped:
      // On entry, before anything else enters.
      isLost[isLost.count - 1] = true
      underWay.removeLast()
    case .delivered:
      let copy = bytes.withUnsafeBytes { Array($0) }
      guard let place = underWay.firstIndex(where: { $0.bytes == copy }) else { return }
      let packet = underWay.remove(at: place)
      if let twin = underWay.first(where: { $0.bytes == copy }) {
        isTwin.formUnion([packet.index, twin.index])
      }
      delays[packet.index] = isTwin.contains(packet.index) ? nil : now - packet.entered
    }
  }
}
