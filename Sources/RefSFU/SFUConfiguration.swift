// What an operator sets on the reference SFU, and the mutants that prove the lab's verdicts.

import Basics
import Congestion
import Signal
import Transport

public struct SFUConfiguration: Sendable {
  public var keys: APIKeys
  /// Unix time, in seconds, at the run's start: tokens are judged against it.
  public var epochSeconds: Int64 = 1_767_225_600
  /// By how many seconds clocks may differ where tokens are judged.
  public var tokenLeeway: Int64 = 0
  /// The UDP port that all media shares.
  public var mediaPort: UInt16 = 7_882
  /// STUN and TURN servers that clients are told of.
  public var iceServers: [ICEServer] = []
  /// Participants a room takes; the next one is refused. Hidden ones do not count.
  public var maximumParticipants = 100
  /// Media bits per second towards one subscriber; nil for no limit.
  public var subscriberLimit: Bitrate?
  /// How every subscriber's link is measured.
  public var congestion = SFUConfiguration.congestion
  /// Whether publishers are told to stop layers that nobody takes.
  public var dynacast = true
  /// Whether data channels are offered and accepted.
  public var dataChannels = false
  public var protection = MediaProtection.srtp
  /// Joins a second that it takes, with a second's worth at once; nil for no limit.
  public var joinRate: Double?
  public var mutant: Mutant?
  /// Where sequence numbers, timestamps, picture ids and reference times begin.
  public var startValues = StartValues.random

  public init(keys: APIKeys) { self.keys = keys }

  /// `congestion`, or what a mutant makes of it.
  var measuredCongestion: CongestionConfiguration {
    guard mutant == .blindEstimator else { return congestion }
    var congestion = congestion
    congestion.mutant = .trendlineOff
    congestion.standingLimit = .max
    return congestion
  }

  /// A forwarder cannot make its frames smaller, only choose among layers: it starts higher than a
  /// client (mediasoup's examples have 1 Mbps), and takes no layer away because a viewer's uplink is
  /// bad.
  public static let congestion: CongestionConfiguration = {
    var congestion = CongestionConfiguration()
    congestion.startBitrate = .kbps(1_000)
    congestion.maximumBitrate = .kbps(100_000)
    congestion.initialPacingFactor = 10
    congestion.pacingFactor = 2.5
    congestion.backsOffInSilence = false
    congestion.burstTolerance = .milliseconds(30)
    congestion.followsLatestRate = true
    congestion.standingLimit = SFULimits.standingQueue
    // It cannot make frames smaller, only choose layers.
    congestion.drainsQueues = false
    return congestion
  }()
}

/// Deliberate faults, each of which a verdict must catch.
public enum Mutant: String, Sendable, CaseIterable {
  case sequenceGapAtSwitch
  case switchWithoutKeyframe
  case noRetransmission
  case wrongSSRC
  case keyframeStorm
  case audioAfterMute
  case ignoresCanSubscribe
  case ignoresCanPublish
  case wrongSpeaker
  case qualityOfWrongParticipant
  case ghostNeverRemoved
  case dataReplayedTwice
  case dataSwapped
  case stateNotRestored
  case countsAbsence
  case hidesAbsence
  case neverForgets
  case dropsInSilence
  case numbersAgain
  case dataForgotten
  case hoards
  case allocatorNeverUpgrades
  case allocatorFlaps
  case blindEstimator

  /// Whether a rule that every run is held to finds it out; else it takes a scenario's own bounds.
  public var breaksRule: Bool {
    switch self {
    case .allocatorFlaps, .blindEstimator: false
    default: true
    }
  }

  /// What it does wrong.
  public var meaning: String {
    switch self {
    case .sequenceGapAtSwitch: "leaves a hole in the sequence numbers at every layer switch"
    case .switchWithoutKeyframe: "switches layers at any frame"
    case .noRetransmission: "never answers a NACK"
    case .wrongSSRC: "sends media under an SSRC that the offer did not announce"
    case .keyframeStorm: "asks publishers for a keyframe every 50 ms"
    case .audioAfterMute: "forwards the packets of muted tracks"
    case .ignoresCanSubscribe: "forwards to participants whose token denies canSubscribe"
    case .ignoresCanPublish: "accepts tracks from participants whose token denies canPublish"
    case .wrongSpeaker: "announces the wrong participant as the speaker"
    case .qualityOfWrongParticipant: "reports each participant's connection quality for another one"
    case .ghostNeverRemoved: "never takes out a participant who is gone without a word"
    case .dataReplayedTwice:
      "sends all it remembers again after a resume, without the numbers that would tell"
    case .dataSwapped: "passes on every second reliable message behind the one after it"
    case .stateNotRestored:
      "forgets on a resume what was unsubscribed from, whatever the client says"
    case .countsAbsence: "counts as presence the time for which somebody was cut off"
    case .hidesAbsence: "tells nobody of it when somebody's connection is lost, until windows close"
    case .neverForgets: "keeps everybody who has left in memory"
    case .dropsInSilence: "forgets every fiftieth packet of a publisher without counting it"
    case .numbersAgain: "gives who subscribes again the numbers it had before, under the same SSRC"
    case .dataForgotten: "passes on all reliable messages but every tenth"
    case .hoards: "lets video wait for its turn behind what has yet to come"
    case .allocatorNeverUpgrades: "sends everybody what they began with, however much room there is"
    case .allocatorFlaps: "goes back and forth between the lowest layer and the right one"
    case .blindEstimator: "takes links for what they carried last, however long packets wait"
    }
  }
}
