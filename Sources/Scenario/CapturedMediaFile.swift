// Captured streams read from files, with the line that is wrong.

import Basics
import Foundation

extension CapturedMedia {
  /// Larger files are of no stream.
  private static let sizeLimit = 256 << 20

  /// - Throws: `ScenarioError` at `node`, with the line that is wrong.
  init(file: String, at node: YAMLNode) throws {
    let size = (try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? NSNumber
    guard let size, size.intValue <= CapturedMedia.sizeLimit,
      let data = FileManager.default.contents(atPath: file)
    else { throw node.error("\(file): cannot be read, or is larger than 256 MiB") }
    do throws(CapturedMediaError) {
      try self.init(parsing: [UInt8](data))
    } catch {
      switch error {
      case .notMedia:
        throw node.error("\(file): not a captured stream; it begins with 'assay-media 1'")
      case .badLine(2):
        throw node.error("\(file):2: expected 'video VP8 90000 640x360' or 'audio opus 48000'")
      case .badLine(let line):
        throw node.error(
          "\(file):\(line): expected microseconds, number, timestamp, bytes up to "
            + "\(CapturedMedia.largestPayload) and what the packet is, in the order of time")
      case .noPackets: throw node.error("\(file): holds no packets")
      case .tooManyPackets:
        throw node.error("\(file): holds more than \(CapturedMedia.packetLimit) packets")
      }
    }
  }
}

extension Scenario.VideoLayer {
  /// What a captured stream is announced as.
  public init(_ media: CapturedMedia) {
    let frames = media.packets.count { $0.flags.contains(.marker) }
    let first = media.packets.first?.offset ?? 0
    let seconds = Double((media.packets.last?.offset ?? 0) - first) / 1e6
    let rate = seconds > 0 ? (Double(frames) / seconds).rounded() : 30
    self.init(
      height: max(2, media.height), framesPerSecond: min(max(rate, 1), 240),
      bitrate: max(
        .kbps(10), Bitrate(bitsPerSecond: media.meanBitrate.bitsPerSecond / 1_000 * 1_000)))
  }
}
