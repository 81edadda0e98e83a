// What keeps a run from starting, with its remedy.

import Basics
import Scenario

/// Bad input found when the world is built, or an SFU that is not there.
public enum RunError: Error, CustomStringConvertible {
  /// The URL and what is wrong with it.
  case badTarget(String, String)
  /// The SFU does not take the API key.
  case refused(String, status: Int, String)
  /// A participant to be captured that the scenario does not have, and those it has.
  case unknownParticipant(String, known: [String])
  /// What was seen last, after so long.
  case neverReady(String, String, Duration)

  public var description: String {
    switch self {
    case .unknownParticipant(let name, let known):
      "--pcap-filter participant=\(name): no such participant; there are "
        + known.prefix(20).joined(separator: ", ") + (known.count > 20 ? " …" : "")
    case .badTarget(let url, let reason): "--sfu \(url): \(reason)"
    case .refused(let url, let status, let text):
      "\(url) refuses the token (\(status) \(text)); give its key and secret in "
        + "LIVEKIT_API_KEY and LIVEKIT_API_SECRET or with --keys FILE, or use --dev for its development pair"
    case .neverReady(let url, let last, let patience):
      "\(url) was not ready within \(patience.text): \(last); start it, for one with "
        + "./assay serve --dev, or wait longer with --wait SECONDS"
    }
  }
}
