// Spreads packets over time, most urgent first, and fills with padding where that is wanted
// (libwebrtc modules/pacing/pacing_controller.cc and prioritized_packet_queue.cc, revision
// 3710345).

import Basics

/// What may leave now.
public enum Departure<Payload: ~Copyable>: ~Copyable {
  case packet(Payload, size: DataSize, kind: PacketKind, probe: ProbeMark?)
  /// The caller makes padding of about this size, at least one packet, and says what it made with
  /// `Pacer.padded`; or says so with `Pacer.cannotPad`.
  case padding(DataSize, probe: ProbeMark?)
}

/// A packet that waits.
struct QueuedPacket<Payload: ~Copyable>: ~Copyable {
  var payload: Payload
  var size: DataSize
  var kind: PacketKind
  var enqueuedAt: Instant
}

/// A leaky bucket with queues by priority. Audio does not wait. Budget: 40 ns for a packet in and
/// out.
public struct Pacer<Payload: ~Copyable>: ~Copyable {
  typealias Entry = QueuedPacket<Payload>

  /// Debt counts billionths of a bit: at `rate` bit/s, `rate` of them are paid in a nanosecond.
  private static var debtPerByte: Int64 { 8_000_000_000 }
  private static var burst: Duration { .milliseconds(10) }
  private static var largestBurst: DataSize { .bytes(63_000) }
  private static var longestDebt: Duration { .milliseconds(500) }
  private static var queueTimeLimit: Duration { .seconds(2) }
  private static var paddingSpan: Duration { .milliseconds(5) }
  private static var earlyProbe: Duration { .milliseconds(1) }
  private static var greatestRate: Int64 { 2_000_000_000 }

  private var audio = RingBuffer<Entry>()
  private var retransmissions = RingBuffer<Entry>()
  private var video = RingBuffer<Entry>()
  private var padding = RingBuffer<Entry>()
  private var prober = BitrateProber()
  public private(set) var queuedPackets = 0
  public private(set) var queuedSize = DataSize.zero
  /// The sum of the moments at which the packets in the queue came.
  private var enqueuedSum: Int64 = 0
  private var pacingRate: Bitrate
  private var paddingRate = Bitrate.zero
  private var mediaDebt: Int64 = 0
  private var paddingDebt: Int64 = 0
  private var paidUntil: Instant
  private var hasSent = false
  /// What the running burst of a probe has sent.
  private var burstSent = DataSize.zero
  private var probeCannotPad = false

  public init(pacingRate: Bitrate, at now: Instant) {
    self.pacingRate = pacingRate
    paidUntil = now
  }

  // MARK: - Input

  public mutating func setRates(pacing: Bitrate, padding: Bitrate, at now: Instant) {
    pay(at: now)
    pacingRate = Pacer.bounded(pacing)
    paddingRate = min(Pacer.bounded(padding), pacingRate)
    if padding == .zero {
      paddingRate = .zero
      paddingDebt = 0
    }
  }

  private static func bounded(_ rate: Bitrate) -> Bitrate {
    Bitrate(bitsPerSecond: min(max(rate.bitsPerSecond, 1_000), Pacer.greatestRate))
  }

  public mutating func add(_ probe: ProbeCluster) {
    prober.add(probe)
    probeCannotPad = false
  }

  /// Whether a packet would leave at once if it were enqueued: it need not be, then. A packet let
  /// through counts as sent. Budget: 10 ns.
  public mutating func passes(_ size: DataSize, kind: PacketKind, at now: Instant) -> Bool {
    if kind == .audio, audio.isEmpty { return true }
    prober.packetComes(size)
    guard queuedPackets == 0, !prober.isActive else { return false }
    pay(at: now)
    guard isWithinBurst(mediaDebt, at: pacingRate) else { return false }
    owe(size)
    return true
  }

