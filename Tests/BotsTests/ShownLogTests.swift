// What is remembered of frames shown: the last ones exactly, the rest of the run by the second.

import Basics
import Testing

@testable import Bots

@Suite struct ShownLogs {
  private func frame(_ index: Int) -> ShownFrame {
    let at = Instant.milliseconds(index * 20)
    return ShownFrame(at: at, captured: at - .milliseconds(60))
  }

  @Test func theLastFramesAreFoundByTheirTime() {
    var recent = RecentFrames()
    for index in 0..<2_000 { recent.note(frame(index)) }
    var found: [ShownFrame] = []
    recent.collect(after: .milliseconds(39_000), upTo: .milliseconds(39_100), into: &found)
    #expect(found.sorted { $0.at < $1.at } == (1_951...1_955).map(frame))
    found = []
    recent.collect(after: .zero, upTo: .seconds(100), into: &found)
    #expect(found.count == RecentFrames.capacity, "no more than a few seconds are kept")
  }

  @Test func equalSecondsAreOneSpan() {
    var seconds = PictureSeconds()
    let states: [PictureSeconds.State] = [.idle, .moving, .moving, .still, .moving]
    for (index, state) in states.enumerated() {
      seconds.note(state, endingAt: .seconds(Double(index + 1)))
    }
    #expect(seconds.spans.map(\.state) == [.idle, .moving, .still, .moving])
    #expect(seconds.spans.map(\.to) == [1, 3, 4, 5].map { .seconds($0) })
    #expect(seconds.spans[1].from == .seconds(1))
  }

  @Test func theNewestSampleIsThereHoweverThinTheLog() {
    var log = SampleLog()
    for index in 0..<100_000 {
      log.append(Double(index), at: .seconds(Double(index)))
      #expect(log.last == Double(index))
    }
    #expect(log.decimation == 32)
    #expect(log.values.last == 99_999 && log.times.count == log.values.count)
    #expect(log.count <= SampleLog.capacity + 1)
  }

  @Test func aTotalKeepsItsLastValueInLittleRoom() {
    var log = SampleLog()
    for index in 0..<10_000 { log.appendTotal(Double(index), at: .seconds(Double(index))) }
    #expect(log.last == 9_999 && log.count <= SampleLog.totalCapacity)
    // As dense at its beginning as at its end.
    let steps = zip(log.values.dropFirst(), log.values).map { $0 - $1 }.dropLast()
    #expect(steps.max()! <= 2 * steps.min()!)
  }
}
