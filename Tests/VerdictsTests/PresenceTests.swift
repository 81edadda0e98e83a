// Presence from what arrived: silences of the SFU's gap or more are absence, shorter ones are not.

import Basics
import Results
import Testing

@testable import Verdicts

@Suite struct PresenceFromArrivals {
  /// What was heard at these seconds, of a stay from 10 s to 30 s.
  private func presence(heardAt seconds: [Int], isOver: Bool = true) -> Duration {
    let spans = seconds.map { second in
      ClosedSpan((.zero + .seconds(second))...(.zero + .seconds(second)))
    }
    return HeardSpans(spans).presence(
      in: (.zero + .seconds(10))...(.zero + .seconds(30)), isOver: isOver)
  }

  @Test func shortSilencesCount() {
    #expect(ServerRecord.presenceGap == .seconds(4))
    #expect(presence(heardAt: [11, 14, 17, 20, 23, 26, 29]) == .seconds(20))
  }

  @Test func longSilencesDoNot() {
    #expect(presence(heardAt: [11, 14, 20, 23, 26, 29]) == .seconds(14))
    #expect(presence(heardAt: [11, 14, 18, 21, 24, 27]) == .seconds(16))
  }

  /// A stay begins and ends with something that was heard.
  @Test func theEndsOfAStayCount() {
    #expect(presence(heardAt: []) == .zero)
    #expect(presence(heardAt: [13, 27]) == .seconds(6))
    #expect(presence(heardAt: [8, 11, 28, 31]) == .seconds(3))
    #expect(presence(heardAt: [13, 27], isOver: false) == .seconds(3))
  }
}
