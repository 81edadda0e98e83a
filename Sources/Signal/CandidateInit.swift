// A trickled candidate as browsers write it (W3C WebRTC §4.8.1.2 RTCIceCandidateInit).

import Basics
import Wire

/// The JSON in `TrickleRequest.candidateInit`.
public struct CandidateInit: Equatable, Sendable {
  /// `candidate:…`; empty ends the candidates of a section.
  public var candidate: String
  public var sdpMid: String?
  public var sdpMLineIndex: UInt16?
  public var usernameFragment: String?

  public init(
    candidate: String, sdpMid: String? = nil, sdpMLineIndex: UInt16? = nil,
    usernameFragment: String? = nil
  ) {
    self.candidate = candidate
    self.sdpMid = sdpMid
    self.sdpMLineIndex = sdpMLineIndex
    self.usernameFragment = usernameFragment
  }

  /// Nil for what is not an object with a candidate.
  public init?(json text: String) {
    guard let json = try? JSON(parsing: text), let candidate = json["candidate"]?.string else {
      return nil
    }
    self.candidate = candidate
    sdpMid = json["sdpMid"]?.string
    sdpMLineIndex = json["sdpMLineIndex"]?.integer.flatMap(UInt16.init(exactly:))
    usernameFragment = json["usernameFragment"]?.string
  }

  public var json: String {
    var object: JSONObject = ["candidate": .string(candidate)]
    if let sdpMid { object["sdpMid"] = .string(sdpMid) }
    if let sdpMLineIndex { object["sdpMLineIndex"] = .integer(Int64(sdpMLineIndex)) }
    if let usernameFragment { object["usernameFragment"] = .string(usernameFragment) }
    return JSON.object(object).text()
  }

  /// Nil at the end of the candidates, and for one we have to ignore (RFC 8839 §5.1).
  public var parsed: Candidate? { Candidate(candidate) }
}
