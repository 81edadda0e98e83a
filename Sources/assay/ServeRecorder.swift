// What `serve --pcap` writes: every datagram of the SFU with the secrets of its DTLS associations, and
// beside it all media in clear, for readers that cannot decrypt SRTP.

import Basics
import Capture
import RefSFU
import Transport

/// Stands between a driver and the SFU, and writes down what passes.
final class ServeRecorder: Node, MediaTap {
  private let next: any Node
  private let wire: PcapngWriter
  private let clear: PcapngWriter
  private let wireInterface: PcapngWriter.Interface
  private let clearInterface: PcapngWriter.Interface
  private var failure: CaptureError?

  /// - Parameters:
  ///   - next: who gets what comes: the SFU, or what stands before it.
  ///   - epoch: Unix time, in nanoseconds, of the loop's beginning.
  init(
    _ sfu: SFU, behind next: any Node, directory: String, epoch: Int64
  ) throws(CaptureError) {
    self.next = next
    wire = try PcapngWriter(directory + "/packets.pcapng", application: "assay", epoch: epoch)
    clear = try PcapngWriter(directory + "/media-clear.pcapng", application: "assay", epoch: epoch)
    wireInterface = try wire.addInterface("serve")
    clearInterface = try clear.addInterface("decrypted")
    sfu.tap = self
  }

  /// - Throws: what went wrong while writing, such as a full disk.
  func close() throws(CaptureError) {
    if let failure { throw failure }
    try wire.close()
    try clear.close()
  }

  // MARK: - Node

  var nextTimeout: Instant? { next.nextTimeout }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    write(packet.bytes, from: path.remote, to: path.local, .inbound, at: now)
    let before = outbox.packets.count
    next.receive(packet, on: path, at: now, into: &outbox)
    writeSent(after: before, of: &outbox, at: now)
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    let before = outbox.packets.count
    next.receive(event, at: now, into: &outbox)
    writeSent(after: before, of: &outbox, at: now)
  }

  func interfacesChanged(_ interfaces: [Interface], at now: Instant, into outbox: inout Outbox) {
    next.interfacesChanged(interfaces, at: now, into: &outbox)
  }

  func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    let before = outbox.packets.count
    next.handleTimeout(at: now, into: &outbox)
    writeSent(after: before, of: &outbox, at: now)
  }

  // MARK: - Datagrams

  private func writeSent(after before: Int, of outbox: inout Outbox, at now: Instant) {
    for index in before..<max(before, outbox.packets.count) {
      outbox.packets.withElement(at: index) { out in
        write(out.packet.bytes, from: out.path.local, to: out.path.remote, .outbound, at: now)
      }
    }
  }

  private func write(
    _ bytes: RawSpan, from: Address, to: Address, _ direction: PcapngWriter.Direction,
    at now: Instant
  ) {
    guard failure == nil else { return }
    do throws(CaptureError) {
      try wire.write(bytes, from: from, to: to, at: now, on: wireInterface, direction)
    } catch {
      failure = error
    }
  }

  // MARK: - Media

  func sent(_ packet: RawSpan, on path: Path, at now: Instant) {
    writeClear(packet, from: path.local, to: path.remote, .outbound, at: now)
  }

  func received(_ packet: RawSpan, on path: Path, at now: Instant) {
    writeClear(packet, from: path.remote, to: path.local, .inbound, at: now)
  }

  func agreed(keyLog: String) {
    guard failure == nil else { return }
    do throws(CaptureError) {
      try wire.writeKeyLog(keyLog)
    } catch {
      failure = error
    }
  }

  private func writeClear(
    _ bytes: RawSpan, from: Address, to: Address, _ direction: PcapngWriter.Direction,
    at now: Instant
  ) {
    guard failure == nil else { return }
    do throws(CaptureError) {
      try clear.write(bytes, from: from, to: to, at: now, on: clearInterface, direction)
    } catch {
      failure = error
    }
  }
}
