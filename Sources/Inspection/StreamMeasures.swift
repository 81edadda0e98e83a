// Jitter, deltas and skew of one stream: RFC 3550 A.8, and the columns that Wireshark shows.

import Basics
import Results

/// Clock rates for which jitter is measured at once; where the rate is known, all are it. With an
/// unknown rate the right lane is chosen at the end, when the timestamps' pace is known.
typealias ClockLanes = SIMD4<Double>

enum ClockCandidates {
  static let unknown = ClockLanes(8_000, 16_000, 48_000, 90_000)

  static func lanes(_ rate: UInt32?) -> ClockLanes {
    rate.map { ClockLanes(repeating: Double($0)) } ?? unknown
  }

  static func lane(of rate: Int, in lanes: ClockLanes) -> Int? {
    (0..<4).first { lanes[$0] == Double(rate) }
  }
}

/// The estimator of RFC 3550 A.8, in milliseconds.
struct JitterEstimator {
  private var lastTime = 0.0
  private var hasLast = false
  private(set) var jitter = ClockLanes.zero
  private(set) var maximum = ClockLanes.zero

  /// - Parameters:
  ///   - time: milliseconds.
  ///   - step: timestamp less that of the packet before.
  mutating func add(time: Double, step: Double, clocks: ClockLanes) {
    defer {
      lastTime = time
      hasLast = true
    }
    guard hasLast else { return }
    let change = ClockLanes(repeating: time - lastTime) - step * 1_000 / clocks
    jitter += (abs(change) - jitter) / 16
    maximum = maximum.replacing(with: jitter, where: jitter .> maximum)
  }
}

private func abs(_ value: ClockLanes) -> ClockLanes {
  value.replacing(with: -value, where: value .< 0)
}

/// Wireshark's RTP stream analysis (4.0): its order rules, its exclusions and its mean.
struct WiresharkAnalysis {
  private static let comfortNoise: UInt8 = 13
  private static let oldComfortNoise: UInt8 = 19

  private var packets = 0
  private var time = 0.0
  private var firstTimestamp: Int64 = 0
  private var orderedTimestamp: Int64 = 0
  private var startNumber: UInt16 = 0
  private var stopNumber: UInt16 = 0
  private var number: UInt16 = 0
  private var cycles = 0
  private var isUnder = false
  private var payloadType: UInt8 = 0
  private var regularType: UInt8 = 0
  private var sequenceErrors = 0
  private var hasTypeChange = false

  private var delta = 0.0
  private var minimumDelta = -1.0
  private var meanDelta = 0.0
  private var maximumDelta = 0.0
  private var maximumDeltaPacket = 0
  private var jitter = ClockLanes.zero
  private var minimumJitter = ClockLanes(repeating: -1)
  private var meanJitter = ClockLanes.zero
  private var maximumJitter = ClockLanes.zero
  private var nominal = ClockLanes.zero
  private var arrival = 0.0
  private var maximumSkew = ClockLanes.zero
  private var sumTime = 0.0
  private var sumTime2 = 0.0
  private var sumNominal = ClockLanes.zero
  private var sumProduct = ClockLanes.zero

  /// - Parameters:
  ///   - milliseconds: since the capture's first packet.
  ///   - timestamp: extended.
  ///   - clocks: Hz; nil for a payload type without jitter, as events are.
  mutating func add(
    _ fields: RTPFields, timestamp: Int64, milliseconds: Double, packetNumber: Int,
    clocks: ClockLanes?
  ) {
    defer { packets += 1 }
    guard packets > 0 else {
      begin(fields, timestamp, milliseconds)
      return
    }
    // In order is what does not lie before the first packet.
    let isOrdered = firstTimestamp <= timestamp
    countCycles(fields.sequenceNumber, isOrdered)
    checkOrder(fields.sequenceNumber, isOrdered)
    let isNoise = WiresharkAnalysis.isNoise(fields.payloadType)
    let followsNoise = WiresharkAnalysis.isNoise(payloadType)
    payloadType = fields.payloadType
    measure(timestamp, milliseconds, clocks)
    if !fields.marker, !isNoise, isOrdered, !followsNoise { include(packetNumber, clocks) }
    if !isNoise {
      if payloadType != regularType { hasTypeChange = true }
      regularType = payloadType
    }
    if isOrdered {
      time = milliseconds
      orderedTimestamp = timestamp
    }
    stopNumber = fields.sequenceNumber
  }

