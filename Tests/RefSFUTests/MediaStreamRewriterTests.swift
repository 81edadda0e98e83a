import Basics
import Testing

@testable import RefSFU

private typealias Input = StreamRewriter.Input
private typealias Output = StreamRewriter.Output

private func input(
  _ sequenceNumber: UInt16, layer: Int = 0, timestamp: UInt32 = 0, picture: UInt16? = nil,
  isLong: Bool = true, tl0: UInt8? = nil, key: UInt8? = nil, wanted: Bool = true,
  padding: Bool = false, marker: Bool = true
) -> Input {
  var vp8: VP8Numbers?
  if picture != nil || tl0 != nil || key != nil {
    vp8 = VP8Numbers(pictureID: picture, isLong: isLong, tl0PictureIndex: tl0, keyIndex: key)
  }
  return Input(
    layer: layer, sequenceNumber: sequenceNumber, timestamp: timestamp, marker: marker,
    isWanted: wanted, isPadding: padding, vp8: vp8)
}

private func rewriter(
  _ sequenceNumber: UInt16 = 1_000, timestamp: UInt32 = 0, picture: UInt16 = 0
) -> StreamRewriter {
  StreamRewriter(
    clockRate: 90_000, firstSequenceNumber: sequenceNumber, firstTimestamp: timestamp,
    firstPictureID: picture)
}

extension StreamRewriter.Outcome {
  fileprivate var forwarded: Output? {
    if case .forward(let output) = self { return output }
    return nil
  }
  fileprivate var number: UInt16? {
    switch self {
    case .forward(let output), .pad(let output): output.sequenceNumber
    case .refuse: nil
    }
  }
}

@Suite struct StreamRewriterTests {
  @Test(arguments: [UInt16(0), 500, 32_766, 65_533]) func dropsCloseAcrossTheWrap(first: UInt16) {
    for start in [UInt16(0), 65_532] {
      var stream = rewriter(start)
      stream.begin(input(first), at: .zero)
      var expected = start
      for step in 0..<10 as Range<UInt16> {
        let isWanted = step % 3 != 1
        let outcome = stream.rewrite(input(first &+ step, wanted: isWanted), at: .zero)
        if isWanted {
          #expect(outcome.forwarded?.sequenceNumber == expected)
          expected &+= 1
        } else {
          #expect(outcome == .refuse(.unwanted))
        }
      }
    }
  }

  @Test func lossKeepsItsGapAndLatePacketsTheirPlace() {
    var stream = rewriter(100)
    stream.begin(input(10), at: .zero)
    #expect(stream.rewrite(input(10), at: .zero).number == 100)
    #expect(stream.rewrite(input(11, wanted: false), at: .zero) == .refuse(.unwanted))
    #expect(stream.rewrite(input(14), at: .zero).number == 103)
    #expect(stream.rewrite(input(15, wanted: false), at: .zero).number == nil)
    #expect(stream.rewrite(input(16), at: .zero).number == 104)
    // 12 and 13 were skipped and come late; 11 and 15 were dropped for good.
    #expect(stream.rewrite(input(13), at: .zero).number == 102)
    #expect(stream.rewrite(input(12), at: .zero).number == 101)
    #expect(stream.rewrite(input(11), at: .zero) == .refuse(.unwanted))
    #expect(stream.rewrite(input(15), at: .zero) == .refuse(.unwanted))
    #expect(stream.rewrite(input(9), at: .zero) == .refuse(.stale))
    // A duplicate goes where the first copy went.
    #expect(stream.rewrite(input(14), at: .zero).number == 103)
  }

  /// 4,000 numbers back is a stream starting over, which takes two packets to believe (RFC 3550 §A.1);
  /// the first must not take the number of the packet that once had its own.
  @Test func theFirstPacketOfAStreamStartingOverIsRefused() {
    var stream = rewriter(100)
    stream.begin(input(10), at: .zero)
    for number in 10...4_100 as ClosedRange<UInt16> {
      #expect(stream.rewrite(input(number), at: .zero).number == number + 90)
    }
    #expect(stream.rewrite(input(100), at: .zero) == .refuse(.stale))
    #expect(stream.rewrite(input(101), at: .zero).number == 4_191)
    #expect(stream.rewrite(input(102), at: .zero).number == 4_192)
  }

