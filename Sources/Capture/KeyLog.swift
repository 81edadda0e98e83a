// TLS secrets in NSS key log format: `LABEL client-random secret` in hexadecimal, one a line.

import Basics

public struct KeyLog: Equatable, Sendable {
  /// Of a file or of the blocks in a pcapng file, in bytes.
  public static let sizeLimit = 1 << 24

  /// Master secrets of DTLS 1.2 (label `CLIENT_RANDOM`) by client random, 48 bytes.
  public private(set) var masterSecrets: [[UInt8]: [UInt8]] = [:]
  /// Exporter secrets of DTLS 1.3 (label `EXPORTER_SECRET`) by client random, 32 or 48 bytes.
  public private(set) var exporterSecrets: [[UInt8]: [UInt8]] = [:]
  /// Lines of other labels, which do not lead to SRTP keys.
  public private(set) var otherLines = 0
  /// Lines that are neither a comment nor a secret.
  public private(set) var malformedLines = 0

  public init() {}

  public var isEmpty: Bool { masterSecrets.isEmpty && exporterSecrets.isEmpty }

  /// - Throws: `cannotOpen`, `cannotRead` also for a file without a single secret.
  public init(file: String) throws(CaptureError) {
    let source = try ByteSource(file)
    guard !source.fill(KeyLog.sizeLimit + 1) else {
      throw CaptureError(
        .cannotRead, file: file, detail: "a key log has at most \(KeyLog.sizeLimit) bytes")
    }
    add(Array(source.available))
    guard !isEmpty || otherLines > 0 else {
      throw CaptureError(
        .cannotRead, file: file,
        detail:
          "no line of an NSS key log; expected 'CLIENT_RANDOM <64 hex digits> <96 hex digits>'"
          + " or 'EXPORTER_SECRET ...' as SSLKEYLOGFILE writes")
    }
  }

  /// Adds the lines of `text`.
  public mutating func add(_ text: [UInt8]) {
    for line in text.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
      if line.first == UInt8(ascii: "#") { continue }
      let words = line.split(separator: UInt8(ascii: " "))
      if words.isEmpty { continue }
      guard words.count == 3, let random = KeyLog.bytes(words[1]), random.count == 32,
        let secret = KeyLog.bytes(words[2]), (32...64).contains(secret.count)
      else {
        malformedLines += 1
        continue
      }
      switch String(decoding: words[0], as: UTF8.self) {
      case "CLIENT_RANDOM": masterSecrets[random] = secret
      case "EXPORTER_SECRET": exporterSecrets[random] = secret
      default: otherLines += 1
      }
    }
  }

  private static func bytes(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
    guard digits.count % 2 == 0 else { return nil }
    func nibble(_ digit: UInt8) -> UInt8? {
      switch digit {
      case 0x30...0x39: digit - 0x30
      case 0x41...0x46: digit - 0x37
      case 0x61...0x66: digit - 0x57
      default: nil
      }
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    var index = digits.startIndex
    while index < digits.endIndex {
      guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
      index += 2
    }
    return bytes
  }
}
