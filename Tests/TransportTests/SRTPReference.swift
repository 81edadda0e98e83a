// SRTP written once more, plainly and straight from RFC 3711 and RFC 7714, on OpenSSL's primitives.

import COpenSSL

@testable import Transport

/// The primitives that the RFCs name.
enum Primitive {
  /// AES in counter mode over `input`; keys of 16 or 32 bytes, an `iv` of 16.
  static func aesCM(key: [UInt8], iv: [UInt8], _ input: [UInt8]) -> [UInt8] {
    let context = EVP_CIPHER_CTX_new()
    defer { EVP_CIPHER_CTX_free(context) }
    var output = [UInt8](repeating: 0, count: input.count)
    var count: Int32 = 0
    let cipher = key.count == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr()
    precondition(EVP_EncryptInit_ex(context, cipher, nil, key, iv) == 1)
    precondition(EVP_EncryptUpdate(context, &output, &count, input, Int32(input.count)) == 1)
    return output
  }

  /// The ciphertext followed by the tag of 16 bytes; an `iv` of 12.
  static func aesGCM(
    key: [UInt8], iv: [UInt8], authenticated: [UInt8], _ plaintext: [UInt8]
  ) -> [UInt8] {
    let context = EVP_CIPHER_CTX_new()
    defer { EVP_CIPHER_CTX_free(context) }
    var output = [UInt8](repeating: 0, count: plaintext.count)
    var tag = [UInt8](repeating: 0, count: 16)
    var count: Int32 = 0
    let cipher = key.count == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm()
    precondition(EVP_EncryptInit_ex(context, cipher, nil, key, iv) == 1)
    let size = Int32(authenticated.count)
    precondition(EVP_EncryptUpdate(context, nil, &count, authenticated, size) == 1)
    if !plaintext.isEmpty {
      let size = Int32(plaintext.count)
      precondition(EVP_EncryptUpdate(context, &output, &count, plaintext, size) == 1)
    }
    precondition(EVP_EncryptFinal_ex(context, nil, &count) == 1)
    precondition(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag) == 1)
    return output + tag
  }

  static func hmac(_ digest: OpaquePointer, key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 64)
    var size: UInt32 = 0
    HMAC(digest, key, Int32(key.count), message, message.count, &code, &size)
    return Array(code.prefix(Int(size)))
  }

  /// The PRF of TLS 1.2 with SHA-256 (RFC 5246 §5).
  static func tlsPRF(secret: [UInt8], label: String, seed: [UInt8], count: Int) -> [UInt8] {
    let seed = Array(label.utf8) + seed
    var a = seed
    var output: [UInt8] = []
    while output.count < count {
      a = hmac(EVP_sha256(), key: secret, a)
      output += hmac(EVP_sha256(), key: secret, a + seed)
    }
    return Array(output.prefix(count))
  }

  /// The session key of one label (RFC 3711 §4.3.1, key derivation rate 0; RFC 7714 §11).
  static func sessionKey(_ label: UInt8, _ count: Int, key: [UInt8], salt: [UInt8]) -> [UInt8] {
    var iv = salt + Array(repeating: 0, count: 16 - salt.count)
    iv[7] ^= label
    return aesCM(key: key, iv: iv, Array(repeating: 0, count: count))
  }
}

/// Session keys of RTP or of RTCP, and what they do to a packet.
struct ReferenceKeys {
  var encryption: [UInt8]
  var authentication: [UInt8] = []
  var salt: [UInt8]

  init(encryption: [UInt8], salt: [UInt8]) {
    self.encryption = encryption
    self.salt = salt
  }

  /// - Parameter label: 0 for RTP, 3 for RTCP (RFC 3711 §4.3.2).
  init(_ profile: SRTPProfile, master: [UInt8], label: UInt8) {
    let key = Array(master.prefix(profile.keySize))
    let salt = Array(master.dropFirst(profile.keySize))
    encryption = Primitive.sessionKey(label, profile.keySize, key: key, salt: salt)
    authentication = Primitive.sessionKey(label + 1, 20, key: key, salt: salt)
    self.salt = Primitive.sessionKey(label + 2, profile.saltSize, key: key, salt: salt)
  }

