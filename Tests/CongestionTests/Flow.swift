// One sender, one link, one receiver: an encoder after RFC 8593 §5 that follows the controller's
// target, and transport-wide feedback, for what only the whole loop shows.

import Basics
import Congestion
import NetSim

/// The bytes of UDP, IP and SRTP that a packet carries beside its own.
private let overhead = 44
private let forward = Path(
  local: Address(IPAddress(v4: 10, 0, 0, 1), port: 1000),
  remote: Address(IPAddress(v4: 10, 0, 0, 2), port: 2000))

/// A video source with a rate, and audio of 20 kbps.
struct FlowSource {
  var minimum = Bitrate.kbps(150)
  var maximum = Bitrate.kbps(1_500)
  var framesPerSecond = 30
  var audio = true
}

/// Encodes, paces and listens to feedback.
final class FlowSender: Node {
  struct Sample {
    var at: Instant
    var target: Bitrate
    var state: BandwidthLimit
    var loss: LossBasedBandwidthEstimator.State
    var acknowledged: Bitrate?
    var queued: DataSize
  }

  private(set) var sender: PacedSender<Int>
  private(set) var samples: [Sample] = []
  private(set) var paddingBytes = 0
  private(set) var mediaBytes = 0
  private let source: FlowSource
  private var random: RandomStream
  private var rate: Bitrate
  private var lastReaction = Instant.zero
  private var debt = 0.0
  private var nextFrame = Instant.zero
  private var nextAudio = Instant.zero
  private var nextSample = Instant.zero
  /// Where frames carry their capture time for.
  var stopsAt = Instant.distantFuture

  init(_ configuration: CongestionConfiguration, source: FlowSource, seed: UInt64) {
    sender = PacedSender(configuration, firstNumber: 65_000, at: .zero)
    self.source = source
    rate = source.minimum
    random = RandomStream(seed: seed, name: "source")
    sender.setAllocated(maximum: source.maximum + .kbps(64), at: .zero)
  }

  var nextTimeout: Instant? {
    min(nextFrame, nextAudio, nextSample, sender.nextTimeout(at: now) ?? .distantFuture)
  }
  private var now = Instant.zero

  func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    self.now = now
    sender.handleTimeout(at: now)
    if nextAudio <= now {
      nextAudio += .milliseconds(20)
      if source.audio { sender.enqueue(62, size: .bytes(62 + overhead), kind: .audio, at: now) }
    }
    if nextFrame <= now {
      nextFrame += Duration(nanoseconds: 1_000_000_000 / Int64(source.framesPerSecond))
      if now < stopsAt { encode(at: now) }
    }
    if nextSample <= now {
      nextSample += .milliseconds(200)
      let controller = sender.controller
      samples.append(
        Sample(
          at: now, target: controller.target, state: controller.limitedBy,
          loss: controller.lossState, acknowledged: controller.acknowledged,
          queued: sender.queuedSize))
    }
    send(at: now, into: &outbox)
  }

  private func encode(at now: Instant) {
    let audio = Bitrate.kbps(source.audio ? 42 : 0)
    // What headers take of a packet of about 1,100 bytes.
    let wanted = max(
      source.minimum, min(source.maximum, (sender.controller.target - audio) * 0.94))
    var burst = false
    if wanted != rate, now - lastReaction >= .milliseconds(200) || lastReaction == .zero {
      burst = abs(wanted.kbps - rate.kbps) > 0.1 * rate.kbps
      rate = wanted
      lastReaction = now
    }
    let mean = Double(rate.bitsPerSecond) / 8 / Double(source.framesPerSecond)
    let draw = min(max(random.laplacian(scale: 0.15), -0.75), 0.75)
    var size = mean * (1 + draw)
    if burst {
      size = mean * 3.24
      debt += size - mean
    } else {
      let saved = min(debt, 0.32 * mean, 0.75 * size)
      debt -= saved
      size -= saved
    }
    let packets = max(1, Int((size / 1_100).rounded(.up)))
    for index in 0..<packets {
      let end = Int(size) * (index + 1) / packets
      let bytes = end - Int(size) * index / packets + 26
      sender.enqueue(bytes, size: .bytes(bytes + overhead), kind: .video, at: now)
    }
  }

  private func send(at now: Instant, into outbox: inout Outbox) {
    while let departure = sender.next(at: now) {
      switch consume departure {
      case .packet(let bytes, let size, let kind, let probe):
        mediaBytes += bytes
        let number = sender.number(of: size, kind: kind, probe: probe, at: now)
        emit(number, bytes: bytes, at: now, into: &outbox)
      case .padding(let wanted, let probe):
        let bytes = min(max(Int(wanted.bytes), 40), 255)
        paddingBytes += bytes
        let number = sender.number(
          of: .bytes(bytes + overhead), kind: .padding, probe: probe, at: now)
        emit(number, bytes: bytes, at: now, into: &outbox)
      }
    }
  }

  private func emit(_ number: UInt16, bytes: Int, at now: Instant, into outbox: inout Outbox) {
    var packet = outbox.pool.makePacket([UInt8](repeating: 0, count: bytes + 16))
    packet.store(number, at: 0)
    packet.store(UInt64(bitPattern: now.nanoseconds), at: 2)
    outbox.send(packet, on: forward)
  }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    self.now = now
    let bytes = packet.bytes.withUnsafeBytes { Array($0) }
    func word(_ index: Int) -> UInt16 { UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1]) }
    let reference = Int32(word(2)) << 16 | Int32(word(4))
    let deltas = stride(from: 6, to: bytes.count - 1, by: 2).map { index -> Int16? in
      let delta = Int16(bitPattern: word(index))
      return delta == .min ? nil : delta
    }
    sender.received(base: word(0), reference: reference, deltas: deltas, at: now)
    send(at: now, into: &outbox)
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}
  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}
}

