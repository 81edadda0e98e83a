// SHA-256 (FIPS 180-4) on OpenSSL.

import COpenSSL

/// The SHA-256 of `bytes` as 64 hexadecimal digits.
public func sha256Hex(_ bytes: [UInt8]) -> String {
  var digest = [UInt8](repeating: 0, count: 32)
  SHA256(bytes, bytes.count, &digest)
  let digits = Array("0123456789abcdef")
  return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
