// What the allocator's order leaves each of several tracks, held against the allocator itself; and steps of
// capacity judged in a room of several publishers.

import Basics
import Results
import Testing

@testable import Lab
@testable import RefSFU
@testable import Scenario
@testable import Verdicts

@Suite struct LadderShares {
  private func offer(_ random: inout RandomStream, _ index: Int) -> OfferedTrack {
    var rungs: [OfferedTrack.Rung] = []
    var rate = 0
    for (place, lines) in [180, 360, 720].prefix(random.integer(in: 1...3)).enumerated() {
      rate += random.integer(in: 50...400) * (place + 1)
      rungs.append(.init(lines: lines, bitrate: .kbps(Int64(rate))))
    }
    return OfferedTrack(
      publisher: "p\(index)", source: random.chance(0.2) ? .screenShare : .camera, rungs: rungs,
      tile: random.pick([0, 0, 180, 360]))
  }

  /// Lines that the reference allocator gives each, in the order in which they came.
  private func allotted(_ tracks: [OfferedTrack], _ budget: Bitrate) -> [Int] {
    let streams = tracks.map { track -> StreamAllocator.Stream in
      var stream = StreamAllocator.Stream(
        track.rungs.enumerated().map { Rung(layer: $0, temporal: 0, bitrate: $1.bitrate) })
      stream.isScreen = track.isScreen
      stream.area = track.tile
      return stream
    }
    var limits = StreamAllocator.Limits()
    limits.upMargin = 1
    let allocation = StreamAllocator(limits: limits)
      .distribute(streams, budget, mayRise: true, at: .zero)
    return zip(allocation.rungs, tracks).map { index, track in
      index.map { track.rungs[$0].lines } ?? 0
    }
  }

  @Test func isTheAllocatorsOrder() {
    var random = RandomStream(seed: 3, name: "shares")
    for _ in 0..<400 {
      let tracks = (0..<random.integer(in: 1...6)).map { offer(&random, $0) }
      let budget = Bitrate.kbps(Int64(random.integer(in: 50...6_000)))
      for index in tracks.indices {
        for isFirst in [true, false] {
          var order = tracks.indices.filter { $0 != index }
          order.insert(index, at: isFirst ? 0 : order.count)
          let lines = allotted(order.map { tracks[$0] }, budget)
          #expect(
            LadderShare.lines(index, of: tracks, budget, isFirst: isFirst, mayReduce: true)
              == lines[order.firstIndex(of: index)!])
        }
      }
    }
  }

  /// Where the order of arrival decides, every order is right, and nothing else.
  @Test func everyOrderOfArrivalIsRight() {
    var random = RandomStream(seed: 4, name: "orders")
    for _ in 0..<200 {
      let track = offer(&random, 0)
      let tracks = (0..<random.integer(in: 2...5)).map { index in
        var copy = track
        copy.publisher = "p\(index)"
        return copy
      }
      let usable = Bitrate.kbps(Int64(random.integer(in: 100...6_000)))
      let given = Set(allotted(tracks, usable))
      #expect(given.isSubset(of: LadderShare.accepted(0, of: tracks, usable)))
    }
    let low = OfferedTrack.Rung(lines: 180, bitrate: .kbps(160))
    let high = OfferedTrack.Rung(lines: 720, bitrate: .kbps(1_700))
    let four = (0..<4).map {
      OfferedTrack(publisher: "p\($0)", source: .camera, rungs: [low, high])
    }
    #expect(LadderShare.accepted(1, of: four, .kbps(1_000)) == [180])
    #expect(LadderShare.accepted(1, of: four, .kbps(9_000)) == [720])
    #expect(LadderShare.accepted(1, of: four, .kbps(400)) == [0, 180])
  }
}

@Suite struct StepsInARoom {
  private static func room(_ extra: String = "", mutant: String = "") -> String {
    """
    assay: 1
    name: room
    duration: 40s
    \(mutant)
    links:
      home: { use: fibre }
      mob: { down: { rate: 5Mbps }, up: { rate: 5Mbps }, delay: 20ms }
    participants:
      teacher: { link: home, publish: [camera, microphone] }
      student: { count: 2, link: home, publish: [camera, microphone] }
      phone: { link: mob, publish: [microphone] }
    events:
      - { at: 12s, link: mob.down, set: { rate: 900kbps }, for: 10s }
      \(extra)
    expect:
      - { id: down, of: phone, metric: assay.stepDownTime, stat: max, under: 8s }
      - { id: up, of: phone, metric: assay.stepUpTime, stat: max, under: 15s }

    """
  }

  @Test func everyPairIsJudged() throws {
    let sound = try run(Self.room())
    #expect(sound.assertion("down")?.verdict == .pass, "\(sound.failures)")
    #expect(sound.assertion("up")?.verdict == .pass, "\(sound.failures)")
    #expect(
      sound.assertion("down")?.perParticipant.map(\.participant)
        == ["phone<teacher", "phone<student-1", "phone<student-2"])
    let stuck = try run(Self.room(mutant: "sfu: { mutant: allocatorNeverUpgrades }"))
    #expect(stuck.assertion("up")?.verdict == .fail)
  }

  @Test(arguments: [
    ("- { at: 15s, participant: student-1, do: cameraOff }", "changes at 15s"),
    ("- { at: 15s, participant: phone, do: view, of: teacher, size: 180p }", "wants changes"),
    ("- { at: 15s, participant: phone, set: { subscriberLimit: 1Mbps } }", "'subscriberLimit'"),
    ("- { at: 15s, link: home, set: { rate: 1Mbps } }", "uplink of 'teacher'"),
  ])
  func whatCannotBeJudgedIsAnError(_ event: String, _ says: String) {
    do {
      _ = try ScenarioFile.parse(Array(Self.room(event).utf8), file: "room.yaml")
      Issue.record("no error")
    } catch {
      let message = "\(error)"
      #expect(message.hasPrefix("room.yaml:16:") && message.contains(says), "\(message)")
      #expect(message.contains("'assay.stepDownTime' cannot be judged for 'phone'"))
    }
  }

  @Test func aLinkThatNeverChangesIsAnError() {
    let text = Self.room().replacing("set: { rate: 900kbps }", with: "set: { delay: 30ms }")
    #expect(throws: (any Error).self) {
      _ = try ScenarioFile.parse(Array(text.utf8), file: "room.yaml")
    }
  }
}
