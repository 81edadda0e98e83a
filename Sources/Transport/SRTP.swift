// SRTP and SRTCP in place: profiles, keys, and which implementation serves each (RFC 3711, RFC 7714).

import Basics
import CSRTP

/// Protection profiles (RFC 5764 §4.1.2, RFC 7714 §14.2). We offer those of 128 bits and read all.
public enum SRTPProfile: Sendable, Equatable, CaseIterable {
  case aeadAES256GCM
  case aeadAES128GCM
  case aes128CMSHA1

  /// In OpenSSL's words, the preferred one first.
  static let offered = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"

  /// By the number of the `use_srtp` extension (RFC 5764 §4.1.2); nil for any other profile.
  public init?(identifier: UInt) {
    switch identifier {
    case 0x0008: self = .aeadAES256GCM
    case 0x0007: self = .aeadAES128GCM
    case 0x0001: self = .aes128CMSHA1
    default: return nil
    }
  }

  public var keySize: Int { self == .aeadAES256GCM ? 32 : 16 }
  public var saltSize: Int { self == .aes128CMSHA1 ? 14 : 12 }
  /// Bytes that protection adds to an RTP packet.
  public var tagSize: Int { self == .aes128CMSHA1 ? 10 : 16 }
}

/// Master keys and salts of an association, each key followed by its salt.
public struct SRTPKeys: Sendable, Equatable {
  public var profile: SRTPProfile
  public var local: [UInt8]
  public var remote: [UInt8]

  public init(profile: SRTPProfile, local: [UInt8], remote: [UInt8]) {
    self.profile = profile
    self.local = local
    self.remote = remote
  }
}

public enum SRTPError: Error, Sendable {
  case authenticationFailed
  /// Seen before, or older than the replay window (RFC 3711 §3.3.2).
  case replayed
  case malformed
}

/// How media packets are protected.
public enum MediaProtection: Sendable {
  /// SRTP with the keys of the DTLS handshake.
  case srtp
  /// The same handshake and the same sizes on the wire, but zeros for a tag and no encryption: for
  /// speed.
  case cleartext
}

/// The two directions of one transport's media protection.
public struct SRTP: ~Copyable {
  private enum Backend {
    case gcm(outbound: SRTPGCM, inbound: SRTPGCM)
    case libsrtp(outbound: LibSRTPSession, inbound: LibSRTPSession)
    /// The overhead alone, of this many bytes.
    case cleartext(tagSize: Int)
  }

  /// Behind a tag, SRTCP carries its index.
  private static let indexSize = 4

  private let backend: Backend

  /// - Parameter protection: `cleartext` keeps only the profile's overhead.
  public init?(_ keys: SRTPKeys, protection: MediaProtection = .srtp) {
    switch (protection, keys.profile) {
    case (.cleartext, let profile): backend = .cleartext(tagSize: profile.tagSize)
    case (.srtp, .aeadAES128GCM):
      guard let outbound = SRTPGCM(masterKey: keys.local, encrypts: true),
        let inbound = SRTPGCM(masterKey: keys.remote, encrypts: false)
      else { return nil }
      backend = .gcm(outbound: outbound, inbound: inbound)
    case (.srtp, let profile):
      guard let outbound = LibSRTPSession(profile, key: keys.local, ssrc_any_outbound),
        let inbound = LibSRTPSession(profile, key: keys.remote, ssrc_any_inbound)
      else { return nil }
      backend = .libsrtp(outbound: outbound, inbound: inbound)
    }
  }

  /// Encrypts an RTP packet in place; it grows by the tag.
  public func protectRTP(_ packet: inout Packet) throws(SRTPError) {
    switch backend {
    case .gcm(let outbound, _): try outbound.protectRTP(&packet)
    case .libsrtp(let outbound, _): try outbound.run(&packet, srtp_protect)
    case .cleartext(let tagSize): appendZeros(tagSize, to: &packet)
    }
  }

  public func protectRTCP(_ packet: inout Packet) throws(SRTPError) {
    switch backend {
    case .gcm(let outbound, _): try outbound.protectRTCP(&packet)
    case .libsrtp(let outbound, _): try outbound.run(&packet, srtp_protect_rtcp)
    case .cleartext(let tagSize): appendZeros(tagSize + SRTP.indexSize, to: &packet)
    }
  }

  /// Decrypts an RTP packet in place; it shrinks by the tag.
  public func unprotectRTP(_ packet: inout Packet) throws(SRTPError) {
    switch backend {
    case .gcm(_, let inbound): try inbound.unprotectRTP(&packet)
    case .libsrtp(_, let inbound): try inbound.run(&packet, srtp_unprotect)
    case .cleartext(let tagSize): try cut(tagSize, from: &packet)
    }
  }

  public func unprotectRTCP(_ packet: inout Packet) throws(SRTPError) {
    switch backend {
    case .gcm(_, let inbound): try inbound.unprotectRTCP(&packet)
    case .libsrtp(_, let inbound): try inbound.run(&packet, srtp_unprotect_rtcp)
    case .cleartext(let tagSize): try cut(tagSize + SRTP.indexSize, from: &packet)
    }
  }

  /// Gives back what is kept of streams that are over, of ours or of the peer's (RFC 3711 §3.2.3).
  func forget(_ ssrcs: [UInt32], areOurs: Bool) {
    for ssrc in ssrcs {
      switch backend {
      case .gcm(let outbound, let inbound): (areOurs ? outbound : inbound).forget(ssrc)
      case .libsrtp(let outbound, let inbound): (areOurs ? outbound : inbound).forget(ssrc)
      case .cleartext: break
      }
    }
  }

  /// How often rollover counters of streams have gone up, either way; those of libsrtp2 are its own.
  var rollovers: Int {
    guard case .gcm(let outbound, let inbound) = backend else { return 0 }
    return outbound.rollovers + inbound.rollovers
  }

  private func appendZeros(_ count: Int, to packet: inout Packet) {
    for _ in 0..<count { packet.append(UInt8(0)) }
  }

  private func cut(_ count: Int, from packet: inout Packet) throws(SRTPError) {
    guard packet.count >= count + 8 else { throw .malformed }
    packet.truncate(to: packet.count - count)
  }
}
