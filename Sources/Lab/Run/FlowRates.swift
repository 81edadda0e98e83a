// Rates of a run's flows and links every 200 ms (RFC 8868 §3), from which its metrics are made.

import Basics
import Bots
import NetSim
import Scenario

/// Values in steps of 200 ms from the start of the run.
struct RateSeries {
  static let step = ByteLog.interval
  static let perSecond = 5

  /// bit/s
  var values: [Double]

  init(steps: Int) { values = Array(repeating: 0, count: steps) }

  init(_ log: ByteLog, steps: Int) {
    self.init(steps: steps)
    for (index, bytes) in log.bytes.prefix(steps).enumerated() {
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
  let seat: World.FlowSeat
  let links: [String]
  var sent: RateSeries
  var received: RateSeries
  var goodput: RateSeries
  var feedback: RateSeries
  /// What it could send at most in each step, at the step's start; zero while it stands still.
  let demand: RateSeries

  init(_ seat: World.FlowSeat, world: World, steps: Int) {
    self.seat = seat
    let direction = seat.group.direction == .forward ? "up" : "down"
    links = seat.group.via.map { "\($0).\(direction)" }
    demand = FlowRates.steps(world.demands[seat.name] ?? [], count: steps)
    feedback = RateSeries(steps: steps)
    switch seat.ends {
    case .tcp(let source, let sink):
      sent = RateSeries(source.sent, steps: steps)
      received = RateSeries(sink.received, steps: steps)
      goodput = received
    case .udp(let source, let sink):
      sent = RateSeries(source.sent, steps: steps)
      received = RateSeries(sink.received, steps: steps)
      goodput = received
    case .media(let sender, let receiver):
      sent = RateSeries(steps: steps)
      received = RateSeries(steps: steps)
      goodput = RateSeries(steps: steps)
      addMedia(sender.log, receiver.log)
    }
  }

  private mutating func addMedia(_ log: SentFlowLog, _ arrivals: ReceivedFlowLog) {
    // When each video packet was there for the first time, sent again or not.
    var first: [Int64: (at: Instant, bytes: Int)] = [:]
    for (number, packet) in log.packets.enumerated() {
      let bytes = Int(packet.bytes)
      sent.add(bytes: bytes, at: packet.at)
      let arrival = number < arrivals.arrivals.count ? arrivals.arrivals[number] : .distantFuture
      guard arrival < .distantFuture else { continue }
      received.add(bytes: bytes, at: arrival)
      if packet.mediaNumber >= 0 {
        if first[packet.mediaNumber].map({ arrival < $0.at }) ?? true {
          first[packet.mediaNumber] = (arrival, bytes)
        }
      } else if packet.kind == .audio {
        goodput.add(bytes: bytes, at: arrival)
      }
    }
    // The order does not matter: whole bytes are added up.
    for entry in first.values { goodput.add(bytes: entry.bytes, at: entry.at) }
    for report in arrivals.feedback { feedback.add(bytes: report.bytes, at: report.at) }
  }

  private static func steps(_ changes: [(from: Instant, rate: Bitrate)], count: Int) -> RateSeries {
    var series = RateSeries(steps: count)
    for change in changes {
      let first = RateSeries.firstIndex(from: change.from)
      guard first < count else { continue }
      for index in first..<count { series.values[index] = Double(change.rate.bitsPerSecond) }
    }
    return series
  }

  var isMedia: Bool { seat.isMedia }

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
  let waits: [LinkWait]
  /// Moments at which `available` or who sends over it changes, ascending.
  let events: [Instant]

  init(_ instance: World.Instance, world: World, flows: [FlowRates], steps: Int) {
    name = instance.name
    let own = flows.filter { $0.links.contains(instance.name) }
    var capacity = LinkRates.capacity(instance, world: world, steps: steps)
    for flow in own {
      guard case .udp = flow.seat.ends else { continue }
      for index in 0..<steps {
        capacity[index] = max(0, capacity[index] - flow.demand.values[index])
      }
    }
    available = capacity
    var media = RateSeries(steps: steps)
    for (index, sample) in world.simulator.samples(of: instance.link).prefix(steps).enumerated() {
      media.values[index] =
        Double((sample.bytes - sample.backgroundBytes) * 8 * RateSeries.perSecond)
    }
    self.media = media
    waits = world.simulator.waits(of: instance.link)
    var moments = Set(world.capacityChanges(of: instance.name).map(\.from))
    for flow in own { moments.formUnion((world.demands[flow.seat.name] ?? []).map(\.from)) }
    events = moments.sorted()
  }

  private static func capacity(
    _ instance: World.Instance, world: World, steps: Int
  ) -> [Double] {
    var result = Array(repeating: Double.infinity, count: steps)
    for change in world.capacityChanges(of: instance.name) {
      let first = RateSeries.firstIndex(from: change.from)
      guard first < steps, let rate = change.rate else { continue }
      for index in first..<steps { result[index] = Double(rate.bitsPerSecond) }
    }
    guard let trace = world.simulator.configuration(of: instance.link).trace else { return result }
    for index in 0..<steps {
      let start = RateSeries.step * index
      let first = trace.firstIndex(after: start - .nanoseconds(1))
      let last = trace.firstIndex(after: start + RateSeries.step - .nanoseconds(1))
      result[index] = Double((last - first) * CapacityTrace.mtu * 8 * RateSeries.perSecond)
    }
    return result
  }
}
