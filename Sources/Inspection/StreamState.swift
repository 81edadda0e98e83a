// All that is measured of one RTP stream while packets pass.

import Basics
import Results
import Wire

final class StreamState {
  /// A packet as the stream sees it.
  struct Arrival {
    var fields: RTPFields
    /// Of the clock that measures: the capture's, or the stream's own timestamps.
    var time: Instant
    /// Since the capture's first packet.
    var sinceStart: Duration
    var packetNumber: Int
    /// Bytes of UDP payload on the wire.
    var size: Int
    var ecn: ECN
    var codec: Codec?
  }

  let flow: Int
  let ssrc: UInt32
  private(set) var facts: CapturedStream
  private(set) var sequence = SequenceTracker()
  var frames = FrameTracker()
  private var timestamps = TimestampUnwrapper()
  private var jitter = JitterEstimator()
  private var analysis = WiresharkAnalysis()
  private var clocks: ClockLanes?
  private var lastTimestamp: UInt32 = 0
  private var firstExtended: Int64 = 0
  private var lastExtended: Int64 = 0
  private var typeCounts: [(number: UInt8, count: Int)] = []
  /// The codec that payloads proved.
  private(set) var contentCodec: Codec?
  /// Timestamps of recent sequence numbers, by which retransmissions find their stream.
  private var recentTimestamps = [UInt32](repeating: 0, count: StreamState.recentCount)
  private var recentNumbers = [Int32](repeating: -1, count: StreamState.recentCount)
  /// Steps forward in a row, for confirmation.
  private(set) var forwardSteps = 0
  private var pendingRequest: Int?
  /// Votes for the stream whose packets this one repeats.
  var retransmissionVotes = 0
  var retransmissionVotePackets = 0

  private static let recentCount = 512

  init(flow: Int, ssrc: UInt32, source: Address, destination: Address, relayedPeer: Address?) {
    self.flow = flow
    self.ssrc = ssrc
    facts = CapturedStream(ssrc: ssrc, source: source, destination: destination)
    facts.relayedPeer = relayedPeer
  }

  var packets: Int { facts.packets }
  var lastTime: Instant { facts.end }

  // MARK: - Packets

  /// Counts a packet; returns its extended sequence number and what it was.
  func receive(_ packet: Arrival) -> (number: Int64, arrival: SequenceTracker.Arrival) {
    let fields = packet.fields
    let timestamp = timestamps.unwrap(fields.timestamp)
    let silence = facts.packets == 0 ? Duration.zero : packet.time - facts.end
    if facts.packets == 0 { begin(packet, timestamp) }
    let number = sequence.extend(fields.sequenceNumber)
    let arrival = sequence.receive(
      number, at: packet.time, packetNumber: packet.packetNumber, silence: silence)
    noteOrder(arrival, fields)
    measure(packet, timestamp)
    if facts.packets > 0 { noteGap(silence, arrival, packet) }
    count(packet)
    remember(fields)
    lastTimestamp = fields.timestamp
    lastExtended = max(lastExtended, timestamp)
    facts.end = max(facts.end, packet.time)
    facts.lastPacket = packet.packetNumber
    return (number, arrival)
  }

  private func begin(_ packet: Arrival, _ timestamp: Int64) {
    facts.start = packet.time
    facts.end = packet.time
    facts.firstPacket = packet.packetNumber
    firstExtended = timestamp
    lastExtended = timestamp
  }

  private func noteOrder(_ arrival: SequenceTracker.Arrival, _ fields: RTPFields) {
    switch arrival {
    case .next: forwardSteps += 1
    case .gap(let count) where count < 32: forwardSteps += 1
    default: break
    }
    // Ten minutes at 90 kHz.
    let step = Int32(bitPattern: fields.timestamp &- lastTimestamp)
    if facts.packets > 0, step.magnitude > 54_000_000 { facts.timestampJumps += 1 }
  }

  private func measure(_ packet: Arrival, _ timestamp: Int64) {
    let codec = packet.codec ?? contentCodec
    let lanes = ClockCandidates.lanes(codec?.clockRate)
    if let codec, !codec.isEvent, codec.clockRate > 0 { clocks = clocks ?? lanes }
    let milliseconds = packet.sinceStart.milliseconds
    let isTimed = codec.map { !$0.isEvent && $0.clockRate > 0 } ?? true
    analysis.add(
      packet.fields, timestamp: timestamp, milliseconds: milliseconds,
      packetNumber: packet.packetNumber, clocks: isTimed ? lanes : nil)
    let step = Double(Int32(bitPattern: packet.fields.timestamp &- lastTimestamp))
    if isTimed { jitter.add(time: milliseconds, step: step, clocks: lanes) }
  }

