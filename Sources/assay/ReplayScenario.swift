// The scenario in which a captured call is played: its publishers beside the participants of another
// scenario, or beside viewers on clean links.

import Basics
import Foundation
import Inspection
import Results
import Scenario

struct ReplayScenario {
  /// What is played before the call and after it: joining, and the last frames' way.
  private static let tail = Duration.seconds(2)
  private static let viewerName = "viewer"
  /// The share of the captured frames that a viewer on a clean link is expected to decode.
  private static let expectedShare = 0.9

  let call: CapturedCall
  var scenario: Scenario
  /// Media files by the names that the scenario has for them.
  private(set) var files: [(name: String, text: String)] = []

  /// - Parameters:
  ///   - base: its links, participants, events and expectations stay; nil for viewers on clean links.
  init(_ call: CapturedCall, name: String, about: String, through base: Scenario?, viewers: Int) {
    self.call = call
    var scenario = base ?? Scenario(file: "", name: name, duration: .zero)
    scenario.name = name
    scenario.about = about
    let start = Scenario.CapturedTrack.usualStart
    let needed = (start + call.length - .zero) + ReplayScenario.tail
    let whole = Duration.seconds(Double((needed.nanoseconds + 999_999_999) / 1_000_000_000))
    scenario.duration = max(scenario.duration, whole)
    var publishers: [Scenario.Group] = []
    for publisher in call.publishers {
      let identity = ReplayScenario.free(publisher.name, in: scenario)
      var group = Scenario.Group(name: identity, rooms: [scenario.rooms[0]])
      group.subscribe = .none
      for track in publisher.tracks {
        let file = "media/\(identity).\(track.source.rawValue).media"
        files.append((file, track.media.text))
        group.publish.append(track.source)
        let captured = Scenario.CapturedTrack(file: file, start: start, media: track.media)
        switch track.source {
        case .microphone: group.microphone.captured = captured
        case .camera: group.camera = ReplayScenario.video(captured)
        case .screenShare: group.screenShare = ReplayScenario.video(captured)
        }
      }
      group.members = [
        ReplayScenario.member(identity, of: identity, in: scenario, index: 0)
      ]
      publishers.append(group)
    }
    scenario.participants = publishers + scenario.participants
    if base == nil {
      var group = Scenario.Group(
        name: ReplayScenario.viewerName, count: viewers > 1 ? viewers : nil, rooms: scenario.rooms)
      group.members = (0..<viewers).map { index in
        let name = viewers > 1 ? "viewer-\(index + 1)" : ReplayScenario.viewerName
        return ReplayScenario.member(name, of: group.name, in: scenario, index: index)
      }
      scenario.participants.append(group)
    }
    self.scenario = scenario
  }

  private static func video(_ captured: Scenario.CapturedTrack) -> Scenario.VideoSource {
    var source = Scenario.VideoSource(
      layers: [Scenario.VideoLayer(captured.media)], temporalLayers: 1)
    source.captured = captured
    return source
  }

  private static func free(_ name: String, in scenario: Scenario) -> String {
    let taken = Set(scenario.participants.flatMap { [$0.name] + $0.members.map(\.identity) })
    return taken.contains(name) ? "captured-\(name)" : name
  }

  private static func member(
    _ name: String, of group: String, in scenario: Scenario, index: Int
  ) -> Scenario.Member {
    let room = scenario.rooms[0]
    return Scenario.Member(
      identity: scenario.rooms.count == 1 ? name : "\(name)@\(room)", group: group, room: room,
      joins: .zero, index: index)
  }

  private static let lostBefore =
    "packets that the capture lacks leave gaps that no SFU made"

  private var hasGaps: Bool {
    call.publishers.contains { $0.tracks.contains { $0.missing > 0 } }
  }

  /// What cannot be judged of media with gaps of their own.
  var policy: VerdictPolicy {
    guard hasGaps else { return VerdictPolicy() }
    return VerdictPolicy([
      VerdictPolicy.Exception(
        id: "rule/sequence-continuity", kind: .off, reason: ReplayScenario.lostBefore)
    ])
  }

  // MARK: - As a file

  /// The scenario in YAML; where it stands on clean links, with expectations on what viewers decode.
  func yaml(hasExpectations: Bool) -> String {
    var rules = ""
    if hasGaps, scenario.waivedRules.isEmpty {
      rules =
        "rules: { sequence-continuity: { off: \"\(ReplayScenario.lostBefore)\" } }\n"
    }
    guard !hasExpectations else { return scenario.yaml + rules }
    var lines = ["expect:"]
    lines.append(
      "  - { id: viewers-join, of: \(ReplayScenario.viewerName), metric: assay.joined, stat: last, "
        + "equals: 1 }")
    for (publisher, name) in zip(call.publishers, scenario.participants.map(\.name)) {
      guard let camera = publisher.tracks.first(where: { $0.source == .camera }),
        publisher.tracks.count(where: { $0.media.kind == .video }) == 1
      else { continue }
      let frames = ReplayScenario.completeFrames(camera.media)
      lines.append(
        "  - { id: frames-of-\(name), of: \(ReplayScenario.viewerName), from: \(name), "
          + "metric: framesDecoded, stat: last, "
          + "atLeast: \(Int(ReplayScenario.expectedShare * Double(frames))) }")
    }
    return scenario.yaml + rules + lines.joined(separator: "\n") + "\n"
  }

  /// Frames of which every packet arrived, that follow a keyframe without a gap.
  static func completeFrames(_ media: CapturedMedia) -> Int {
    let packets = media.packets.sorted { $0.number < $1.number }
    var count = 0
    var isDecodable = false
    var isWhole = false
    var previous: CapturedMedia.Packet?
    for packet in packets {
      let follows = previous.map { packet.number <= $0.number + 1 } ?? true
      if !follows { isDecodable = false }
      if packet.timestamp != previous?.timestamp {
        isWhole = packet.flags.contains(.start)
        if packet.flags.contains(.keyframe) { isDecodable = isWhole }
      } else if !follows {
        isWhole = false
      }
      if packet.flags.contains(.marker), isWhole, isDecodable { count += 1 }
      previous = packet
    }
    return count
  }
}
