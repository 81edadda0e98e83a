// The sending end of a TCP bulk transfer: RFC 9293, RFC 5681, RFC 6582 (NewReno), RFC 6298, RFC 9438.
import Basics

/// Sends without end, or one download after another, each over a new connection.
public final class TCPSource: Node {
  public enum Demand: Sendable, Equatable {
    /// RFC 8868 §5.1: data for the whole session.
    case unlimited
    /// RFC 8868 §5.1: files of a uniform size, an exponential pause of this mean between two. The
    /// first file goes out at the start, or after a first pause.
    case downloads(size: ClosedRange<Int>, pause: Duration, startsOn: Bool)
  }

  public struct Statistics: Sendable, Equatable {
    public internal(set) var segmentsSent = 0
    public internal(set) var retransmissions = 0
    public internal(set) var fastRecoveries = 0
    public internal(set) var timeouts = 0
    public internal(set) var downloads = 0
  }

  private enum Phase { case idle, connecting, transferring }

  public private(set) var statistics = Statistics()
  /// What it sent, headers included.
  public private(set) var sent = ByteLog()
  private let path: Path
  private let demand: Demand
  private let control: TCPCongestionControl
  private var random: RandomStream
  private var phase = Phase.idle
  private var isRunning = false
  private var nextDownload: Instant?

  // Numbers of bytes; a new connection goes on where the last one ended.
  private var unacknowledged: Int64 = 0
  private var next: Int64 = 0
  private var highest: Int64 = 0
  private var end: Int64 = 0
  private var peerWindow = CrossTrafficSegment.maximumSize
  private var window: CongestionWindow
  private var duplicateAcks = 0
  private var isRecovering = false
  /// Segments that left the network during recovery let as many enter (RFC 5681 §3.2).
  private var inflation = 0.0
  private var recover: Int64 = -1
  private var hasPartial = false
  private var rto = RetransmissionTimeout()
  private var roundTrip = Duration.milliseconds(100)
  private var retransmitAt: Instant?
  private var hasTimedOut = false

  public init(
    _ demand: Demand, control: TCPCongestionControl, on path: Path, random: RandomStream
  ) {
    self.demand = demand
    self.control = control
    self.path = path
    self.random = random
    window = CongestionWindow(control)
  }

  /// The congestion window, segments.
  public var congestionWindow: Double { window.segments }

  public func start(at now: Instant, into outbox: inout Outbox) {
    isRunning = true
    switch demand {
    case .unlimited: connect(at: now, into: &outbox)
    case .downloads(_, _, startsOn: true): connect(at: now, into: &outbox)
    case .downloads: pause(at: now)
    }
  }

  /// Breaks off what is under way.
  public func stop() {
    isRunning = false
    phase = .idle
    nextDownload = nil
    retransmitAt = nil
  }

  // MARK: - Node

