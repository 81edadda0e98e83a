// What a bot noticed that belongs to no single track: its session, its rights, the indicators.

import Basics
import Results
import Wire

public struct BotObservations: Sendable {
  /// A track of somebody else was seen to be muted or unmuted.
  public struct MuteNote: Sendable, Equatable {
    public var at: Instant
    public var identity: String
    public var source: TrackSource
    public var isMuted: Bool
  }

  /// A data packet of somebody else.
  public struct DataNote: Sendable, Equatable {
    public var at: Instant
    public var sender: String
    public var bytes: [UInt8]
    public var isReliable: Bool
  }

  /// A stay in the room: asked for, up, over.
  public struct Session: Sendable, Equatable {
    public var requested: Instant
    public var connected: Instant?
    public var ended: Instant?
    /// Before each further attempt to get in.
    public var waits: [Reconnection.Wait] = []
  }

  public internal(set) var sessions: [Session] = []
  public internal(set) var states: [BotStateNote] = []
  public internal(set) var reconnections: [Reconnection] = []
  public internal(set) var firstFrame: Instant?
  /// When the SFU said that somebody is speaking, though it says so with every new level.
  private var speaking: [String: IntervalLog] = [:]
  /// When somebody's connection was lost, as the SFU said.
  private var absences: [String: IntervalLog] = [:]
  public internal(set) var mutes: [MuteNote] = []
  public internal(set) var data: [DataNote] = []
  /// Identities of all others that the SFU ever told of, in that order.
  public private(set) var listed: [String] = []
  private var isListed: Set<String> = []
  /// Totals over the run.
  public internal(set) var bytesSent = 0
  public internal(set) var bytesReceived = 0
  /// Of padding and probes, in `bytesSent` too.
  public internal(set) var paddingSent = 0
  public internal(set) var unknownSSRCPackets = 0
  public internal(set) var unauthorisedPackets = 0
  public internal(set) var unauthorisedTracks = 0
  /// Requests of the bot that the SFU refused.
  public internal(set) var refusals: [String] = []

  /// One sample a second while the bot is there.
  public internal(set) var joined = SampleLog()
  public internal(set) var bitrateSent = SampleLog()
  public internal(set) var bitrateReceived = SampleLog()
  public internal(set) var roundTripTime = SampleLog()
  public internal(set) var keyframeRequestRate = SampleLog()
  public internal(set) var unknownSSRCs = SampleLog()
  public internal(set) var unauthorisedPacketLog = SampleLog()
  public internal(set) var unauthorisedTrackLog = SampleLog()
  public internal(set) var protocolFaults = SampleLog()
  /// 0 lost, 1 poor, 2 good, 3 excellent, at every word from the SFU.
  public internal(set) var connectionQuality = SampleLog()
  private var bytesSentBefore = 0
  private var bytesReceivedBefore = 0

  public init() {}

  mutating func told(of identity: String) {
    if isListed.insert(identity).inserted { listed.append(identity) }
  }

  mutating func joinRequested(at now: Instant) { sessions.append(Session(requested: now)) }

  mutating func connected(at now: Instant) {
    guard let last = sessions.indices.last, sessions[last].connected == nil else { return }
    sessions[last].connected = now
  }

  mutating func departed(at now: Instant) {
    guard let last = sessions.indices.last, sessions[last].ended == nil else { return }
    sessions[last].ended = now
  }

  mutating func spoke(_ identity: String, _ isSpeaking: Bool, at now: Instant) {
    speaking[identity, default: IntervalLog()].note(isSpeaking, at: now)
  }

  /// The intervals in which `identity` was said to be speaking, in order.
  public func indications(of identity: String, until end: Instant) -> [Interval] {
    speaking[identity]?.all(until: end) ?? []
  }

  mutating func toldAbsence(of identity: String, _ isAway: Bool, at now: Instant) {
    absences[identity, default: IntervalLog()].note(isAway, at: now)
  }

  /// A session that begins knows nothing of the one before.
  mutating func forgetAbsences(at now: Instant) {
    for identity in absences.keys { absences[identity]?.note(false, at: now) }
  }

  /// The intervals in which the connection of `identity` was said to be lost, in order.
  public func absences(of identity: String, until end: Instant) -> [Interval] {
    absences[identity]?.all(until: end) ?? []
  }

  mutating func lost(at now: Instant) { reconnections.append(Reconnection(lost: now)) }

  /// Of coming back, or of the join while it is one.
  private mutating func withWaits(isJoin: Bool, _ change: (inout [Reconnection.Wait]) -> Void) {
    if isJoin, let last = sessions.indices.last {
      change(&sessions[last].waits)
    } else if !isJoin, let last = reconnections.indices.last {
      change(&reconnections[last].waits)
    }
  }

  /// - Parameter number: of the policy's attempts, from 0; nil for one that the SFU asked for.
  mutating func scheduled(_ number: Int?, isJoin: Bool, at now: Instant) {
    withWaits(isJoin: isJoin) { $0.append(.init(number: number, from: now)) }
  }

  mutating func attempted(isJoin: Bool, at now: Instant) {
    withWaits(isJoin: isJoin) { waits in
      if let last = waits.indices.last { waits[last].until = now }
    }
  }

  mutating func back(at now: Instant, resumed: Bool) {
    guard let last = reconnections.indices.last else { return }
    reconnections[last].back = now
    reconnections[last].wasResumed = resumed
  }

  /// Closes a second.
  mutating func second(
    at now: Instant, isJoined: Bool, roundTrip: Duration?, keyframeRequests: Int,
    protocolFaults: Int
  ) {
    joined.append(isJoined ? 1 : 0, at: now)
    guard isJoined else { return }
    bitrateSent.append(Double(bytesSent - bytesSentBefore) * 8, at: now)
    bitrateReceived.append(Double(bytesReceived - bytesReceivedBefore) * 8, at: now)
    bytesSentBefore = bytesSent
    bytesReceivedBefore = bytesReceived
    if let roundTrip { roundTripTime.append(roundTrip.milliseconds, at: now) }
    keyframeRequestRate.append(Double(keyframeRequests), at: now)
    unknownSSRCs.append(Double(unknownSSRCPackets), at: now)
    unauthorisedPacketLog.append(Double(unauthorisedPackets), at: now)
    unauthorisedTrackLog.append(Double(unauthorisedTracks), at: now)
    self.protocolFaults.append(Double(protocolFaults), at: now)
  }
}
