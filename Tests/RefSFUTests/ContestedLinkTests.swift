import Basics
import Testing

@testable import RefSFU

/// Whose queue it is that stands before a viewer.
@Suite struct ContestedLinkTests {
  /// Every 100 ms for so many seconds, with what `queue` says of the time since the start.
  private func play(
    _ link: inout ContestedLink, from start: Double = 0, seconds: Double, heldBack: Bool = true,
    ample: Bool = false, loss: Double = 0, queue: (Double) -> Double
  ) {
    for tick in 0..<Int(seconds * 10) {
      let time = Double(tick) / 10
      link.update(
        queue: .milliseconds(queue(time)), isHeldBack: heldBack, isAmple: ample, loss: loss,
        at: .seconds(100 + start + time))
    }
  }

  @Test func aQueueThatStandsThoughWeYieldIsSomebodyElses() {
    var link = ContestedLink()
    play(&link, seconds: 1.9) { _ in 250 }
    #expect(!link.isContested)
    play(&link, from: 1.9, seconds: 0.5) { _ in 250 }
    #expect(link.isContested)
  }

  @Test func aQueueOfOurOwnEmpties() {
    var link = ContestedLink()
    // 2 s of packets, and half of what the link carries is left to empty it.
    play(&link, seconds: 4) { 2_000 - 500 * $0 }
    #expect(!link.isContested)
  }

  @Test func whoSendsVideoHasNotYielded() {
    var link = ContestedLink()
    play(&link, seconds: 10, heldBack: false) { _ in 250 }
    #expect(!link.isContested)
  }

  @Test func aLinkTooNarrowForThePictureIsLeftAlone() {
    var link = ContestedLink()
    play(&link, seconds: 3) { _ in 250 }
    play(&link, from: 3, seconds: 1, loss: 0.6) { _ in 250 }
    #expect(link.isContested, "one bad second is a burst of the other's")
    play(&link, from: 4, seconds: 1.5, loss: 0.6) { _ in 250 }
    #expect(!link.isContested)
    play(&link, from: 5.5, seconds: 8) { _ in 250 }
    #expect(!link.isContested, "not again within ten seconds")
    play(&link, from: 13.5, seconds: 8) { _ in 250 }
    #expect(link.isContested)
  }

  @Test func itEndsWhenThereIsMoreRoom() {
    var link = ContestedLink()
    play(&link, seconds: 3) { _ in 250 }
    play(&link, from: 3, seconds: 4, ample: true) { _ in 20 }
    #expect(link.isContested)
    play(&link, from: 7, seconds: 2, ample: true) { _ in 20 }
    #expect(!link.isContested)
  }
}