  @Test func lateAndUnwantedBecomesPadding() {
    var stream = rewriter(100)
    stream.begin(input(10), at: .zero)
    _ = stream.rewrite(input(10), at: .zero)
    _ = stream.rewrite(input(13), at: .zero)
    guard case .pad(let output) = stream.rewrite(input(11, wanted: false), at: .zero) else {
      Issue.record("not padding")
      return
    }
    #expect(output.sequenceNumber == 101)
    guard case .pad(let second) = stream.rewrite(input(12, padding: true), at: .zero) else {
      Issue.record("not padding")
      return
    }
    #expect(second.sequenceNumber == 102)
  }

  /// A packet that is overtaken by a switch leaves a number behind, which padding takes.
  @Test func stragglersOfTheOldLayerAreOwedTheirNumbers() {
    var stream = rewriter()
    stream.begin(input(10), at: .zero)
    #expect(stream.rewrite(input(10), at: .zero).number == 1_000)
    #expect(stream.rewrite(input(12, timestamp: 3_000), at: .zero).number == 1_002)
    stream.begin(input(70, layer: 1, timestamp: 9_000), at: .zero)
    #expect(stream.rewrite(input(70, layer: 1, timestamp: 9_000), at: .zero).number == 1_003)
    #expect(stream.straggler(input(11, timestamp: 3_000))?.sequenceNumber == 1_001)
    #expect(stream.straggler(input(13, timestamp: 6_000)) == nil)
    #expect(stream.straggler(input(9)) == nil)
    #expect(stream.straggler(input(69, layer: 1)) == nil)
  }

  @Test func paddingOnlyLeavesNoGap() {
    var stream = rewriter(100)
    stream.begin(input(10, padding: true), at: .zero)
    #expect(stream.rewrite(input(10, padding: true), at: .zero) == .refuse(.unwanted))
    #expect(stream.rewrite(input(11, padding: true), at: .zero) == .refuse(.unwanted))
    #expect(stream.rewrite(input(12), at: .zero).number == 100)
  }

  @Test func ownPaddingTakesANumberBetweenFrames() {
    var stream = rewriter(65_535)
    #expect(stream.insertPadding() == nil)
    stream.begin(input(10, timestamp: 3_000), at: .zero)
    #expect(stream.rewrite(input(10, timestamp: 3_000, marker: false), at: .zero).number == 65_535)
    #expect(stream.insertPadding() == nil)
    #expect(stream.rewrite(input(11, timestamp: 3_000), at: .zero).number == 0)
    #expect(stream.insertPadding() == Output(sequenceNumber: 1, timestamp: 0, vp8: nil))
    #expect(stream.insertPadding()?.sequenceNumber == 2)
    #expect(stream.rewrite(input(12, wanted: false), at: .zero) == .refuse(.unwanted))
    #expect(stream.insertPadding()?.sequenceNumber == 3)
    #expect(stream.rewrite(input(12), at: .zero) == .refuse(.unwanted))
    #expect(stream.rewrite(input(14), at: .zero).number == 5)
    #expect(stream.rewrite(input(13), at: .zero).number == 4)
    #expect(stream.rewrite(input(11), at: .zero).number == 0)
  }

