// When anything of each participant reached the SFU, read off the last link before it: presence is judged
// by it (criterion 003:24).

import Basics
import NetSim
import RefSFU
import Results

final class ArrivalTap: LinkTap {
  /// Moments in order, those closer together than `PresenceRecord.gap` joined to one span.
  struct Spans {
    fileprivate var all: [ClosedRange<Instant>] = []

    mutating func note(_ now: Instant) { note(now...now) }

    /// - Parameter span: begins no earlier than the last one did.
    fileprivate mutating func note(_ span: ClosedRange<Instant>) {
      guard let last = all.last, span.lowerBound - last.upperBound < PresenceRecord.gap else {
        return all.append(span)
      }
      all[all.count - 1] = last.lowerBound...max(last.upperBound, span.upperBound)
    }
  }

  private struct Source {
    var datagrams = Spans()
    var everything = Spans()

    mutating func note(_ now: Instant, isDatagram: Bool) {
      if isDatagram { datagrams.note(now) }
      everything.note(now)
    }
  }

  private let link: LinkID
  /// Datagrams of all sources.
  private(set) var count = 0
  private var sources: [IPAddress: Source] = [:]
  private let next: (any LinkTap)?

  /// - Parameters:
  ///   - link: the last link before the SFU.
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
    guard link == self.link, event == .delivered else { return }
    if ipProtocol == .udp { count += 1 }
    sources[path.local.ip, default: Source()].note(now, isDatagram: ipProtocol == .udp)
  }

  /// What the SFU must have heard: a datagram shows its sender, whoever reads it.
  func datagrams(from addresses: [IPAddress]) -> [ClosedSpan] { merged(addresses, \.datagrams) }

  /// What it may have heard: a segment may wait for another one, or carry nothing.
  func everything(from addresses: [IPAddress]) -> [ClosedSpan] { merged(addresses, \.everything) }

  private func merged(_ addresses: [IPAddress], _ kind: KeyPath<Source, Spans>) -> [ClosedSpan] {
    var result = Spans()
    let spans = addresses.flatMap { sources[$0]?[keyPath: kind].all ?? [] }
    for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) { result.note(span) }
    return result.all.map(ClosedSpan.init)
  }
}
