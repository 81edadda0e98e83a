// One direction of a link: impairments at its entrance, a queue, a transmitter, a delay line.
import Basics

struct Link {
  /// Work is counted in billionths of a bit: at `rate` bit/s, `rate` of them pass in a nanosecond.
  private static let workPerByte: Int64 = 8_000_000_000

  let id: LinkID
  let name: String
  private(set) var configuration: LinkConfiguration
  private(set) var statistics = LinkStatistics()
  /// Nil while nobody wants samples.
  var sampling: Duration?
  private(set) var samples: [LinkSample] = []
  /// Nil while nobody wants to know.
  var waits: [LinkWait]?

  private var loss: LossProcess
  private var line: DelayLine
  private var duplicateRandom: RandomStream
  private var corruptRandom: RandomStream

  private var queue = FlightQueue()
  private var codel = CoDel()
  private var inService: Int32 = -1
  /// Work left of the packet in service. Below zero between two packets of one busy period: what
  /// the last nanosecond had to spare.
  private var work: Int64 = 0
  private var workedUntil = Instant.zero
  /// At a rate: when the packet in service has left. It counts as in service until the next starts.
  private var serviceEnd = Instant.distantFuture
  private var lineBefore: DelayLine
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
    lineBefore = line
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
  mutating func enter(_ id: Int32, _ traffic: inout Traffic) {
    let size = Int(traffic.flights[id].size)
    let index = statistics.entered
    statistics.entered += 1
    statistics.enteredBytes += size
    traffic.flights[id].link = Int32(truncatingIfNeeded: self.id.index)
    traffic.flights[id].enteredAt = traffic.now
    traffic.flights[id].due = .distantFuture
    hash(id, &traffic)
    notify(.entered, id, &traffic)
    if configuration.isBlackedOut { return drop(id, .blackout, &traffic) }
    if !configuration.filter.isOpen, let reason = objection(to: id, &traffic) {
      return drop(id, reason, &traffic)
    }
    if loss.loses(index, configuration.loss) { return drop(id, .loss, &traffic) }
    if configuration.duplication > 0, duplicateRandom.chance(configuration.duplication) {
      statistics.duplicated += 1
      offer(traffic.flights.duplicate(id), &traffic)
    }
    if configuration.corruption > 0, corruptRandom.chance(configuration.corruption) {
      corrupt(id, &traffic)
    }
    offer(id, &traffic)
  }

  private func objection(to id: Int32, _ traffic: inout Traffic) -> DropReason? {
    let flight = traffic.flights[id]
    return traffic.flights.withPacket(id) {
      configuration.filter.objection(to: flight, $0.bytes)
    }
  }

  private func hash(_ id: Int32, _ traffic: inout Traffic) {
    var hash = traffic.traceHash
    hash.combine(UInt64(truncatingIfNeeded: self.id.index))
    hash.combine(UInt64(bitPattern: traffic.now.nanoseconds))
    traffic.flights.withPacket(id) { packet in
      hash.combine(UInt64(packet.count))
      hash.combine(packet.bytes)
    }
    traffic.traceHash = hash
  }

  private mutating func corrupt(_ id: Int32, _ traffic: inout Traffic) {
    let draw = corruptRandom.next()
    statistics.corrupted += 1
    traffic.flights[id].isDamaged = true
    traffic.flights.withPacket(id) { packet in
      packet.withUnsafeMutableBytes { bytes in
        guard !bytes.isEmpty else { return }
        let bit = draw.multipliedFullWidth(by: UInt64(bytes.count) * 8).high
        bytes[Int(bit >> 3)] ^= 1 << UInt8(bit & 7)
      }
    }
  }

