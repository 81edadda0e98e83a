// Watches what the SFU puts on the wire. RTP headers are in clear under SRTP (RFC 3711 §3.1), so the
// sequence numbers of every stream can be judged without a key, and whoever's SFU it is.

import Basics
import NetSim
import Wire

final class EgressTap: LinkTap {
  /// One outgoing stream.
  fileprivate struct Stream {
    var highest: Int64
    var missing: Set<Int64> = []
    var unwrapper: SequenceUnwrapper
  }

  private struct Key: Hashable {
    var remote: Address
    var ssrc: UInt32
  }

  private let link: LinkID
  private var streams: [Key: Stream] = [:]
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
    guard link == self.link, event == .entered, ipProtocol == .udp,
      PacketKind(bytes) == .rtp, let header = try? RTPHeader(bytes)
    else { return }
    let key = Key(remote: path.remote, ssrc: header.ssrc)
    guard streams[key] != nil else {
      var unwrapper = SequenceUnwrapper()
      let first = unwrapper.unwrap(header.sequenceNumber)
      streams[key] = Stream(highest: first, unwrapper: unwrapper)
      return
    }
    streams[key]!.note(header.sequenceNumber)
  }

  /// Sequence numbers of the stream that were skipped and never sent; nil for an unknown stream.
  func gaps(to remote: IPAddress, ssrc: UInt32) -> Int? {
    var found: Int?
    for (key, stream) in streams where key.ssrc == ssrc && key.remote.ip == remote {
      found = (found ?? 0) + stream.missing.count
    }
    return found
  }
}

extension EgressTap.Stream {
  /// Gaps of more than this are a stream that starts over.
  private static let maximumGap: Int64 = 1_000

  fileprivate mutating func note(_ sequenceNumber: UInt16) {
    let number = unwrapper.unwrap(sequenceNumber)
    if number > highest {
      if number - highest <= Self.maximumGap {
        for skipped in (highest + 1)..<number { missing.insert(skipped) }
      }
      highest = number
    } else {
      missing.remove(number)
    }
  }
}
