// Finds the counterpart of each packet of one capture in another, and the first that has none.

import Basics
import Results

struct PacketMatcher {
  /// Packets of a stream that wait for their counterpart; the oldest is then taken for missing.
  private static let window = 4_096

  private struct Waiting {
    var packet: AlignedPacket
    var number: Int64
  }

  /// A stream of both files.
  private struct Pair {
    var key: StreamKey
    var packets = [0, 0]
    var highest: Int64?
    /// By side; in order of arrival.
    var waiting: [[Waiting]] = [[], []]
    var matched: ClosedRange<Int64>?
    /// Whether payloads were the same in the first packets of both.
    var comparesPayload: Bool?
    var onlyIn = [0, 0]
    var different = 0
    var outside = 0
    /// Of what is no RTP: after the first difference all that follows is shifted.
    var isClosed = false
  }

  private struct Found {
    var packets: [AlignedPacket?]
    var what: String

    var offset: Duration {
      packets[0]?.offset ?? packets[1]?.offset ?? .zero
    }
  }

  private let isExact: Bool
  private var pairs: [Pair] = []
  private var indices: [StreamKey: Int] = [:]
  /// Streams of an SSRC by place, for captures whose addresses differ.
  private var bySSRC: [UInt32: [Int]] = [:]
  private var seenKeys: [[StreamKey: Int]] = [[:], [:]]
  private var first: Found?
  private var ignored = 0

  init(isExact: Bool) { self.isExact = isExact }

  mutating func add(_ packet: AlignedPacket, side: Int) {
    guard let index = index(of: packet.key, side) else {
      ignored += 1
      return
    }
    pairs[index].packets[side] += 1
    guard !pairs[index].isClosed else { return }
    let number = extend(packet.sequenceNumber, index)
    pairs[index].highest = max(pairs[index].highest ?? number, number)
    let other = 1 - side
    if let place = pairs[index].waiting[other].firstIndex(where: { $0.number == number }) {
      let counterpart = pairs[index].waiting[other].remove(at: place)
      match(packet, counterpart.packet, side, number, index)
    } else {
      pairs[index].waiting[side].append(Waiting(packet: packet, number: number))
      if pairs[index].waiting[side].count > PacketMatcher.window {
        let oldest = pairs[index].waiting[side].removeFirst()
        giveUp(oldest, side, index)
      }
    }
  }

  // MARK: - Streams

  /// The same place, addresses and SSRC; else, where addresses may differ, the next stream of the
  /// SSRC that the other file has and this one has not yet.
  private mutating func index(of key: StreamKey, _ side: Int) -> Int? {
    if let known = seenKeys[side][key] { return known }
    var index = indices[key]
    if index == nil, !isExact, let ssrc = key.ssrc {
      let taken = Set(seenKeys[side].values)
      index = bySSRC[ssrc]?.first { !taken.contains($0) }
    }
    if index == nil {
      guard pairs.count < InspectionLimits.streams else { return nil }
      pairs.append(Pair(key: key))
      index = pairs.count - 1
      if let ssrc = key.ssrc { bySSRC[ssrc, default: []].append(pairs.count - 1) }
    }
    indices[key] = indices[key] ?? index
    seenKeys[side][key] = index
    return index
  }

  private func extend(_ value: UInt16, _ index: Int) -> Int64 {
    guard let highest = pairs[index].highest else { return Int64(value) + 0x1_0000 }
    return highest + Int64(Int16(bitPattern: value &- UInt16(truncatingIfNeeded: highest)))
  }

  // MARK: - Packets

  private mutating func match(
    _ packet: AlignedPacket, _ counterpart: AlignedPacket, _ side: Int, _ number: Int64,
    _ index: Int
  ) {
    let (a, b) = side == 0 ? (packet, counterpart) : (counterpart, packet)
    let range = pairs[index].matched
    pairs[index].matched =
      min(range?.lowerBound ?? number, number)...max(range?.upperBound ?? number, number)
    if pairs[index].comparesPayload == nil { pairs[index].comparesPayload = a.hash == b.hash }
    guard let what = difference(a, b, index) else { return }
    pairs[index].different += 1
    note(Found(packets: [a, b], what: what))
    if a.key.ssrc == nil { pairs[index].isClosed = true }
  }

