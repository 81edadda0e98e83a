// Watches what the SFU puts on the wire. RTP headers are in clear under SRTP (RFC 3711 §3.1), so the
// sequence numbers of every stream can be judged without a key, and whoever's SFU it is.

import Basics
import NetSim
import Wire

final class EgressTap: LinkTap {
  /// One outgoing stream.
  fileprivate struct Stream {
    var highest: Int64
    let first: Int64
    /// Numbers that a pause has left behind.
    var abandoned: Set<Int64> = []
    /// Numbers that were skipped of late, and when.
    var missing: [Int64: Instant] = [:]
    /// How many were skipped and will not come any more.
    var settled = 0
    /// Missing numbers are looked through when there are so many.
    var crowded = leastCrowd
    var unwrapper: SequenceUnwrapper
    var last: Instant
  }

  /// Whoever moves to another address goes on with the streams it has.
  private struct Key: Hashable {
    var viewer: Int
    var ssrc: UInt32
  }

  private let link: LinkID
  private var streams: [Key: Stream] = [:]
  /// Numbers skipped in streams that stopped long ago.
  private var over: [Key: Int] = [:]
  /// Packets under a number that their stream had used before, by viewer.
  private var repeated: [Int: Int] = [:]
  /// Streams are looked through for those when there are so many.
  private var crowded = EgressTap.leastCrowd
  private static let leastCrowd = 256
  private static let longAgo = Duration.seconds(60)
  /// Packets of a stream that the SFU sent and a link behind it lost.
  private var lost: [Key: Int] = [:]
  private let next: (any LinkTap)?
  /// RTP packets of all streams.
  private(set) var packets = 0

  private unowned let world: World
  /// The place of the seat that has, or had, an address.
  private var seats: [IPAddress: Int] = [:]

  /// Watches the first link out of the world's SFU.
  /// - Parameter next: another tap that sees everything too.
  init(_ world: World, next: (any LinkTap)?) {
    link = world.sfuUplink
    self.next = next
    self.world = world
  }

  private func viewer(at ip: IPAddress) -> Int? {
    if let known = seats[ip] { return known }
    let found = world.seats.firstIndex { $0.addresses.contains(ip) }
    if let found { seats[ip] = found }
    return found
  }

  func packet(
    on link: LinkID, event: LinkEvent, path: Path, protocol ipProtocol: IPProtocol, bytes: RawSpan,
    ecn: ECN, at now: Instant
  ) {
    next?.packet(
      on: link, event: event, path: path, protocol: ipProtocol, bytes: bytes, ecn: ecn, at: now)
    // What found no way to its viewer had its number all the same.
    let isOurs = link == self.link && event == .entered || link == .none
    // What is too large for a link never comes through, however often it is sent.
    let isLoss = event != .entered && event != .delivered && event != .dropped(.tooLarge)
    guard isOurs || isLoss, ipProtocol == .udp, PacketKind(bytes) == .rtp,
      let header = StreamHeader(bytes)
    else { return }
    guard let viewer = viewer(at: path.remote.ip) else { return }
    if isOurs { packets += 1 }
    let key = Key(viewer: viewer, ssrc: header.ssrc)
    guard isOurs else {
      lost[key, default: 0] += 1
      return
    }
    guard streams[key] != nil else {
      if streams.count >= crowded { endStreams(at: now) }
      var unwrapper = SequenceUnwrapper()
      let first = unwrapper.unwrap(header.sequenceNumber)
      streams[key] = Stream(highest: first, first: first, unwrapper: unwrapper, last: now)
      return
    }
    if !streams[key]!.note(header.sequenceNumber, at: now) { repeated[viewer, default: 0] += 1 }
  }

  private func endStreams(at now: Instant) {
    for (key, stream) in streams where now - stream.last > EgressTap.longAgo {
      over[key, default: 0] += stream.skipped
      streams[key] = nil
    }
    crowded = EgressTap.leastCrowd + 2 * streams.count
  }

  /// Packets of the stream that were lost behind the SFU.
  func lostPackets(to viewer: Int, ssrc: UInt32) -> Int {
    lost[Key(viewer: viewer, ssrc: ssrc)] ?? 0
  }

  /// Packets to a viewer under a number that their stream had used before: with one key, the media
  /// could be read from the two (RFC 3711 §9.1).
  func repeatedNumbers(to viewer: Int) -> Int { repeated[viewer] ?? 0 }

  /// Sequence numbers of the stream that were skipped and never sent; nil for an unknown stream.
  func gaps(to viewer: Int, ssrc: UInt32) -> Int? {
    let key = Key(viewer: viewer, ssrc: ssrc)
    guard let before = over[key] else { return streams[key]?.skipped }
    return before + (streams[key]?.skipped ?? 0)
  }
}

extension EgressTap.Stream {
  /// Gaps of more than this are a stream that starts over.
  private static let maximumGap: Int64 = 1_000
  /// Nothing comes any more for which so many newer numbers have come: no repair is that late.
  private static let reach: Int64 = 5_000
  private static let leastCrowd = 64
  /// A stream silent for so long was stopped: what overtaking left to come shortly before has no use
  /// any more.
  private static let stop = Duration.milliseconds(500)
  private static let overtaking = Duration.milliseconds(200)

  /// - Returns: false for a number that had been sent before.
  fileprivate mutating func note(_ sequenceNumber: UInt16, at now: Instant) -> Bool {
    let number = unwrapper.unwrap(sequenceNumber)
    if now - last >= Self.stop {
      // Those of an earlier stop may still come, late.
      abandoned = abandoned.filter { highest - $0 < Self.reach }
      abandoned.formUnion(missing.filter { isAtTheEnd($0.value) }.keys)
      missing = missing.filter { !isAtTheEnd($0.value) }
    }
    last = now
    if missing.count >= crowded { settle() }
    if number > highest {
      if number - highest <= Self.maximumGap {
        for skipped in (highest + 1)..<number { missing[skipped] = now }
      }
      highest = number
      return true
    }
    return missing.removeValue(forKey: number) != nil || number < first
      || highest - number >= Self.reach || abandoned.remove(number) != nil
  }

  private func isAtTheEnd(_ moment: Instant) -> Bool { last - moment < Self.overtaking }

  private mutating func settle() {
    let recent = missing.filter { highest - $0.key < Self.reach }
    settled += missing.count - recent.count
    missing = recent
    crowded = Self.leastCrowd + 2 * recent.count
  }

  fileprivate var skipped: Int { settled + missing.values.count { !isAtTheEnd($0) } }
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