  private func noteGap(
    _ silence: Duration, _ arrival: SequenceTracker.Arrival, _ packet: Arrival
  ) {
    let shortest = facts.gaps.last?.duration ?? .milliseconds(100)
    guard silence > shortest || (facts.gaps.count < 5 && silence > .milliseconds(100))
    else { return }
    var missing = 0
    if case .gap(let count) = arrival { missing = count }
    let gap = Gap(
      time: packet.time, packetNumber: packet.packetNumber, duration: silence, missing: missing)
    let index = facts.gaps.firstIndex { $0.duration < silence } ?? facts.gaps.count
    facts.gaps.insert(gap, at: index)
    if facts.gaps.count > 5 { facts.gaps.removeLast() }
  }

  private func count(_ packet: Arrival) {
    facts.packets += 1
    facts.bytes += packet.size
    facts.packetSize.add(Double(packet.size))
    facts.ecn[Int(packet.ecn.rawValue)] += 1
    facts.bitrate.add(Double(8 * packet.size), at: packet.time - facts.start)
    if packet.fields.marker { facts.markers += 1 }
    let type = packet.fields.payloadType
    if let index = typeCounts.firstIndex(where: { $0.number == type }) {
      typeCounts[index].count += 1
    } else if typeCounts.count < 128 {
      typeCounts.append((type, 1))
    }
    if facts.kind == .unknown, let codec = packet.codec { facts.kind = codec.kind }
  }

  private func remember(_ fields: RTPFields) {
    let slot = Int(fields.sequenceNumber) & (StreamState.recentCount - 1)
    recentTimestamps[slot] = fields.timestamp
    recentNumbers[slot] = Int32(fields.sequenceNumber)
  }

  /// The timestamp that a recent packet of this number had.
  func recentTimestamp(of number: UInt16) -> UInt32? {
    let slot = Int(number) & (StreamState.recentCount - 1)
    return recentNumbers[slot] == Int32(number) ? recentTimestamps[slot] : nil
  }

  /// The timestamp range of recent packets contains this one, to within ten seconds at 90 kHz.
  func isNear(_ timestamp: UInt32) -> Bool {
    Int32(bitPattern: timestamp &- lastTimestamp).magnitude < 900_000
  }

  // MARK: - What others say about it

  func setExtensions(_ values: RTPExtensions) {
    if facts.mid == nil, let mid = values.mid { facts.mid = mid.description }
    if facts.rid == nil, let rid = values.rid ?? values.repairedRid { facts.rid = rid.description }
  }

  func setCNAME(_ name: String) { facts.cname = facts.cname ?? name }
  func setRole(_ role: CapturedStream.Role) { facts.role = role }
  func setPayload(_ payload: CapturedStream.Payload) {
    facts.payload = payload
    if payload == .encrypted { frames.close() }
  }
  func countPaddingOnly() { facts.paddingOnly += 1 }
  func countSenderReport() { facts.senderReports += 1 }
  func setGoodbye() { facts.hasGoodbye = true }

  func prove(_ codec: Codec) {
    guard contentCodec == nil else { return }
    contentCodec = codec
    facts.kind = codec.kind
  }

