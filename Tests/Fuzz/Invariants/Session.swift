// What sets a session up: STUN (RFC 8489), SDP (RFC 8866), candidates (RFC 8839) and signalling.

import Basics
import Signal
import Wire

func stunHolds(_ bytes: [UInt8]) -> Bool {
  guard bytes.count <= FuzzTarget.datagramSize,
    let message = try? STUNMessage(bytes.span.bytes)
  else { return true }
  let sum: HMACSHA1 = { key, message in
    Array(key.prefix(10)) + (0..<20 - min(10, key.count)).map { UInt8(message.count >> $0 & 255) }
  }
  _ = message.hasValidIntegrity(in: bytes.span.bytes, key: [1], hmacSHA1: sum)
  _ = message.hasValidFingerprint(in: bytes.span.bytes)
  let written = message.bytes(integrityKey: [1, 2], hmacSHA1: sum)
  guard let again = try? STUNMessage(written.span.bytes) else { return false }
  return again.attributes == message.attributes && again.method == message.method
    && again.messageClass == message.messageClass
    && again.transactionID == message.transactionID
    && again.hasValidIntegrity(in: written.span.bytes, key: [1, 2], hmacSHA1: sum)
    && again.hasValidFingerprint(in: written.span.bytes)
}

func sdpHolds(_ bytes: [UInt8]) -> Bool {
  let text = String(decoding: bytes, as: UTF8.self)
  guard let description = try? SessionDescription(parsing: text) else { return true }
  return (try? SessionDescription(parsing: description.description)) == description
}

func candidateHolds(_ bytes: [UInt8]) -> Bool {
  guard let candidate = Candidate(String(decoding: bytes, as: UTF8.self)) else { return true }
  return Candidate(candidate.description) == candidate
}

/// The first byte chooses the message.
func signalHolds(_ bytes: [UInt8]) -> Bool {
  let body = Array(bytes.dropFirst())
  return switch (bytes.first ?? 0) % 3 {
  case 0: isStable(body, { try SignalRequest(decoding: $0) }, \.encoded)
  case 1: isStable(body, { try SignalResponse(decoding: $0) }, \.encoded)
  default: isStable(body, { try DataPacket(decoding: $0) }, \.encoded)
  }
}

/// Whether what is written of `bytes` is read and written the same; values are compared as bytes,
/// since no NaN equals itself.
private func isStable<Value>(
  _ bytes: [UInt8], _ read: ([UInt8]) throws -> Value, _ write: (Value) -> [UInt8]
) -> Bool {
  guard let value = try? read(bytes) else { return true }
  let written = write(value)
  return (try? read(written)).map(write) == written
}

/// The bytes are a token, and the claims of a token that is signed.
func accessTokenHolds(_ bytes: [UInt8]) -> Bool {
  let keys = APIKeys(["key": "secret"])
  let text = String(decoding: bytes, as: UTF8.self)
  _ = try? AccessToken(verifying: text, keys: keys, now: 0)
  guard case .object(var object)? = try? JSON(parsing: bytes) else { return true }
  object["iss"] = "key"
  let signed = JSONWebSignature.sign(.object(object), with: Array("secret".utf8))
  guard let token = try? AccessToken(verifying: signed, keys: keys, now: 0),
    let again = token.signed(with: keys)
  else { return true }
  return (try? AccessToken(verifying: again, keys: keys, now: 0)) == token
}
