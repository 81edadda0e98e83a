// Hexadecimal test vectors as they stand in RFCs.

/// Bytes of `text`, in which white space is ignored. Traps on anything that is not hexadecimal.
public func hex(_ text: String) -> [UInt8] {
  let digits = text.filter { !$0.isWhitespace }
  precondition(digits.count % 2 == 0, "an odd number of hexadecimal digits")
  var bytes: [UInt8] = []
  var index = digits.startIndex
  while index < digits.endIndex {
    let next = digits.index(index, offsetBy: 2)
    bytes.append(UInt8(digits[index..<next], radix: 16)!)
    index = next
  }
  return bytes
}