  public mutating func enqueue(
    _ payload: consuming Payload, size: DataSize, kind: PacketKind, at now: Instant
  ) {
    if kind != .audio { prober.packetComes(size) }
    if queuedPackets == 0 { pay(at: now) }
    queuedPackets += 1
    queuedSize += size
    enqueuedSum &+= now.nanoseconds
    let entry = Entry(payload: payload, size: size, kind: kind, enqueuedAt: now)
    switch kind {
    case .audio: audio.append(entry)
    case .audioRetransmission, .videoRetransmission: retransmissions.append(entry)
    case .video: video.append(entry)
    case .padding: padding.append(entry)
    }
  }

  public mutating func removeAll() {
    audio.removeAll()
    retransmissions.removeAll()
    video.removeAll()
    padding.removeAll()
    queuedPackets = 0
    queuedSize = .zero
    enqueuedSum = 0
  }

  /// Takes packets out that nobody wants any more (libwebrtc: RemovePacketsForSsrc).
  /// - Returns: how many.
  @discardableResult
  public mutating func remove(where isUnwanted: (borrowing Payload) -> Bool) -> Int {
    var removed = Removed()
    Pacer.filter(&audio, isUnwanted, &removed)
    Pacer.filter(&retransmissions, isUnwanted, &removed)
    Pacer.filter(&video, isUnwanted, &removed)
    Pacer.filter(&padding, isUnwanted, &removed)
    queuedPackets -= removed.packets
    queuedSize -= removed.size
    enqueuedSum &-= removed.enqueuedSum
    return removed.packets
  }

  /// How long the packets of the queue have waited, on average.
  public func averageWait(at now: Instant) -> Duration {
    guard queuedPackets > 0 else { return .zero }
    return Duration(nanoseconds: now.nanoseconds - enqueuedSum / Int64(queuedPackets))
  }

  private struct Removed {
    var packets = 0
    var size = DataSize.zero
    var enqueuedSum: Int64 = 0
  }

  private static func filter(
    _ queue: inout RingBuffer<Entry>, _ isUnwanted: (borrowing Payload) -> Bool,
    _ removed: inout Removed
  ) {
    for _ in 0..<queue.count {
      guard let entry = queue.popFirst() else { return }
      if isUnwanted(entry.payload) {
        removed.packets += 1
        removed.size += entry.size
        removed.enqueuedSum &+= entry.enqueuedAt.nanoseconds
      } else {
        queue.append(entry)
      }
    }
  }

  // MARK: - Output

  /// When `next` has something to give; nil for not before more is enqueued.
  public func nextTimeout(at now: Instant) -> Instant? {
    if !probeCannotPad, let time = prober.nextTime(at: now) { return max(time, now) }
    if !audio.isEmpty { return now }
    if queuedPackets > 0 {
      let rate = rate(at: now)
      return isWithinBurst(mediaDebt, at: rate) ? paidUntil : paidUntil + time(mediaDebt, at: rate)
    }
    guard paddingRate > .zero, hasSent else { return nil }
    let debt = max(time(mediaDebt, at: pacingRate), time(paddingDebt, at: paddingRate))
    return paidUntil + max(debt, .microseconds(1))
  }

  /// The next thing that may leave at `now`; nil when there is none yet.
  public mutating func next(at now: Instant) -> Departure<Payload>? {
    if let mark = probeMark(at: now) { return probeDeparture(mark, at: now) }
    if let entry = audio.popFirst() { return departure(of: entry, probe: nil, at: now) }
    // What left between two bursts would slow the probe down and not be counted.
    if !probeCannotPad, prober.holdsMedia(at: now) { return nil }
    pay(at: now)
    guard queuedPackets == 0 else {
      let rate = rate(at: now)
      guard isWithinBurst(mediaDebt, at: rate) || time(mediaDebt, at: rate) == .zero,
        let entry = popFirst()
      else { return nil }
      return departure(of: entry, probe: nil, at: now)
    }
    guard paddingRate > .zero, hasSent, mediaDebt == 0, paddingDebt == 0 else { return nil }
    return .padding(max(paddingRate * Pacer.paddingSpan, .bytes(1)), probe: nil)
  }

  /// Padding of this size left.
  public mutating func padded(_ size: DataSize, probe: ProbeMark?, at now: Instant) {
    owe(size)
    if probe != nil { burstSent += size }
  }