  @Test func switchesContinueEverything() {
    var stream = rewriter(7, timestamp: 0xFFFF_FF00, picture: 0x7FFF)
    let low = input(500, layer: 0, timestamp: 1_000, picture: 42, tl0: 9, key: 3)
    stream.begin(low, at: .zero)
    #expect(
      stream.rewrite(low, at: .zero)
        == .forward(
          Output(
            sequenceNumber: 7, timestamp: 0xFFFF_FF00,
            vp8: VP8Numbers(pictureID: 0x7FFF, tl0PictureIndex: 0, keyIndex: 0))))
    _ = stream.rewrite(
      input(501, timestamp: 4_000, picture: 43, tl0: 10, key: 3), at: .milliseconds(33))
    let high = input(9_000, layer: 2, timestamp: 77, picture: 5, tl0: 200, key: 31)
    #expect(stream.rewrite(high, at: .milliseconds(66)) == .refuse(.otherLayer))
    stream.begin(high, aligned: 7_000, at: .milliseconds(70))
    #expect(
      stream.rewrite(high, at: .milliseconds(70)).forwarded
        == Output(
          sequenceNumber: 9, timestamp: 0xFFFF_FF00 &+ 6_000,
          vp8: VP8Numbers(pictureID: 1, tl0PictureIndex: 2, keyIndex: 1)))
    // The old layer is over, however it arrives.
    #expect(stream.rewrite(input(502), at: .milliseconds(71)) == .refuse(.otherLayer))
    let next = input(9_001, layer: 2, timestamp: 3_077, picture: 6, tl0: 201, key: 31)
    #expect(
      stream.rewrite(next, at: .milliseconds(100)).forwarded
        == Output(
          sequenceNumber: 10, timestamp: 0xFFFF_FF00 &+ 9_000,
          vp8: VP8Numbers(pictureID: 2, tl0PictureIndex: 3, keyIndex: 1)))
    #expect(stream.rewrite(input(8_999, layer: 2), at: .milliseconds(100)) == .refuse(.stale))
  }

  @Test func comingBackToALayerForgetsItsPast() {
    var stream = rewriter(100)
    stream.begin(input(10), at: .zero)
    _ = stream.rewrite(input(10), at: .zero)
    _ = stream.rewrite(input(12), at: .zero)
    stream.begin(input(900, layer: 1), at: .milliseconds(40))
    #expect(stream.rewrite(input(900, layer: 1), at: .milliseconds(40)).number == 103)
    stream.begin(input(20), at: .milliseconds(80))
    #expect(stream.rewrite(input(20), at: .milliseconds(80)).number == 104)
    #expect(stream.rewrite(input(11), at: .milliseconds(81)) == .refuse(.stale))
  }

  struct Alignment: Sendable {
    var elapsed: Int
    var aligned: UInt32?
    var expected: UInt32
  }

  /// The first layer's last packet had timestamp 10,000 and left as 500.
  @Test(arguments: [
    // By elapsed time, by sender reports, sender reports that make no sense.
    Alignment(elapsed: 100, aligned: nil, expected: 9_500),
    Alignment(elapsed: 100, aligned: 16_000, expected: 6_500),
    Alignment(elapsed: 100, aligned: 5_000_000, expected: 9_500),
    // Never backwards, never the same.
    Alignment(elapsed: 0, aligned: nil, expected: 501),
    Alignment(elapsed: 10, aligned: 10_000, expected: 501),
    Alignment(elapsed: 10, aligned: 9_000, expected: 501),
    Alignment(elapsed: 10, aligned: 10_001, expected: 501),
  ])
  func timestampsAlign(_ row: Alignment) {
    var stream = rewriter(0, timestamp: 500)
    stream.begin(input(1, timestamp: 10_000), at: .zero)
    _ = stream.rewrite(input(1, timestamp: 10_000), at: .zero)
    let next = input(1, layer: 1, timestamp: 4_000_000_000)
    let now = Instant.milliseconds(row.elapsed)
    stream.begin(next, aligned: row.aligned, at: now)
    #expect(stream.rewrite(next, at: now).forwarded?.timestamp == row.expected)
  }

  @Test func pausesKeepTheClock() {
    var stream = rewriter(100, timestamp: 500)
    stream.begin(input(1, timestamp: 10_000, tl0: 7), at: .zero)
    _ = stream.rewrite(input(1, timestamp: 10_000, tl0: 7), at: .zero)
    stream.stop()
    #expect(stream.layer == nil)
    #expect(stream.rewrite(input(2), at: .seconds(1.0)) == .refuse(.otherLayer))
    let resumed = input(150, timestamp: 190_000, tl0: 40)
    stream.begin(resumed, at: .seconds(2.1))
    let output = stream.rewrite(resumed, at: .seconds(2.1)).forwarded
    #expect(output?.sequenceNumber == 101)
    #expect(output?.timestamp == 180_500)
    #expect(output?.vp8?.tl0PictureIndex == 1)
  }

  /// A publisher's own mute leaves a hole in time only.
  @Test func muteGapsPassUnchanged() {
    var stream = rewriter(100, timestamp: 0)
    stream.begin(input(1, timestamp: 50), at: .zero)
    _ = stream.rewrite(input(1, timestamp: 50), at: .zero)
    let output = stream.rewrite(input(2, timestamp: 900_050), at: .seconds(10.0)).forwarded
    #expect(output == Output(sequenceNumber: 101, timestamp: 900_000, vp8: nil))
  }

  @Test func aPublisherThatStartsOverContinues() {
    var stream = rewriter(100)
    stream.begin(input(10, timestamp: 0), at: .zero)
    _ = stream.rewrite(input(10, timestamp: 0), at: .zero)
    let jump = input(5_000, timestamp: 90_000)
    #expect(stream.rewrite(jump, at: .seconds(1.0)).number == 101)
    #expect(stream.rewrite(input(300), at: .seconds(1.0)) == .refuse(.stale))
    #expect(stream.rewrite(input(5_001), at: .seconds(1.0)).number == 102)
    #expect(stream.rewrite(input(400), at: .seconds(1.0)) == .refuse(.stale))
    #expect(stream.rewrite(input(401), at: .seconds(1.0)).number == 103)
  }

  @Test(arguments: [true, false]) func pictureIDsWrap(isLong: Bool) {
    let modulus: UInt16 = isLong ? 0x8000 : 0x80
    var stream = rewriter(0, picture: modulus - 3)
    let first = modulus - 2
    stream.begin(input(0, picture: first, isLong: isLong), at: .zero)
    var kept: UInt16 = 0
    for step in 0..<300 as Range<UInt16> {
      let wanted = step % 4 != 3
      let picture = (first + step) % modulus
      let outcome = stream.rewrite(
        input(step, picture: picture, isLong: isLong, wanted: wanted), at: .zero)
      guard wanted else { continue }
      let expected = (modulus - 3 + kept) % modulus
      #expect(outcome.forwarded?.vp8?.pictureID == expected)
      #expect(outcome.forwarded?.vp8?.isLong == isLong)
      kept += 1
    }
  }

  /// RFC 7741 §4.2: after 127 a sender may go on with 15 bits, or wrap; and back again.
  @Test func pictureIDsChangeTheirSize() {
    var stream = rewriter(0, picture: 126)
    stream.begin(input(0, picture: 126, isLong: false), at: .zero)
    let rows: [(UInt16, Bool, UInt16)] = [
      (126, false, 126), (127, false, 127), (128, true, 128), (129, true, 129),
    ]
    for (step, row) in rows.enumerated() {
      let outcome = stream.rewrite(
        input(UInt16(step), picture: row.0, isLong: row.1), at: .zero)
      #expect(outcome.forwarded?.vp8?.pictureID == row.2)
    }
    var long = rewriter(0, picture: 32_766)
    long.begin(input(0, picture: 32_766), at: .zero)
    let back: [(UInt16, Bool, UInt16)] = [
      (32_766, true, 32_766), (32_767, true, 32_767), (0, false, 0), (1, false, 1),
    ]
    for (step, row) in back.enumerated() {
      let outcome = long.rewrite(input(UInt16(step), picture: row.0, isLong: row.1), at: .zero)
      #expect(outcome.forwarded?.vp8?.pictureID == row.2)
    }
  }

  @Test func pictureIDsThatStartOverContinue() {
    var stream = rewriter(0, picture: 10)
    stream.begin(input(0, picture: 500), at: .zero)
    for (step, row) in [(500, 10), (501, 11), (3, 12), (4, 13)].enumerated() {
      let outcome = stream.rewrite(input(UInt16(step), picture: UInt16(row.0)), at: .zero)
      #expect(outcome.forwarded?.vp8?.pictureID == UInt16(row.1))
    }
  }

  @Test func picturesAreKeptOrDroppedWhole() {
    var stream = rewriter(0)
    stream.begin(input(0, picture: 1), at: .zero)
    #expect(stream.rewrite(input(0, picture: 1), at: .zero).number == 0)
    // The decision changes within pictures 1 and 2; their first packets decided.
    #expect(stream.rewrite(input(1, picture: 1, wanted: false), at: .zero).number == 1)
    #expect(stream.rewrite(input(2, picture: 2, wanted: false), at: .zero).number == nil)
    #expect(stream.rewrite(input(3, picture: 2), at: .zero).number == nil)
    let output = stream.rewrite(input(4, picture: 3), at: .zero).forwarded
    #expect(output?.sequenceNumber == 2)
    #expect(output?.vp8?.pictureID == 1)
  }

  @Test func lateUnwantedPicturesFillTheirGapOnlyWhole() {
    var stream = rewriter(0)
    stream.begin(input(0, picture: 1), at: .zero)
    _ = stream.rewrite(input(0, picture: 1), at: .zero)
    // Picture 2 (1, 2) is overtaken whole by picture 3, of which the first packet (3) is missing.
    #expect(stream.rewrite(input(4, picture: 3, wanted: false), at: .zero).number == nil)
    #expect(stream.rewrite(input(5, picture: 4), at: .zero).forwarded?.vp8?.pictureID == 2)
    let late = stream.rewrite(input(2, picture: 2, wanted: false), at: .zero).forwarded
    #expect(late?.vp8?.pictureID == 1)
    #expect(late?.sequenceNumber == 2)
    guard case .pad(let pad) = stream.rewrite(input(3, picture: 3, wanted: false), at: .zero)
    else {
      Issue.record("part of a dropped picture was forwarded")
      return
    }
    #expect(pad.sequenceNumber == 3)
  }

  @Test func indicesWrapAcrossSwitches() {
    var stream = rewriter(0)
    var expectedTL0: UInt8 = 0
    var expectedKey: UInt8 = 0
    var number: UInt16 = 0
    for turn in 0..<400 {
      let layer = turn % 2
      let tl0 = UInt8(truncatingIfNeeded: turn * 37)
      let key = UInt8(turn * 11 % 32)
      let now = Instant.milliseconds(turn)
      stream.begin(input(number, layer: layer, tl0: tl0, key: key), at: now)
      for step in 0..<2 as Range<UInt8> {
        let output = stream.rewrite(
          input(number, layer: layer, tl0: tl0 &+ step, key: key), at: now
        ).forwarded
        #expect(output?.vp8?.tl0PictureIndex == expectedTL0)
        #expect(output?.vp8?.keyIndex == expectedKey)
        expectedTL0 &+= 1
        number &+= 1
      }
      expectedKey = (expectedKey + 1) % 32
    }
  }

  @Test func historyIsBounded() {
    var stream = rewriter(0)
    stream.begin(input(0), at: .zero)
    for number in 0..<1_000 as Range<UInt16> {
      _ = stream.rewrite(input(number, wanted: number % 2 == 0), at: .zero)
    }
    #expect(stream.rewrite(input(998), at: .zero).number == 499)
    #expect(stream.rewrite(input(940), at: .zero).number == 470)
    #expect(stream.rewrite(input(2), at: .zero) == .refuse(.stale))
  }
}