  private static func isNoise(_ type: UInt8) -> Bool {
    type == comfortNoise || type == oldComfortNoise
  }

  private mutating func begin(_ fields: RTPFields, _ timestamp: Int64, _ milliseconds: Double) {
    startNumber = fields.sequenceNumber
    stopNumber = fields.sequenceNumber
    number = fields.sequenceNumber
    firstTimestamp = timestamp
    orderedTimestamp = timestamp
    time = milliseconds
    payloadType = fields.payloadType
    regularType = fields.payloadType
  }

  private mutating func countCycles(_ value: UInt16, _ isOrdered: Bool) {
    guard isOrdered else { return }
    if !isUnder, value < startNumber || (value == 0 && stopNumber == .max) {
      cycles += 1
      isUnder = true
    } else if isUnder, value > startNumber {
      isUnder = false
    }
  }

  private mutating func checkOrder(_ value: UInt16, _ isOrdered: Bool) {
    let next = Int(number) + 1
    if isOrdered, next == Int(value) || (number == .max && value == 0) {
      number = value
    } else if isOrdered, next < Int(value) || Int(number) - Int(value) > 0xFF00 {
      number = value
      sequenceErrors += 1
    } else if next > Int(value) {
      sequenceErrors += 1
    }
  }

  private mutating func measure(
    _ timestamp: Int64, _ milliseconds: Double, _ clocks: ClockLanes?
  ) {
    delta = milliseconds - time
    guard let clocks else { return }
    // Whole ticks in a millisecond, as Wireshark divides.
    let ticks = (clocks / 1_000).rounded(.towardZero)
    let step = ClockLanes(repeating: Double(timestamp - orderedTimestamp)) / ticks
    let difference = abs(ClockLanes(repeating: delta) - step)
    jitter = (15 * jitter + difference) / 16
    nominal += step
    arrival += delta
    let skew = nominal - arrival
    maximumSkew = maximumSkew.replacing(with: skew, where: abs(skew) .> abs(maximumSkew))
    sumTime += arrival
    sumTime2 += arrival * arrival
    sumNominal += nominal
    sumProduct += nominal * arrival
  }

  private mutating func include(_ packetNumber: Int, _ clocks: ClockLanes?) {
    if delta > maximumDelta {
      maximumDelta = delta
      maximumDeltaPacket = packetNumber
    }
    minimumDelta = minimumDelta == -1 ? delta : min(minimumDelta, delta)
    let count = Double(packets)
    meanDelta = (meanDelta * (count - 1) + delta) / count
    guard clocks != nil else { return }
    maximumJitter = maximumJitter.replacing(with: jitter, where: jitter .> maximumJitter)
    meanJitter = (meanJitter * (count - 1) + jitter) / count
    let isFirst = minimumJitter .== -1
    minimumJitter = minimumJitter.replacing(
      with: jitter, where: isFirst .| (jitter .< minimumJitter))
  }

  /// The columns, with jitter and skew of one lane; without a lane those stay as they are when
  /// nothing is known.
  func result(lane: Int?) -> StreamAnalysis {
    var result = StreamAnalysis()
    guard packets > 0 else { return result }
    result.minimumDelta = minimumDelta
    result.meanDelta = meanDelta
    result.maximumDelta = maximumDelta
    result.maximumDeltaPacket = maximumDeltaPacket
    result.expected = Int(stopNumber) + cycles * 0x1_0000 - Int(startNumber) + 1
    result.lost = result.expected - packets
    result.sequenceErrors = sequenceErrors
    result.hasProblem = sequenceErrors > 0 || hasTypeChange
    guard let lane else { return result }
    result.minimumJitter = minimumJitter[lane]
    result.meanJitter = meanJitter[lane]
    result.maximumJitter = maximumJitter[lane]
    result.maximumSkew = maximumSkew[lane]
    let count = Double(packets - 1)
    let divisor = count * sumTime2 - sumTime * sumTime
    if packets > 100, divisor > 0 {
      let slope = (count * sumProduct[lane] - sumTime * sumNominal[lane]) / divisor
      result.clockDrift = (slope - 1) * 1e6
    }
    return result
  }
}
