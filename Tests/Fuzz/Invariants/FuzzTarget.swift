// The parsers that are fuzzed, each with what must hold of it for any bytes whatever.

/// One fuzzer. What a parser accepts it must read again, unchanged, from what is written of it.
public enum FuzzTarget: String, CaseIterable, Sendable {
  case rtp = "RTP"
  case rtcp = "RTCP"
  case stun = "STUN"
  case sdp = "SDP"
  case candidate = "Candidate"
  case signal = "Signal"
  case accessToken = "AccessToken"
  case json = "JSON"
  case capture = "Capture"
  case inspection = "Inspection"
  case scenario = "Scenario"
  case http = "HTTP"
  case media = "Media"

  /// Whether the parser's invariant holds of `bytes`. Traps where the parser does.
  public func holds(_ bytes: [UInt8]) -> Bool {
    switch self {
    case .rtp: rtpHolds(bytes)
    case .rtcp: rtcpHolds(bytes)
    case .stun: stunHolds(bytes)
    case .sdp: sdpHolds(bytes)
    case .candidate: candidateHolds(bytes)
    case .signal: signalHolds(bytes)
    case .accessToken: accessTokenHolds(bytes)
    case .json: jsonHolds(bytes)
    case .capture: captureHolds(bytes)
    case .inspection: inspectionHolds(bytes)
    case .scenario: scenarioHolds(bytes)
    case .http: httpHolds(bytes)
    case .media: mediaHolds(bytes)
    }
  }

  /// The bytes that a datagram may have at most.
  static let datagramSize = 1_984
}
