// Watches what the SFU puts on the wire. RTP headers are in clear under SRTP (RFC 3711 §3.1), so the
// sequence numbers of every stream can be judged without a key, and whoever's SFU it is.

import Basics
import NetSim
import Wire

final class EgressTap: LinkTap {
  /// One outgoing stream.
  fileprivate struct Stream {
    var highest: Int64
    var packets = 1
    /// Numbers that were skipped, and when.
    var missing: [Int64: Instant] = [:]
    var unwrapper: SequenceUnwrapper
    var last: Instant
  }

  private struct Key: Hashable {
    var remote: Address
    var ssrc: UInt32
  }

  private let link: LinkID
  private var streams: [Key: Stream] = [:]
  /// Packets of a stream that the SFU sent and a link behind it lost.
  private var lost: [Key: Int] = [:]
  private let next: (any LinkTap)?

  /// - Parameters:
  ///   - link: the first link out of the SFU.
  ///   - next: another tap that sees everything too.
  init(link: LinkID, next: (any LinkTap)?) {
    self.link = link
    self.next = next
  }

  func packet(
    on link: LinkID, event: LinkEvent, path: Path, protocol ipProtocol: IPProtocol, bytes: RawSpan,
    ecn: ECN, at now: Instant
  ) {
    next?.packet(
      on: link, event: event, path: path, protocol: ipProtocol, bytes: bytes, ecn: ecn, at: now)
    let isOurs = link == self.link && event == .entered
    let isLoss = event != .entered && event != .delivered
    guard isOurs || isLoss, ipProtocol == .udp, PacketKind(bytes) == .rtp,
      let header = StreamHeader(bytes)
    else { return }
    let key = Key(remote: path.remote, ssrc: header.ssrc)
    guard isOurs else {
      lost[key, default: 0] += 1
      return
    }
    guard streams[key] != nil else {
      var unwrapper = SequenceUnwrapper()
      let first = unwrapper.unwrap(header.sequenceNumber)
      streams[key] = Stream(highest: first, unwrapper: unwrapper, last: now)
      return
    }
    streams[key]!.note(header.sequenceNumber, at: now)
  }

  /// Packets of the stream that were lost behind the SFU.
  func lostPackets(to remotes: [IPAddress], ssrc: UInt32) -> Int {
    lost.reduce(0) { sum, entry in
      entry.key.ssrc == ssrc && remotes.contains(entry.key.remote.ip) ? sum + entry.value : sum
    }
  }

  /// Sequence numbers of the stream that were skipped and never sent; nil for an unknown stream.
  func gaps(to remotes: [IPAddress], ssrc: UInt32) -> Int? {
    var found: Int?
    for (key, stream) in streams where key.ssrc == ssrc && remotes.contains(key.remote.ip) {
      found = (found ?? 0) + stream.skipped
    }
    return found
  }
}

extension EgressTap.Stream {
  /// Gaps of more than this are a stream that starts over.
  private static let maximumGap: Int64 = 1_000
  /// A stream silent for so long was stopped: what overtaking left to come shortly before has no use
  /// any more.
  private static let stop = Duration.milliseconds(500)
  private static let overtaking = Duration.milliseconds(200)

  fileprivate mutating func note(_ sequenceNumber: UInt16, at now: Instant) {
    let number = unwrapper.unwrap(sequenceNumber)
    packets += 1
    if now - last >= Self.stop { missing = missing.filter { !isAtTheEnd($0.value) } }
    last = now
    if number > highest {
      if number - highest <= Self.maximumGap {
        for skipped in (highest + 1)..<number { missing[skipped] = now }
      }
      highest = number
    } else {
      missing[number] = nil
    }
  }

  private func isAtTheEnd(_ moment: Instant) -> Bool { last - moment < Self.overtaking }

  fileprivate var skipped: Int { missing.values.count { !isAtTheEnd($0) } }
}

/// The part of an SRTP packet's header that tells streams apart. Padding is encrypted with the payload,
/// so the padding bit says nothing here.
private struct StreamHeader {
  let sequenceNumber: UInt16
  let ssrc: UInt32

  init?(_ bytes: RawSpan) {
    var reader = ByteReader(bytes)
    guard let first = try? reader.u8(), first >> 6 == 2, (try? reader.u8()) != nil,
      let sequenceNumber = try? reader.u16(), (try? reader.u32()) != nil,
      let ssrc = try? reader.u32()
    else { return nil }
    self.sequenceNumber = sequenceNumber
    self.ssrc = ssrc
  }
}
