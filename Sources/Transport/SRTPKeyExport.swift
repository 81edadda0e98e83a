// SRTP master keys from the secrets of a key log (RFC 5764 §4.2): the exporters of DTLS 1.2
// (RFC 5705 §4, RFC 5246 §5) and DTLS 1.3 (RFC 8446 §7.5, RFC 9147 §5.9).

import COpenSSL

public enum SRTPKeyExport {
  private static let label = "EXTRACTOR-dtls_srtp"

  /// The hash of a cipher suite's PRF or HKDF.
  public enum Hash: Sendable {
    case sha256, sha384

    /// - Parameter cipherSuite: as ServerHello names it; its IANA name ends in the hash.
    public init(cipherSuite: UInt16) {
      switch cipherSuite {
      case 0x1302, 0x009D, 0x009F, 0xC024, 0xC026, 0xC028, 0xC02A, 0xC02C, 0xC02E, 0xC030, 0xC032,
        0x00A1, 0x00A3, 0x00A5, 0x00A7, 0x00A9, 0x00AB, 0x00AD, 0xC0AF:
        self = .sha384
      default: self = .sha256
      }
    }

    fileprivate var digest: OpaquePointer? { self == .sha256 ? EVP_sha256() : EVP_sha384() }
    fileprivate var size: Int { self == .sha256 ? 32 : 48 }
  }

  /// Master keys with their salts, as `SRTPKeys` takes them.
  public struct Masters: Equatable, Sendable {
    public var client: [UInt8]
    public var server: [UInt8]

    /// client key, server key, client salt, server salt.
    fileprivate init(_ material: [UInt8], _ profile: SRTPProfile) {
      let (key, salt) = (profile.keySize, profile.saltSize)
      client = Array(material[..<key] + material[(2 * key)..<(2 * key + salt)])
      server = Array(material[key..<(2 * key)] + material[(2 * key + salt)...])
    }
  }

  /// DTLS 1.2: from the master secret and both randoms of 32 bytes.
  public static func dtls12(
    masterSecret: [UInt8], clientRandom: [UInt8], serverRandom: [UInt8], hash: Hash,
    profile: SRTPProfile
  ) -> Masters {
    let seed = Array(label.utf8) + clientRandom + serverRandom
    let size = 2 * (profile.keySize + profile.saltSize)
    // P_hash of RFC 5246 §5.
    var material: [UInt8] = []
    var a = seed
    while material.count < size {
      a = hmac(hash, masterSecret, a)
      material += hmac(hash, masterSecret, a + seed)
    }
    return Masters(Array(material[..<size]), profile)
  }

  /// DTLS 1.3: from the exporter secret.
  /// - Parameter labelPrefix: `dtls13` by RFC 9147 §5.9; stacks before it write `tls13 `.
  public static func dtls13(
    exporterSecret: [UInt8], hash: Hash, profile: SRTPProfile, labelPrefix: String = "dtls13"
  ) -> Masters {
    let empty = digest(hash, [])
    let secret = expandLabel(hash, exporterSecret, labelPrefix + label, empty, hash.size)
    let size = 2 * (profile.keySize + profile.saltSize)
    return Masters(expandLabel(hash, secret, labelPrefix + "exporter", empty, size), profile)
  }

  /// HKDF-Expand-Label (RFC 8446 §7.1).
  private static func expandLabel(
    _ hash: Hash, _ secret: [UInt8], _ label: String, _ context: [UInt8], _ size: Int
  ) -> [UInt8] {
    let info =
      [UInt8(size >> 8), UInt8(size & 0xFF), UInt8(label.utf8.count)] + Array(label.utf8)
      + [UInt8(context.count)] + context
    var output: [UInt8] = []
    var block: [UInt8] = []
    var counter: UInt8 = 1
    while output.count < size {
      block = hmac(hash, secret, block + info + [counter])
      output += block
      counter += 1
    }
    return Array(output[..<size])
  }

  private static func hmac(_ hash: Hash, _ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: hash.size)
    HMAC(hash.digest, key, Int32(key.count), message, message.count, &code, nil)
    return code
  }

  private static func digest(_ hash: Hash, _ message: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: hash.size)
    EVP_Digest(message, message.count, &digest, nil, hash.digest, nil)
    return digest
  }
}
