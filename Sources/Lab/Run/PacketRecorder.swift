// Writes a run's packets: one pcapng with an interface per link end, and another for what the link lost,
// and the bots' media in clear beside it, for readers that cannot decrypt SRTP.

import Basics
import Capture
import NetSim
import Results
import Transport
import Wire

final class PacketRecorder: LinkTap {
  private let wire: PcapngWriter
  private let clear: PcapngWriter
  private var ends: [Int: Ends] = [:]
  private let clearInterface: PcapngWriter.Interface
  private var taps: [ClearTap] = []
  private var failure: (any Error)?
  private let settings: CaptureSettings
  /// Addresses of the participants whose packets are written; empty for all.
  private let addresses: Set<IPAddress>
  /// When the size limit was reached.
  private var ended: Instant?
  private static let epoch: Int64 = 1_767_225_600 * 1_000_000_000

  private struct Ends {
    var entry, exit, lost: PcapngWriter.Interface
  }

  /// - Throws: `RunError` for a participant that the scenario does not have.
  init(_ directory: String, world: World, _ settings: CaptureSettings) throws {
    self.settings = settings
    for name in settings.participants where world.seat(name) == nil {
      throw RunError.unknownParticipant(name, known: world.seats.map(\.member.identity))
    }
    let chosen = settings.participants.compactMap { world.seat($0) }
    addresses = Set(chosen.flatMap(\.addresses))
    wire = try PcapngWriter(
      directory + "/packets.pcapng", application: "assay", epoch: PacketRecorder.epoch,
      snapshotLength: settings.snapshotLength)
    clear = try PcapngWriter(
      directory + "/media-clear.pcapng", application: "assay", epoch: PacketRecorder.epoch,
      snapshotLength: settings.snapshotLength)
    clearInterface = try clear.addInterface("decrypted")
    for link in world.simulator.allLinks {
      let name = world.simulator.name(of: link)
      ends[link.index] = Ends(
        entry: try wire.addInterface("\(name) in"), exit: try wire.addInterface("\(name) out"),
        lost: try wire.addInterface("\(name) lost"))
    }
    for seat in world.seats {
      let tap = ClearTap(self)
      taps.append(tap)
      seat.bot.setTap(tap)
    }
  }

  func packet(
    on link: LinkID, event: LinkEvent, path: Path, protocol ipProtocol: IPProtocol, bytes: RawSpan,
    ecn: ECN, at now: Instant
  ) {
    guard ipProtocol == .udp, let ends = ends[link.index],
      isWanted(bytes, path.local, path.remote, at: now)
    else { return }
    do {
      switch event {
      case .entered:
        try wire.write(
          bytes, from: path.local, to: path.remote, ecn: ecn, at: now, on: ends.entry,
          .inbound, comment: nil)
      case .delivered:
        try wire.write(
          bytes, from: path.local, to: path.remote, ecn: ecn, at: now, on: ends.exit,
          .outbound, comment: nil)
      case .dropped(let reason):
        try wire.write(
          bytes, from: path.local, to: path.remote, ecn: ecn, at: now, on: ends.lost,
          .inbound, comment: "dropped: \(reason)")
      }
    } catch {
      failure = error
    }
  }

  fileprivate func agreed(keyLog: String) {
    guard failure == nil else { return }
    do {
      try wire.writeKeyLog(keyLog)
    } catch {
      failure = error
    }
  }

  fileprivate func media(_ bytes: RawSpan, from: Address, to: Address, at now: Instant) {
    guard isWanted(bytes, from, to, at: now) else { return }
    do {
      try clear.write(
        bytes, from: from, to: to, ecn: .notCapable, at: now, on: clearInterface, nil,
        comment: nil)
    } catch {
      failure = error
    }
  }

  // MARK: - What is wanted

  private func isWanted(
    _ bytes: RawSpan, _ from: Address, _ to: Address, at now: Instant
  ) -> Bool {
    guard failure == nil, ended == nil, settings.covers(now),
      addresses.isEmpty || addresses.contains(from.ip) || addresses.contains(to.ip),
      settings.kinds.isEmpty || settings.kinds.contains(CaptureSettings.Kind(bytes))
    else { return false }
    guard wire.bytesWritten + clear.bytesWritten < settings.sizeLimit else {
      ended = now
      return false
    }
    return true
  }

  /// Where the size limit ended the captures; nil where it did not.
  var endMark: TimelineMark? {
    guard let ended else { return nil }
    let limit = Moments.number(Double(settings.sizeLimit) / 1e6, 1)
    return TimelineMark(
      kind: .event, at: ended.seconds, until: nil,
      label: "captures end: \(limit) MB are written (--pcap-size)", subject: "")
  }

  /// - Throws: what went wrong while writing, such as a full disk.
  func close() throws {
    if let failure { throw failure }
    try wire.close()
    try clear.close()
  }
}

/// A bot's media as it sends and receives it.
private final class ClearTap: MediaTap {
  private unowned let recorder: PacketRecorder

  init(_ recorder: PacketRecorder) { self.recorder = recorder }

  func sent(_ packet: RawSpan, on path: Path, at now: Instant) {
    recorder.media(packet, from: path.local, to: path.remote, at: now)
  }

  func agreed(keyLog: String) { recorder.agreed(keyLog: keyLog) }

  func received(_ packet: RawSpan, on path: Path, at now: Instant) {
    recorder.media(packet, from: path.remote, to: path.local, at: now)
  }
}

extension CaptureSettings.Kind {
  fileprivate init(_ bytes: RawSpan) {
    switch PacketKind(bytes) {
    case .rtp: self = .rtp
    case .rtcp: self = .rtcp
    case .stun: self = .stun
    case .dtls: self = .dtls
    default: self = .other
    }
  }
}