  public var nextTimeout: Instant? { earlier(nextDownload, retransmitAt) }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    guard
      let segment = CrossTrafficSegment(
        packet.bytes, nearSequence: 0, nearAcknowledgment: unacknowledged),
      segment.flags.contains(.ack), phase != .idle
    else { return }
    peerWindow = segment.window
    if phase == .connecting {
      guard segment.flags.contains(.syn), segment.acknowledgment == unacknowledged + 1 else {
        return
      }
      phase = .transferring
    }
    if segment.acknowledgment > unacknowledged, segment.acknowledgment <= highest {
      progress(segment, at: now, into: &outbox)
    } else if segment.acknowledgment == unacknowledged, unacknowledged < highest {
      duplicate(at: now, into: &outbox)
    }
    send(at: now, into: &outbox)
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    if let due = nextDownload, due <= now {
      nextDownload = nil
      connect(at: now, into: &outbox)
    }
    if let due = retransmitAt, due <= now { timeOut(at: now, into: &outbox) }
  }

  // MARK: - Connections

  private func connect(at now: Instant, into outbox: inout Outbox) {
    phase = .connecting
    unacknowledged = highest
    next = highest
    switch demand {
    case .unlimited: end = .max
    case .downloads(let size, _, _):
      let span = UInt64(size.upperBound - size.lowerBound + 1)
      // The SYN takes a number.
      end = highest + 1 + Int64(size.lowerBound) + Int64(random.below(span))
    }
    window = CongestionWindow(control)
    rto = RetransmissionTimeout()
    duplicateAcks = 0
    isRecovering = false
    inflation = 0
    recover = -1
    hasTimedOut = false
    emit(from: next, at: now, into: &outbox)
    next += 1
    highest = next
  }

  private func finish(at now: Instant) {
    phase = .idle
    retransmitAt = nil
    statistics.downloads += 1
    pause(at: now)
  }

  private func pause(at now: Instant) {
    guard isRunning, case .downloads(_, let mean, _) = demand else { return }
    nextDownload = now + .seconds(random.exponential(mean: mean.seconds))
  }

  // MARK: - Sending

  private var flight: Double {
    Double(highest - unacknowledged) / Double(CrossTrafficSegment.maximumSize)
  }

  private func send(at now: Instant, into outbox: inout Outbox) {
    guard phase == .transferring else { return }
    // Limited transmit (RFC 3042): the first two duplicates let one new segment out each.
    let extra = isRecovering ? inflation : Double(min(duplicateAcks, 2))
    let allowed = min(
      Int((window.segments + extra) * Double(CrossTrafficSegment.maximumSize)), peerWindow)
    while next < end {
      let count = Int(min(Int64(CrossTrafficSegment.maximumSize), end - next))
      guard Int(next - unacknowledged) + count <= allowed || next == unacknowledged else { return }
      emit(from: next, count: count, at: now, into: &outbox)
      next += Int64(count)
      highest = max(highest, next)
    }
  }

  private func emit(
    from sequence: Int64, count: Int = 0, at now: Instant, into outbox: inout Outbox
  ) {
    statistics.segmentsSent += 1
    if sequence < highest { statistics.retransmissions += 1 }
    let segment = CrossTrafficSegment(
      sequence: sequence, acknowledgment: 0, flags: phase == .connecting ? .syn : .ack,
      timestamp: now.tcpTimestamp, echo: 0, count: count)
    sent.add(
      CrossTrafficSegment.headerSize + count + Limits.ipHeader(path.remote.ip) + Limits.udpHeader,
      at: now)
    outbox.send(segment.packet(from: outbox.pool), on: path)
    if retransmitAt == nil { retransmitAt = now + rto.value }
  }

  private func retransmitFirst(at now: Instant, into outbox: inout Outbox) {
    let count = min(Int64(CrossTrafficSegment.maximumSize), highest - unacknowledged)
    emit(from: unacknowledged, count: Int(count), at: now, into: &outbox)
  }

  // MARK: - Acknowledgments

  private func progress(
    _ segment: CrossTrafficSegment, at now: Instant, into outbox: inout Outbox
  ) {
    let acked =
      Double(segment.acknowledgment - unacknowledged) / Double(CrossTrafficSegment.maximumSize)
    unacknowledged = segment.acknowledgment
    next = max(next, unacknowledged)
    hasTimedOut = false
    roundTrip = .microseconds(Int(now.tcpTimestamp &- segment.echo))
    rto.sample(roundTrip)
    rto.progress()
    guard unacknowledged < end else { return finish(at: now) }
    if isRecovering {
      return unacknowledged > recover
        ? endRecovery(at: now) : partial(acked, at: now, into: &outbox)
    }
    duplicateAcks = 0
    retransmitAt = unacknowledged < highest ? now + rto.value : nil
    window.acknowledged(acked, roundTrip: roundTrip, at: now)
  }

  private func endRecovery(at now: Instant) {
    isRecovering = false
    inflation = 0
    duplicateAcks = 0
    retransmitAt = unacknowledged < highest ? now + rto.value : nil
  }

  /// RFC 6582 §3.2 step 3: the next hole is sent again. The timer goes on from the first one (the
  /// impatient variant), so that many holes end in a slow start.
  private func partial(_ acked: Double, at now: Instant, into outbox: inout Outbox) {
    if !hasPartial { retransmitAt = now + rto.value }
    hasPartial = true
    inflation = max(0, inflation - acked) + 1
    retransmitFirst(at: now, into: &outbox)
  }

  private func duplicate(at now: Instant, into outbox: inout Outbox) {
    duplicateAcks += 1
    if isRecovering {
      inflation += 1
    } else if duplicateAcks == Limits.duplicateAckThreshold, unacknowledged > recover {
      statistics.fastRecoveries += 1
      isRecovering = true
      hasPartial = false
      recover = highest - 1
      window.lost(flight: flight)
      inflation = Double(Limits.duplicateAckThreshold)
      retransmitFirst(at: now, into: &outbox)
    }
  }

  private func timeOut(at now: Instant, into outbox: inout Outbox) {
    statistics.timeouts += 1
    retransmitAt = nil
    rto.backOff()
    guard phase == .transferring else {
      return emit(from: unacknowledged, at: now, into: &outbox)
    }
    window.timedOut(flight: flight, isRepeat: hasTimedOut)
    hasTimedOut = true
    isRecovering = false
    inflation = 0
    duplicateAcks = 0
    recover = highest - 1
    // Everything in flight is taken for lost.
    next = unacknowledged
    send(at: now, into: &outbox)
  }
}
