// AES128_CM_SHA1_80 (RFC 3711) and AEAD_AES_256_GCM (RFC 7714) on libsrtp2.
// Budget: 5 us to protect 1,200 bytes.

import Basics
import CSRTP

/// One direction of a transport.
final class LibSRTPSession {
  private let session: srtp_t
  private static let isReady = srtp_init() == srtp_err_status_ok

  /// - Parameters:
  ///   - key: the master key, then the master salt.
  ///   - direction: `ssrc_any_outbound` or `ssrc_any_inbound`.
  init?(_ profile: SRTPProfile, key: [UInt8], _ direction: srtp_ssrc_type_t) {
    guard LibSRTPSession.isReady, key.count == profile.keySize + profile.saltSize else {
      return nil
    }
    var key = key
    let made = key.withUnsafeMutableBufferPointer { key -> srtp_t? in
      var policy = srtp_policy_t()
      switch profile {
      case .aeadAES256GCM:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp)
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp)
      case .aeadAES128GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
      case .aes128CMSHA1:
        srtp_crypto_policy_set_rtp_default(&policy.rtp)
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
      }
      policy.ssrc.type = direction
      policy.key = key.baseAddress
      policy.window_size = UInt(ReplayWindow.size)
      // Without RTX a retransmission repeats its number.
      policy.allow_repeat_tx = 1
      var session: srtp_t?
      return srtp_create(&session, &policy) == srtp_err_status_ok ? session : nil
    }
    guard let made else { return nil }
    session = made
  }

  deinit { srtp_dealloc(session) }

  /// Gives back what is kept of a stream that is over.
  func forget(_ ssrc: UInt32) { srtp_remove_stream(session, ssrc.bigEndian) }

  typealias Transform = (
    srtp_t?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?
  ) -> srtp_err_status_t

  /// Runs one of libsrtp2's four operations on `packet`.
  func run(_ packet: inout Packet, _ transform: Transform) throws(SRTPError) {
    let count = packet.count
    guard count >= 8, packet.tailroom >= Int(SRTP_MAX_TRAILER_LEN) else { throw .malformed }
    var status = srtp_err_status_ok
    packet.withTailroom { bytes in
      var length = Int32(count)
      status = transform(session, bytes.baseAddress!, &length)
      return status == srtp_err_status_ok ? Int(length) : count
    }
    switch status {
    case srtp_err_status_ok: return
    case srtp_err_status_auth_fail: throw .authenticationFailed
    case srtp_err_status_replay_fail, srtp_err_status_replay_old: throw .replayed
    default: throw .malformed
    }
  }
}
