// Signed tokens in compact form (RFC 7515 §7.1), HMAC with SHA-256 only (RFC 7518 §3.2).
//
//   BASE64URL(header) "." BASE64URL(payload) "." BASE64URL(HMAC of all before)

import Basics
import COpenSSL

/// Base64 of RFC 4648 §5 without padding (RFC 7515 §2).
public enum Base64URL {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  public static func encode(_ bytes: some Collection<UInt8>) -> String {
    var text: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        text.append(alphabet[Int(bits >> UInt32(count) & 63)])
      }
    }
    if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Nil for other characters, padding, an impossible length, and bits behind the last byte that
  /// are not zero: every text but the one we write ourselves.
  public static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for character in text.utf8 {
      guard let value = value(of: character) else { return nil }
      bits = bits << 6 | value
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    guard count < 6, bits & (1 << UInt32(count) - 1) == 0 else { return nil }
    return bytes
  }

  /// The same of base64 of either alphabet (RFC 4648 §4, §5), with or without padding, as it stands in a
  /// query, in which `+` is a space.
  public static func decode(standard text: String) -> [UInt8]? {
    let bytes = text.utf8.lazy.filter { $0 != UInt8(ascii: "=") }.map { character in
      switch character {
      case UInt8(ascii: "+"), UInt8(ascii: " "): UInt8(ascii: "-")
      case UInt8(ascii: "/"): UInt8(ascii: "_")
      default: character
      }
    }
    return decode(String(decoding: Array(bytes), as: UTF8.self))
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "-"): 62
    case UInt8(ascii: "_"): 63
    default: nil
    }
  }
}

public enum JSONWebSignature {
  /// A token in its parts, nothing of it proven.
  public struct Unverified: Sendable {
    public let header: JSON
    public let payload: [UInt8]
    fileprivate let signed: [UInt8]
    fileprivate let signature: [UInt8]

    /// - Throws: `malformed`; `badAlgorithm` for a header whose `alg` is not exactly `HS256`, or
    ///   that has a `crit` (RFC 7515 §4.1.11).
    public init(_ token: String) throws(AccessTokenError) {
      guard token.utf8.count <= SignalLimits.tokenSize else { throw .malformed }
      let parts = token.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 3, let head = Base64URL.decode(parts[0]),
        let payload = Base64URL.decode(parts[1]), let signature = Base64URL.decode(parts[2]),
        let header = try? JSON(parsing: head), header.object != nil
      else { throw .malformed }
      guard header["alg"]?.string == "HS256", header["crit"] == nil else { throw .badAlgorithm }
      self.header = header
      self.payload = payload
      signed = Array("\(parts[0]).\(parts[1])".utf8)
      self.signature = signature
    }

    /// Whether the token was signed with this key; takes as long for every signature.
    public func isSigned(with key: [UInt8]) -> Bool {
      let expected = JSONWebSignature.hmac(key: key, signed)
      return signature.count == expected.count
        && CRYPTO_memcmp(signature, expected, expected.count) == 0
    }
  }

  /// A token with the header `{"alg":"HS256","typ":"JWT"}`.
  public static func sign(_ payload: JSON, with key: [UInt8]) -> String {
    let header: JSON = ["alg": "HS256", "typ": "JWT"]
    let signed = [header, payload].map { Base64URL.encode($0.text().utf8) }.joined(separator: ".")
    return "\(signed).\(Base64URL.encode(hmac(key: key, Array(signed.utf8))))"
  }

  private static func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var size: UInt32 = 0
    let result = HMAC(
      EVP_sha256(), key, Int32(key.count), message, message.count, &digest, &size)
    precondition(result != nil && size == 32, "HMAC-SHA256 failed")
    return digest
  }
}