  private func difference(_ a: AlignedPacket, _ b: AlignedPacket, _ index: Int) -> String? {
    if a.timestamp != b.timestamp {
      return "has timestamp \(a.timestamp) in A and \(b.timestamp) in B"
    }
    if a.payloadType != b.payloadType {
      return "has payload type \(a.payloadType) in A and \(b.payloadType) in B"
    }
    if a.marker != b.marker { return "has the marker in \(a.marker ? "A" : "B") only" }
    let comparesPayload = isExact || pairs[index].comparesPayload ?? false
    if comparesPayload {
      if a.size != b.size { return "has \(a.size) bytes in A and \(b.size) in B" }
      if a.hash != b.hash { return "has another payload in B" }
    }
    // Simulated times are the same to the nanosecond.
    guard isExact, a.offset != b.offset else { return nil }
    let milliseconds = (b.offset - a.offset).milliseconds
    return "is \(Moments.number(milliseconds.magnitude, 3)) ms "
      + "\(milliseconds > 0 ? "later" : "earlier") in B"
  }

  /// A packet whose counterpart did not come.
  private mutating func giveUp(_ waiting: Waiting, _ side: Int, _ index: Int) {
    guard isExact || pairs[index].matched != nil else {
      // Before the other file begins, or a stream that it lacks.
      pairs[index].outside += 1
      return
    }
    if !isExact, let matched = pairs[index].matched, !matched.contains(waiting.number) {
      pairs[index].outside += 1
      return
    }
    pairs[index].onlyIn[side] += 1
    var packets: [AlignedPacket?] = [nil, nil]
    packets[side] = waiting.packet
    note(Found(packets: packets, what: "is not in \(side == 0 ? "B" : "A")"))
    if waiting.packet.key.ssrc == nil { pairs[index].isClosed = true }
  }

  private mutating func note(_ found: Found) {
    if let first, first.offset <= found.offset { return }
    first = found
  }

  // MARK: - Result

  mutating func finish(_ labels: [UInt32: String]) -> PacketAlignment {
    for index in pairs.indices {
      for side in 0...1 {
        let rest = pairs[index].waiting[side]
        pairs[index].waiting[side] = []
        for waiting in rest where !pairs[index].isClosed { giveUp(waiting, side, index) }
      }
    }
    var result = PacketAlignment()
    for pair in pairs {
      guard let ssrc = pair.key.ssrc, isExact || pair.packets.allSatisfy({ $0 > 0 }) else {
        continue
      }
      var stream = DiffReport.StreamPair(
        ssrc: ssrc, label: labels[ssrc] ?? "", place: pair.key.place, packetsA: pair.packets[0],
        packetsB: pair.packets[1])
      (stream.onlyInA, stream.onlyInB) = (pair.onlyIn[0], pair.onlyIn[1])
      (stream.different, stream.outside) = (pair.different, pair.outside)
      result.streams.append(stream)
    }
    result.divergence = first.map { divergence($0, labels) }
    let uncompared = pairs.count {
      $0.key.ssrc != nil && $0.comparesPayload == false && $0.matched != nil
    }
    if !isExact, uncompared > 0 {
      result.notes.append(
        "Payloads of \(uncompared) streams differ from the first packet on, as of another "
          + "encryption: headers alone are compared.")
    }
    if ignored > 0 {
      result.notes.append("\(ignored) packets of further streams are not compared.")
    }
    return result
  }

  private func divergence(
    _ found: Found, _ labels: [UInt32: String]
  ) -> DiffReport.Divergence {
    let packet = found.packets[0] ?? found.packets[1]
    var name = "A datagram"
    if let packet, let ssrc = packet.key.ssrc {
      let label = labels[ssrc].map { "\($0) " } ?? ""
      name =
        "The packet of \(label)SSRC \(Moments.ssrc(ssrc)) with sequence number "
        + "\(packet.sequenceNumber)"
    } else if let packet {
      name = "A datagram from \(packet.key.source) to \(packet.key.destination)"
    }
    var place = packet.map { $0.key.place } ?? ""
    if !place.isEmpty { place = " on \(place)" }
    let numbers = zip(["A", "B"], found.packets).compactMap { name, packet in
      packet.map { "packet \($0.packetNumber) of \(name)" }
    }.joined(separator: ", ")
    let comment = zip(["A", "B"], found.packets).compactMap { name, packet in
      packet?.comment.map { "; \(name) says \"\($0)\"" }
    }.joined()
    let seconds = Moments.number(found.offset.seconds, 3)
    return DiffReport.Divergence(
      packetA: found.packets[0]?.packetNumber, packetB: found.packets[1]?.packetNumber,
      offset: found.offset.seconds,
      text: "They part at \(seconds) s: \(name)\(place) (\(numbers)) \(found.what)\(comment).")
  }
}
