// Telling apart what shares one port (RFC 7983 §7, RFC 5761 §4). Budget: 1 ns.
//
//               +----------------+
//               |        [0..3] -+--> STUN
//   packet -->  |      [16..19] -+--> ZRTP
//               |      [20..63] -+--> DTLS
//               |      [64..79] -+--> TURN Channel
//               |    [128..191] -+--> RTP, or RTCP where the second byte is 192...223
//               +----------------+

import Basics

/// The protocol of a datagram by its first two bytes.
public enum PacketKind: Equatable, Sendable {
  case stun, zrtp, dtls, turnChannel, rtp, rtcp, unknown

  public init(_ bytes: RawSpan) {
    guard let first = bytes.byte(at: 0) else {
      self = .unknown
      return
    }
    switch first {
    case 0...3: self = .stun
    case 16...19: self = .zrtp
    case 20...63: self = .dtls
    case 64...79: self = .turnChannel
    case 128...191:
      guard let second = bytes.byte(at: 1) else {
        self = .unknown
        return
      }
      self = (192...223).contains(second) ? .rtcp : .rtp
    default: self = .unknown
    }
  }
}
