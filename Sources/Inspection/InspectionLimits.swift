// Every limit of an inspection, so that its memory does not grow with the capture.

public enum InspectionLimits {
  /// Address pairs with a relay that are told apart.
  static let flows = 16_384
  /// RTP streams that are reported.
  static let streams = 8_192
  /// Streams of a flow before one of them is confirmed.
  static let unconfirmedStreamsPerFlow = 16
  /// Streams of a flow with which a retransmission is compared.
  static let comparedStreams = 64
  /// Bins of a series over time; then their width doubles.
  static let seriesBins = 600
  /// Sequence numbers for which receptions and repairs are remembered.
  static let sequenceWindow = 4_096
  /// Loss events, freezes, gaps, keyframe requests and jumps kept for each stream; the worst stay.
  static let eventsPerStream = 64
  /// Lines of the timeline.
  static let timelineEvents = 400
  /// ICE transactions that wait for their response.
  static let pendingChecks = 512
  static let candidatePairs = 1_024
  static let dtlsAssociations = 1_024
  /// Bytes of a DTLS handshake message that are put together.
  static let handshakeMessageSize = 32_768
  /// Problems in a report; the gravest stay.
  static let problems = 200
  /// Forward steps of a sequence number from which on a stream has jumped (RFC 3550 A.1,
  /// MAX_DROPOUT) rather than lost packets.
  static let maximumDropout = 3_000
}
