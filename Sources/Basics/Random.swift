// Named random streams: each use of chance draws from its own stream, so editing one leaves the
// others alone. Generator: xoshiro256** 1.0 (Blackman and Vigna, 2018), seeded through SplitMix64.

/// A deterministic stream of random numbers, fixed by a seed and a name such as
/// `link/train.down/loss`; in real time also the system's own source, which nobody can foretell.
public struct RandomStream: Sendable {
  private var isSystem = false
  private var s0: UInt64
  private var s1: UInt64
  private var s2: UInt64
  private var s3: UInt64

  public init(seed: UInt64, name: String) {
    var mix = seed ^ stableHash(name)
    func next(_ mix: inout UInt64) -> UInt64 {
      mix &+= 0x9E37_79B9_7F4A_7C15
      var z = mix
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    s0 = next(&mix)
    s1 = next(&mix)
    s2 = next(&mix)
    s3 = next(&mix)
  }

  /// The system's cryptographic source (getrandom): what a server's secrets are made of.
  public static let system: RandomStream = {
    var stream = RandomStream(seed: 0, name: "system")
    stream.isSystem = true
    return stream
  }()

  /// A stream of its own below this one; drawing from either leaves the other alone.
  public func child(_ name: String) -> RandomStream {
    isSystem ? self : RandomStream(seed: s0 ^ s3, name: name)
  }

  public mutating func next() -> UInt64 {
    if isSystem { return UInt64.random(in: .min ... .max) }
    let product = s1 &* 5
    let result = ((product << 7) | (product >> 57)) &* 9
    let t = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = (s3 << 45) | (s3 >> 19)
    return result
  }

  /// Uniform over [0, 1), 53 bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform over `range`.
  public mutating func uniform(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  /// Uniform over 0..<bound without bias (Lemire's method). `bound` is above zero.
  public mutating func below(_ bound: UInt64) -> UInt64 {
    precondition(bound > 0)
    let threshold = (0 &- bound) % bound
    while true {
      let product = next().multipliedFullWidth(by: bound)
      if product.low >= threshold { return product.high }
    }
  }

  /// True with probability `p`; always draws once, so that changing `p` shifts nobody's draws.
  public mutating func chance(_ p: Double) -> Bool { uniform() < p }

  /// Exponential with the given mean.
  public mutating func exponential(mean: Double) -> Double {
    -mean * RealMath.log(1 - uniform())
  }

  /// Normal by Box-Muller; always two draws.
  public mutating func normal(mean: Double = 0, standardDeviation: Double) -> Double {
    let u = 1 - uniform()
    let v = uniform()
    let radius = (-2 * RealMath.log(u)).squareRoot()
    return mean + standardDeviation * radius * RealMath.cos(2 * 3.141592653589793 * v)
  }

  /// Zero-mean Laplacian of the given scale (RFC 8593 §5.1.4).
  public mutating func laplacian(scale: Double) -> Double {
    let u = uniform() - 0.5
    let magnitude = -scale * RealMath.log(1 - 2 * abs(u))
    return u < 0 ? -magnitude : magnitude
  }

  /// `count` random bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    while result.count < count {
      withUnsafeBytes(of: next().littleEndian) {
        result.append(contentsOf: $0.prefix(count - result.count))
      }
    }
    return result
  }

  /// A string of `count` characters from `alphabet` (ASCII).
  public mutating func string(_ count: Int, from alphabet: StaticString) -> String {
    let size = UInt64(alphabet.utf8CodeUnitCount)
    return String(
      decoding: (0..<count).map { _ in alphabet.utf8Start[Int(below(size))] }, as: UTF8.self)
  }
}
