// HTTP requests (RFC 9112): however the bytes are cut, the reader says the same.

import NetIO

func httpHolds(_ bytes: [UInt8]) -> Bool {
  let whole = HTTPReading(of: [bytes])
  let single = HTTPReading(of: bytes.map { [$0] })
  let middle = bytes.count / 2
  let halves = HTTPReading(of: [Array(bytes[..<middle]), Array(bytes[middle...])])
  return whole == single && whole == halves
}
