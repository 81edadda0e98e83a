// Two captures packet by packet: streams by place, SSRC and addresses, packets by sequence number.
// Memory does not grow with the files: what finds no counterpart within a window is told apart.

import Basics
import Capture
import Results
import Wire

public enum CaptureAlignment {
  /// - Parameters:
  ///   - isExact: the files are captures of one simulation: packets are expected at the same times,
  ///     all datagrams count, and nothing lies outside of what both hold.
  ///   - shift: by how much B begins later than A, where their clocks tell.
  ///   - labels: of streams by SSRC.
  /// - Throws: what reading throws.
  public static func compare(
    _ a: String, _ b: String, isExact: Bool, shift: Duration = .zero,
    labels: [UInt32: String] = [:], allowsDamage: Bool = false, progress: (Int64) -> Void = { _ in }
  ) throws(CaptureError) -> PacketAlignment {
    let sides = [
      try AlignedSide(a, isExact, allowsDamage, begins: max(.zero, .zero - shift)),
      try AlignedSide(b, isExact, allowsDamage, begins: max(.zero, shift)),
    ]
    var matcher = PacketMatcher(isExact: isExact)
    var read = 0
    while true {
      // The one that is behind, so that counterparts meet within the window.
      let isBehind = !sides[1].isAtEnd && sides[1].offset < sides[0].offset
      let index = sides[0].isAtEnd || isBehind ? 1 : 0
      guard !sides[index].isAtEnd else { break }
      guard let packet = try sides[index].next() else { continue }
      matcher.add(packet, side: index)
      read += 1
      if read & 0xFFF == 0 { progress(sides[0].bytesRead + sides[1].bytesRead) }
    }
    return matcher.finish(labels)
  }
}

/// One packet as it is compared.
struct AlignedPacket {
  var key: StreamKey
  /// RTP sequence number, or the place in its flow of what is no RTP.
  var sequenceNumber: UInt16
  var timestamp: UInt32
  var payloadType: UInt8
  var marker: Bool
  var size: Int
  var hash: UInt64
  var packetNumber: Int
  /// Since the file's first record.
  var offset: Duration
  /// As the file says of the packet: hostile text.
  var comment: String?
}

/// Where a stream was captured and what it is.
struct StreamKey: Hashable {
  /// Of the interface; empty without one.
  var place: String
  var source: Address
  var destination: Address
  /// Nil for what is no RTP.
  var ssrc: UInt32?
}

/// One of the files, read packet by packet.
private final class AlignedSide {
  private var reader: CaptureReader
  private let isExact: Bool
  private let allowsDamage: Bool
  private var waiting: [AlignedPacket] = []
  private var start: Instant?
  private var counts: [StreamKey: UInt16] = [:]
  private(set) var offset = Duration.zero
  private(set) var isAtEnd = false

  var bytesRead: Int64 { reader.bytesRead }

  private let begins: Duration

  init(
    _ file: String, _ isExact: Bool, _ allowsDamage: Bool, begins: Duration
  ) throws(CaptureError) {
    reader = try CaptureReader(file)
    self.begins = begins
    offset = begins
    self.isExact = isExact
    self.allowsDamage = allowsDamage
  }

  /// Nil at the end of the file.
  func next() throws(CaptureError) -> AlignedPacket? {
    while waiting.isEmpty {
      var found: [(CapturedDatagram, RTPFields?, UInt64)] = []
      let time: Instant?
      do throws(CaptureError) {
        time = try reader.readRecord { datagram, bytes in
          let fields =
            PacketKind(bytes) == .rtp
            ? RTPFields(bytes, originalSize: datagram.originalSize) : nil
          guard fields != nil || isExact else { return }
          var hash = TraceHash()
          hash.combine(bytes.extracting((fields?.headerSize ?? 0)..<bytes.byteCount))
          found.append((datagram, fields, hash.value))
        }
      } catch {
        guard allowsDamage else { throw error }
        time = nil
      }
      guard let time else {
        isAtEnd = true
        return nil
      }
      start = start ?? time
      offset = max(offset, begins + (time - (start ?? time)))
      for (datagram, fields, hash) in found.reversed() {
        if let packet = packet(datagram, fields, hash) { waiting.append(packet) }
      }
    }
    return waiting.removeLast()
  }

  private func packet(
    _ datagram: CapturedDatagram, _ fields: RTPFields?, _ hash: UInt64
  ) -> AlignedPacket? {
    let names = reader.annotations.interfaces
    let key = StreamKey(
      place: names.indices.contains(datagram.interface) ? names[datagram.interface] : "",
      source: datagram.source, destination: datagram.destination, ssrc: fields?.ssrc)
    var number = fields?.sequenceNumber ?? 0
    if fields == nil {
      guard counts[key] != nil || counts.count < InspectionLimits.streams else { return nil }
      number = counts[key, default: 0]
      counts[key] = number &+ 1
    }
    let last = reader.annotations.comments.last
    return AlignedPacket(
      key: key, sequenceNumber: number, timestamp: fields?.timestamp ?? 0,
      payloadType: fields?.payloadType ?? 0, marker: fields?.marker ?? false,
      size: datagram.originalSize, hash: hash, packetNumber: datagram.packetNumber,
      offset: begins + (datagram.time - (start ?? datagram.time)),
      comment: last?.packetNumber == datagram.packetNumber ? last?.text : nil)
  }
}
