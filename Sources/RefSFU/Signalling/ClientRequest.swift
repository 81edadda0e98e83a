// What a client asks of the SFU, whatever signalling carries it.

import Basics
import Transport
import Wire

enum ClientRequest {
  /// Of the transport that the client sends over.
  case offer(SessionDescriptionText)
  /// To the SFU's offer.
  case answer(SessionDescriptionText)
  case candidate(RemoteCandidate, TransportTarget)
  case addTrack(TrackAnnouncement)
  case mute(trackSid: String, Bool)
  case subscription(SubscriptionChange)
  /// How tracks are shown.
  case settings(VideoSettings, trackSids: [String])
  /// After a resume: what the client believes.
  case sync(ClientBelief)
  case updateProfile(Profile)
  case simulate(SimulatedFault)
  case leave
  /// A sign of life; from the first one on its absence means something.
  case ping
}

struct SubscriptionChange {
  var trackSids: [String]
  var subscribes: Bool
}

struct ClientBelief {
  /// Of its own tracks.
  var trackSids: [String]
  /// Exceptions from subscribing by itself; nil where it says nothing.
  var exceptions: [String]?
  /// How far it got in others' reliable data.
  var data: [DataReceiveState]
}

struct DataReceiveState {
  var publisherSid: String
  var lastSequence: UInt32
}

/// A fault that clients may ask for, to try themselves out (LiveKit SimulateScenario).
enum SimulatedFault {
  case speech(seconds: Int32)
  /// The signalling stream closes without a leave message, and the SFU drops the session.
  case lostSession
  case leave(DisconnectReason, LeaveAction)
  /// New credentials on the subscriber transport.
  case iceRestart
  /// Nil for no limit but the SFU's.
  case subscriberLimit(Bitrate?)
  case resume(ResumeFault)
}

/// What the next resume of a participant is to run into.
enum ResumeFault {
  /// The stream ends before anything was said.
  case silent
  /// The stream ends behind the answer.
  case afterAnswer
}

/// Why a request was not carried out.
struct RequestRefusal: Error {
  enum Reason { case notAllowed, limitExceeded }
  var reason: Reason
  var message: String
}
