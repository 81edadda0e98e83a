// One direction of a link: impairments at its entrance, a queue and a transmitter, then the delay line.
import Basics

/// What links share while packets move: the clock, the pending events, the packets on their way.
struct World {
  var now = Instant.zero
  var events = TimerQueue<Event>()
  var flights = Flights()
  var traceHash = TraceHash()
  /// Interned lists of links; the first is empty.
  var linkLists: [[Int32]] = [[]]
  var sampling: Duration?
  var tap: (any LinkTap)?
}

/// Everything that can be due.
enum Event {
  /// The transmitter of a link has sent its packet, or the next opportunity of its trace has come.
  case transmitted(link: Int32, epoch: UInt32)
  /// A packet reaches the end of its link.
  case arrived(Int32)
  case nodeTimeout(host: Int32)
  case stream(Int32)
}

struct Link {
  /// Work is counted in billionths of a bit: at `rate` bit/s, `rate` of them pass in a nanosecond.
  private static let workPerByte: Int64 = 8_000_000_000

  let id: LinkID
  let name: String
  private(set) var configuration: LinkConfiguration
  private(set) var statistics = LinkStatistics()
  private(set) var samples: [LinkSample] = []

  private var loss: LossProcess
  private var line: DelayLine
  private var duplicateRandom: RandomStream
  private var corruptRandom: RandomStream

  private var queue = FlightQueue()
  private var codel = CoDel()
  private var inService: Int32 = -1
  /// Work left of the packet in service. Below zero between two packets of one busy period: what the
  /// last nanosecond had to spare.
  private var work: Int64 = 0
  private var workedUntil = Instant.zero
  private var epoch: UInt32 = 0
  private var isArmed = false
  /// The rate that a queue limit in time means while the rate is zero.
  private var nominalRate: Bitrate?
  private var traceStart = Instant.zero
  private var nextOpportunity = 0

  init(id: LinkID, name: String, configuration: LinkConfiguration, seed: UInt64, at now: Instant) {
    func random(_ use: String) -> RandomStream {
      RandomStream(seed: seed, name: "link/\(name)/\(use)")
    }
    self.id = id
    self.name = name
    self.configuration = configuration
    loss = LossProcess(random: random("loss"))
    line = DelayLine(jitter: random("jitter"), reorder: random("reorder"))
    duplicateRandom = random("duplicate")
    corruptRandom = random("corrupt")
    traceStart = now
    setNominalRate()
  }

  private mutating func setNominalRate() {
    if let trace = configuration.trace {
      nominalRate = trace.meanRate
    } else if let rate = configuration.rate {
      if rate > .zero { nominalRate = rate }
    } else {
      nominalRate = nil
    }
  }

  // MARK: Entrance

  /// A packet enters.
  mutating func enter(_ id: Int32, _ world: inout World) {
    let size = Int(world.flights[id].size)
    let index = statistics.entered
    statistics.entered += 1
    statistics.enteredBytes += size
    world.flights[id].link = Int32(truncatingIfNeeded: self.id.index)
    world.flights[id].enteredAt = world.now
    hash(id, &world)
    notify(.entered, id, &world)
    if configuration.isBlackedOut { return drop(id, .blackout, &world) }
    if loss.loses(index, configuration.loss) { return drop(id, .loss, &world) }
    if configuration.duplication > 0, duplicateRandom.chance(configuration.duplication) {
      statistics.duplicated += 1
      offer(world.flights.duplicate(id), &world)
    }
    if configuration.corruption > 0, corruptRandom.chance(configuration.corruption) {
      corrupt(id, &world)
    }
    offer(id, &world)
  }

  private func hash(_ id: Int32, _ world: inout World) {
    var hash = world.traceHash
    hash.combine(UInt64(truncatingIfNeeded: self.id.index))
    hash.combine(UInt64(bitPattern: world.now.nanoseconds))
    world.flights.withPacket(id) { packet in
      hash.combine(UInt64(packet.count))
      hash.combine(packet.bytes)
    }
    world.traceHash = hash
  }

