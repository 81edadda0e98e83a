// What is left of tracks that ended, and logs that thin out as a run grows longer.

import Basics
import Testing

@testable import Bots

@Suite struct LongRecords {
  @Test func aSlowLogThinsOutWithTheOthers() {
    // A sample every four seconds: a thousand in the first hour or so, and never many more.
    var log = SampleLog()
    var most = 0
    for index in 0..<20_000 {
      log.append(1, at: .seconds(Double(4 * index)))
      if index > 1_000 { most = max(most, log.count) }
    }
    #expect(most <= 1_001)
    #expect(log.decimation == 32)
  }

  @Test func aRareOneStaysWhole() {
    var log = SampleLog()
    for index in 0..<300 { log.append(Double(index), at: .seconds(Double(300 * index))) }
    #expect(log.count == 300 && log.decimation == 1)
  }

  @Test func aTotalGoesOnWhereAnotherTrackTakesOver() {
    var log = SampleLog()
    for (total, at) in [(3.0, 1.0), (8, 2)] { log.appendTotal(total, at: .seconds(at)) }
    var later = SampleLog()
    for (total, at) in [(0.0, 4.0), (2, 5)] { later.appendTotal(total, at: .seconds(at)) }
    log.append(later, isTotal: true)
    #expect(log.values == [3, 8, 10])
    #expect(log.times == [1, 2, 5].map { Instant.seconds($0).nanoseconds })
    var gauge = SampleLog()
    gauge.append(7, at: .seconds(1))
    gauge.append(later, isTotal: false)
    #expect(gauge.values == [7, 0, 2])
  }

  @Test func secondsOfTwoTracksLieSideBySide() {
    var first = PictureSeconds()
    first.note(.moving, endingAt: .seconds(1))
    var second = PictureSeconds()
    second.note(.moving, endingAt: .seconds(5))
    second.note(.still, endingAt: .seconds(6))
    first.append(second)
    #expect(first.spans.map(\.from) == [.zero, .seconds(4), .seconds(5)])
    #expect(first.spans.map(\.to) == [.seconds(1), .seconds(5), .seconds(6)])
  }
}
