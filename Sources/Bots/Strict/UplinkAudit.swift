// The checks on what the SFU reports and asks of what a bot sends, and on what it reports of what it sends.

import Basics
import Results
import Wire

/// Feedback of one session on its uplink.
struct UplinkAudit {
  var nacks = 0
  private var reports = 0
  /// Video packets that reports have as lost, by SSRC.
  private var lost: [UInt32: Int] = [:]
  fileprivate var nextLook: Instant?
  private var packets: Int64 = 0

  /// Fewer lost packets may all have come late.
  private static let notableLoss = 20

  mutating func reported(_ block: ReportBlock, isVideo: Bool) {
    reports += 1
    if isVideo { lost[block.ssrc] = Int(block.cumulativeLost) }
  }

  /// Closes the time between two looks.
  /// - Parameters:
  ///   - sent: packets of all streams, since the session began.
  ///   - wasUp: whether media could be sent all that time.
  fileprivate mutating func check(
    sent: Int64, wasUp: Bool, at now: Instant, _ faults: inout ProtocolAudit
  ) {
    if wasUp, sent - packets >= ProtocolAudit.steadyPackets {
      faults.check(
        .receiverReports, reports > 0, at: now,
        "\(sent - packets) packets in \(ProtocolAudit.interval.seconds) s, no report")
    }
    packets = sent
    reports = 0
    let missing = lost.values.reduce(0, +)
    if missing >= Self.notableLoss {
      faults.check(
        .uplinkNACK, nacks > 0, at: now, "\(missing) video packets lost, none was asked for")
    }
  }
}

extension Bot {
  /// Sound and picture that are further apart are noticed (ITU-R BT.1359 §2 has 45 to 125 ms).
  private static let lipSyncTolerance = Duration.milliseconds(100)

  /// Reports further apart may stand for different estimates of the publisher's clock, as where video was
  /// paused.
  private static let lipSyncAge = Duration.seconds(3)

  /// Looks, now and then, whether what has to come regularly did.
  func auditReports(at now: Instant) {
    guard state == .connected else {
      uplinkAudit.nextLook = nil
      return
    }
    guard let due = uplinkAudit.nextLook else {
      uplinkAudit.nextLook = now + ProtocolAudit.interval
      return
    }
    guard now >= due else { return }
    uplinkAudit.nextLook = now + ProtocolAudit.interval
    let sent = localTracks.reduce(0) { sum, track in
      sum + track.streams.reduce(0) { $0 + $1.statistics.packets }
    }
    uplinkAudit.check(sent: sent, wasUp: publisher.canSendMedia, at: now, &faults)
    var sound: [String: Duration] = [:]
    func recentError(_ track: RemoteTrack) -> Duration? {
      let clock = track.audit.clock
      return clock.reportedAt.map { now - $0 <= Bot.lipSyncAge } == true ? clock.error : nil
    }
    for track in remoteTracks where !track.hasEnded {
      track.checkReports(at: now, &faults)
      if track.source == .microphone { sound[track.publisher] = recentError(track) }
    }
    for track in remoteTracks where !track.hasEnded && track.source == .camera {
      guard let picture = recentError(track), let sound = sound[track.publisher] else {
        continue
      }
      faults.check(
        .lipSync, (picture - sound).magnitude <= Bot.lipSyncTolerance, at: now,
        "pictures of \(track.publisher) \((picture - sound).milliseconds) ms behind the sound")
    }
  }
}
