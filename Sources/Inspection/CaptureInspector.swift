// Takes the datagrams of a capture one after the other and gathers what they say.

import Basics
import Capture
import Results
import Transport
import Wire

/// Memory does not grow with the capture: see `InspectionLimits`.
final class CaptureInspector {
  let options: InspectionOptions
  let codecs: CodecTable
  /// Clock rates by SSRC where the streams' own timestamps are the clock; nil for the capture's.
  let timestampClocks: [UInt32: Double]?

  var counts = CaptureReport.RecordCounts()
  private(set) var start: Instant?
  private(set) var end: Instant?
  var lastRecord: Instant?
  /// Takes the media along where they are to be replayed.
  var recorder: MediaRecorder?
  /// Takes arrivals along where the network is to be extracted.
  var network: NetworkRecorder?
  private(set) var transports: [TransportState] = []
  private(set) var flows: [Flow] = []
  private(set) var streams: [StreamState] = []
  var timeline: [CaptureEvent] = []
  private(set) var keyLog: KeyLog
  private(set) var ignoredFlows = 0
  private(set) var ignoredStreams = 0
  /// Packets outside the window of `--from` and `--to`.
  private(set) var outsideWindow = 0

  var flowIndices: [FlowKey: Int] = [:]
  var lastFlow: Int?
  var streamIndices: [UInt64: Int] = [:]
  var streamsBySSRC: [UInt32: [Int]] = [:]
  var ice = ICEObserver()
  var feedback = FeedbackObserver()
  var timestampBases: [UInt64: (timestamp: UInt32, time: Instant)] = [:]

  init(
    _ options: InspectionOptions, keyLog: KeyLog, timestampClocks: [UInt32: Double]? = nil
  ) {
    self.options = options
    self.keyLog = keyLog
    self.timestampClocks = timestampClocks
    codecs = CodecTable(options)
  }

  /// Secrets that the capture itself holds, found on the way.
  func addSecrets(_ text: [UInt8]) {
    keyLog.add(text)
    for transport in transports { transport.hasLookedForKeys = false }
  }

  /// Notes when a record was captured, whatever it holds.
  func noteRecord(_ time: Instant) {
    if let lastRecord, time < lastRecord { counts.outOfOrderTimes += 1 }
    lastRecord = time
    note(time)
  }

  func note(_ time: Instant) {
    start = start ?? time
    end = max(end ?? time, time)
  }

  func receive(_ datagram: CapturedDatagram, _ bytes: RawSpan) {
    note(datagram.time)
    guard let index = flowIndex(of: datagram) else {
      ignoredFlows += 1
      return
    }
    switch PacketKind(bytes) {
    case .rtp: receiveRTP(datagram, bytes, index)
    case .rtcp: receiveRTCP(datagram, bytes, index)
    case .stun: receiveSTUN(datagram, bytes, index)
    case .dtls: receiveDTLS(datagram, bytes, index)
    default: counts.other += 1
    }
  }

  // MARK: - Flows

  func flowIndex(of datagram: CapturedDatagram) -> Int? {
    let key = FlowKey(
      source: datagram.source, destination: datagram.destination,
      relayedPeer: datagram.relayedPeer)
    if let lastFlow, flows[lastFlow].key == key { return lastFlow }
    let index = flowIndices[key] ?? addFlow(key, datagram)
    lastFlow = index
    return index
  }

  func addFlow(_ key: FlowKey, _ datagram: CapturedDatagram) -> Int? {
    guard flows.count < InspectionLimits.flows else { return nil }
    let opposite = flowIndices[key.reversed].map { flows[$0] }
    let transport = opposite?.transport ?? TransportState(key, datagram)
    if opposite == nil { transports.append(transport) }
    flows.append(
      Flow(
        key: key, transport: transport, isForward: opposite == nil,
        isConfirmed: opposite?.isConfirmed ?? false || datagram.transport == .none
          || datagram.relayedPeer != nil))
    flowIndices[key] = flows.count - 1
    return flows.count - 1
  }

  func confirm(_ transport: TransportState) {
    for index in flows.indices where flows[index].transport === transport {
      flows[index].isConfirmed = true
    }
  }

  func update(
    _ index: Int, _ change: (inout CapturedTransport.Direction) -> Void
  ) {
    let flow = flows[index]
    if flow.isForward {
      change(&flow.transport.facts.forward)
    } else {
      change(&flow.transport.facts.backward)
    }
  }

  func isInWindow(_ time: Instant) -> Bool {
    guard options.from != nil || options.to != nil else { return true }
    func instant(_ moment: InspectionOptions.Moment) -> Instant {
      let start = start ?? time
      switch moment {
      case .offset(let offset): return start + offset
      case .timeOfDay(let time):
        let day: Int64 = 86_400_000_000_000
        return Instant(nanoseconds: start.nanoseconds / day * day) + time
      }
    }
    if let from = options.from, time < instant(from) { return false }
    if let to = options.to, time > instant(to) { return false }
    return true
  }

