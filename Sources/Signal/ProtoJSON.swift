// Protocol buffers as JSON (protobuf.dev/programming-guides/json): a field is named as the property
// is, the properties of a message being its fields in the same order.

import Basics

extension ProtoMessage {
  /// Reads the members that are fields, in `snake_case` or `lowerCamelCase`; leaves out the others.
  /// - Throws: `badJSON`, `badText`, `tooLarge`.
  public init(json: JSON) throws(ProtoError) {
    self.init()
    guard let members = json.object else { throw .badJSON }
    var reader = ProtoJSONReader(members: members, names: FieldNames(of: self))
    try fields(&reader)
  }

  /// Every field, with its name in `snake_case`; nil is null.
  public var json: JSON {
    var writer = ProtoJSONWriter(names: FieldNames(of: self))
    var copy = self
    // A writer never throws.
    try? copy.fields(&writer)
    return .object(writer.members)
  }

  public mutating func read(json: JSON) throws(ProtoError) -> Bool {
    self = try Self(json: json)
    return true
  }
}

/// The names of a message's fields, in their order, as they are asked for one by one.
private struct FieldNames {
  private var names: ArraySlice<String>

  init(of message: some ProtoMessage) {
    names = Mirror(reflecting: message).children.compactMap(\.label)[...]
  }

  mutating func next() -> String {
    guard let name = names.popFirst() else {
      preconditionFailure("a message has a property for each field")
    }
    return name.snakeCase
  }
}

private struct ProtoJSONWriter: ProtoFields {
  var members = JSONObject()
  var names: FieldNames

  init(names: FieldNames) { self.names = names }

  mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T) {
    members[names.next()] = value.json
  }

  mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T?) {
    members[names.next()] = value?.json ?? .null
  }

  mutating func field<T: ProtoValue>(_ number: Int, _ values: inout [T]) {
    members[names.next()] = .array(values.map(\.json))
  }

  mutating func field(_ number: Int, _ map: inout [String: String]) {
    var object = JSONObject()
    for key in map.keys.sorted() { object[key] = .string(map[key] ?? "") }
    members[names.next()] = .object(object)
  }

  /// The members of a choice have no property of their own, hence no name, and are left out.
  mutating func oneof<T: ProtoOneof>(_ value: inout T?) { _ = names.next() }

  mutating func unknown(_ fields: inout [UInt8]) { _ = names.next() }
}

private struct ProtoJSONReader: ProtoFields {
  let members: JSONObject
  var names: FieldNames

  /// The value of the next field; null is absent.
  private mutating func next() -> JSON? {
    let name = names.next()
    let value = members[name] ?? members[name.camelCase]
    return value == .null ? nil : value
  }

  private func value<T: ProtoValue>(_ json: JSON) throws(ProtoError) -> T? {
    var value = T()
    return try value.read(json: json) ? value : nil
  }

  mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T) throws(ProtoError) {
    if let json = next() { _ = try value.read(json: json) }
  }

  mutating func field<T: ProtoValue>(_ number: Int, _ value: inout T?) throws(ProtoError) {
    if let json = next() { value = try self.value(json) }
  }

  mutating func field<T: ProtoValue>(_ number: Int, _ values: inout [T]) throws(ProtoError) {
    guard let json = next() else { return }
    guard let array = json.array else { throw .badJSON }
    guard array.count <= SignalLimits.messageElements else { throw .tooLarge }
    for element in array {
      if let value: T = try value(element) { values.append(value) }
    }
  }

  mutating func field(_ number: Int, _ map: inout [String: String]) throws(ProtoError) {
    guard let json = next() else { return }
    guard let object = json.object else { throw .badJSON }
    guard object.members.count <= SignalLimits.messageElements else { throw .tooLarge }
    for (key, value) in object.members {
      guard let text = value.string else { throw .badJSON }
      map[key] = text
    }
  }

  mutating func oneof<T: ProtoOneof>(_ value: inout T?) { _ = names.next() }

  mutating func unknown(_ fields: inout [UInt8]) { _ = names.next() }
}

// MARK: - Plain types

extension Bool {
  public var json: JSON { .bool(self) }
  public mutating func read(json: JSON) throws(ProtoError) -> Bool {
    guard let flag = json.bool else { throw .badJSON }
    self = flag
    return true
  }
}

/// Integers of 64 bits are text, since JavaScript's numbers are too narrow; both are read.
extension ProtoValue where Self: FixedWidthInteger {
  public var json: JSON {
    guard Self.bitWidth <= 32, let narrow = Int64(exactly: self) else { return .string("\(self)") }
    return .integer(narrow)
  }
  public mutating func read(json: JSON) throws(ProtoError) -> Bool {
    guard let value = json.integer.flatMap(Self.init(exactly:)) ?? json.string.flatMap({ Self($0) })
    else { throw .badJSON }
    self = value
    return true
  }
}

extension Float {
  public var json: JSON {
    if isNaN { return "NaN" }
    return isFinite ? .number(Double(self)) : self < 0 ? "-Infinity" : "Infinity"
  }
  public mutating func read(json: JSON) throws(ProtoError) -> Bool {
    guard let value = json.number.map({ Float($0) }) ?? json.string.flatMap({ Float($0) }) else {
      throw .badJSON
    }
    self = value
    return true
  }
}

extension String {
  public var json: JSON { .string(self) }
  public mutating func read(json: JSON) throws(ProtoError) -> Bool {
    guard let text = json.string else { throw .badJSON }
    self = text
    return true
  }
}

/// Base64 with padding (RFC 4648 §4); the alphabet of URLs is read too.
extension [UInt8] {
  public var json: JSON {
    let text = Base64URL.encode(self).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
    return .string(String(text) + String(repeating: "=", count: (4 - text.count % 4) % 4))
  }
  public mutating func read(json: JSON) throws(ProtoError) -> Bool {
    guard let text = json.string else { throw .badJSON }
    let url = text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" }
    guard let bytes = Base64URL.decode(String(url)) else { throw .badJSON }
    self = bytes
    return true
  }
}

extension ProtoEnum {
  public var jsonName: String { caseName }
  /// `SCREEN_SHARE` for `screenShare`.
  var caseName: String { "\(self)".snakeCase.uppercased() }
  public var json: JSON { .string(jsonName) }
  /// Reads a name or a number.
  public mutating func read(json: JSON) throws(ProtoError) -> Bool {
    let known: Self?
    if let name = json.string {
      known = Self.allCases.first { $0.jsonName == name }
    } else if let number = json.integer {
      known = Int32(exactly: number).flatMap(Self.init(rawValue:))
    } else {
      throw .badJSON
    }
    guard let known else { return false }
    self = known
    return true
  }
}

// MARK: - Names

extension String {
  /// `track_sid` of `trackSid`, `node_id` of `nodeID`.
  fileprivate var snakeCase: String {
    var name = ""
    var wasUpper = true
    for character in self {
      if character.isUppercase, !wasUpper { name += "_" }
      wasUpper = character.isUppercase
      name += character.lowercased()
    }
    return name
  }

  /// `trackSid` of `track_sid`.
  fileprivate var camelCase: String {
    let words = split(separator: "_")
    return (words.first.map(String.init) ?? "")
      + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }
}
