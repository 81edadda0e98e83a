// One end of a TCP connection (RFC 9293) with NewReno (RFC 5681, RFC 6582): no clock, no wire.
import Basics

/// Leaves segments in `outgoing`; the driver sends them and calls `timeout` at `nextTimeout`. Every
/// segment is acknowledged at once; the receive window never closes.
struct TCPEndpoint {
  enum State { case synSent, synReceived, established, reset, timedOut }

  private(set) var state: State
  private(set) var outgoing: [TCPSegment] = []
  var received = Reassembly()
  private let parameters: StreamParameters

  // Numbers: the SYN is 0, data begin at 1, the FIN follows the last byte.
  private var una: Int64 = 0
  private var nxt: Int64 = 0
  private var highest: Int64 = 0
  private var end: Int64 = 1
  private var isFinishing = false
  /// Bytes from number `bufferStart` to `end`.
  private var buffer: [UInt8] = []
  private var bufferStart: Int64 = 1

  // Congestion control, in bytes.
  private(set) var congestionWindow = Limits.initialWindow
  private var slowStartThreshold = Int.max
  private var ackedInAvoidance = 0
  private var duplicateAcks = 0
  private var isRecovering = false
  private var recover: Int64 = 0

  // Timers.
  private var rto = RetransmissionTimeout()
  private var retransmitAt: Instant?
  private var timed: (end: Int64, sentAt: Instant)?
  /// Since when an acknowledgment or an answer to a probe is due.
  private var waitingSince: Instant?
  private var probeAt: Instant?

  /// The active end; sends its SYN.
  init(connectingAt now: Instant, _ parameters: StreamParameters) {
    self.parameters = parameters
    state = .synSent
    sendSYN(at: now)
  }

  /// The passive end, which has not yet seen the SYN.
  init(listening parameters: StreamParameters) {
    self.parameters = parameters
    state = .synReceived
  }

  var isDead: Bool { state == .reset || state == .timedOut }
  /// Both directions are closed and acknowledged.
  var isDone: Bool { isFinishing && una > end && received.isFinished }
  /// May still exchange segments.
  var isActive: Bool { !isDead && !isDone }
  /// Bytes written and not acknowledged.
  var unacknowledged: Int { max(0, Int(end - max(una, 1))) }

  mutating func takeOutgoing() -> [TCPSegment] {
    let segments = outgoing
    outgoing.removeAll(keepingCapacity: true)
    return segments
  }

  /// Adds the data of a segment that was just taken from `outgoing`.
  func appendPayload(of segment: TCPSegment, to packet: inout Packet) {
    let start = Int(segment.sequence - bufferStart)
    packet.append(buffer.span.bytes.extracting(start..<(start + segment.count)))
  }

  /// All numbers before this one were acknowledged.
  var acknowledged: Int64 { una }

  // MARK: Commands

  mutating func write(_ bytes: [UInt8], at now: Instant) {
    guard !isDead, !isFinishing else { return }
    buffer.append(contentsOf: bytes)
    end += Int64(bytes.count)
    send(at: now)
  }

  /// No more will be written.
  mutating func finish(at now: Instant) {
    guard !isDead, !isFinishing else { return }
    isFinishing = true
    send(at: now)
  }

  /// Ends the connection with a RST.
  mutating func abort() {
    guard !isDead else { return }
    outgoing.removeAll()
    outgoing.append(
      TCPSegment(sequence: highest, acknowledgment: received.next, flags: [.rst, .ack]))
    die(.reset)
  }

  /// Ends it without a word.
  mutating func die(_ state: State) {
    self.state = state
    retransmitAt = nil
    waitingSince = nil
    probeAt = nil
    buffer = []
  }

  /// Gives back the room of its buffers, once it is dead or done.
  mutating func release() {
    buffer = []
    outgoing = []
    received.release()
  }

  // MARK: Sending

  private mutating func sendSYN(at now: Instant) {
    let flags: TCPFlags = state == .synSent ? .syn : [.syn, .ack]
    outgoing.append(
      TCPSegment(sequence: 0, acknowledgment: received.next, flags: flags))
    timed = highest == 0 ? (1, now) : nil
    nxt = 1
    highest = max(highest, 1)
    retransmitAt = now + rto.value
    if waitingSince == nil { waitingSince = now }
  }

  private mutating func sendAck() {
    outgoing.append(TCPSegment(sequence: highest, acknowledgment: received.next, flags: .ack))
  }

  private var sendEnd: Int64 { isFinishing ? end + 1 : end }

  /// Sends what the window allows.
  private mutating func send(at now: Instant) {
    guard state == .established else { return }
    while nxt < sendEnd {
      let inFlight = Int(nxt - una)
      let count = min(Limits.maximumSegmentSize, Int(end - nxt))
      guard inFlight == 0 || inFlight + count <= congestionWindow else { return }
      emit(from: nxt, count: count, at: now)
    }
  }

  private mutating func emit(from sequence: Int64, count: Int, at now: Instant) {
    var after = sequence + Int64(count)
    var flags = TCPFlags.ack
    if isFinishing, after == end {
      flags.insert(.fin)
      after += 1
    }
    outgoing.append(
      TCPSegment(
        sequence: sequence, acknowledgment: received.next, flags: flags, count: count))
    // Karn: only what is sent for the first time is timed.
    if timed == nil, sequence >= highest { timed = (after, now) }
    nxt = max(nxt, after)
    highest = max(highest, nxt)
    if retransmitAt == nil { retransmitAt = now + rto.value }
    if waitingSince == nil { waitingSince = now }
  }

