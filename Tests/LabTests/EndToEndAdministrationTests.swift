// What an administrator does to others, in whole runs.

import Results
import Testing

@testable import Lab

@Suite struct EndToEndAdministrationTests {
  /// Who is removed stays away, though its transports are closed before the word about it arrives.
  @Test func removalAndPromotion() throws {
    let result = try run(
      """
      assay: 1
      name: rights
      duration: 9s
      links: { home: { delay: 10ms } }
      participants:
        teacher: { link: home, role: teacher, publish: [microphone] }
        ada: { link: home, grants: { canPublish: false }, publish: [camera], \(smallCamera) }
        ben: { link: home, publish: [microphone] }
      events:
        - { at: 3s, participant: teacher, do: promote, who: ada, grants: { canPublish: true } }
        - { at: 4s, participant: teacher, do: removeParticipant, who: ben }
      expect:
        - { id: seen, of: teacher, from: ada, metric: framesPerSecond, stat: min, over: 5, window: 6s..9s }

      """)
    #expect(result.failed == [])
    #expect(result.assertion("seen")?.verdict == .pass)
    let ben = try #require(result.participants.first { $0.identity == "ben" })
    #expect(ben.left == "dismissed: participantRemoved")
    #expect(ben.reconnects == 0)
  }

  /// The rights are the actor's own: a student removes nobody.
  @Test func studentsRemoveNobody() throws {
    let result = try run(
      """
      assay: 1
      name: rights
      duration: 5s
      participants:
        ada: { publish: [microphone] }
        ben: { publish: [microphone] }
      events:
        - { at: 3s, participant: ada, do: removeParticipant, who: ben }

      """)
    #expect(result.participants.allSatisfy { $0.left == nil })
  }
}