  private mutating func offer(_ id: Int32, _ traffic: inout Traffic) {
    guard queue.count == 0 || hasRoom(for: Int(traffic.flights[id].size), at: traffic.now) else {
      return drop(id, .queueFull, &traffic)
    }
    queue.append(id, &traffic.flights)
    pump(&traffic)
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

  /// The rate while the transmitter works at one.
  private var workingRate: Bitrate? {
    guard configuration.trace == nil, !configuration.isPaused, let rate = configuration.rate,
      rate > .zero
    else { return nil }
    return rate
  }

  private func workLeft(at now: Instant) -> Int64 {
    guard inService >= 0, let rate = workingRate else { return work }
    if now > serviceEnd { return 0 }
    return work - rate.bitsPerSecond * (now - workedUntil).nanoseconds
  }

  /// Starts whatever can start now.
  private mutating func pump(_ traffic: inout Traffic) {
    guard !configuration.isPaused, !isArmed else { return }
    if configuration.trace != nil {
      armTrace(&traffic)
    } else if let rate = configuration.rate {
      pump(at: rate, &traffic)
    } else {
      if inService >= 0 { depart(at: traffic.now, &traffic) }
      while startNext(&traffic) { depart(at: traffic.now, &traffic) }
      inService = -1
      work = 0
    }
  }

  /// At a rate the end of a transmission is known at its start, so the packet's arrival is set at
  /// once, and the transmitter wakes up only for a queue.
  private mutating func pump(at rate: Bitrate, _ traffic: inout Traffic) {
    if inService >= 0, traffic.now >= serviceEnd {
      work = workLeft(at: traffic.now)
      inService = -1
    }
    if inService < 0 {
      guard startNext(&traffic) else {
        work = 0
        return
      }
      serviceEnd = .distantFuture
    }
    guard rate > .zero else { return }
    if serviceEnd == .distantFuture {
      let nanoseconds = (max(0, work) + rate.bitsPerSecond - 1) / rate.bitsPerSecond
      serviceEnd = traffic.now + Duration(nanoseconds: nanoseconds)
      lineBefore = line
      depart(at: serviceEnd, &traffic)
    }
    if queue.count > 0 { arm(at: serviceEnd, &traffic) }
  }

  /// Takes back what was foretold of the packet in service.
  private mutating func recall(_ traffic: inout Traffic) {
    if inService >= 0, workingRate != nil {
      if traffic.now < serviceEnd {
        work = workLeft(at: traffic.now)
        line = lineBefore
        traffic.flights[inService].due = .distantFuture
      } else {
        inService = -1
        work = 0
      }
    }
    workedUntil = traffic.now
    serviceEnd = .distantFuture
  }

  private mutating func arm(at time: Instant, _ traffic: inout Traffic) {
    isArmed = true
    let link = Int32(truncatingIfNeeded: id.index)
    traffic.events.push(.transmitted(link: link, epoch: epoch), at: time)
  }

  /// Takes the next packet into service; false when there is none.
  private mutating func startNext(_ traffic: inout Traffic) -> Bool {
    guard let id = dequeue(&traffic) else { return false }
    inService = id
    workedUntil = traffic.now
    work += Int64(traffic.flights[id].size) * Link.workPerByte
    let wait = traffic.now - traffic.flights[id].enteredAt
    statistics.queueDelay.record(wait.nanoseconds)
    statistics.maximumQueueDelay = max(statistics.maximumQueueDelay, wait)
    if sampling != nil { sample(wait: wait, at: traffic.now) }
    waits?.append(LinkWait(at: traffic.now, wait: wait))
    return true
  }

  private mutating func dequeue(_ traffic: inout Traffic) -> Int32? {
    guard case .codel(let target, let interval, let marksECN) = configuration.aqm else {
      return queue.popFirst(&traffic.flights)
    }
    var turn = CoDel.Turn.first
    while let id = queue.popFirst(&traffic.flights) {
      let entersDropState = !codel.isDropping
      let decision = codel.decide(
        turn, sojourn: traffic.now - traffic.flights[id].enteredAt, backlog: queue.bytes,
        canMark: marksECN && traffic.flights[id].packet.ecn != .notCapable, at: traffic.now,
        target: target, interval: interval)
      switch decision {
      case .forward: return id
      case .mark:
        statistics.marked += 1
        traffic.flights.withPacket(id) { $0.ecn = .congestionExperienced }
        return id
      case .drop:
        drop(id, .aqm, &traffic)
        turn = entersDropState ? .afterEntry : .afterDrop
      }
    }
    codel.emptied()
    return nil
  }

  /// The event armed by the transmitter.
  mutating func transmitted(epoch: UInt32, _ traffic: inout Traffic) {
    guard epoch == self.epoch else { return }
    isArmed = false
    if configuration.trace != nil { return useOpportunity(&traffic) }
    pump(&traffic)
  }

  /// Sends the packet in service down the delay line, its last bit leaving at `finish`.
  private mutating func depart(at finish: Instant, _ traffic: inout Traffic) {
    let size = DataSize(bytes: Int64(traffic.flights[inService].size))
    let exit = line.exit(at: finish, size: size, rate: nominalRate, configuration)
    traffic.flights[inService].due = exit
    traffic.events.push(.arrived(inService), at: exit)
  }

  // MARK: Trace

  private mutating func armTrace(_ traffic: inout Traffic) {
    guard let trace = configuration.trace, inService >= 0 || queue.count > 0 else { return }
    let next = traceStart + trace.moment(nextOpportunity)
    if next <= traffic.now {
      nextOpportunity = trace.firstIndex(after: traffic.now - traceStart)
    }
    arm(at: traceStart + trace.moment(nextOpportunity), &traffic)
  }

  private mutating func useOpportunity(_ traffic: inout Traffic) {
    nextOpportunity += 1
    var budget = Int64(CapacityTrace.mtu) * Link.workPerByte
    while budget > 0 {
      if inService < 0 {
        work = 0
        guard startNext(&traffic) else { break }
      }
      let used = min(budget, work)
      work -= used
      budget -= used
      if work == 0 {
        depart(at: traffic.now, &traffic)
        inService = -1
      }
    }
    guard inService >= 0 || queue.count > 0, let trace = configuration.trace else { return }
    // The following opportunity may lie at this very moment, so it is not looked up by time.
    arm(at: traceStart + trace.moment(nextOpportunity), &traffic)
  }

  // MARK: Change

  /// Puts a new configuration in force. Bits already sent stay sent.
  mutating func configure(_ new: LinkConfiguration, _ traffic: inout Traffic) {
    recall(&traffic)
    if new.trace != configuration.trace {
      traceStart = traffic.now
      nextOpportunity = 0
    }
    if new.loss != configuration.loss { loss.reset() }
    if new.aqm != configuration.aqm { codel = CoDel() }
    configuration = new
    setNominalRate()
    epoch &+= 1
    isArmed = false
    pump(&traffic)
  }

  // MARK: Exit

  /// A packet has reached the far end.
  mutating func delivered(_ id: Int32, _ traffic: inout Traffic) {
    statistics.delivered += 1
    statistics.deliveredBytes += Int(traffic.flights[id].size)
    if sampling != nil {
      sample(
        bytes: Int(traffic.flights[id].size), isBackground: traffic.flights[id].isBackground,
        at: traffic.now)
    }
    notify(.delivered, id, &traffic)
  }

  private mutating func drop(_ id: Int32, _ reason: DropReason, _ traffic: inout Traffic) {
    statistics.dropped.add(reason)
    notify(.dropped(reason), id, &traffic)
    _ = traffic.flights.land(id)
  }

  private func notify(_ event: LinkEvent, _ id: Int32, _ traffic: inout Traffic) {
    guard let tap = traffic.tap else { return }
    let path = traffic.flights[id].path
    let ipProtocol = traffic.flights[id].ipProtocol
    let now = traffic.now
    traffic.flights.withPacket(id) { packet in
      tap.packet(
        on: self.id, event: event, path: path, protocol: ipProtocol, bytes: packet.bytes,
        ecn: packet.ecn, at: now)
    }
  }

  // MARK: Samples

  private mutating func sample(
    bytes: Int = 0, isBackground: Bool = false, wait: Duration = .zero, at now: Instant
  ) {
    fillSamples(until: now)
    let last = samples.count - 1
    samples[last].bytes += bytes
    if isBackground { samples[last].backgroundBytes += bytes }
    samples[last].maximumQueueDelay = max(samples[last].maximumQueueDelay, wait)
  }

  /// Adds empty samples up to the one that contains `now`.
  mutating func fillSamples(until now: Instant) {
    guard let interval = sampling else { return }
    while Int64(samples.count) * interval.nanoseconds <= now.nanoseconds {
      samples.append(LinkSample(start: .zero + interval * samples.count))
    }
  }
}
