// Runs that never happened but look as real ones do: four people with an impairment, and a hundred.

import Basics
import Results

enum SyntheticRun {
  /// A class of four, one of them on a train whose downlink collapses from 20 s to 35 s.
  static func train(_ verdict: Verdict = .pass) -> RunResult {
    var run = RunResult(
      scenario: .init(
        name: "train-uplink",
        about: "A student on a train keeps a usable class while the cell changes.",
        file: "scenarios/train-uplink.yaml",
        sha256: "9f2c4b1de07a55c38a0b6f7c1ad2e94b7730c8f15be64d29a1c3f08e5d6b7a42"),
      seed: 42, build: "0.3.0 (4f1c2ab)")
    run.variant = [("links.train.down.delay", "80ms")]
    run.traceHash = "8c1f03ab77e2d94c"
    run.simulatedSeconds = 60
    run.wallSeconds = 3.12
    run.packets = 1_284_031
    run.command = "./assay run scenarios/train-uplink.yaml --seed 42 --only 'delay=80ms'"
    let names = ["teacher", "student-1", "student-2", "rider"]
    run.participants = names.map { participant($0, of: names) }
    run.links = names.flatMap(links)
    run.marks = marks
    run.assertions = assertions(verdict)
    run.verdict = Verdict.combined(run.assertions.map(\.verdict))
    run.exitCode = run.verdict.exitCode
    for name in names { run.series += series(name, from: names, seconds: 60) }
    return run
  }

  /// Interrupted at 23 s.
  static var partial: RunResult {
    var run = train()
    run.partial = "interrupted by SIGINT at 23.4 s"
    run.simulatedSeconds = 23.4
    run.verdict = .inconclusive
    run.exitCode = .interrupted
    run.marks = run.marks.filter { $0.at < 23.4 }
    run.series = run.series.map { series in
      var cut = series
      cut.values = Array(series.values.prefix(23))
      return cut
    }
    for index in run.assertions.indices where run.assertions[index].window != nil {
      run.assertions[index].verdict = .inconclusive
      run.assertions[index].observed = nil
      run.assertions[index].samples = 0
      run.assertions[index].reason = "the window 40–60 s was never reached"
    }
    return run
  }

  /// One teacher, `students` students and a recorder over a minute.
  static func lecture(students: Int = 98, pairs: Bool = false) -> RunResult {
    var run = train()
    run.scenario.name = "lecture"
    run.scenario.about = "One teacher, ninety-eight students and a recorder."
    run.variant = []
    let names = ["teacher"] + (1...students).map { "student-\($0)" } + ["recorder"]
    run.participants = names.map { participant($0, of: Array(names.prefix(10))) }
    run.links = names.flatMap(links)
    run.marks = names.enumerated().map { index, name in
      TimelineMark(
        kind: .event, at: Double(index) * 0.02, until: nil, label: "\(name) joins", subject: name)
    }
    run.marks.append(
      TimelineMark(
        kind: .impairment, at: 30, until: 40, label: "SFU uplink: loss 5 %", subject: ""))
    run.series = []
    for name in names {
      run.series += series(name, from: pairs ? Array(names.prefix(10)) : ["teacher"], seconds: 60)
    }
    run.packets = 48_112_904
    run.wallSeconds = 41.7
    return run
  }

  // MARK: Parts

  private static func group(_ name: String) -> String {
    name.hasPrefix("student") ? "student" : name
  }