  private mutating func retransmitFirst(at now: Instant) {
    timed = nil
    emit(from: una, count: min(Limits.maximumSegmentSize, Int(end - una)), at: now)
  }

  // MARK: Receiving

  mutating func receive(_ segment: TCPSegment, _ data: [UInt8], at now: Instant) {
    guard !isDead else { return }
    if segment.flags.contains(.rst) { return die(.reset) }
    heard(at: now)
    if segment.flags.contains(.syn) { return receiveSYN(segment, at: now) }
    guard segment.flags.contains(.ack), state != .synSent else { return }
    if state == .synReceived {
      guard segment.acknowledgment >= 1 else { return }
      state = .established
    }
    let isBare = data.isEmpty && !segment.flags.contains(.fin)
    receiveAck(segment.acknowledgment, isBare: isBare, at: now)
    if !isBare {
      received.insert(data, at: segment.sequence, hasFin: segment.flags.contains(.fin))
      sendAck()
    } else if segment.sequence < received.next {
      // A keep-alive probe repeats a number.
      sendAck()
    }
    send(at: now)
  }

  private mutating func receiveSYN(_ segment: TCPSegment, at now: Instant) {
    received.begin()
    switch state {
    case .synReceived: sendSYN(at: now)
    case .synSent:
      guard segment.flags.contains(.ack), segment.acknowledgment == 1 else { return }
      state = .established
      receiveAck(1, isBare: true, at: now)
      sendAck()
      send(at: now)
    default: sendAck()
    }
  }

  /// Any segment proves that the other end is there.
  private mutating func heard(at now: Instant) {
    if una == highest { waitingSince = nil }
    probeAt = parameters.keepAlive.map { now + $0 }
  }

  private mutating func receiveAck(_ ack: Int64, isBare: Bool, at now: Instant) {
    guard ack <= highest else { return }
    if ack > una {
      progress(to: ack, at: now)
    } else if ack == una, isBare, una < highest, una > 0 {
      duplicateAck(at: now)
    }
  }

  private mutating func progress(to ack: Int64, at now: Instant) {
    let acked = Int(ack - una)
    una = ack
    nxt = max(nxt, una)
    trimBuffer()
    if let timed, ack >= timed.end {
      rto.sample(now - timed.sentAt)
      self.timed = nil
    }
    rto.progress()
    waitingSince = una < highest ? now : nil
    retransmitAt = una < highest ? now + rto.value : nil
    if isRecovering {
      if ack >= recover {
        isRecovering = false
        duplicateAcks = 0
        congestionWindow = slowStartThreshold
      } else {
        // A partial acknowledgment shows the next hole (RFC 6582 §3.2 step 3).
        retransmitFirst(at: now)
        congestionWindow =
          max(Limits.maximumSegmentSize, congestionWindow - acked) + Limits.maximumSegmentSize
      }
      return
    }
    duplicateAcks = 0
    grow(acked)
  }

  /// RFC 5681 §3.1.
  private mutating func grow(_ acked: Int) {
    if congestionWindow < slowStartThreshold {
      congestionWindow += min(acked, Limits.maximumSegmentSize)
      return
    }
    ackedInAvoidance += acked
    if ackedInAvoidance >= congestionWindow {
      ackedInAvoidance -= congestionWindow
      congestionWindow += Limits.maximumSegmentSize
    }
  }

  private mutating func duplicateAck(at now: Instant) {
    duplicateAcks += 1
    if isRecovering {
      congestionWindow += Limits.maximumSegmentSize
    } else if duplicateAcks == Limits.duplicateAckThreshold, una > recover {
      isRecovering = true
      recover = highest
      shrinkThreshold()
      congestionWindow =
        slowStartThreshold + Limits.duplicateAckThreshold * Limits.maximumSegmentSize
      retransmitFirst(at: now)
    }
  }

  private mutating func shrinkThreshold() {
    slowStartThreshold = max(Int(highest - una) / 2, 2 * Limits.maximumSegmentSize)
    ackedInAvoidance = 0
  }

  private mutating func trimBuffer() {
    let gone = Int(min(una, end) - bufferStart)
    // Seldom, so that moving the rest costs little.
    guard gone > 0, gone >= buffer.count / 2 else { return }
    buffer.removeFirst(gone)
    bufferStart += Int64(gone)
  }

  // MARK: Timers

  var nextTimeout: Instant? {
    guard !isDead, !isDone else { return nil }
    let lost = waitingSince.map { $0 + parameters.lossTimeout }
    return earlier(retransmitAt, earlier(lost, state == .established ? probeAt : nil))
  }

  mutating func timeout(at now: Instant) {
    guard !isDead else { return }
    if let waitingSince, now - waitingSince >= parameters.lossTimeout { return die(.timedOut) }
    if let due = retransmitAt, due <= now { retransmit(at: now) }
    if let due = probeAt, due <= now, state == .established { probe(at: now) }
  }

  private mutating func retransmit(at now: Instant) {
    retransmitAt = nil
    rto.backOff()
    guard state == .established else { return sendSYN(at: now) }
    // A segment lost twice halves the threshold once (RFC 5681 §3.1).
    if congestionWindow > Limits.maximumSegmentSize { shrinkThreshold() }
    isRecovering = false
    recover = highest
    duplicateAcks = 0
    timed = nil
    congestionWindow = Limits.maximumSegmentSize
    // Everything in flight is taken for lost.
    nxt = una
    send(at: now)
  }

  private mutating func probe(at now: Instant) {
    outgoing.append(
      TCPSegment(sequence: highest - 1, acknowledgment: received.next, flags: .ack))
    if waitingSince == nil { waitingSince = now }
    probeAt = now + Limits.keepAliveProbeInterval
  }
}
