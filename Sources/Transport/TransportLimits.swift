// Every limit and time of the transports, with its source.

import Basics

public enum TransportLimits {
  /// Largest DTLS datagram we send: fits every path that carries RTP.
  static let dtlsDatagramSize = 1_200
  /// Largest plaintext of a record (RFC 6347 §4.1).
  static let dtlsRecordSize = 16_384
  /// libwebrtc `p2p/dtls/dtls_transport.cc`: retransmission timer from twice the ICE round trip.
  static let dtlsTimerMinimum = Duration.milliseconds(50)
  static let dtlsTimerMaximum = Duration.seconds(3)
  static let dtlsTimerMaximumMicroseconds: UInt32 = 3_000_000

  /// Pace of connectivity checks (RFC 8445 §14.2 Ta).
  static let checkPace = Duration.milliseconds(50)
  /// libwebrtc `p2p/base/p2p_constants.cc`: pings of a pair while connectivity is weak, on a stable
  /// pair, and on one from which nothing has arrived lately.
  static let weakPingInterval = Duration.milliseconds(48)
  static let stablePingInterval = Duration.milliseconds(2_500)
  static let silentPingInterval = Duration.milliseconds(480)
  /// Nothing received for this long: the pair counts as not receiving.
  static let receivingTimeout = Duration.milliseconds(2_500)
  /// How much longer the selected pair may be silent before another one takes over (libwebrtc
  /// `receiving_switching_delay`).
  static let switchingDelay = Duration.seconds(1)
  /// Checks unanswered for this long (and at least five of them): disconnected.
  static let disconnectTimeout = Duration.seconds(5)
  static let disconnectChecks = 5
  /// libwebrtc `CONNECTION_WRITE_TIMEOUT`: checks unanswered for this long fail the transport, well
  /// before consent expires (30 s, RFC 7675 §5.1).
  static let writeTimeout = Duration.seconds(15)
  /// An ICE-lite end hears from a living peer at least this often.
  static let liteDisconnectTimeout = Duration.seconds(10)
  /// Nothing authenticated on a path for this long: an ICE-lite end sends nothing more there. That is the
  /// life of consent (RFC 7675 §5.1), which a lite end does not ask for.
  static let pathLife = Duration.seconds(30)
  /// Bytes that an ICE-lite end sends for each one received, on a path on which no DTLS or SRTP packet
  /// has authenticated (as RFC 9000 §8.1 has it).
  static let unprovenFactor = 3
  /// Packets sent on a nominated path so that the peer answers them there with SRTCP, which proves it.
  static let pathProbes = 3
  /// The most that SRTP and SRTCP add to a packet: index, tag.
  static let protectionOverhead = 20
  /// DTLS datagrams that wait for a path they may be sent on.
  static let heldDatagrams = 16
  /// An address stays with the transport that authenticated DTLS or SRTP from it this lately.
  public static let addressHold = Duration.seconds(10)
  /// Addresses an ICE-lite end remembers as checked.
  public static let checkedPathLimit = 16
  static let remoteCandidateLimit = 64
  static let candidatePairLimit = 100
  /// Checks whose answer may still come.
  static let outstandingCheckLimit = 64

  /// Streams of a peer whose packets are opened at a time; those that are over are forgotten.
  static let receivedStreams = 4_096

  /// RFC 8841 §5: the customary port, which means nothing under DTLS.
  public static let sctpPort: UInt16 = 5_000
  /// The largest message we take, and announce (RFC 8841 §6).
  public static let dataMessageSize = 262_144
  /// What a DTLS datagram of 1200 bytes leaves (header, nonce, tag), by fours.
  static let sctpPacketSize: UInt32 = 1_160
  /// Of each direction; above the largest message.
  static let sctpBuffer: Int32 = 1_048_576
  /// libwebrtc `media/sctp/sctp_transport_internal.h`: 1024 channels.
  static let sctpStreams: UInt16 = 1_024
  /// libwebrtc `net/dcsctp/public/dcsctp_options.h`: retransmission timeouts, in milliseconds; the
  /// longest is `max_timer_backoff_duration` of `media/sctp/dcsctp_transport.cc`, without which data
  /// waits up to a minute after an outage.
  static let sctpInitialTimeout: UInt32 = 500
  static let sctpMinimumTimeout: UInt32 = 400
  static let sctpMaximumTimeout: UInt32 = 3_000
  /// `media/sctp/dcsctp_transport.cc` never closes an association for want of answers
  /// (`max_retransmissions`): it ends with its transport. The most that usrsctp takes.
  static let sctpMaximumRetransmissions: UInt16 = .max
  /// How often usrsctp, which names no next deadline, is told the time.
  static let sctpTick = Duration.milliseconds(10)
}
