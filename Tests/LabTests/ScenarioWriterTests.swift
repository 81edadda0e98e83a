// What the writer writes, the reader reads as the same scenario.

import Foundation
import Testing

@testable import Lab
@testable import Scenario

@Suite struct ScenarioWriting {
  private func isRoundTrip(_ scenario: Scenario) throws -> Bool {
    let text = scenario.yaml
    let again = try #require(
      try ScenarioFile.parse(Array(text.utf8), file: scenario.file).first?.scenario, "\(text)")
    if again != scenario { Issue.record("\(text)\n\(again)\n\(scenario)") }
    return again == scenario && again.yaml == text
  }

  static let shipped: [String] = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../scenarios").standardizedFileURL
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String }
    return (names ?? []).filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder.path)/\($0)" }
  }()

  @Test(arguments: shipped) func shippedScenarios(_ path: String) throws {
    for variant in try ScenarioFile.load(path) { #expect(try isRoundTrip(variant.scenario)) }
  }

  @Test(arguments: 1...60) func randomWorlds(_ seed: UInt64) throws {
    #expect(try isRoundTrip(RandomWorld.scenario(seed: seed)))
  }

  @Test func everythingElse() throws {
    let text = """
      assay: 1
      name: "sink: all \\"of\\" it #"
      about: "null\\n#"
      seed: 9
      duration: 1min
      tier: nightly
      crypto: cleartext
      startValues: beforeWrap
      media: { encode: 1ms, decode: 2.5ms, render: 3us }
      sfu: { maxParticipants: 9, subscriberLimit: 1234567bps, dynacast: false, remoteUnmute: ask,
        mutant: wrongSSRC, token: { ttl: 1h }, link: a }
      rooms: [red, blue]
      links:
        a: { rate: 1.5Mbps, delay: 1234567ns, queue: 64kB, aqm: codel, ecn: true, loss: 0.7%,
          reorder: { probability: 1%, delay: 5ms }, duplicate: 2%, corrupt: 3% }
        b: { queue: 90packets, loss: { packets: [1, 2] }, jitter: { normal: { std: 3ms } } }
        c: { loss: { markov4: { p13: 1%, p31: 29%, p32: 3.3%, p23: 4%, p14: 5% } },
          down: { jitter: { nrBPDV: { std: 3ms, max: 5ms } } }, up: { jitter: { uniform: 3ms } } }
      participants:
        ada: { rooms: [red], link: a, via: [b, c], join: { at: 1s }, leave: { at: 50s }, role: teacher,
          publish: [camera, microphone], microphone: { bitrate: 24kbps, dtx: false },
          camera: { temporalLayers: 2, layers: [{ height: 90p, fps: 7.5fps, bitrate: 50kbps }] },
          view: { speaker: 720p, others: hidden, screenShare: 1080p, tiles: 3,
            of: { bob: 360p } }, talk: { turns: { each: 2s, gap: 1s, from: 3s } },
          reconnect: livekit-js, tags: [x, y], subscribe: { from: bob, sources: [camera] } }
        bob: { count: 3, join: { over: 3s }, subscribe: none, talk: [{ at: 1s, for: 2s }],
          grants: { canPublish: false, canPublishSources: [microphone], hidden: true } }
        cy: { devices: none, talk: never }
      events:
        - { at: 1s, participant: ada@red, do: view, of: [bob], size: 90p, fps: 12.5fps, priority: 3 }
        - { at: 2s, group: bob, do: switchCamera, size: 90p }
        - { at: 2s, room: red, do: promote, who: [bob], grants: { canPublish: true } }
        - { at: 3s, participant: ada@red, do: muteParticipant, who: bob-1@red, source: camera }
        - { at: 4s, link: c.down, set: { trace: /dev/null }, for: 2s }
        - { at: 5s, sfu: all, set: { subscriberLimit: 1Mbps }, for: 3s }
        - { at: 6s, link: a, do: blackout, for: 123us }
        - { at: 7s, group: bob, do: subscribe, sources: [camera] }
      expect:
        - { id: a, of: bob, metric: packetsLost, stat: rate, under: 2/s, window: 3s..40.5s }
        - { id: b, of: all, metric: framesPerSecond, stat: p2.5, over: 7.5fps, across: pooled }
        - { id: c, of: tag:x, metric: assay.endToEndDelay, stat: p95, atMost: 33.3ms, from: bob,
            kind: video, minSamples: 3, criteria: [000:43] }
        - { id: d, of: room:blue, metric: assay.lossAfterRepair, stat: max, under: 0.7%, share: 95% }
      """.replacingOccurrences(of: "set: { trace: /dev/null }", with: "set: { rate: unlimited }")
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "sink.yaml")[0].scenario
    #expect(try isRoundTrip(scenario))
  }

  @Test(arguments: [0.07, 0.29, 0.003, 0.1, 1.0 / 3, 0.123456789, 1])
  func sharesReadBackExactly(_ share: Double) throws {
    let text = YAMLValue.share(share).flow
    let percent = try #require(Double(text.dropLast()))
    #expect(abs(percent * 0.01 - share) < 1e-15)
  }
}
