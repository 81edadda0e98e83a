// How a Swift struct is a protocol buffers message: it lists its fields once, as its .proto does.
//
//   struct MuteTrackRequest: ProtoMessage {
//     var sid = ""
//     var muted = false
//     mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
//       try f.field(1, &sid)
//       try f.field(2, &muted)
//     }
//   }

import Basics

/// A message. A field of plain type is absent when it has its default value (proto3); an optional
/// one, among them every message within a message, is absent when nil. Fields and values of
/// enumerations that we do not know are left out.
public protocol ProtoMessage: ProtoValue {
  /// Shows every field with its number to `f`, which reads or writes it.
  mutating func fields(_ f: inout some ProtoFields) throws(ProtoError)
}

/// Reads or writes the fields it is shown.
public protocol ProtoFields {
  mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T) throws(ProtoError)
  mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T?) throws(ProtoError)
  mutating func field<T: ProtoValue>(_ number: Int, _ values: inout [T]) throws(ProtoError)
  mutating func field(_ number: Int, _ map: inout [String: String]) throws(ProtoError)
  mutating func oneof<T: ProtoOneof>(_ value: inout T?) throws(ProtoError)
  /// Fields that none of the others is, encoded; where it is called, it is called last.
  mutating func unknown(_ fields: inout [UInt8]) throws(ProtoError)
}

/// A choice of fields, of which the last one read holds.
public protocol ProtoOneof: Equatable, Sendable {
  /// The member with this number, or nil for none.
  static func read(_ number: Int, from reader: inout ProtoReader) throws(ProtoError) -> Self?
  func write(to writer: inout ProtoWriter)
}

/// A oneof that is a message of its own.
public protocol ProtoEnvelope: ProtoOneof {
  static func unknown(_ number: Int) -> Self
}

extension ProtoEnvelope {
  public init(decoding bytes: [UInt8]) throws(ProtoError) {
    let envelope = try Envelope<Self>(decoding: bytes)
    if let member = envelope.member {
      self = member
    } else {
      self = .unknown(try envelope.unknownNumber)
    }
  }

  public var encoded: [UInt8] {
    var writer = ProtoWriter()
    write(to: &writer)
    return writer.bytes
  }
}

private struct Envelope<Member: ProtoOneof>: ProtoMessage {
  var member: Member?
  var unknown = [UInt8]()

  /// The number of the first field that is no member; 0 without any.
  var unknownNumber: Int {
    get throws(ProtoError) {
      if unknown.isEmpty { return 0 }
      var reader = try ProtoReader(unknown)
      return Int(truncatingIfNeeded: try reader.varint() >> 3)
    }
  }

  mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.oneof(&member)
    try f.unknown(&unknown)
  }
}

/// A type a field may have.
public protocol ProtoValue: Equatable, Sendable {
  static var wireType: ProtoWireType { get }
  /// The default.
  init()
  /// False for a value of an enumeration that we do not know.
  mutating func read(from reader: inout ProtoReader) throws(ProtoError) -> Bool
  func write(to writer: inout ProtoWriter)
  /// As `read(from:)`, of a value that is there.
  mutating func read(json: JSON) throws(ProtoError) -> Bool
  var json: JSON { get }
}

extension ProtoMessage {
  /// An empty message with `fill` applied.
  public init(_ fill: (inout Self) -> Void) {
    self.init()
    fill(&self)
  }

  public init(decoding bytes: [UInt8]) throws(ProtoError) {
    self.init()
    var reader = try ProtoReader(bytes)
    try reader.fill(&self)
  }

  /// The fields in the order they are listed.
  public var encoded: [UInt8] {
    var writer = ProtoWriter()
    var copy = self
    // A writer never throws.
    try? copy.fields(&writer)
    return writer.bytes
  }

  public static var wireType: ProtoWireType { .bytes }

  public mutating func read(from reader: inout ProtoReader) throws(ProtoError) -> Bool {
    try reader.nested(&self)
    return true
  }

  public func write(to writer: inout ProtoWriter) { writer.lengthDelimited(encoded) }
}

// MARK: - Plain types

extension Bool: ProtoValue {
  public static var wireType: ProtoWireType { .varint }
  public mutating func read(from reader: inout ProtoReader) throws(ProtoError) -> Bool {
    self = try (reader.varint() != 0)
    return true
  }
  public func write(to writer: inout ProtoWriter) { writer.varint(self ? 1 : 0) }
}

/// Integers are cut to their width, and negative ones written with ten bytes, as protoc does.
extension ProtoValue where Self: FixedWidthInteger {
  public static var wireType: ProtoWireType { .varint }
  public mutating func read(from reader: inout ProtoReader) throws(ProtoError) -> Bool {
    self = Self(truncatingIfNeeded: try reader.varint())
    return true
  }
  public func write(to writer: inout ProtoWriter) {
    writer.varint(UInt64(truncatingIfNeeded: self))
  }
}
extension Int32: ProtoValue {}
extension Int64: ProtoValue {}
extension UInt32: ProtoValue {}
extension UInt64: ProtoValue {}

extension Float: ProtoValue {
  public static var wireType: ProtoWireType { .fixed32 }
  public mutating func read(from reader: inout ProtoReader) throws(ProtoError) -> Bool {
    self = Float(bitPattern: try reader.fixed32())
    return true
  }
  public func write(to writer: inout ProtoWriter) { writer.fixed32(bitPattern) }
}

extension String: ProtoValue {
  public static var wireType: ProtoWireType { .bytes }
  public mutating func read(from reader: inout ProtoReader) throws(ProtoError) -> Bool {
    self = try reader.text()
    return true
  }
  public func write(to writer: inout ProtoWriter) { writer.lengthDelimited(utf8) }
}

extension [UInt8]: ProtoValue {
  public static var wireType: ProtoWireType { .bytes }
  public mutating func read(from reader: inout ProtoReader) throws(ProtoError) -> Bool {
    self = try reader.lengthDelimited()
    return true
  }
  public func write(to writer: inout ProtoWriter) { writer.lengthDelimited(self) }
}

/// An enumeration whose value 0 is the default.
public protocol ProtoEnum: ProtoValue, RawRepresentable, CaseIterable where RawValue == Int32 {
  /// The name in the .proto.
  var jsonName: String { get }
}

extension ProtoEnum {
  public static var wireType: ProtoWireType { .varint }
  public init() { self = Self(rawValue: 0)! }
  public mutating func read(from reader: inout ProtoReader) throws(ProtoError) -> Bool {
    guard let known = Self(rawValue: Int32(truncatingIfNeeded: try reader.varint())) else {
      return false
    }
    self = known
    return true
  }
  public func write(to writer: inout ProtoWriter) {
    writer.varint(UInt64(truncatingIfNeeded: rawValue))
  }
}