  /// RFC 3711 §4.1.1: (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16).
  func counterIV(ssrc: [UInt8], index: UInt64) -> [UInt8] {
    xor(
      salt + [0, 0],
      [0, 0, 0, 0] + ssrc + bigEndian(index, 6) + [0, 0])
  }

  /// RFC 7714 §8.1 and §9.1, which differ in what fills the six bytes behind the SSRC.
  func gcmIV(ssrc: [UInt8], index: UInt64) -> [UInt8] {
    xor(salt, [0, 0] + ssrc + bigEndian(index, 6))
  }
}

/// One direction of one SRTP session.
struct ReferenceSRTP {
  let isGCM: Bool
  let rtp: ReferenceKeys
  let rtcp: ReferenceKeys

  init(_ profile: SRTPProfile, master: [UInt8]) {
    isGCM = profile != .aes128CMSHA1
    rtp = ReferenceKeys(profile, master: master, label: 0)
    rtcp = ReferenceKeys(profile, master: master, label: 3)
  }

  /// AES-GCM under session keys as they are.
  init(gcmKey: [UInt8], salt: [UInt8]) {
    isGCM = true
    rtp = ReferenceKeys(encryption: gcmKey, salt: salt)
    rtcp = rtp
  }

  func protectRTP(_ packet: [UInt8], rolloverCounter: UInt32) -> [UInt8] {
    let header = Array(packet.prefix(headerSize(packet)))
    let payload = Array(packet.dropFirst(header.count))
    let ssrc = Array(packet[8..<12])
    let sequenceNumber = UInt64(packet[2]) << 8 | UInt64(packet[3])
    let index = UInt64(rolloverCounter) << 16 | sequenceNumber
    if isGCM {
      let iv = rtp.gcmIV(ssrc: ssrc, index: index)
      return header
        + Primitive.aesGCM(key: rtp.encryption, iv: iv, authenticated: header, payload)
    }
    let iv = rtp.counterIV(ssrc: ssrc, index: index)
    let encrypted = header + Primitive.aesCM(key: rtp.encryption, iv: iv, payload)
    let signed = encrypted + bigEndian(UInt64(rolloverCounter), 4)
    let code = Primitive.hmac(EVP_sha1(), key: rtp.authentication, signed)
    return encrypted + code.prefix(10)
  }

  func protectRTCP(_ packet: [UInt8], index: UInt32) -> [UInt8] {
    let header = Array(packet.prefix(8))
    let payload = Array(packet.dropFirst(8))
    let ssrc = Array(packet[4..<8])
    let trailer = bigEndian(UInt64(index | 0x8000_0000), 4)
    if isGCM {
      let iv = rtcp.gcmIV(ssrc: ssrc, index: UInt64(index))
      return header
        + Primitive.aesGCM(
          key: rtcp.encryption, iv: iv, authenticated: header + trailer, payload) + trailer
    }
    let iv = rtcp.counterIV(ssrc: ssrc, index: UInt64(index))
    let encrypted = header + Primitive.aesCM(key: rtcp.encryption, iv: iv, payload) + trailer
    return encrypted + Primitive.hmac(EVP_sha1(), key: rtcp.authentication, encrypted).prefix(10)
  }

  private func headerSize(_ packet: [UInt8]) -> Int {
    let size = 12 + 4 * Int(packet[0] & 0x0F)
    guard packet[0] & 0x10 != 0 else { return size }
    return size + 4 + 4 * (Int(packet[size + 2]) << 8 | Int(packet[size + 3]))
  }
}

/// The last `count` bytes of `value`, highest first.
func bigEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
}

private func xor(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] { zip(a, b).map { $0 ^ $1 } }
