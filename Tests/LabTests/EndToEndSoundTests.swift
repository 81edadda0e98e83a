// Real sound of libopus through whole runs: in-band FEC where the uplink loses, silence that is not sent.

import Results
import Testing

@testable import Lab
@testable import Scenario

@Suite struct EndToEndSoundTests {
  private func concealment(of identity: String, in result: RunResult) throws -> Double {
    let value = try #require(result.assertion(identity)?.observed)
    return value
  }

  @Test func forwardErrorCorrection() throws {
    let result = try run(
      """
      assay: 1
      name: sound
      duration: 20s
      links:
        lossy: { up: { delay: 20ms, loss: 8% }, down: { delay: 20ms } }
        home: { delay: 20ms }
      participants:
        fec: { link: lossy, publish: [microphone], microphone: { encoder: libopus } }
        plain: { link: lossy, publish: [microphone], microphone: { encoder: libopus, fec: false } }
        model: { link: lossy, publish: [microphone] }
        eve: { link: home }
      expect:
        - { id: fec, of: eve, from: fec, metric: assay.audioConcealment, stat: mean, under: 4% }
        - { id: plain, of: eve, from: plain, metric: assay.audioConcealment, stat: mean, over: 4% }
        - { id: model, of: eve, from: model, metric: assay.audioConcealment, stat: mean, over: 4% }
        - { id: errors, of: eve, metric: assay.decodeErrors, stat: last, equals: 0 }

      """)
    #expect(result.failed == [])
    for id in ["fec", "plain", "model", "errors"] {
      #expect(result.assertion(id)?.verdict == .pass, "\(id)")
    }
    let repaired = try concealment(of: "fec", in: result)
    #expect(repaired < (try concealment(of: "plain", in: result)) / 2)
  }

  /// Five seconds of talk in twenty: silence costs a packet now and then.
  @Test(arguments: [true, false]) func discontinuousTransmission(dtx: Bool) throws {
    let result = try run(
      """
      assay: 1
      name: sound
      duration: 20s
      links: { home: { delay: 20ms } }
      participants:
        ada:
          link: home
          publish: [microphone]
          microphone: { encoder: libopus, dtx: \(dtx) }
          talk: [{ at: 3s, for: 5s }]
        eve: { link: home }
      expect:
        - { id: heard, of: eve, metric: assay.audioConcealment, stat: max, under: 1% }
        - { id: packets, of: eve, metric: packetsReceived, stat: last, over: 1 }

      """)
    #expect(result.failed == [])
    let packets = try #require(result.assertion("packets")?.observed)
    #expect(dtx ? packets < 450 : packets > 900, "\(packets)")
  }

  @Test func onlyLibopusRepeats() {
    #expect(throws: ScenarioError.self) {
      try run(
        """
        assay: 1
        name: sound
        duration: 2s
        participants: { ada: { publish: [microphone], microphone: { fec: true } } }

        """)
    }
  }
}
