// The trace-driven model of a live video encoder (RFC 8593 §6): sizes of frames that libvpx really made
// of a talking head, at several rates.

import Basics

/// The frame sizes of one sequence, encoded at several rates: the map Traces of RFC 8593 §6.1.
public struct FrameTrace: Sendable, Equatable {
  /// Lines of the pictures.
  public var height: Int
  public var framesPerSecond: Int
  /// The keys, ascending; the step between them may vary (§6.2.2). At least one.
  public var rates: [Bitrate]
  /// Bytes, a vector for each rate and all of the same length; the first frame is a keyframe, the
  /// others are not.
  public var sizes: [[Int]]

  public init(height: Int, framesPerSecond: Int, rates: [Bitrate], sizes: [[Int]]) {
    self.height = height
    self.framesPerSecond = framesPerSecond
    self.rates = rates
    self.sizes = sizes
  }

  /// fs_min and fs_max of §6.2.1, bytes.
  private static let sizeRange = 10.0...1e6

  /// The size of frame t_current at the target R_v, bytes (§6.2.1).
  func frameSize(at target: Bitrate, frame: Int) -> Double {
    let last = rates.count - 1
    let wanted = Double(target.bitsPerSecond)
    func key(_ index: Int) -> Double { Double(rates[index].bitsPerSecond) }
    func size(_ index: Int) -> Double { Double(sizes[index][frame]) }
    if target < rates[0] {
      return max(FrameTrace.sizeRange.lowerBound, wanted / key(0) * size(0))
    }
    if target >= rates[last] {
      return min(FrameTrace.sizeRange.upperBound, wanted / key(last) * size(last))
    }
    let low = rates.lastIndex { $0 <= target } ?? 0
    let distance = (wanted - key(low)) / (key(low + 1) - key(low))
    return size(low + 1) * distance + size(low) * (1 - distance)
  }

  // MARK: - Recorded traces

  private static let recorded: [FrameTrace] = [
    PackageResources.frames_180_bin, PackageResources.frames_360_bin,
    PackageResources.frames_720_bin,
  ].compactMap(FrameTrace.init(bytes:))

  /// That of the nearest height.
  static func recorded(height: Int) -> FrameTrace {
    func distance(_ trace: FrameTrace) -> Double {
      let ratio = Double(trace.height) / Double(height)
      return max(ratio, 1 / ratio)
    }
    return recorded.min { distance($0) < distance($1) }!
  }

  /// Numbers of seven bits a byte, low ones first: height, frames a second, vectors, frames in each;
  /// the rates in kbps; the vectors.
  public var bytes: [UInt8] {
    var numbers = [height, framesPerSecond, rates.count, sizes[0].count]
    numbers += rates.map { Int($0.bitsPerSecond / 1_000) }
    for vector in sizes { numbers += vector }
    var bytes: [UInt8] = []
    for number in numbers {
      var rest = number
      while rest > 127 {
        bytes.append(UInt8(rest & 127) | 128)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    return bytes
  }

  /// - Returns: nil where the bytes are not those of a trace.
  public init?(bytes: [UInt8]) {
    var numbers: [Int] = []
    var (number, shift) = (0, 0)
    for byte in bytes {
      guard shift < 28 else { return nil }
      number |= Int(byte & 127) << shift
      shift += 7
      guard byte < 128 else { continue }
      numbers.append(number)
      (number, shift) = (0, 0)
    }
    guard numbers.count > 4, numbers[2] > 0, numbers[3] > FrameTracePlayer.skippedFrames,
      numbers.count == 4 + numbers[2] * (1 + numbers[3])
    else { return nil }
    let (count, length) = (numbers[2], numbers[3])
    let rates = numbers[4..<4 + count].map { Bitrate.kbps(Int64($0)) }
    let sizes = (0..<count).map { index in
      let start = 4 + count + index * length
      return Array(numbers[start..<start + length])
    }
    self.init(height: numbers[0], framesPerSecond: numbers[1], rates: rates, sizes: sizes)
  }
}

/// A place in a trace: t_current of RFC 8593 §6.2.1.
struct FrameTracePlayer: Sendable {
  /// SkipFrames: where it begins again after the end, past the keyframe and what follows it.
  static let skippedFrames = 20

  let trace: FrameTrace
  private(set) var frame = 0

  init(_ trace: FrameTrace) { self.trace = trace }

  /// A keyframe on demand (§6.2.2).
  mutating func restart() { frame = 0 }

  /// The size of the next frame, bytes.
  mutating func next(at target: Bitrate) -> Double {
    let size = trace.frameSize(at: target, frame: frame)
    let skipped = FrameTracePlayer.skippedFrames
    if frame < skipped {
      frame += 1
    } else {
      frame = (frame + 1 - skipped) % (trace.sizes[0].count - skipped) + skipped
    }
    return size
  }
}
