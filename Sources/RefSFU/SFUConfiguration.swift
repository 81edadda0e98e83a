// What an operator sets on the reference SFU.

import Basics
import Congestion
import Results
import Transport

public struct SFUConfiguration: Sendable {
  /// A STUN or TURN server (W3C RTCIceServer).
  public struct ICEServer: Sendable {
    public var urls: [String]
    public var username: String
    public var credential: String

    public init(urls: [String], username: String = "", credential: String = "") {
      self.urls = urls
      self.username = username
      self.credential = credential
    }
  }

  /// How clients speak to it, the first that knows a path first.
  let signalling: [any Signalling]
  let authorizer: any Authorizer
  /// Of the messages in data channels; without one they are dropped.
  let dataFormat: (any DataFormat)?
  /// Unix time, in seconds, at the run's start: tokens are judged against it.
  public var epochSeconds: Int64 = 1_767_225_600
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
  /// Whether clients may have faults simulated (SimulateScenario).
  public var allowsSimulation = true
  public var mutant: Mutant?
  /// Where sequence numbers, timestamps, picture ids and reference times begin.
  public var startValues = StartValues.random

  init(
    signalling: [any Signalling], authorizer: any Authorizer, dataFormat: (any DataFormat)? = nil
  ) {
    self.signalling = signalling
    self.authorizer = authorizer
    self.dataFormat = dataFormat
  }

  /// `congestion`, or what a mutant makes of it.
  var measuredCongestion: CongestionConfiguration {
    guard mutant == .ignoresDelay else { return congestion }
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
