// The text of captured streams: what is written is read again, and what is wrong is named by its line.

import Basics
import Testing

@Suite struct CapturedMediaText {
  private func video() -> CapturedMedia {
    var media = CapturedMedia(
      kind: .video, codec: "VP8", clockRate: 90_000,
      packets: [
        .init(offset: 0, number: 0, timestamp: 0, size: 1_100, flags: [.start, .keyframe]),
        .init(offset: 310, number: 1, timestamp: 0, size: 874, flags: [.marker]),
        .init(
          offset: 40_021, number: 4, timestamp: 3_600, size: 512,
          flags: [.start, .marker, .discardable, .layerSync], temporalLayer: 2),
        // A late one.
        .init(offset: 41_000, number: 2, timestamp: 1_800, size: 9, flags: []),
      ])
    (media.width, media.height) = (640, 360)
    return media
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let media = video()
    let text = media.text
    #expect(
      text.hasPrefix("assay-media 1\nvideo VP8 90000 640x360\n0 0 0 1100 SK0\n310 1 0 874 M0\n"))
    #expect(try CapturedMedia(parsing: Array(text.utf8)) == media)
    let sound = CapturedMedia(
      kind: .audio, codec: "opus", clockRate: 48_000,
      packets: [
        .init(offset: 0, number: 0, timestamp: 0, size: 80, flags: [.marker, .voice], level: 31),
        .init(offset: 20_000, number: 1, timestamp: 960, size: 1, flags: []),
      ])
    #expect(try CapturedMedia(parsing: Array(sound.text.utf8)) == sound)
  }

  @Test func itsRateAndLength() {
    let media = video()
    #expect(media.end == .milliseconds(41))
    #expect(media.meanBitrate.bitsPerSecond == Int64((1_100 + 874 + 512 + 9) * 8 * 1_000 / 41))
  }

  @Test(arguments: [
    ("", CapturedMediaError.notMedia), ("assay-media 2\n", .notMedia),
    ("assay-media 1\n", .badLine(2)), ("assay-media 1\nvideo VP8 90000\n0 0 0 1 -\n", .badLine(2)),
    ("assay-media 1\nvideo <b> 90000 2x2\n", .badLine(2)),
    ("assay-media 1\nvideo VP8 0 2x2\n", .badLine(2)),
    ("assay-media 1\nvideo VP8 90000 2x2\n", .noPackets),
    ("assay-media 1\nvideo VP8 90000 2x2\n0 0 0 1\n", .badLine(3)),
    ("assay-media 1\nvideo VP8 90000 2x2\n0 0 0 0 S0\n", .badLine(3)),
    ("assay-media 1\nvideo VP8 90000 2x2\n0 0 0 1401 S0\n", .badLine(3)),
    ("assay-media 1\nvideo VP8 90000 2x2\n0 0 0 1 S8\n", .badLine(3)),
    ("assay-media 1\nvideo VP8 90000 2x2\n0 0 0 1 SQ0\n", .badLine(3)),
    ("assay-media 1\nvideo VP8 90000 2x2\n9 0 0 1 S0\n8 1 0 1 S0\n", .badLine(4)),
    ("assay-media 1\nvideo VP8 90000 2x2\n99999999999999999999 0 0 1 S0\n", .badLine(3)),
    ("assay-media 1\naudio opus 48000\n0 0 0 1 L128\n", .badLine(3)),
  ]) func whatIsWrongIsNamed(text: String, error: CapturedMediaError) {
    #expect(throws: error) { try CapturedMedia(parsing: Array(text.utf8)) }
  }
}
