// What long runs must not do: grow, leave things behind, or stumble where a counter begins again.

import Basics
import Bots
import NetSim
import Results
import Testing

@testable import Lab
@testable import RefSFU
@testable import Scenario

@Suite struct Wrapping {
  private static func call(_ startValues: StartValues) throws -> RunResult {
    try run(
      """
      assay: 1
      name: wrapping
      startValues: \(startValues)
      duration: 40s
      links:
        home: { rate: 20Mbps, delay: 10ms }
      participants:
        ada: { link: home, publish: [camera, microphone], \(smallCamera), talk: always }
        bob: { link: home, publish: [camera, microphone], \(smallCamera), talk: always }
      expect:
        - { id: sequence, of: all, metric: assay.sequenceNumberWraps, stat: last, atLeast: 2 }
        - { id: timestamp, of: all, metric: assay.timestampWraps, stat: last, atLeast: 2 }
        - { id: rollover, of: all, metric: assay.rolloverCount, stat: last, atLeast: 4 }
        - { id: picture, of: all, metric: assay.pictureIdWraps, stat: last, atLeast: 1 }
        - { id: reference, of: all, metric: assay.referenceTimeWraps, stat: last, atLeast: 1 }
        - { id: smooth, of: all, metric: freezeCount, equals: 0, window: 3s..40s }
      """)
  }

  @Test func everyCounterWrapsAndNobodyNotices() throws {
    let result = try Wrapping.call(.beforeWrap)
    #expect(result.verdict == .pass, "\(result.failures)")
  }

  /// So the counts are of wraps, and not of calls.
  @Test func withoutASeedBeforeItNoneWraps() throws {
    let failed = try Wrapping.call(.random).failed
    #expect(failed == ["sequence", "timestamp", "rollover", "picture", "reference"])
  }
}

@Suite struct Leaks {
  /// A call of two that goes on.
  private static func call() throws -> World {
    let text = """
      assay: 1
      name: leaks
      duration: 5s
      links:
        home: { rate: 20Mbps, delay: 10ms }
      participants:
        ada: { link: home, publish: [camera, microphone], \(smallCamera) }
        bob: { link: home, publish: [microphone] }
      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "test.yaml")[0].scenario
    let world = try World(scenario, seed: 1)
    var director = Director(world: world)
    _ = try Runner.play(Timeline(scenario), by: &director, in: world)
    return world
  }

  private func left(in world: World) -> [String: Int] {
    let left = Teardown(world).remains.filter { $0.count != 0 }
    return Dictionary(uniqueKeysWithValues: left.map { ($0.name, $0.count) })
  }

  @Test func everyCountCountsWhatACallHolds() throws {
    let world = try Leaks.call()
    let held = left(in: world)
    let all = Set(Teardown(world).remains.map(\.name))
    // At some moments none of its packets waits.
    #expect(all.subtracting(held.keys).isSubset(of: ["packet slots"]), "\(held)")
    let after = Teardown(world).leftovers()
    #expect(after.isEmpty, "\(after)")
    #expect(left(in: world).isEmpty)
  }

  /// Each planted where everybody has left already.
  private func expect(
    _ name: String, _ plant: (World, SFU) throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let world = try Leaks.call()
    let sfu = try #require(world.sfu)
    #expect(Teardown(world).leftovers().isEmpty, sourceLocation: sourceLocation)
    try plant(world, sfu)
    #expect(left(in: world)[name] != nil, "\(left(in: world))", sourceLocation: sourceLocation)
  }

  @Test func aRoomAndItsTimerAreFound() throws {
    for name in ["rooms", "timers of the SFU"] {
      try expect(name) { world, sfu in _ = sfu.room(named: "forgotten", at: world.simulator.now) }
    }
  }

  @Test func aParticipantWhomNoTableKnowsIsFound() throws {
    let world = try Leaks.call()
    let participant = try #require(world.sfu?.rooms.first?.participants.first)
    let left = Teardown(world).leftovers()
    #expect(left.contains { $0.name == "objects in memory" }, "\(left)")
    _ = participant.sid
  }

  @Test func aStreamIsFound() throws {
    try expect("open streams") { world, _ in
      let ada = try #require(world.seat("ada"))
      _ = world.simulator.withNode(on: ada.host) { _, _, outbox in
        outbox.send(
          .connect(
            StreamID(99), to: Address(world.sfuAddress, port: 7_880),
            StreamRequest(kind: .webSocket, target: "/")))
      }
    }
  }

  @Test func aTimerIsFound() throws {
    try expect("pending timers") { world, sfu in
      _ = sfu.room(named: "forgotten", at: world.simulator.now)
      // The driver asks the node when it wants to be called.
      _ = world.simulator.withNode(on: world.sfuHost) { _, _, _ in }
    }
  }

  @Test func aPacketIsFound() throws {
    var parked: [ParkedPacket] = []
    try expect("packet slots") { world, _ in
      parked.append(world.simulator.pool.makePacket().park())
    }
    for packet in parked { _ = Packet(parked: packet) }
  }
}

@Suite struct ManyStays {
  /// So many that the oldest tracks have become one record.
  private static let scenario = """
    assay: 1
    name: stays
    duration: 330s
    links: { home: { rate: 20Mbps, delay: 10ms } }
    participants:
      host: { link: home }
      guest: { link: home, publish: [camera, microphone], camera: { layers: [
        { height: 90p, fps: 5, bitrate: 60kbps }] } }
    events:
      - { at: 5s, every: 8s, participant: guest, do: leave, for: 2s }
    expect:
      - { id: all, of: host, metric: framesDecoded, stat: last, over: 1000 }
      - { id: sound, of: host, metric: framesPerSecond, stat: p50, atLeast: 4 }
    """

  @Test func nothingIsLostOfTracksThatBecameOneRecord() throws {
    let result = try run(ManyStays.scenario)
    #expect(result.verdict == .pass, "\(result.failures)")
    let host = try #require(result.participants.first { $0.identity == "host" })
    #expect(host.inbound.count < 80, "of 41 stays")
    let sum = { (metric: String) in
      host.inbound.reduce(0) { sum, track in
        sum + (track.values.first { $0.metric == metric }?.value ?? 0)
      }
    }
    let decoded = try #require(result.assertion("all")?.observed)
    // The last second of the run is in the table alone.
    #expect(abs(sum("framesDecoded") - decoded) <= 10)
  }

  @Test func whatTracksCallTotalsAreTheCataloguesCounters() {
    let counters = MetricCatalogue.all.filter { $0.kind == .counter }.map(\.name)
    #expect(BotSeries.totals.isSubset(of: Set(counters)))
    let ofBots = [
      "assay.unknownSsrcPackets", "assay.unauthorisedPackets",
      "assay.unauthorisedTracks", "assay.sequenceGaps", "assay.watermarkCrossings",
      "assay.protocolFaults",
    ]
    #expect(Set(counters).subtracting(ofBots) == BotSeries.totals)
  }
}
