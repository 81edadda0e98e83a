// What comes although its sender had no right to it, and what comes from another room.

import Basics
import Results
import Scenario

extension Measurement {
  /// From a right's end to the last packet that was under way, or waited in a queue.
  private static let rightsPatience = Duration.seconds(3)

  /// Packets of sources, and messages, of those who lacked the right at the time, for each who may have got them;
  /// nothing where everybody had all rights that they used.
  mutating func measureRights() {
    var packets: [String: Double] = [:]
    var messages: [String: Double] = [:]
    for sender in evidence.participants {
      let rights = RightsTimeline(of: sender, in: evidence)
      for source in MediaSource.allCases {
        let spans = Measurement.settled(rights.lacking { $0.allows(source) })
        guard !spans.isEmpty, Measurement.tries(sender, source) else { continue }
        for viewer in viewers(of: sender) {
          packets[viewer.member.identity, default: 0] += media(
            of: sender, source, at: viewer, in: spans)
        }
      }
      let spans = Measurement.settled(rights.lacking(\.canPublishData))
      guard sender.group.data != nil, !spans.isEmpty else { continue }
      let sent = numbers(of: sender, in: spans)
      for viewer in viewers(of: sender) {
        messages[viewer.member.identity, default: 0] += Double(
          viewer.record.messages.count {
            $0.sender == sender.member.identity && sent.contains($0.number)
          })
      }
    }
    for seat in evidence.participants {
      let identity = seat.member.identity
      if let count = packets[identity] { add(count, "assay.unauthorisedMedia", identity, at: end) }
      if let count = messages[identity] {
        add(count, "assay.unauthorisedMessages", identity, at: end)
      }
    }
  }

  /// The spans without the right, less the time in which packets may still be on their way.
  private static func settled(_ spans: [Interval]) -> [Interval] {
    spans.compactMap { span in
      Interval(span.start == .zero ? span.start : span.start + rightsPatience, span.end)
    }
  }

  /// Whether a participant publishes a source, or would.
  private static func tries(_ seat: Evidence.Participant, _ source: MediaSource) -> Bool {
    seat.group.publish.contains(source)
      || seat.record.outbound.contains { $0.mediaSource == source }
  }

  private func viewers(of sender: Evidence.Participant) -> [Evidence.Participant] {
    evidence.participants.filter {
      $0.member.room == sender.member.room && $0.member.identity != sender.member.identity
        && $0.record.hasConnected && !evidence.wasCut($0)
    }
  }

  private func media(
    of sender: Evidence.Participant, _ source: MediaSource, at viewer: Evidence.Participant,
    in spans: [Interval]
  ) -> Double {
    let total = store.samples(
      participant: viewer.member.identity, metric: "packetsReceived",
      peer: sender.member.identity, kind: source.kind, tracks: .source(source))
    return spans.reduce(0) { $0 + (total?.growth(in: $1) ?? 0) }
  }

  /// Of the messages that were sent in `spans`.
  private func numbers(of sender: Evidence.Participant, in spans: [Interval]) -> Set<UInt32> {
    Set(
      evidence.record.messages.filter { message in
        message.sender == sender.member.identity
          && spans.contains { $0.start <= message.at && message.at < $0.end }
      }.map(\.number))
  }

  // MARK: - Rooms

  /// Whoever and whatever of another room a participant was told of or got; nothing in runs of one room.
  mutating func measureIsolation() {
    guard evidence.scenario.rooms.count > 1 else { return }
    let rooms = Dictionary(
      uniqueKeysWithValues: evidence.participants.map { ($0.member.identity, $0.member.room) })
    for seat in evidence.participants where seat.record.hasConnected {
      let isForeign = { (identity: String) in
        rooms[identity].map { $0 != seat.member.room } ?? false
      }
      let record = seat.record
      let count =
        record.messages.count { isForeign($0.sender) } + record.listed.count(where: isForeign)
        + record.inbound.count { isForeign($0.publisher) }
        + record.speaking.count { isForeign($0.identity) }
      add(Double(count), "assay.foreignRoom", seat.member.identity, at: end)
    }
  }

  // MARK: - Mutes

  /// By when all are told of a mute.
  private static let muteNotice = Duration.seconds(5)
  /// Who has been there for so long has its tracks, and is known to the others.
  private static let acquaintance = Duration.seconds(3)

  /// Mutes and unmutes that a participant with a fair connection did not see in time, or saw taken back though
  /// nobody asked for it.
  mutating func measureMuteNotices() {
    let clean = evidence.participants.filter { evidence.hearsInTime($0) }
    var missed: [String: Int] = [:]
    for (index, request) in evidence.record.muteRequests.enumerated() {
      guard let publisher = evidence.participant(request.identity),
        let span = judgedSpan(of: index, by: publisher)
      else { continue }
      for viewer in clean
      where viewer.member.room == publisher.member.room
        && viewer.member.identity != request.identity && isIn(viewer, span)
      {
        let last = viewer.record.mutes.last {
          $0.identity == request.identity && $0.source == request.source
            && $0.at <= span.upperBound
        }
        let isTold = last.map { $0.isMuted == request.isMuted && $0.at >= request.at } ?? false
        missed[viewer.member.identity, default: 0] += isTold ? 0 : 1
      }
    }
    for viewer in clean {
      guard let count = missed[viewer.member.identity] else { continue }
      add(Double(count), "assay.mutesUntold", viewer.member.identity, at: end)
    }
  }

  /// From three seconds before a request to when all must have heard of it; nil for one that changes nothing, is
  /// followed by another, or concerns a track that may not be there.
  private func judgedSpan(
    of index: Int, by publisher: Evidence.Participant
  ) -> ClosedRange<Instant>? {
    let requests = evidence.record.muteRequests
    let request = requests[index]
    guard let source = request.source, publisher.group.allowedSources.contains(source),
      evidence.hearsInTime(publisher), evidence.rightsChanges(of: request.identity).isEmpty,
      !publisher.group.grants.hidden
    else { return nil }
    let span = (request.at - Measurement.acquaintance)...(request.at + Measurement.muteNotice)
    let isSame = { (other: MuteChange) in
      other.identity == request.identity && other.source == source
    }
    let before = requests[..<index].last(where: isSame)
    let after = requests[(index + 1)...].first(where: isSame)
    guard before?.isMuted ?? false != request.isMuted, span.upperBound <= end,
      before.map({ $0.at < span.lowerBound }) ?? true,
      after.map({ $0.at > span.upperBound }) ?? true, isIn(publisher, span)
    else { return nil }
    return span
  }
}

extension MetricSamples {
  /// How much a running total grows in `span`.
  func growth(in span: Interval) -> Double {
    var before = 0.0
    var last = 0.0
    for (time, value) in zip(times, values) {
      guard time <= span.end.nanoseconds else { break }
      if time <= span.start.nanoseconds { before = value }
      last = value
    }
    return max(0, last - before)
  }
}
