// The scenario language: the example of the design, links, participants, events, the matrix.

import Basics
import Results
import Testing

@testable import Lab
@testable import Scenario

/// The only variant of a scenario in `text`.
func scenario(_ text: String, file: String = "test.yaml") throws -> Scenario {
  try ScenarioFile.parse(Array(text.utf8), file: file)[0].scenario
}

@Suite struct DesignExample {
  /// A backslash breaks a line here, not in what is read.
  static let text = """
    assay: 1
    name: train-uplink
    about: A student on a train keeps a usable class while the cell changes.
    seed: 42
    duration: 60s
    requires: [traces/lte.up]
    links:
      fibre: { rate: 100Mbps, delay: 10ms }
      train:
        up: { trace: traces/lte.up, delay: 30ms, queue: 300ms, \
              loss: { gilbertElliott: { p: 1%, r: 30% } } }
        down: { rate: 2Mbps, delay: 30ms, jitter: { nrBPDV: { std: 5ms } }, queue: 300ms }
    participants:
      teacher: { link: fibre, publish: [camera, microphone], role: teacher }
      student: { count: 24, link: fibre, join: { over: 2s }, publish: [microphone], subscribe: all }
      rider:   { link: train, publish: [camera, microphone], subscribe: all }
    events:
      - { at: 20s, link: train.down, set: { rate: 250kbps }, for: 15s }
      - { at: 45s, participant: rider, do: loseSignalling, for: 3s }
    expect:
      - { id: class-latency, of: student, metric: assay.endToEndDelay, stat: p95, \
          under: 100ms, criteria: [000:43] }
      - { id: rider-recovers, of: rider, metric: framesPerSecond, stat: p10, \
          over: 20, window: 40s..60s }
    matrix: { links.train.down.delay: [30ms, 80ms] }
    """

  let variants: [ScenarioVariant]
  var scenario: Scenario { variants[0].scenario }

  init() throws { variants = try ScenarioFile.parse(Array(Self.text.utf8), file: "train.yaml") }

  @Test func head() {
    #expect(scenario.name == "train-uplink")
    #expect(scenario.about == "A student on a train keeps a usable class while the cell changes.")
    #expect(scenario.seed == 42)
    #expect(scenario.duration == .seconds(60))
    #expect(scenario.crypto == .real)
    #expect(scenario.rooms == ["main"])
    #expect(scenario.missing == ["traces/lte.up"])
  }

  @Test func links() {
    let fibre = Scenario.Link(
      name: "fibre",
      up: direction {
        $0.capacity = .rate(.kbps(100_000))
        $0.delay = .milliseconds(10)
      },
      down: direction {
        $0.capacity = .rate(.kbps(100_000))
        $0.delay = .milliseconds(10)
      })
    let train = Scenario.Link(
      name: "train",
      up: direction {
        $0.capacity = .trace(path: "traces/lte.up")
        $0.delay = .milliseconds(30)
        $0.loss = .gilbertElliott(p: 0.01, r: 0.3, lossInBad: 1, lossInGood: 0)
      },
      down: direction {
        $0.capacity = .rate(.kbps(2_000))
        $0.delay = .milliseconds(30)
        $0.jitter = .nrBPDV(std: .milliseconds(5), max: .milliseconds(15))
      })
    #expect(scenario.links == [fibre, train])
  }

  private func direction(_ set: (inout Scenario.LinkDirection) -> Void) -> Scenario.LinkDirection {
    var direction = Scenario.LinkDirection()
    set(&direction)
    return direction
  }

  @Test func participants() {
    #expect(scenario.participants.map(\.name) == ["teacher", "student", "rider"])
    let (teacher, student, rider) = (
      scenario.participants[0], scenario.participants[1], scenario.participants[2]
    )
    #expect(teacher.role == .teacher)
    #expect(teacher.grants.roomAdmin)
    #expect(teacher.publish == [.camera, .microphone])
    #expect(teacher.members.map(\.identity) == ["teacher"])
    #expect(student.members.count == 24)
    #expect(student.members.first?.identity == "student-1")
    #expect(student.members.last?.identity == "student-24")
    #expect(student.members[12].joins == .seconds(1))
    #expect(student.members.allSatisfy { $0.joins < .seconds(2) })
    #expect(student.subscribe == .all)
    #expect(rider.link == "train")
    #expect(scenario.members.count == 26)
  }

  @Test func events() {
    var rate = Scenario.LinkFields()
    rate.capacity = .rate(.kbps(250))
    #expect(
      scenario.events == [
        Scenario.Event(
          at: .seconds(20), duration: .seconds(15), target: .link("train", .down),
          action: .setLink(rate)),
        Scenario.Event(
          at: .seconds(45), duration: .seconds(3),
          target: .participants(label: "rider", identities: ["rider"]), action: .loseSignalling),
      ])
  }

  @Test func expectations() {
    let (latency, recovers) = (scenario.expectations[0], scenario.expectations[1])
    #expect(scenario.expectations.map(\.id) == ["class-latency", "rider-recovers"])
    #expect(latency.subjects.count == 24)
    #expect(latency.metric.name == "assay.endToEndDelay")
    #expect(latency.statistic == .percentile(95))
    #expect(latency.comparison == .under)
    #expect(latency.limit == 100)
    #expect(latency.unit == "ms")
    #expect(latency.criteria == ["000:43"])
    #expect(latency.across == .each)
    #expect(recovers.limit == 20)
    #expect(recovers.window == .init(start: .seconds(40), end: .seconds(60)))
  }

  @Test func matrix() {
    #expect(
      variants.map(\.assignments) == [
        [.init(path: "links.train.down.delay", value: "30ms")],
        [.init(path: "links.train.down.delay", value: "80ms")],
      ])
    #expect(variants[1].scenario.link(named: "train")?.down.delay == .milliseconds(80))
    #expect(variants[1].scenario.link(named: "train")?.up.delay == .milliseconds(30))
    #expect(variants[0].scenario == scenario)
  }
}
