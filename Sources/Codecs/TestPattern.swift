// A moving picture that carries its own number: a texture that pans, a disc that wanders, and the
// number in black and white blocks along the top, which survives any codec worth its name.
//
//   | 32 blocks: the number, highest bit first | 8 blocks: its check | of width/40 x height/12 each

/// The same number gives the same picture, whoever asks.
public struct TestPattern: Sendable {
  public let width: Int
  public let height: Int
  /// The background, which repeats horizontally.
  private let texture: [UInt8]

  private static let blocks = 40
  private static let black: UInt8 = 32
  private static let white: UInt8 = 224

  /// - Parameters: pixels; at least 80 x 48, so that a block has two pixels in each direction.
  public init(width: Int, height: Int) {
    precondition(width >= 80 && height >= 48)
    self.width = width
    self.height = height
    texture = TestPattern.texture(width: width, height: height)
  }

  /// Two octaves of smooth noise over a gradient; detail scales with the picture, as a scene does.
  private static func texture(width: Int, height: Int) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: width * height)
    let coarse = Noise(cells: 16, width: width, cell: max(2, height / 9))
    let fine = Noise(cells: 96, width: width, cell: max(2, height / 54))
    for y in 0..<height {
      for x in 0..<width {
        let slope = 40 * y / height
        let value = 70 + slope + coarse.value(x, y) * 90 / 256 + fine.value(x, y) * 30 / 256
        pixels[y * width + x] = UInt8(clamping: value)
      }
    }
    return pixels
  }

  /// The picture of this number.
  public func picture(_ number: UInt32) -> Picture {
    var picture = Picture(width: width, height: height)
    pan(&picture, number)
    drawDisc(&picture, number)
    drawNumber(&picture, number)
    return picture
  }

  private func pan(_ picture: inout Picture, _ number: UInt32) {
    let shift = Int(number) * max(1, width / 320) % width
    texture.withUnsafeBufferPointer { source in
      picture.luma.withUnsafeMutableBufferPointer { target in
        for row in 0..<height {
          let line = row * width
          let head = width - shift
          (target.baseAddress! + line).update(
            from: source.baseAddress! + line + shift, count: head)
          (target.baseAddress! + line + head).update(
            from: source.baseAddress! + line, count: shift)
        }
      }
    }
  }

  /// There and back in `period` frames, 0...limit.
  private static func swing(_ number: UInt32, period: Int, limit: Int) -> Int {
    let phase = Int(number) % period
    return 2 * limit * min(phase, period - phase) / period
  }

  private func drawDisc(_ picture: inout Picture, _ number: UInt32) {
    let radius = height / 6
    let top = height / 12
    let centerX = radius + TestPattern.swing(number, period: 211, limit: width - 2 * radius - 1)
    let centerY =
      top + radius
      + TestPattern.swing(number, period: 127, limit: height - top - 2 * radius - 1)
    for dy in -radius...radius {
      let reach = Int(Double(radius * radius - dy * dy).squareRoot())
      let line = (centerY + dy) * width + centerX
      for dx in -reach...reach {
        // Rings, so that the disc has an inside to lose.
        let ring = (dx * dx + dy * dy) * 12 / (radius * radius + 1)
        picture.luma[line + dx] = ring & 1 == 0 ? 200 : 170
      }
    }
    for dy in stride(from: -radius, through: radius, by: 2) {
      let reach = Int(Double(radius * radius - dy * dy).squareRoot()) / 2
      let line = (centerY + dy) / 2 * picture.colorWidth + centerX / 2
      for dx in -reach...reach {
        picture.cb[line + dx] = 110
        picture.cr[line + dx] = 160
      }
    }
  }

  // MARK: - The number

  private static func check(_ number: UInt32) -> UInt8 {
    let product = (number ^ 0xA5) &* 0x9E37_79B1
    return UInt8(truncatingIfNeeded: product >> 24)
  }

  private func drawNumber(_ picture: inout Picture, _ number: UInt32) {
    let bits = UInt64(number) << 8 | UInt64(TestPattern.check(number))
    for block in 0..<TestPattern.blocks {
      let isWhite = bits >> UInt64(TestPattern.blocks - 1 - block) & 1 == 1
      let columns = columns(of: block)
      for row in 0..<height / 12 {
        for column in columns {
          picture.luma[row * width + column] = isWhite ? TestPattern.white : TestPattern.black
        }
      }
    }
  }

  private func columns(of block: Int) -> Range<Int> {
    block * width / TestPattern.blocks..<(block + 1) * width / TestPattern.blocks
  }

  /// The number in a picture of any size; nil where none can be read.
  public static func number(in picture: Picture) -> UInt32? {
    guard picture.width >= 80, picture.height >= 48 else { return nil }
    var bits: UInt64 = 0
    for block in 0..<blocks {
      let left = block * picture.width / blocks
      let right = (block + 1) * picture.width / blocks
      let margin = (right - left) / 4
      let strip = picture.height / 12
      var sum = 0
      var count = 0
      for row in strip / 4..<max(strip / 4 + 1, strip * 3 / 4) {
        for column in left + margin..<max(left + margin + 1, right - margin) {
          sum += Int(picture.luma[row * picture.width + column])
          count += 1
        }
      }
      bits = bits << 1 | (sum > 128 * count ? 1 : 0)
    }
    let number = UInt32(truncatingIfNeeded: bits >> 8)
    return check(number) == UInt8(truncatingIfNeeded: bits) ? number : nil
  }
}

/// Value noise on a grid that wraps around horizontally.
struct Noise {
  private let cells: Int
  private let width: Int
  private let cell: Int

  init(cells: Int, width: Int, cell: Int) {
    self.cells = cells
    self.width = width
    self.cell = cell
  }

  private func corner(_ x: Int, _ y: Int) -> Int {
    let seed = UInt64(x % cells) << 32 | UInt64(y)
    let product = (seed &+ 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
    return Int((product ^ (product >> 32)) & 255)
  }

  /// 0...255.
  func value(_ x: Int, _ y: Int) -> Int {
    let scaled = x * cells * 256 / width
    let column = scaled >> 8
    let fractionX = scaled & 255
    let row = y / cell
    let fractionY = (y % cell) * 256 / cell
    let top =
      corner(column, row) * (256 - fractionX) + corner(column + 1, row) * fractionX
    let bottom =
      corner(column, row + 1) * (256 - fractionX) + corner(column + 1, row + 1) * fractionX
    return (top * (256 - fractionY) + bottom * fractionY) >> 16
  }
}
