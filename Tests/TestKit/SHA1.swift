// SHA-1 and HMAC-SHA1 (RFC 3174, RFC 2104), slow and plain: what tests compare the real ones with.

/// The 20 bytes of the digest.
public func sha1(_ message: [UInt8]) -> [UInt8] {
  var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
  let bits = UInt64(message.count) * 8
  var padded = message + [0x80]
  while padded.count % 64 != 56 { padded.append(0) }
  for shift in stride(from: UInt64(56), through: 0, by: -8) {
    padded.append(UInt8(truncatingIfNeeded: bits >> shift))
  }
  for start in stride(from: 0, to: padded.count, by: 64) {
    mix(padded[start..<(start + 64)], into: &state)
  }
  return state.flatMap { word in
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
  }
}

private func mix(_ block: ArraySlice<UInt8>, into state: inout [UInt32]) {
  func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x << n | x >> (32 - n) }
  var w: [UInt32] = stride(from: block.startIndex, to: block.endIndex, by: 4).map { i in
    block[i..<(i + 4)].reduce(0) { $0 << 8 | UInt32($1) }
  }
  for t in 16..<80 { w.append(rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1)) }
  var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
  for t in 0..<80 {
    let (f, k): (UInt32, UInt32) =
      switch t {
      case 0..<20: ((b & c) | (~b & d), 0x5A82_7999)
      case 20..<40: (b ^ c ^ d, 0x6ED9_EBA1)
      case 40..<60: ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
      default: (b ^ c ^ d, 0xCA62_C1D6)
      }
    let next = rotate(a, 5) &+ f &+ e &+ k &+ w[t]
    (a, b, c, d, e) = (next, a, rotate(b, 30), c, d)
  }
  for (index, value) in [a, b, c, d, e].enumerated() { state[index] &+= value }
}

/// The 20 bytes of the code.
public func hmacSHA1(key: [UInt8], message: UnsafeRawBufferPointer) -> [UInt8] {
  var block = key.count > 64 ? sha1(key) : key
  block += Array(repeating: 0, count: 64 - block.count)
  return sha1(block.map { $0 ^ 0x5C } + sha1(block.map { $0 ^ 0x36 } + Array(message)))
}