  func addEvent(_ time: Instant, _ packetNumber: Int, _ text: @autoclosure () -> String) {
    guard timeline.count < InspectionLimits.timelineEvents else { return }
    timeline.append(CaptureEvent(time: time, packetNumber: packetNumber, text: text()))
  }

  // MARK: - RTP

  func receiveRTP(_ datagram: CapturedDatagram, _ bytes: RawSpan, _ index: Int) {
    guard let fields = RTPFields(bytes, originalSize: datagram.originalSize) else {
      counts.other += 1
      return
    }
    guard let stream = stream(fields.ssrc, index) else {
      ignoredStreams += 1
      return
    }
    counts.rtp += 1
    update(index) {
      $0.packets += 1
      $0.rtp += 1
      $0.bytes += datagram.originalSize
    }
    guard isInWindow(datagram.time) else {
      outsideWindow += 1
      openUnmeasured(datagram, bytes, index)
      return
    }
    let time = time(of: datagram, fields, index)
    let codec = codecs[fields.payloadType]
    let (number, arrival) = stream.receive(
      StreamState.Arrival(
        fields: fields, time: time, sinceStart: time - (start ?? time),
        packetNumber: datagram.packetNumber, size: datagram.originalSize, ecn: datagram.ecn,
        codec: codec))
    if !flows[index].isConfirmed, stream.forwardSteps >= 2 { confirm(flows[index].transport) }
    if stream.packets <= 8 { readExtensions(bytes, fields, stream) }
    var packet = StreamPacket(
      fields: fields, number: number, arrival: arrival, time: time,
      packetNumber: datagram.packetNumber, codec: codec)
    packet.payloadSize = max(0, datagram.originalSize - fields.headerSize)
    network?.add(
      stream, packet, size: datagram.originalSize + datagram.headerSize, flow: index)
    if recorder != nil { packet.audioLevel = audioLevel(bytes, fields) }
    readPayload(packet, stream, datagram, bytes, index)
  }

  func stream(_ ssrc: UInt32, _ index: Int) -> StreamState? {
    if let last = flows[index].lastStream, last.ssrc == ssrc { return last }
    let key = UInt64(index) << 32 | UInt64(ssrc)
    if let known = streamIndices[key] {
      flows[index].lastStream = streams[known]
      return streams[known]
    }
    guard streams.count < InspectionLimits.streams,
      flows[index].isConfirmed
        || flows[index].streams.count < InspectionLimits.unconfirmedStreamsPerFlow
    else { return nil }
    let flow = flows[index].key
    let stream = StreamState(
      flow: index, ssrc: ssrc, source: flow.source, destination: flow.destination,
      relayedPeer: flow.relayedPeer)
    streamIndices[key] = streams.count
    streamsBySSRC[ssrc, default: []].append(streams.count)
    streams.append(stream)
    flows[index].streams.append(stream)
    flows[index].lastStream = stream
    return stream
  }

  /// Where the capture's times tell nothing, a stream's timestamps since its first packet do.
  func time(of datagram: CapturedDatagram, _ fields: RTPFields, _ index: Int) -> Instant {
    guard let clock = timestampClocks?[fields.ssrc], clock > 0 else { return datagram.time }
    let key = UInt64(index) << 32 | UInt64(fields.ssrc)
    let base = timestampBases[key] ?? (fields.timestamp, datagram.time)
    let elapsed = Double(Int32(bitPattern: fields.timestamp &- base.timestamp)) / clock
    let time = base.time + .seconds(elapsed)
    // Moves on, so that long streams do not wrap.
    timestampBases[key] = (fields.timestamp, time)
    end = max(end ?? time, time)
    return time
  }

  private func audioLevel(_ bytes: RawSpan, _ fields: RTPFields) -> AudioLevel? {
    guard codecs.extensions[.audioLevel] != nil, fields.headerSize < bytes.byteCount,
      let header = try? RTPHeader(bytes.extracting(0..<fields.headerSize))
    else { return nil }
    return RTPExtensions(bytes, header, codecs.extensions).audioLevel
  }

  func readExtensions(_ bytes: RawSpan, _ fields: RTPFields, _ stream: StreamState) {
    guard codecs.extensions != RTPExtensionMap(), fields.headerSize < bytes.byteCount,
      let header = try? RTPHeader(bytes.extracting(0..<fields.headerSize))
    else { return }
    stream.setExtensions(RTPExtensions(bytes, header, codecs.extensions))
  }
}
