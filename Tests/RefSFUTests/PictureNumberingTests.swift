// Picture numbers over layer switches and dropped pictures, of VP8 and VP9.

import Basics
import Testing

@testable import RefSFU

@Suite struct PictureNumberingTests {
  /// The picture ids that go out for these, of which layer, with those left out as nil.
  private func ids(
    _ pictures: [(layer: Int, id: UInt16, isWanted: Bool)], keepsGaps: Bool
  ) -> [UInt16?] {
    var rewriter = StreamRewriter(
      clockRate: 90_000, firstSequenceNumber: 1, firstTimestamp: 0, firstPictureID: 100)
    var now = Instant.zero
    var layer: Int?
    return pictures.enumerated().map { index, picture in
      now += .milliseconds(33)
      let input = StreamRewriter.Input(
        layer: picture.layer, sequenceNumber: UInt16(1_000 * picture.layer + index),
        timestamp: UInt32(3_000 * index), marker: true, isWanted: picture.isWanted,
        vp8: VP8Numbers(pictureID: picture.id, keepsGaps: keepsGaps))
      if layer != picture.layer { rewriter.begin(input, at: now) }
      layer = picture.layer
      guard case .forward(let output) = rewriter.rewrite(input, at: now) else { return nil }
      return output.vp8?.pictureID
    }
  }

  /// RFC 7741 §4.2: without a gap, over the switch as well.
  @Test func vp8ClosesGaps() {
    let pictures: [(layer: Int, id: UInt16, isWanted: Bool)] = [
      (0, 10, true), (0, 11, false), (0, 12, true), (1, 5_000, true), (1, 5_001, true),
    ]
    #expect(ids(pictures, keepsGaps: false) == [100, nil, 101, 102, 103])
  }

  /// RFC 9628 §4.2: references are distances of picture ids, so that dropped ones leave gaps.
  @Test func vp9KeepsGaps() {
    let pictures: [(layer: Int, id: UInt16, isWanted: Bool)] = [
      (0, 10, true), (0, 11, false), (0, 12, true), (1, 5_000, true), (1, 5_001, true),
    ]
    #expect(ids(pictures, keepsGaps: true) == [100, nil, 102, 103, 104])
  }
}
