// How far a decoded picture is from its original: PSNR (ITU-T J.340) and SSIM (Wang et al., 2004).

import Basics

/// Both of the luma plane, where the eye and every published comparison look.
public struct PictureQuality: Sendable, Equatable {
  /// Decibels, at most 60: identical pictures have no noise to measure.
  public var psnr: Double
  /// 0...1; 1 for identical pictures.
  public var ssim: Double

  static let highestPSNR = 60.0

  /// Nil for pictures of different size.
  public init?(of decoded: Picture, against original: Picture) {
    guard decoded.width == original.width, decoded.height == original.height else { return nil }
    let width = original.width
    let height = original.height
    (psnr, ssim) = decoded.luma.withUnsafeBufferPointer { a in
      original.luma.withUnsafeBufferPointer { b in
        (
          PictureQuality.psnr(a, b),
          PictureQuality.ssim(a, b, width: width, height: height)
        )
      }
    }
  }

  private static func psnr(
    _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>
  ) -> Double {
    var squares = 0
    for index in a.indices {
      let difference = Int(a[index]) - Int(b[index])
      squares += difference * difference
    }
    guard squares > 0 else { return highestPSNR }
    let meanSquare = Double(squares) / Double(a.count)
    let decibels = 10 * RealMath.log(255 * 255 / meanSquare) / RealMath.log(10)
    return min(highestPSNR, decibels)
  }

  /// Windows of 8x8 that do not overlap, with the paper's constants.
  private static func ssim(
    _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>, width: Int, height: Int
  ) -> Double {
    let columns = width / 8
    let rows = height / 8
    guard columns > 0, rows > 0 else { return 1 }
    var sum = 0.0
    for row in 0..<rows {
      for column in 0..<columns {
        sum += window(a, b, at: row * 8 * width + column * 8, width: width)
      }
    }
    return sum / Double(columns * rows)
  }

  private static func window(
    _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>, at start: Int, width: Int
  ) -> Double {
    var sumA = 0
    var sumB = 0
    var squaresA = 0
    var squaresB = 0
    var products = 0
    for row in 0..<8 {
      let line = start + row * width
      for column in line..<line + 8 {
        let x = Int(a[column])
        let y = Int(b[column])
        sumA += x
        sumB += y
        squaresA += x * x
        squaresB += y * y
        products += x * y
      }
    }
    // (0.01 * 255)^2 and (0.03 * 255)^2 of the paper, times 64^2, as the sums are not divided.
    let c1 = 6.5025 * 4_096
    let c2 = 58.5225 * 4_096
    let means = Double(sumA * sumB)
    let meanSquares = Double(sumA * sumA + sumB * sumB)
    let covariance = Double(64 * products) - means
    let variances = Double(64 * (squaresA + squaresB)) - meanSquares
    return (2 * means + c1) * (2 * covariance + c2)
      / ((meanSquares + c1) * (variances + c2))
  }
}