  /// A number that a retransmission carried; whether it was missing.
  func repair(_ number: UInt16) -> Int64? { sequence.repair(number) }
  func extend(_ timestamp: UInt32) -> Int64 {
    lastExtended + Int64(Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: lastExtended)))
  }

  func countNACK(_ items: Int) {
    facts.nacks.messages += 1
    facts.nacks.requested += items
  }

  func addReport(
    _ block: ReportBlock, at time: Instant, packetNumber: Int, roundTrip: Duration?
  ) {
    var reports = facts.reports ?? ReceivedReports()
    reports.count += 1
    reports.cumulativeLost = Int(block.cumulativeLost)
    let fraction = Double(block.fractionLost) / 256
    if fraction > reports.maximumFractionLost {
      reports.maximumFractionLost = fraction
      reports.maximumFractionPacket = packetNumber
      reports.maximumFractionTime = time
    }
    if let rate = clocks.map({ $0[0] }) ?? contentCodec.map({ Double($0.clockRate) }), rate > 0 {
      reports.jitter.add(Double(block.jitter) * 1_000 / rate)
    }
    if let roundTrip { reports.roundTrip.add(roundTrip.milliseconds) }
    facts.reports = reports
  }

  // MARK: - Keyframes

  func requestKeyframe(_ kind: KeyframeRequest.Kind, at time: Instant, packetNumber: Int) {
    if let pendingRequest {
      facts.keyframeRequests[pendingRequest].repeats += 1
      return
    }
    facts.keyframeRequestCount += 1
    guard facts.keyframeRequests.count < InspectionLimits.eventsPerStream else { return }
    facts.keyframeRequests.append(KeyframeRequest(kind, time: time, packetNumber: packetNumber))
    pendingRequest = facts.keyframeRequests.count - 1
  }

  func answerKeyframeRequest(at time: Instant, packetNumber: Int) {
    guard let index = pendingRequest else { return }
    facts.keyframeRequests[index].answeredAfter = time - facts.keyframeRequests[index].time
    facts.keyframeRequests[index].answerPacket = packetNumber
    pendingRequest = nil
  }

  // MARK: - Result

  /// The stream as it is reported.
  func finish(_ codecs: CodecTable) -> CapturedStream {
    var result = facts
    nameCodec(&result, codecs)
    var lane: Int?
    if let rate = result.clockRate {
      lane = ClockCandidates.lane(of: rate, in: clocks ?? ClockCandidates.unknown)
    }
    result.analysis = analysis.result(lane: lane)
    (result.missing, result.longestBurst) = sequence.finished()
    result.expected = sequence.expected
    result.duplicates = sequence.duplicates
    result.reordered = sequence.reordered
    result.sequenceJumps = sequence.jumps
    result.repaired = sequence.repaired
    result.burstCount = sequence.gapCount
    result.bursts = sequence.events.map(\.event).filter { $0.missing > 0 }
    if let lane {
      result.jitter = jitter.jitter[lane]
      result.maximumJitter = jitter.maximum[lane]
    }
    // A clock of 90 kHz is video's, whatever the codec (RFC 3551 §5).
    let isVideo =
      result.kind == .video || (result.kind == .unknown && result.clockRate == 90_000)
    if isVideo, result.role == .media {
      result.frames = frames.finished(
        at: result.end, packetNumber: result.lastPacket, skipped: sequence.skipped)
    }
    return result
  }

  private func nameCodec(_ result: inout CapturedStream, _ codecs: CodecTable) {
    result.payloadTypes = typeCounts.sorted { ($1.count, $0.number) < ($0.count, $1.number) }.map {
      let codec = codecs[$0.number] ?? (typeCounts.count == 1 ? contentCodec : nil)
      return CapturedStream.PayloadType(
        number: $0.number, packets: $0.count, codec: codec?.text, origin: codec?.origin)
    }
    let main = result.payloadTypes.first.flatMap { codecs[$0.number] }
    let codec = main.map { $0.isRED ? contentCodec ?? $0 : $0 } ?? contentCodec
    if let codec {
      result.codec = codec.name
      result.codecOrigin = codec.origin
      if codec.clockRate > 0 {
        result.clockRate = Int(codec.clockRate)
        result.clockOrigin = codec.origin
      }
      if result.kind == .unknown { result.kind = codec.kind }
    }
    if result.clockRate == nil, let rate = estimatedClockRate {
      result.clockRate = rate
      result.clockOrigin = .estimated
    }
  }

  /// The candidate within 2 % of the timestamps' pace over at least a second.
  private var estimatedClockRate: Int? {
    let elapsed = (facts.end - facts.start).seconds
    guard elapsed >= 1, facts.packets >= 20, clocks == nil else { return nil }
    let rate = Double(lastExtended - firstExtended) / elapsed
    return (0..<4).map { ClockCandidates.unknown[$0] }
      .first { ($0 - rate).magnitude < 0.02 * $0 }.map { Int($0) }
  }

  /// What the timestamps span, where the clock rate is known.
  var timestampSpan: Duration? {
    let rate = contentCodec.map { Double($0.clockRate) } ?? clocks?[0]
    guard let rate, rate > 0 else { return nil }
    return .seconds(Double(lastExtended - firstExtended) / rate)
  }
}
