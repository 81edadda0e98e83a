// Writes the protocol buffers wire format as proto3 does: no defaults, numbers packed.

/// A message as bytes. As `ProtoFields` it appends every field it is shown.
public struct ProtoWriter {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  public mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  public mutating func fixed32(_ value: UInt32) {
    for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * shift))) }
  }

  /// A length and the bytes.
  public mutating func lengthDelimited(_ content: some Collection<UInt8>) {
    varint(UInt64(content.count))
    bytes.append(contentsOf: content)
  }

  public mutating func tag(_ number: Int, _ type: ProtoWireType) {
    varint(UInt64(number) << 3 | UInt64(type.rawValue))
  }

  /// The field even with its default value, as a member of a oneof is written.
  public mutating func member<T: ProtoValue>(_ number: Int, _ value: T) {
    tag(number, T.wireType)
    value.write(to: &self)
  }
}

extension ProtoWriter: ProtoFields {
  public mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T) {
    if value != T() { member(number, value) }
  }

  public mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T?) {
    if let value { member(number, value) }
  }

  public mutating func field<T: ProtoValue>(_ number: Int, _ values: inout [T]) {
    if T.wireType == .bytes {
      for value in values { member(number, value) }
    } else if !values.isEmpty {
      var packed = ProtoWriter()
      for value in values { value.write(to: &packed) }
      tag(number, .bytes)
      lengthDelimited(packed.bytes)
    }
  }

  /// In the order of the keys, so that the bytes are the same every time.
  public mutating func field(_ number: Int, _ map: inout [String: String]) {
    for key in map.keys.sorted() {
      member(number, ProtoMapEntry(key: key, value: map[key] ?? ""))
    }
  }

  public mutating func oneof<T: ProtoOneof>(_ value: inout T?) {
    value?.write(to: &self)
  }

  public mutating func unknown(_ fields: inout [UInt8]) { bytes.append(contentsOf: fields) }
}