  private static func participant(_ name: String, of all: [String]) -> Participant {
    var random = RandomStream(seed: 7, name: name)
    var one = Participant(identity: name, group: group(name), room: "class")
    one.joined = true
    one.connectMs = random.uniform(in: 180...420)
    one.timeToFirstFrameMs = random.uniform(in: 420...900)
    if name == "rider" {
      one.reconnects = 1
      one.left = "left at 59.8 s"
    }
    for peer in all where peer != name {
      for (source, kind) in [("camera", "video"), ("microphone", "audio")] {
        var track = TrackStatistics(peer: peer, source: source, kind: kind)
        track.values = [
          .init("packetsReceived", Double(random.below(40_000))),
          .init("packetsLost", Double(random.below(300))),
          .init("bytesReceived", Double(random.below(40_000_000))),
          .init("jitterBufferDelay", random.uniform(in: 20...80)),
        ]
        if kind == "video" {
          track.values += [
            .init("framesPerSecond", random.uniform(in: 22...30)), .init("frameHeight", 720),
            .init("freezeCount", Double(random.below(3))),
            .init("assay.endToEndDelay", random.uniform(in: 50...110)),
          ]
        }
        one.inbound.append(track)
      }
    }
    for (source, kind) in [("camera", "video"), ("microphone", "audio")] {
      var track = TrackStatistics(peer: "", source: source, kind: kind)
      track.values = [
        .init("packetsSent", Double(random.below(40_000))),
        .init("bytesSent", Double(random.below(20_000_000))),
        .init("nackCount", Double(random.below(90))), .init("pliCount", Double(random.below(9))),
      ]
      one.outbound.append(track)
    }
    return one
  }

  private static func links(_ name: String) -> [Link] {
    let isTrain = name == "rider"
    let settings =
      isTrain
      ? [
        "trace lte.up, 30 ms, queue 300 ms, loss Gilbert–Elliott p 1 % r 30 %",
        "2 Mbps, 80 ms, jitter 5 ms, queue 300 ms",
      ]
      : ["100 Mbps, 10 ms", "100 Mbps, 10 ms"]
    return zip(["up", "down"], settings).map { direction, text in
      var link = Link(
        name: "\(isTrain ? "train" : name).\(direction)",
        from: direction == "up" ? name : "SFU", to: direction == "up" ? "SFU" : name,
        configuration: text)
      link.sentPackets = 61_022
      link.sentBytes = 58_301_442
      link.deliveredPackets = isTrain ? 58_120 : 61_022
      link.deliveredBytes = isTrain ? 55_018_227 : 58_301_442
      link.dropped = [
        .init(reason: "queue", packets: isTrain ? 2_310 : 0),
        .init(reason: "loss", packets: isTrain ? 592 : 0),
      ]
      link.maximumQueueMs = isTrain ? 299.6 : 1.4
      return link
    }
  }

  private static let marks = [
    TimelineMark(
      kind: .impairment, at: 20, until: 35, label: "train.down: rate 250 kbps",
      subject: "train.down"),
    TimelineMark(kind: .event, at: 0, until: nil, label: "teacher joins", subject: "teacher"),
    TimelineMark(
      kind: .impairment, at: 45, until: 48, label: "rider loses signalling", subject: "rider"),
    TimelineMark(kind: .event, at: 50, until: nil, label: "student-2 mutes", subject: "student-2"),
  ]

  private static func assertions(_ verdict: Verdict) -> [Assertion] {
    var latency = Assertion(
      id: "class-latency", verdict: .pass, of: "student", metric: "assay.endToEndDelay",
      stat: "p95", comparison: .under, observed: 72.43, limit: 100, unit: "ms")
    latency.samples = 10_721
    latency.worst = .init(participant: "student-2<teacher", window: 31...32)
    latency.criteria = ["000:43"]
    var recovers = Assertion(
      id: "rider-recovers", verdict: verdict, of: "rider", metric: "framesPerSecond", stat: "p10",
      comparison: .over, observed: verdict == .inconclusive ? nil : verdict == .fail ? 11.8 : 24.2,
      limit: 20, unit: "fps")
    recovers.window = 40...60
    recovers.samples = verdict == .inconclusive ? 0 : 57
    recovers.worst = .init(participant: "rider<student-1", window: 46...47)
    if verdict == .fail {
      recovers.reason = "rider had 11.8 fps of student-1 (p10 over 40–60 s), expected over 20 fps."
    } else if verdict == .inconclusive {
      recovers.reason = "no frame was rendered between 40 s and 60 s: no data is not a pass"
    }
    recovers.perParticipant = ["teacher", "student-1", "student-2"].map {
      .init(
        participant: "rider<\($0)", observed: recovers.observed, samples: recovers.samples / 3,
        verdict: $0 == "student-1" ? verdict : .pass)
    }
    var bitrate = Assertion(
      id: "rider-keeps-within-capacity", verdict: .pass, of: "rider",
      metric: "assay.bitrateReceived", stat: "max", comparison: .atMost, observed: 1_930_000,
      limit: 2_000_000, unit: "bps")
    bitrate.samples = 60
    var rule = Assertion(
      id: "rtx-ssrc-announced", verdict: .pass, of: "all", metric: "assay.unknownSsrcPackets",
      stat: "last", comparison: .equals, observed: 0, limit: 0, unit: "1")
    rule.origin = .rule
    rule.samples = 4
    rule.criteria = ["RFC 8843 §9.2"]
    var unsupported = rule
    unsupported.id = "svc-layers"
    unsupported.verdict = .unsupported
    unsupported.observed = nil
    unsupported.samples = 0
    return [latency, recovers, bitrate, rule, unsupported]
  }

