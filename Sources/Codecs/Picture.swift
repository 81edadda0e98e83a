// A picture as video codecs take and give it: planar YUV 4:2:0 (I420), eight bits.

/// Three planes without padding; the colour planes have half the luma's size, rounded up.
public struct Picture: Sendable, Equatable {
  /// Pixels, 1...16,383.
  public let width: Int
  public let height: Int
  /// `width * height` values.
  public var luma: [UInt8]
  /// `colorWidth * colorHeight` values each: blue and red difference.
  public var cb: [UInt8]
  public var cr: [UInt8]

  /// A grey picture.
  public init(width: Int, height: Int) {
    precondition((1...16_383).contains(width) && (1...16_383).contains(height))
    self.width = width
    self.height = height
    luma = Array(repeating: 128, count: width * height)
    let color = ((width + 1) / 2) * ((height + 1) / 2)
    cb = Array(repeating: 128, count: color)
    cr = Array(repeating: 128, count: color)
  }

  public var colorWidth: Int { (width + 1) / 2 }
  public var colorHeight: Int { (height + 1) / 2 }
}
