// Which of a publisher's tracks an expectation speaks of, and whether there is such a track.

import Basics
import Results

extension ScenarioReader {
  /// The source that an expectation names, once its metric and those it speaks of are known.
  func source(
    _ node: YAMLNode, of expectation: Scenario.Expectation
  ) throws -> MediaSource {
    let source = MediaSource(rawValue: try node.text())!
    let metric = expectation.metric
    guard metric.isOfTrack, expectation.subjects[0].kind == .participant else {
      throw node.error("'\(metric.name)' is of no single track here; take 'source' out")
    }
    guard metric.fits(source) else {
      let fitting = MediaSource.allCases.filter(metric.fits).map(\.rawValue)
      throw node.error(
        "'\(metric.name)' is a metric of \(metric.kinds[0]), '\(source.rawValue)' is "
          + "\(source.kind); write \(fitting.joined(separator: " or "))")
    }
    if let kind = expectation.kind, kind != source.kind {
      throw node.error(
        "'\(source.rawValue)' is \(source.kind), and 'kind' says \(kind); take 'kind' out")
    }
    let remedy = "add \(source.rawValue) to its 'publish'" + source.startingRemedy
    for sender in expectation.from ?? [] where !scenario.mayPublish(source, sender.identity) {
      throw node.error(
        "'\(sender.identity)' never publishes \(source.rawValue); \(remedy), "
          + "or name only those who do in 'from'")
    }
    for subject in expectation.subjects {
      let isPublished = scenario.members.contains {
        $0.room == subject.room && $0.identity != subject.identity
          && scenario.mayPublish(source, $0.identity)
      }
      guard isPublished else {
        throw node.error(
          "nobody publishes \(source.rawValue) to '\(subject.identity)'; "
            + "name a source that somebody has in 'publish'" + source.startingRemedy)
      }
    }
    return source
  }
}

extension MediaSource {
  fileprivate var startingRemedy: String {
    self == .screenShare ? " or start it by an event 'startScreenShare'" : ""
  }
}

extension Scenario {
  /// Whether a participant publishes this source from the start, or once an event has it do so.
  func mayPublish(_ source: MediaSource, _ identity: String) -> Bool {
    let group = participants.first { $0.members.contains { $0.identity == identity } }
    if group?.publish.contains(source) == true { return true }
    return events.contains { event in
      guard event.target.identities?.contains(identity) == true else { return false }
      return source == .screenShare && event.action == .startScreenShare
    }
  }
}
