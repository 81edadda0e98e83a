// Reads the protocol buffers wire format (protobuf.dev/programming-guides/encoding).
//
//   message := (tag value)*        tag := varint of (field number << 3 | wire type)
//   0 varint   1 eight bytes   2 length as varint, then bytes   5 four bytes

/// Why bytes are no message.
public enum ProtoError: Error, CaseIterable, Sendable {
  /// The bytes end before the value does.
  case truncated
  /// A varint of more than ten bytes or 64 bits.
  case badVarint
  /// Field number 0 or above 2^29 - 1, a wire type that does not exist, or a stray end of a group.
  case badTag
  /// A string that is not UTF-8.
  case badText
  /// JSON of another kind than the field.
  case badJSON
  /// More than `SignalLimits` allow: in bytes, in depth or in elements.
  case tooLarge
}

public enum ProtoWireType: UInt8, Sendable {
  case varint = 0
  case fixed64 = 1
  case bytes = 2
  case groupStart = 3
  case groupEnd = 4
  case fixed32 = 5
}

/// The fields of one message that have not been read yet. As `ProtoFields` it fills the one field
/// whose tag was read last.
public struct ProtoReader {
  private let bytes: [UInt8]
  private var offset: Int
  private let end: Int
  private let depth: Int
  private var elementsLeft: Int

  /// The field that is being read.
  private(set) var number = 0
  private(set) var wireType = ProtoWireType.varint
  private var tagOffset = 0
  private var isRead = true

  /// - Throws: `tooLarge`.
  public init(_ bytes: [UInt8]) throws(ProtoError) {
    guard bytes.count <= SignalLimits.messageSize else { throw .tooLarge }
    self.init(
      bytes, 0..<bytes.count, depth: SignalLimits.messageDepth,
      elementsLeft: SignalLimits.messageElements)
  }

  private init(_ bytes: [UInt8], _ range: Range<Int>, depth: Int, elementsLeft: Int) {
    self.bytes = bytes
    offset = range.lowerBound
    end = range.upperBound
    self.depth = depth
    self.elementsLeft = elementsLeft
  }

  public var isAtEnd: Bool { offset == end }

  // MARK: Values

  public mutating func varint() throws(ProtoError) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<10 {
      guard offset < end else { throw .truncated }
      let byte = bytes[offset]
      offset += 1
      guard index < 9 || byte < 2 else { throw .badVarint }
      value |= UInt64(byte & 0x7F) << UInt64(7 * index)
      if byte < 0x80 { return value }
    }
    throw .badVarint
  }

  public mutating func fixed32() throws(ProtoError) -> UInt32 {
    var value: UInt32 = 0
    for byte in bytes[try take(4)].reversed() { value = value << 8 | UInt32(byte) }
    return value
  }

  public mutating func fixed64() throws(ProtoError) -> UInt64 {
    let low = try fixed32()
    return UInt64(try fixed32()) << 32 | UInt64(low)
  }

  /// A length and that many bytes.
  public mutating func lengthDelimited() throws(ProtoError) -> [UInt8] {
    Array(bytes[try lengthDelimitedRange()])
  }

  public mutating func text() throws(ProtoError) -> String {
    let range = try lengthDelimitedRange()
    guard let text = String(validating: bytes[range], as: UTF8.self) else { throw .badText }
    return text
  }

  private mutating func lengthDelimitedRange() throws(ProtoError) -> Range<Int> {
    let length = try varint()
    guard length <= UInt64(end - offset) else { throw .truncated }
    return try take(Int(length))
  }

  private mutating func take(_ count: Int) throws(ProtoError) -> Range<Int> {
    guard count <= end - offset else { throw .truncated }
    defer { offset += count }
    return offset..<(offset + count)
  }

  // MARK: Messages

  /// Reads the fields of a nested message into `message`.
  mutating func nested(_ message: inout some ProtoMessage) throws(ProtoError) {
    guard depth > 0 else { throw .tooLarge }
    let range = try lengthDelimitedRange()
    var reader = ProtoReader(bytes, range, depth: depth - 1, elementsLeft: elementsLeft)
    try reader.fill(&message)
    elementsLeft = reader.elementsLeft
  }

  /// Reads all fields into `message`, which keeps what they do not set.
  mutating func fill(_ message: inout some ProtoMessage) throws(ProtoError) {
    while !isAtEnd {
      tagOffset = offset
      try readTag()
      try message.fields(&self)
      if !isRead { try skip(depth: depth) }
    }
  }

  private mutating func readTag() throws(ProtoError) {
    let tag = try varint()
    guard tag >> 3 >= 1, tag >> 3 < 1 << 29,
      let type = ProtoWireType(rawValue: UInt8(tag & 7)), type != .groupEnd
    else { throw .badTag }
    number = Int(tag >> 3)
    wireType = type
    isRead = false
  }

  /// Skips the value of the field whose tag was read last.
  private mutating func skip(depth: Int) throws(ProtoError) {
    switch wireType {
    case .varint: _ = try varint()
    case .fixed64: _ = try take(8)
    case .fixed32: _ = try take(4)
    case .bytes: _ = try lengthDelimitedRange()
    case .groupStart: try skipGroup(number, depth: depth)
    case .groupEnd: throw .badTag
    }
  }

  private mutating func skipGroup(_ group: Int, depth: Int) throws(ProtoError) {
    guard depth > 0 else { throw .tooLarge }
    while true {
      let before = offset
      let tag = try varint()
      if tag & 7 == UInt64(ProtoWireType.groupEnd.rawValue) {
        guard tag >> 3 == UInt64(group) else { throw .badTag }
        return
      }
      offset = before
      try readTag()
      try skip(depth: depth - 1)
    }
  }

  /// Whether the field that was read last is this one and its value has this type.
  private mutating func begins(_ number: Int, _ type: ProtoWireType) -> Bool {
    guard !isRead, number == self.number, type == wireType else { return false }
    isRead = true
    return true
  }

  private mutating func element<T: ProtoValue>() throws(ProtoError) -> T? {
    guard elementsLeft > 0 else { throw .tooLarge }
    elementsLeft -= 1
    return try value()
  }

  /// The value of the field, or nil for an enumeration's value that we do not know.
  private mutating func value<T: ProtoValue>() throws(ProtoError) -> T? {
    var value = T()
    return try value.read(from: &self) ? value : nil
  }
}

