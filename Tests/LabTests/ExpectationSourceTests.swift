// `source:` of expectations in the language, and camera and screen of one publisher in a run.

import Results
import Testing

@testable import Lab
@testable import Scenario

private let head = """
  assay: 1
  duration: 8s
  participants:
    teacher: { publish: [camera, microphone], \(smallCamera) }
    student: { count: 2, publish: [microphone] }
    viewer: {}
  events:
    - { at: 3s, participant: student-1, do: startScreenShare }
  expect:
    - { id: x, of:
  """

private func read(_ expectation: String) throws -> Scenario {
  try ScenarioFile.parse(Array("\(head) \(expectation) }\n".utf8), file: "s.yaml")[0].scenario
}

@Suite struct ExpectationSources {
  @Test(arguments: [
    "viewer, source: camera, metric: frameHeight, stat: min, over: 100p",
    "viewer, from: student-1, source: screenShare, metric: frameHeight, stat: min, over: 100p",
    "viewer, source: screenShare, metric: bytesReceived, over: 1kB",
    "viewer, source: microphone, metric: concealedSamples, atMost: 1",
    "viewer, source: microphone, metric: assay.decodeErrors, atMost: 1",
  ])
  func areReadAndWritten(_ text: String) throws {
    let scenario = try read(text)
    #expect(scenario.expectations[0].source != nil)
    let again = try ScenarioFile.parse(Array(scenario.yaml.utf8), file: "s.yaml")[0].scenario
    #expect(again.expectations == scenario.expectations)
  }

  @Test(arguments: [
    (
      "viewer, from: teacher, source: screenShare, metric: frameHeight, stat: min, over: 1p",
      "'teacher' never publishes screenShare; add screenShare to its 'publish' or start it by"
    ),
    (
      "viewer, from: student, source: screenShare, metric: frameHeight, stat: min, over: 1p",
      "'student-2' never publishes screenShare"
    ),
    (
      "teacher, source: camera, metric: frameHeight, stat: min, over: 1p",
      "nobody publishes camera to 'teacher'; name a source that somebody has in 'publish'"
    ),
    (
      "viewer, source: microphone, metric: frameHeight, stat: min, over: 1p",
      "'frameHeight' is a metric of video, 'microphone' is audio; write camera or screenShare"
    ),
    (
      "viewer, source: camera, metric: concealedSamples, atMost: 1",
      "'concealedSamples' is a metric of audio, 'camera' is video; write microphone"
    ),
    (
      "viewer, source: camera, kind: audio, metric: bytesReceived, over: 1kB",
      "'camera' is video, and 'kind' says audio; take 'kind' out"
    ),
    (
      "viewer, source: camera, metric: roundTripTime, stat: max, under: 1s",
      "'roundTripTime' is of no single track here; take 'source' out"
    ),
    (
      "viewer, source: microphone, metric: assay.dataLost, atMost: 0",
      "'assay.dataLost' is of no single track here; take 'source' out"
    ),
    (
      "viewer, source: cam, metric: frameHeight, stat: min, over: 1p",
      "the sources are camera, microphone, screenShare"
    ),
  ])
  func whatDoesNotFitIsAnError(_ text: String, _ says: String) {
    do {
      _ = try read(text)
      Issue.record("no error")
    } catch {
      let message = "\(error)"
      #expect(message.hasPrefix("s.yaml:10:") && message.contains(says), "\(message)")
    }
  }

  @Test func cameraAndScreenOfOnePublisher() throws {
    let text = """
      assay: 1
      name: mix
      duration: 12s
      links: { home: { use: fibre } }
      participants:
        teacher:
          link: home
          publish: [camera, microphone, screenShare]
          \(smallCamera)
          screenShare: { layers: [{ height: 720p, fps: 5, bitrate: 400kbps }] }
        v: { link: home, role: viewer }
      expect:
        - { id: camera, of: v, from: teacher, metric: framesPerSecond, stat: p10, over: 10, window: 6s..12s }
        - { id: screen, of: v, from: teacher, source: screenShare, metric: frameHeight, stat: min, atLeast: 720p, window: 6s..12s }
        - { id: slow, of: v, source: screenShare, metric: framesPerSecond, stat: max, atMost: 7, window: 6s..12s }

      """
    let result = try run(text)
    #expect(result.verdict == .pass, "\(result.failures)")
    let sources = result.series.filter { $0.metric == "assay.layer" }.map(\.source)
    #expect(sources == ["camera", "screenShare"])
  }
}