  /// There is nothing to make padding of: probes and padding wait for the next packet.
  public mutating func cannotPad(_ size: DataSize, at now: Instant) {
    probeCannotPad = true
    paddingDebt = limited(paddingDebt + size.bytes * Pacer.debtPerByte, at: paddingRate)
    if burstSent > .zero { endBurst(at: now) }
  }

  // MARK: - Probes

  /// The mark of the running probe when a burst of it is due and not complete.
  private mutating func probeMark(at now: Instant) -> ProbeMark? {
    while !probeCannotPad, let time = prober.nextTime(at: now), time <= now + Pacer.earlyProbe {
      guard let mark = prober.mark(at: now) else { return nil }
      if burstSent < prober.burstSize || burstSent == .zero { return mark }
      endBurst(at: now)
    }
    return nil
  }

  private mutating func endBurst(at now: Instant) {
    prober.burstSent(burstSent, at: now)
    burstSent = .zero
  }

  private mutating func probeDeparture(_ mark: ProbeMark, at now: Instant) -> Departure<Payload>? {
    pay(at: now)
    // A small packet first makes the start of the probe certain.
    if prober.sentBytes == 0, burstSent == .zero, hasSent {
      return .padding(.bytes(1), probe: mark)
    }
    guard let entry = audio.popFirst() ?? popFirst() else {
      return .padding(max(prober.burstSize - burstSent, .bytes(1)), probe: mark)
    }
    burstSent += entry.size
    return departure(of: entry, probe: mark, at: now)
  }

  // MARK: - Queue

  private mutating func popFirst() -> Entry? {
    retransmissions.popFirst() ?? video.popFirst() ?? padding.popFirst()
  }

  private mutating func departure(
    of entry: consuming Entry, probe: ProbeMark?, at now: Instant
  ) -> Departure<Payload> {
    let (size, kind) = (entry.size, entry.kind)
    queuedPackets -= 1
    queuedSize -= size
    enqueuedSum &-= entry.enqueuedAt.nanoseconds
    if kind == .audio { hasSent = true } else { owe(size) }
    return .packet(entry.payload, size: size, kind: kind, probe: probe)
  }

  // MARK: - Debt

  /// The pacing rate, or what it takes for no packet to wait longer than two seconds.
  private func rate(at now: Instant) -> Bitrate {
    guard queuedPackets > 0 else { return pacingRate }
    let left = max(.milliseconds(1), Pacer.queueTimeLimit - averageWait(at: now))
    return max(pacingRate, queuedSize / left)
  }

  private func time(_ debt: Int64, at rate: Bitrate) -> Duration {
    Duration(nanoseconds: debt / max(rate.bitsPerSecond, 1))
  }

  /// Bursts go up to 10 ms, and one packet more; then the debt is paid whole. (libwebrtc has 40 ms,
  /// to spare wake-ups; here they cost little, and a frame at once makes a queue that need not be.)
  private func isWithinBurst(_ debt: Int64, at rate: Bitrate) -> Bool {
    time(debt, at: rate) < min(Pacer.burst, Pacer.largestBurst / rate)
  }

  private mutating func pay(at now: Instant) {
    let span = min((now - paidUntil).nanoseconds, 2_000_000_000)
    guard span > 0 else { return }
    paidUntil = now
    mediaDebt -= min(mediaDebt, rate(at: now).bitsPerSecond * span)
    paddingDebt -= min(paddingDebt, paddingRate.bitsPerSecond * span)
  }

  private mutating func owe(_ size: DataSize) {
    hasSent = true
    probeCannotPad = false
    let debt = size.bytes * Pacer.debtPerByte
    mediaDebt = limited(mediaDebt + debt, at: pacingRate)
    paddingDebt = limited(paddingDebt + debt, at: paddingRate)
  }

  private func limited(_ debt: Int64, at rate: Bitrate) -> Int64 {
    min(debt, rate.bitsPerSecond * Pacer.longestDebt.nanoseconds)
  }
}