extension ProtoReader: ProtoFields {
  public mutating func field<T: ProtoValue>(
    _ number: Int, _ value: inout T
  ) throws(ProtoError) {
    guard begins(number, T.wireType) else { return }
    _ = try value.read(from: &self)
  }

  public mutating func field<T: ProtoValue>(
    _ number: Int, _ value: inout T?
  ) throws(ProtoError) {
    guard begins(number, T.wireType) else { return }
    var read = value ?? T()
    if try read.read(from: &self) { value = read }
  }

  public mutating func field<T: ProtoValue>(
    _ number: Int, _ values: inout [T]
  ) throws(ProtoError) {
    if begins(number, T.wireType) {
      if let value: T = try element() { values.append(value) }
    } else if T.wireType != .bytes, begins(number, .bytes) {
      let range = try lengthDelimitedRange()
      var packed = ProtoReader(bytes, range, depth: depth, elementsLeft: elementsLeft)
      while !packed.isAtEnd {
        if let value: T = try packed.element() { values.append(value) }
      }
      elementsLeft = packed.elementsLeft
    }
  }

  public mutating func field(
    _ number: Int, _ map: inout [String: String]
  ) throws(ProtoError) {
    guard begins(number, .bytes) else { return }
    if let entry: ProtoMapEntry = try element() {
      map[entry.key ?? ""] = entry.value ?? ""
    }
  }

  public mutating func oneof<T: ProtoOneof>(_ value: inout T?) throws(ProtoError) {
    guard !isRead else { return }
    if let member = try T.read(number, from: &self) { value = member }
  }

  public mutating func unknown(_ fields: inout [UInt8]) throws(ProtoError) {
    guard !isRead else { return }
    try skip(depth: depth)
    isRead = true
    fields += bytes[tagOffset..<offset]
  }

  /// The member of a oneof that `make` makes of the field's value; nil if the field's wire type is
  /// another, or its value an unknown one of an enumeration.
  public mutating func member<T: ProtoValue, Oneof>(
    _ make: (T) -> Oneof
  ) throws(ProtoError) -> Oneof? {
    guard begins(number, T.wireType) else { return nil }
    let value: T? = try value()
    return value.map(make)
  }
}

/// Both fields are optional so as to be written even when empty, as everybody does.
struct ProtoMapEntry: ProtoMessage {
  var key: String?
  var value: String?

  mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &key)
    try f.field(2, &value)
  }
}
