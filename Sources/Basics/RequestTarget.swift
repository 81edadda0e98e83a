// The target of an HTTP request in origin form (RFC 9112 §3.2.1), its query as forms write it.

/// `/rtc?name=value&…`, percent-encoding (RFC 3986 §2.1) undone.
public struct RequestTarget: Equatable, Sendable {
  public struct Parameter: Equatable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Bytes of the longest target that is read.
  public static let maximumSize = 64 * 1024

  /// Begins with `/`.
  public var path: String
  /// In their order.
  public var parameters: [Parameter]

  public init(path: String, parameters: [Parameter] = []) {
    self.path = path
    self.parameters = parameters
  }

  /// Nil for what does not begin with `/`, is longer than `RequestTarget.maximumSize`, or is not
  /// UTF-8 when its percent-encoding is undone.
  public init?(_ text: String) {
    guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= RequestTarget.maximumSize else {
      return nil
    }
    let bytes = text.utf8.prefix { $0 != UInt8(ascii: "#") }
    let parts = bytes.split(
      separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = RequestTarget.decoded(parts[0], plusIsSpace: false) else { return nil }
    self.path = path
    parameters = []
    guard parts.count == 2 else { return }
    for pair in parts[1].split(separator: UInt8(ascii: "&")) {
      let sides = pair.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = RequestTarget.decoded(sides[0], plusIsSpace: true),
        let value = sides.count == 2 ? RequestTarget.decoded(sides[1], plusIsSpace: true) : ""
      else { return nil }
      parameters.append(Parameter(name, value))
    }
  }

  /// The first value by this name; nil if there is none or it is empty.
  public subscript(name: String) -> String? {
    parameters.first { $0.name == name }.flatMap { $0.value.isEmpty ? nil : $0.value }
  }

  /// As a request line has it, secrets included.
  public var text: String {
    let query = parameters.map {
      "\(RequestTarget.encoded($0.name))=\(RequestTarget.encoded($0.value))"
    }
    let path = RequestTarget.encoded(path, keeping: "/")
    return query.isEmpty ? path : "\(path)?\(query.joined(separator: "&"))"
  }

  private static func decoded(
    _ text: some Collection<UInt8>, plusIsSpace: Bool
  ) -> String? {
    var bytes: [UInt8] = []
    var rest = text[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard let high = rest.popFirst().flatMap(hexDigit),
          let low = rest.popFirst().flatMap(hexDigit)
        else { return nil }
        bytes.append(high << 4 | low)
      } else {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// Everything but the unreserved characters (RFC 3986 §2.3) and `kept` encoded.
  public static func encoded(_ text: String, keeping kept: StaticString = "") -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    let kept = kept.withUTF8Buffer { Array($0) }
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        bytes.append(byte)
      case _ where kept.contains(byte): bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension RequestTarget: CustomStringConvertible {
  /// Without the access token, for logs.
  public var description: String {
    var shown = self
    for index in shown.parameters.indices where shown.parameters[index].name == "access_token" {
      shown.parameters[index].value = "redacted"
    }
    return shown.text
  }
}
