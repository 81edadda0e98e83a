// Which seconds each participant's data is due in: by the scenario, less the time that a join takes and
// what the SFU said that it holds back.

import Basics
import Results
import Scenario

struct DueMedia {
  let plan: MediaPlan
  let end: Instant
  /// From joining on, with the time that it took, as far as that is a join still; by identity.
  private var arrived: [String: [Interval]] = [:]
  private let sources: [String: [Scenario.Source]]
  private var paused: [Pair: [Interval]] = [:]

  private struct Pair: Hashable {
    var viewer: String
    var publisher: String
    var source: Scenario.Source
  }

  /// A join that takes longer is a loss of what was due (definition D2).
  static let joinLimit = Duration.seconds(10)
  /// From both being there, or from the publisher's or the viewer's change, to the first whole second.
  static let settling = Duration.seconds(5)
  /// The same from the first word of a talk.
  static let talkSettling = Duration.seconds(1)
  /// The same from a resumed stream, which waits for a keyframe.
  private static let resumeSettling = Duration.seconds(2)
  static let second = Duration.seconds(1).nanoseconds

  init(_ evidence: Evidence) {
    let plan = MediaPlan(evidence.scenario)
    self.plan = plan
    let end = min(evidence.end, .zero + evidence.scenario.duration)
    self.end = end
    var sources: [String: [Scenario.Source]] = [:]
    for participant in evidence.participants {
      let identity = participant.member.identity
      arrived[identity] = plan.presence(of: identity).compactMap { stay in
        let latest = stay.start + DueMedia.joinLimit
        let connected = participant.record.sessions.compactMap(\.connected).first {
          $0 >= stay.start && $0 <= latest
        }
        return Interval(connected ?? latest, min(stay.end, end))
      }
      sources[identity] = Scenario.Source.allCases.filter { !plan.sends(identity, $0).isEmpty }
      for pause in participant.record.pauses {
        let pair = Pair(viewer: identity, publisher: pause.publisher, source: pause.source)
        paused[pair, default: []] += pause.intervals
      }
    }
    self.sources = sources
  }

  /// The seconds, by their ends, in which its client is to be in the room.
  func presence(of identity: String) -> [Int64] {
    seconds(plan.awake(arrived[identity] ?? [], identity).trimmed(by: DueMedia.settling))
  }

  /// When media of this source is due, from the first whole second on.
  ///
  /// - Parameter isTalk: whether only talk is meant, also where silence is sent.
  func intervals(
    _ viewer: String, _ source: Scenario.Source, of publisher: String, isTalk: Bool = false
  ) -> [Interval] {
    var due = plan.receives(viewer, source, of: publisher)
      .intersection(plan.sends(publisher, source))
      .intersection(arrived[viewer] ?? []).intersection(arrived[publisher] ?? [])
      .trimmed(by: DueMedia.settling)
    if source.kind == .audio, isTalk || plan.isDiscontinuous(publisher) {
      due = due.intersection(plan.talk(of: publisher).trimmed(by: DueMedia.talkSettling))
    }
    for pause in paused[Pair(viewer: viewer, publisher: publisher, source: source)] ?? [] {
      due = due.removing(from: pause.start, to: pause.end + DueMedia.resumeSettling)
    }
    return due
  }

  /// The seconds in which media of a kind is due, of any of the publisher's sources that are meant.
  func seconds(
    _ viewer: String, of publisher: String, _ kind: Scenario.MediaKind, _ tracks: TrackSelection,
    isTalk: Bool = false
  ) -> [Int64] {
    let all = sources(of: publisher)
    let meant = all.filter { source in
      switch tracks {
      case .all: true
      case .usual: source != .screenShare || !all.contains(.camera)
      case .source(let one): source == one
      }
    }
    let each = meant.filter { $0.kind == kind }.map {
      seconds(intervals(viewer, $0, of: publisher, isTalk: isTalk))
    }
    guard each.count > 1 else { return each.first ?? [] }
    return Set(each.joined()).sorted()
  }

  /// What a publisher is to send at some time.
  func sources(of publisher: String) -> [Scenario.Source] { sources[publisher] ?? [] }

  /// Whether there is no talk of `publisher` in `window` that `viewer` is to hear.
  func isSilent(_ viewer: String, of publisher: String, in window: Interval) -> Bool {
    let heard = plan.receives(viewer, .microphone, of: publisher)
      .intersection(plan.sends(publisher, .microphone)).intersection(plan.talk(of: publisher))
    return overlap(heard, window) < DueMedia.talkSettling
  }

  /// Whether `publisher` is to talk in `window`, and to be heard.
  func talks(_ publisher: String, in window: Interval) -> Bool {
    let said = plan.sends(publisher, .microphone).intersection(plan.talk(of: publisher))
    return overlap(said, window) >= DueMedia.talkSettling
  }

  /// In a run that was interrupted, nothing after its end is due.
  private func overlap(_ intervals: [Interval], _ window: Interval) -> Duration {
    Interval(window.start, min(window.end, end)).map(intervals.overlap) ?? .zero
  }

  /// The ends of the seconds that lie in these as a whole.
  private func seconds(_ intervals: [Interval]) -> [Int64] {
    let second = DueMedia.second
    var result: [Int64] = []
    for interval in intervals {
      let first = (interval.start.nanoseconds + second - 1) / second + 1
      let last = min(interval.end, end).nanoseconds / second
      guard first <= last else { continue }
      for number in first...last where number * second > result.last ?? 0 {
        result.append(number * second)
      }
    }
    return result
  }
}