  private mutating func corrupt(_ id: Int32, _ world: inout World) {
    let draw = corruptRandom.next()
    statistics.corrupted += 1
    world.flights[id].isDamaged = true
    world.flights.withPacket(id) { packet in
      packet.withUnsafeMutableBytes { bytes in
        guard !bytes.isEmpty else { return }
        let bit = draw.multipliedFullWidth(by: UInt64(bytes.count) * 8).high
        bytes[Int(bit >> 3)] ^= 1 << UInt8(bit & 7)
      }
    }
  }

  private mutating func offer(_ id: Int32, _ world: inout World) {
    guard queue.count == 0 || hasRoom(for: Int(world.flights[id].size), at: world.now) else {
      return drop(id, .queueFull, &world)
    }
    queue.append(id, &world.flights)
    pump(&world)
  }

  private func hasRoom(for size: Int, at now: Instant) -> Bool {
    switch configuration.queue {
    case .bytes(let limit): return queue.bytes + size <= limit
    case .packets(let limit): return queue.count < limit
    case .time(let limit):
      guard let nominalRate else { return true }
      let ahead = Int64(queue.bytes) * Link.workPerByte + workLeft(at: now)
      let (most, overflow) = nominalRate.bitsPerSecond.multipliedReportingOverflow(
        by: limit.nanoseconds)
      return overflow || ahead <= most
    }
  }

  // MARK: Transmitter

  private func workLeft(at now: Instant) -> Int64 {
    guard inService >= 0 else { return 0 }
    guard configuration.trace == nil, !configuration.isPaused, let rate = configuration.rate else {
      return work
    }
    return work - rate.bitsPerSecond * (now - workedUntil).nanoseconds
  }

  /// Starts whatever can start now.
  private mutating func pump(_ world: inout World) {
    guard !configuration.isPaused, !isArmed else { return }
    if configuration.trace != nil {
      armTrace(&world)
    } else if let rate = configuration.rate {
      if inService < 0, !startNext(&world) {
        work = 0
        return
      }
      guard rate > .zero else { return }
      let left = max(0, work)
      let nanoseconds = (left + rate.bitsPerSecond - 1) / rate.bitsPerSecond
      arm(at: world.now + Duration(nanoseconds: nanoseconds), &world)
    } else {
      if inService >= 0 { depart(&world) }
      while startNext(&world) { depart(&world) }
      work = 0
    }
  }

  private mutating func arm(at time: Instant, _ world: inout World) {
    isArmed = true
    let link = Int32(truncatingIfNeeded: id.index)
    world.events.push(.transmitted(link: link, epoch: epoch), at: time)
  }

  /// Takes the next packet into service; false when there is none.
  private mutating func startNext(_ world: inout World) -> Bool {
    guard let id = dequeue(&world) else { return false }
    inService = id
    workedUntil = world.now
    work += Int64(world.flights[id].size) * Link.workPerByte
    let wait = world.now - world.flights[id].enteredAt
    statistics.queueDelay.record(wait.nanoseconds)
    statistics.maximumQueueDelay = max(statistics.maximumQueueDelay, wait)
    if world.sampling != nil { sample(wait: wait, &world) }
    return true
  }

  private mutating func dequeue(_ world: inout World) -> Int32? {
    guard case .codel(let target, let interval, let marksECN) = configuration.aqm else {
      return queue.popFirst(&world.flights)
    }
    var turn = CoDel.Turn.first
    while let id = queue.popFirst(&world.flights) {
      let entersDropState = !codel.isDropping
      let decision = codel.decide(
        turn, sojourn: world.now - world.flights[id].enteredAt, backlog: queue.bytes,
        canMark: marksECN && world.flights[id].packet.ecn != .notCapable, at: world.now,
        target: target, interval: interval)
      switch decision {
      case .forward: return id
      case .mark:
        statistics.marked += 1
        world.flights.withPacket(id) { $0.ecn = .congestionExperienced }
        return id
      case .drop:
        drop(id, .aqm, &world)
        turn = entersDropState ? .afterEntry : .afterDrop
      }
    }
    codel.emptied()
    return nil
  }

