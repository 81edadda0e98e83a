// Writes a run's packets: one pcapng with an interface per link end, and another for what the link lost,
// and the bots' media in clear beside it, for readers that cannot decrypt SRTP.

import Basics
import Capture
import NetSim
import Transport

final class PacketRecorder: LinkTap {
  private let wire: PcapngWriter
  private let clear: PcapngWriter
  private var ends: [Int: Ends] = [:]
  private let clearInterface: PcapngWriter.Interface
  private var taps: [ClearTap] = []
  private var failure: (any Error)?
  private static let epoch: Int64 = 1_767_225_600 * 1_000_000_000

  private struct Ends {
    var entry, exit, lost: PcapngWriter.Interface
  }

  init(_ directory: String, world: World) throws {
    wire = try PcapngWriter(
      directory + "/packets.pcapng", application: "assay", epoch: PacketRecorder.epoch)
    clear = try PcapngWriter(
      directory + "/media-clear.pcapng", application: "assay", epoch: PacketRecorder.epoch)
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
    guard ipProtocol == .udp, failure == nil, let ends = ends[link.index] else { return }
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
    guard failure == nil else { return }
    do {
      try clear.write(
        bytes, from: from, to: to, ecn: .notCapable, at: now, on: clearInterface, nil,
        comment: nil)
    } catch {
      failure = error
    }
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
