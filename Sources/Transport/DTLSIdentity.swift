// A DTLS identity: an ECDSA P-256 key with its self-signed certificate (RFC 8827 §6.5), and its
// fingerprint (RFC 8122 §5).

import Basics
import CDeterminism
import COpenSSL
import Wire

/// The seeded stream that stands in for OpenSSL's random bytes while one of our calls runs.
struct OpenSSLRandom {
  var state: assay_random_state

  init(_ stream: RandomStream) {
    var stream = stream
    state = assay_random_state(s: (stream.next(), stream.next(), stream.next(), stream.next() | 1))
  }

  /// Runs `body` with OpenSSL's clock at `now` and its randomness taken from this stream.
  mutating func scope<R>(at now: Instant, _ body: () -> R) -> R {
    withUnsafeMutablePointer(to: &state) { state in
      // Virtual time starts in 2026, so that no library meets the year 1970.
      assay_determinism_begin(OpenSSLRandom.epochNanoseconds &+ now.nanoseconds, state)
      defer { assay_determinism_end() }
      return body()
    }
  }

  static let epochNanoseconds: Int64 = 1_767_225_600 * 1_000_000_000
}

/// Key and certificate of one end; shared by all of its transports.
public final class DTLSIdentity {
  let certificate: OpaquePointer
  let privateKey: OpaquePointer
  public let fingerprint: Fingerprint

  /// Makes a P-256 key from `random` and signs a certificate with fixed validity dates over it.
  public init(random: RandomStream) {
    var random = OpenSSLRandom(random)
    let (key, certificate) = random.scope(at: .zero) {
      let key = DTLSIdentity.makeKey()
      return (key, DTLSIdentity.makeCertificate(key))
    }
    privateKey = key
    self.certificate = certificate
    fingerprint = DTLSIdentity.fingerprint(of: certificate, algorithm: "sha-256")!
  }

  deinit {
    X509_free(certificate)
    EVP_PKEY_free(privateKey)
  }

  private static func makeKey() -> OpaquePointer {
    let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil)
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1,
      EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
      EVP_PKEY_keygen(context, &key) == 1, let key
    else { preconditionFailure("OpenSSL cannot make a P-256 key") }
    return key
  }

  private static func makeCertificate(_ key: OpaquePointer) -> OpaquePointer {
    let certificate = X509_new()!
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1)
    let start = ASN1_TIME_new()
    let end = ASN1_TIME_new()
    defer {
      ASN1_TIME_free(start)
      ASN1_TIME_free(end)
    }
    ASN1_TIME_set_string(start, "250101000000Z")
    ASN1_TIME_set_string(end, "491231235959Z")
    X509_set1_notBefore(certificate, start)
    X509_set1_notAfter(certificate, end)
    let name = X509_get_subject_name(certificate)
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, "assay", -1, -1, 0)
    X509_set_issuer_name(certificate, name)
    X509_set_pubkey(certificate, key)
    precondition(X509_sign(certificate, key, EVP_sha256()) > 0, "OpenSSL cannot sign")
    return certificate
  }

  /// Whether a fingerprint by this hash function, in lower case, can be checked. MD5 and MD2 must
  /// not be used (RFC 8122 §5).
  public static func knows(_ algorithm: String) -> Bool { digest(algorithm) != nil }

  private static func digest(_ algorithm: String) -> OpaquePointer? {
    switch algorithm {
    case "sha-224": EVP_sha224()
    case "sha-256": EVP_sha256()
    case "sha-384": EVP_sha384()
    case "sha-512": EVP_sha512()
    case "sha-1": EVP_sha1()
    default: nil
    }
  }

  /// The digest of a certificate; nil for an algorithm that RFC 8122 §5 does not allow here.
  static func fingerprint(of certificate: OpaquePointer, algorithm: String) -> Fingerprint? {
    guard let digest = digest(algorithm) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 64)
    var count: UInt32 = 0
    guard X509_digest(certificate, digest, &bytes, &count) == 1 else { return nil }
    return Fingerprint(algorithm: algorithm, bytes: Array(bytes.prefix(Int(count))))
  }
}
