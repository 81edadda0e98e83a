// HMAC-SHA1 (RFC 2104) on OpenSSL, for STUN's MESSAGE-INTEGRITY.

import COpenSSL

func hmacSHA1(key: [UInt8], message: UnsafeRawBufferPointer) -> [UInt8] {
  var digest = [UInt8](repeating: 0, count: 20)
  HMAC(
    EVP_sha1(), key, Int32(key.count),
    message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count, &digest, nil)
  return digest
}