/// Notes arrivals and tells of them every so often.
final class FlowReceiver: Node {
  struct Arrival {
    var at: Instant
    var delay: Duration
    var bytes: Int
  }

  private(set) var arrivals: [Arrival] = []
  private let interval: Duration
  private var unwrapper = SequenceUnwrapper()
  private var waiting: [(number: Int64, at: Instant)] = []
  private var nextNumber: Int64?
  private var nextReport: Instant?

  init(interval: Duration) { self.interval = interval }

  var nextTimeout: Instant? { nextReport }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    let bytes = packet.bytes.withUnsafeBytes { Array($0.prefix(10)) }
    let number = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
    let sent = bytes[2...].reduce(Int64(0)) { $0 << 8 | Int64($1) }
    arrivals.append(
      Arrival(
        at: now, delay: now - Instant(nanoseconds: sent), bytes: packet.count + 28))
    waiting.append((unwrapper.unwrap(number), now))
    if nextReport == nil { nextReport = now + interval }
  }

  func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    guard let due = nextReport, due <= now else { return }
    nextReport = nil
    waiting.sort { $0.number < $1.number }
    guard let first = waiting.first, let last = waiting.last else { return }
    let base = min(nextNumber ?? first.number, first.number)
    let reference = first.at.nanoseconds / 64_000_000
    var words = [
      UInt16(truncatingIfNeeded: base), UInt16(truncatingIfNeeded: reference >> 16),
      UInt16(truncatingIfNeeded: reference),
    ]
    var previous = reference * 256
    var index = 0
    for number in base...last.number {
      guard waiting[index].number == number else {
        words.append(UInt16(bitPattern: .min))
        continue
      }
      let ticks = waiting[index].at.nanoseconds / 250_000
      words.append(UInt16(bitPattern: Int16(clamping: ticks - previous)))
      previous = ticks
      while index < waiting.count - 1, waiting[index].number == number { index += 1 }
    }
    nextNumber = last.number + 1
    waiting = []
    outbox.send(
      outbox.pool.makePacket(words.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }),
      on: forward.reversed)
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}
  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}
}

/// The three put together, with the figures of a run.
struct Flow {
  let simulator: Simulator
  let sender: FlowSender
  let receiver: FlowReceiver
  let link: LinkID
  let delay: Duration

  init(
    seed: UInt64 = 1, _ there: LinkConfiguration,
    configuration: CongestionConfiguration = CongestionConfiguration(),
    source: FlowSource = FlowSource(), feedbackInterval: Duration = .milliseconds(50)
  ) {
    simulator = Simulator(seed: seed)
    sender = FlowSender(configuration, source: source, seed: seed)
    receiver = FlowReceiver(interval: feedbackInterval)
    delay = there.delay
    let a = simulator.addHost(
      name: "a", interfaces: [Interface(name: "eth0", ip: forward.local.ip)])
    let b = simulator.addHost(
      name: "b", interfaces: [Interface(name: "eth0", ip: forward.remote.ip)])
    link = simulator.addLink(name: "there", there)
    let back = simulator.addLink(name: "back", LinkConfiguration(delay: there.delay))
    simulator.setUplinks(of: a, interface: "eth0", [link])
    simulator.setDownlinks(of: a, interface: "eth0", [back])
    simulator.attach(sender, to: a)
    simulator.attach(receiver, to: b)
  }

  func run(until end: Double) { simulator.run(until: .seconds(end)) }

  func setRate(_ rate: Bitrate) { simulator.configure(link) { $0.rate = rate } }

  /// What arrived from one second to another.
  func rate(_ from: Double, _ to: Double) -> Bitrate {
    let bytes = arrivals(from, to).reduce(0) { $0 + $1.bytes }
    return DataSize.bytes(bytes) / Duration.seconds(to - from)
  }

  /// Milliseconds of queue that so many of the packets stayed below.
  func queue(_ from: Double, _ to: Double, quantile: Double = 0.95) -> Double {
    let delays = arrivals(from, to).map { ($0.delay - delay).milliseconds }.sorted()
    guard !delays.isEmpty else { return 0 }
    return delays[min(delays.count - 1, Int(Double(delays.count) * quantile))]
  }

  private func arrivals(_ from: Double, _ to: Double) -> [FlowReceiver.Arrival] {
    receiver.arrivals.filter { $0.at >= .seconds(from) && $0.at < .seconds(to) }
  }
}
