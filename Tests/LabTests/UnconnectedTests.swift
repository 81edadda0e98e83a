// A participant whose media never connected: nobody may call its connection good.

import Results
import Testing

@testable import Lab
@testable import Scenario

@Suite struct Unconnected {
  @Test func hasNoConnectionQuality() throws {
    let result = try run(
      """
      assay: 1
      name: udp-blocked
      duration: 12s
      links:
        home: { rate: 20Mbps, delay: 10ms }
        school: { rate: 20Mbps, delay: 10ms }
      participants:
        teacher: { link: home, publish: [microphone] }
        pupil: { link: school, publish: [microphone] }
      events:
        - { at: 0s, link: school, do: blackout, only: datagrams, for: 12s }
      expect:
        - { id: good, of: pupil, metric: assay.connectionQuality, stat: min, atLeast: 2 }
        - { id: known, of: teacher, metric: assay.connectionQuality, stat: min, atLeast: 2 }

      """)
    let quality = result.series.filter { $0.metric == "assay.connectionQuality" }
    // A series without a value is not drawn.
    #expect(!quality.contains { $0.participant == "pupil" })
    #expect(quality.contains { $0.participant == "teacher" })
    #expect(result.assertion("good")?.verdict == .inconclusive)
    #expect(result.assertion("known")?.verdict == .pass)
  }
}