  /// The event armed by the transmitter.
  mutating func transmitted(epoch: UInt32, _ world: inout World) {
    guard epoch == self.epoch else { return }
    isArmed = false
    if configuration.trace != nil { return useOpportunity(&world) }
    work = workLeft(at: world.now)
    depart(&world)
    pump(&world)
  }

  /// Sends the packet in service down the delay line.
  private mutating func depart(_ world: inout World) {
    let id = inService
    inService = -1
    let size = world.flights[id].size
    if world.sampling != nil { sample(bytes: Int(size), &world) }
    let serial: Duration =
      nominalRate.map { DataSize(bytes: Int64(size)) / $0 } ?? .zero
    let exit = line.exit(at: world.now, serial: serial, configuration)
    world.events.push(.arrived(id), at: exit)
  }

  // MARK: Trace

  private mutating func armTrace(_ world: inout World) {
    guard let trace = configuration.trace, inService >= 0 || queue.count > 0 else { return }
    let next = traceStart + trace.moment(nextOpportunity)
    if next <= world.now {
      nextOpportunity = trace.firstIndex(after: world.now - traceStart)
    }
    arm(at: traceStart + trace.moment(nextOpportunity), &world)
  }

  private mutating func useOpportunity(_ world: inout World) {
    nextOpportunity += 1
    var budget = Int64(CapacityTrace.mtu) * Link.workPerByte
    while budget > 0 {
      if inService < 0 {
        work = 0
        guard startNext(&world) else { break }
      }
      let used = min(budget, work)
      work -= used
      budget -= used
      if work == 0 { depart(&world) }
    }
    guard inService >= 0 || queue.count > 0, let trace = configuration.trace else { return }
    // The following opportunity may lie at this very moment, so it is not looked up by time.
    arm(at: traceStart + trace.moment(nextOpportunity), &world)
  }

  // MARK: Change

  /// Puts a new configuration in force. Bits already sent stay sent.
  mutating func configure(_ new: LinkConfiguration, _ world: inout World) {
    work = workLeft(at: world.now)
    workedUntil = world.now
    if new.trace != configuration.trace {
      traceStart = world.now
      nextOpportunity = 0
    }
    if new.loss != configuration.loss { loss.reset() }
    if new.aqm != configuration.aqm { codel = CoDel() }
    configuration = new
    setNominalRate()
    epoch &+= 1
    isArmed = false
    pump(&world)
  }

  // MARK: Exit

  /// A packet has reached the far end.
  mutating func delivered(_ id: Int32, _ world: inout World) {
    statistics.delivered += 1
    statistics.deliveredBytes += Int(world.flights[id].size)
    notify(.delivered, id, &world)
  }

  private mutating func drop(_ id: Int32, _ reason: DropReason, _ world: inout World) {
    statistics.dropped.add(reason)
    notify(.dropped(reason), id, &world)
    _ = world.flights.land(id)
  }

  private func notify(_ event: LinkEvent, _ id: Int32, _ world: inout World) {
    guard let tap = world.tap else { return }
    let path = world.flights[id].path
    let ipProtocol = world.flights[id].ipProtocol
    let now = world.now
    world.flights.withPacket(id) { packet in
      tap.packet(
        on: self.id, event: event, path: path, protocol: ipProtocol, bytes: packet.bytes,
        ecn: packet.ecn, at: now)
    }
  }

  // MARK: Samples

  private mutating func sample(bytes: Int = 0, wait: Duration = .zero, _ world: inout World) {
    guard let interval = world.sampling else { return }
    fillSamples(until: world.now, interval)
    let last = samples.count - 1
    samples[last].bytes += bytes
    samples[last].maximumQueueDelay = max(samples[last].maximumQueueDelay, wait)
  }

  /// Adds empty samples up to the one that contains `now`.
  mutating func fillSamples(until now: Instant, _ interval: Duration) {
    while Int64(samples.count) * interval.nanoseconds <= now.nanoseconds {
      samples.append(LinkSample(start: .zero + interval * samples.count))
    }
  }
}
