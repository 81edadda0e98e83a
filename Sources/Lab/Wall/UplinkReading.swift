// What a participant's uplink before a served SFU carried, and how long packets waited for it.

import Basics
import NetSim

/// Of the time since the reading before.
public struct UplinkReading: Sendable {
  /// On the wire, everything a participant sends.
  public var bytes: Int
  /// 95th percentile of the time that packets waited for their transmission, ms; nil without packets.
  public var queueP95: Double?
}

extension SFUBehindLinks {
  /// Puts the network's link of this name before a participant from now on; false for one who is not
  /// there, or for a link that is not.
  public func put(link name: String, before identity: String, at now: Instant) -> Bool {
    guard let link = network.link(named: name),
      let index = seats.firstIndex(where: { $0.identity == identity })
    else { return false }
    put(link, at: index, at: now)
    return true
  }

  /// Nil for one who is not there.
  public func readUplink(of identity: String) -> UplinkReading? {
    guard let index = seats.firstIndex(where: { $0.identity == identity }) else { return nil }
    let (simulator, link) = (clock.simulator, seats[index].up)
    let waits = simulator.waits(of: link).map(\.wait.milliseconds).sorted()
    let total = simulator.statistics(of: link).deliveredBytes
    defer {
      seats[index].readBytes = total
      simulator.logWaits(of: link)
    }
    return UplinkReading(
      bytes: total - seats[index].readBytes,
      queueP95: waits.isEmpty ? nil : waits[min(waits.count - 1, waits.count * 95 / 100)])
  }
}
