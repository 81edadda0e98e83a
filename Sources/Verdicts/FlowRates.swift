// Rates of a run's flows and links every 200 ms (RFC 8868 §3), from which its metrics are made.

import Basics
import Results
import Scenario

/// Values in steps of 200 ms from the start of the run.
struct RateSeries {
  static let step = Duration.milliseconds(200)
  static let perSecond = 5

  /// bit/s
  var values: [Double]

  init(steps: Int) { values = Array(repeating: 0, count: steps) }

  /// - Parameter bytes: in each step from the start of the run.
  init(bytes: [Int], steps: Int) {
    self.init(steps: steps)
    for (index, bytes) in bytes.prefix(steps).enumerated() {
      values[index] = Double(bytes * 8 * RateSeries.perSecond)
    }
  }

  /// The step that `moment` lies in.
  static func index(_ moment: Instant) -> Int {
    Int(moment.nanoseconds / step.nanoseconds)
  }

  /// The first step that begins at `moment` or later.
  static func firstIndex(from moment: Instant) -> Int {
    Int((moment.nanoseconds + step.nanoseconds - 1) / step.nanoseconds)
  }

  static func end(of index: Int) -> Instant { .zero + step * (index + 1) }

  mutating func add(bytes: Int, at moment: Instant) {
    let index = RateSeries.index(moment)
    guard values.indices.contains(index) else { return }
    values[index] += Double(bytes * 8 * RateSeries.perSecond)
  }

  /// Over steps `range`, which may reach beyond either end.
  func mean(_ range: Range<Int>) -> Double {
    let range = range.clamped(to: values.indices)
    guard !range.isEmpty else { return 0 }
    return values[range].reduce(0, +) / Double(range.count)
  }

  /// Over the span that ends with step `index`.
  func mean(of span: Duration, endingWith index: Int) -> Double {
    let steps = Int(span.nanoseconds / RateSeries.step.nanoseconds)
    return mean((index + 1 - steps)..<(index + 1))
  }
}

/// One flow over the run.
struct FlowRates {
  let record: FlowRecord
  let group: Scenario.FlowGroup
  let links: [String]
  var sent: RateSeries
  var received: RateSeries
  var goodput: RateSeries
  var feedback: RateSeries
  /// What it could send at most in each step, at the step's start; zero while it stands still.
  let demand: RateSeries

  /// Nil for a flow that the scenario does not have.
  init?(_ record: FlowRecord, _ evidence: Evidence, steps: Int) {
    guard let group = evidence.scenario.flows.first(where: { $0.names.contains(record.name) })
    else { return nil }
    self.record = record
    self.group = group
    let direction = group.direction == .forward ? "up" : "down"
    links = group.via.map { "\($0).\(direction)" }
    demand = FlowRates.steps(record.demand, count: steps)
    feedback = RateSeries(steps: steps)
    switch record.traffic {
    case .bytes(let sentBytes, let receivedBytes):
      sent = RateSeries(bytes: sentBytes, steps: steps)
      received = RateSeries(bytes: receivedBytes, steps: steps)
      goodput = received
    case .media(let log):
      sent = RateSeries(steps: steps)
      received = RateSeries(steps: steps)
      goodput = RateSeries(steps: steps)
      addMedia(log)
    }
  }

  private mutating func addMedia(_ log: MediaFlowLog) {
    // When each video packet was there for the first time, sent again or not.
    var first: [Int64: (at: Instant, bytes: Int)] = [:]
    for (number, packet) in log.packets.enumerated() {
      let bytes = Int(packet.bytes)
      sent.add(bytes: bytes, at: packet.at)
      let arrival = number < log.arrivals.count ? log.arrivals[number] : .distantFuture
      guard arrival < .distantFuture else { continue }
      received.add(bytes: bytes, at: arrival)
      if packet.mediaNumber >= 0 {
        if first[packet.mediaNumber].map({ arrival < $0.at }) ?? true {
          first[packet.mediaNumber] = (arrival, bytes)
        }
      } else if packet.isAudio {
        goodput.add(bytes: bytes, at: arrival)
      }
    }
    // The order does not matter: whole bytes are added up.
    for entry in first.values { goodput.add(bytes: entry.bytes, at: entry.at) }
    for report in log.feedback { feedback.add(bytes: report.bytes, at: report.at) }
  }

  private static func steps(_ changes: [RateChange], count: Int) -> RateSeries {
    var series = RateSeries(steps: count)
    for change in changes {
      let first = RateSeries.firstIndex(from: change.from)
      guard first < count else { continue }
      for index in first..<count { series.values[index] = Double(change.bitsPerSecond ?? 0) }
    }
    return series
  }

  var name: String { record.name }
  var isMedia: Bool { record.isMedia }

  /// Whether it could send in each of these steps.
  func isActive(_ range: Range<Int>) -> Bool {
    guard range.lowerBound >= 0, range.upperBound <= demand.values.count else { return false }
    return range.allSatisfy { demand.values[$0] > 0 }
  }
}

/// One direction of a shared link over the run.
struct LinkRates {
  let name: String
  /// What media has of its capacity in each step: its rate without the datagrams that ask for
  /// nothing; infinite without a limit.
  let available: [Double]
  /// Media that left it.
  let media: RateSeries
  let waits: [QueueWait]
  /// Moments at which `available` or who sends over it changes, ascending.
  let events: [Instant]

  init(_ link: LinkRecord, flows: [FlowRates], steps: Int) {
    name = link.name
    let own = flows.filter { $0.links.contains(link.name) }
    var capacity = LinkRates.capacity(link, steps: steps)
    for flow in own {
      guard case .udp = flow.group.kind else { continue }
      for index in 0..<steps {
        capacity[index] = max(0, capacity[index] - flow.demand.values[index])
      }
    }
    available = capacity
    media = RateSeries(bytes: link.mediaBytes, steps: steps)
    waits = link.waits
    var moments = Set(link.capacities.map(\.from))
    for flow in own { moments.formUnion(flow.record.demand.map(\.from)) }
    events = moments.sorted()
  }

  private static func capacity(_ link: LinkRecord, steps: Int) -> [Double] {
    var result = Array(repeating: Double.infinity, count: steps)
    for change in link.capacities {
      let first = RateSeries.firstIndex(from: change.from)
      guard first < steps, let rate = change.bitsPerSecond else { continue }
      for index in first..<steps { result[index] = Double(rate) }
    }
    guard let trace = link.traceBytes else { return result }
    for (index, bytes) in trace.prefix(steps).enumerated() {
      result[index] = Double(bytes * 8 * RateSeries.perSecond)
    }
    return result
  }
}