  /// A wobbling line that dips while the train's link is slow.
  private static func line(
    _ name: String, _ seconds: Int, high: Double, low: Double, noise: Double, isTrain: Bool
  ) -> [Double?] {
    var random = RandomStream(seed: 11, name: name)
    return (0..<seconds).map { second in
      if second == 0 { return nil }
      let isSlow = isTrain && (21..<37).contains(second)
      let value = (isSlow ? low : high) + random.normal(standardDeviation: noise)
      return second < 3 ? max(0, value * Double(second) / 3) : max(0, value)
    }
  }

  private static func series(_ name: String, from all: [String], seconds: Int) -> [Series] {
    let isTrain = name == "rider"
    var found: [Series] = []
    func add(_ metric: String, _ subject: String, _ unit: String, _ values: [Double?]) {
      found.append(
        Series(
          participant: name, metric: metric, subject: subject, unit: unit, start: 0, step: 1,
          values: values))
    }
    func wave(_ metric: String, _ subject: String, _ high: Double, _ low: Double, _ noise: Double)
      -> [Double?]
    {
      line(
        "\(name)/\(metric)/\(subject)", seconds, high: high, low: low, noise: noise,
        isTrain: isTrain)
    }
    add(
      "assay.bitrateReceived", "", "bps", wave("received", "", 1_700_000, 230_000, 60_000))
    add("assay.bitrateSent", "", "bps", wave("sent", "", 900_000, 850_000, 40_000))
    let link = isTrain ? "train" : name
    add(
      "linkCapacity", "\(link).down", "bps",
      (0..<seconds).map { isTrain ? (20..<35).contains($0) ? 250_000 : 2_000_000 : 100_000_000 })
    add(
      "linkCapacity", "\(link).up", "bps",
      (0..<seconds).map { isTrain ? 1_400_000 + Double($0 * 7919 % 600_000) : 100_000_000 })
    add(
      "assay.endToEndDelay", "", "ms", wave("p95", "", 74, 310, 5))
    for peer in all where peer != name {
      add("assay.endToEndDelay", peer, "ms", wave("delay", peer, 58, 240, 4))
      add(
        "assay.layer", peer, "1",
        (0..<seconds).map { isTrain && (21..<37).contains($0) ? 0 : $0 < 3 ? 1 : 2 })
      add("framesPerSecond", peer, "fps", wave("fps", peer, 29, 12, 0.8))
      add(
        "freezeCount", peer, "1",
        (0..<seconds).map { isTrain ? Double(min(max($0 - 20, 0), 6)) : 0 })
      add("assay.lossBeforeRepair", peer, "%", wave("before", peer, 0.4, 4, 0.2))
      add("assay.lossAfterRepair", peer, "%", wave("after", peer, 0.02, 1.1, 0.02))
    }
    add("jitterBufferDelay", "", "ms", wave("buffer", "", 32, 120, 3))
    add(
      "assay.connectionQuality", "", "1",
      (0..<seconds).map { isTrain && (25..<40).contains($0) ? 1 : 3 })
    add("assay.custom", "", "B", wave("custom", "", 52_000, 40_000, 3_000))
    return found
  }
}
