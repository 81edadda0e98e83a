// Groups packets by their departure and compares how far apart the groups left and arrived
// (libwebrtc modules/congestion_controller/goog_cc/inter_arrival_delta.cc, revision 3710345).

import Basics

public struct InterArrivalDelta: Sendable {
  /// How far two groups lie apart.
  public struct Deltas: Sendable, Equatable {
    public var send: Duration
    public var arrival: Duration
    /// Bytes by which the later group is larger.
    public var size: Int64
  }

  private struct Group {
    var firstSend: Instant
    var lastSend: Instant
    var firstArrival: Instant
    var complete: Instant
    var lastSystem: Instant
    var size: Int64 = 0
  }

  public static let groupLength = Duration.milliseconds(5)
  private static let burstDelta = Duration.milliseconds(5)
  private static let longestBurst = Duration.milliseconds(100)
  private static let reorderedGroups = 3
  private static let clockJump = Duration.seconds(3)

  private let groupLength: Duration
  private var current: Group?
  private var previous: Group?
  private var reordered = 0

  public init(groupLength: Duration = InterArrivalDelta.groupLength) {
    self.groupLength = groupLength
  }

  /// Takes a packet; the result is of the two groups before the one that it opens.
  /// - Parameter system: when its feedback came.
  public mutating func add(
    sent: Instant, arrival: Instant, system: Instant, size: DataSize
  ) -> Deltas? {
    guard var group = current else {
      current = Group(
        firstSend: sent, lastSend: sent, firstArrival: arrival, complete: arrival,
        lastSystem: system, size: size.bytes)
      return nil
    }
    guard sent >= group.firstSend else { return nil }
    var deltas: Deltas?
    if opensGroup(after: group, sent: sent, arrival: arrival) {
      if let previous {
        switch compare(previous, group) {
        case .clockJumped:
          reset()
          return nil
        case .reordered:
          reordered += 1
          if reordered >= InterArrivalDelta.reorderedGroups { reset() }
          return nil
        case .deltas(let found):
          reordered = 0
          deltas = found
        }
      }
      previous = group
      group = Group(
        firstSend: sent, lastSend: sent, firstArrival: arrival, complete: arrival,
        lastSystem: system)
    } else {
      group.lastSend = max(group.lastSend, sent)
    }
    group.size += size.bytes
    group.complete = arrival
    group.lastSystem = system
    current = group
    return deltas
  }

  private enum Comparison {
    case clockJumped
    case reordered
    case deltas(Deltas)
  }

  private func compare(_ earlier: Group, _ later: Group) -> Comparison {
    let arrival = later.complete - earlier.complete
    if arrival - (later.lastSystem - earlier.lastSystem) >= InterArrivalDelta.clockJump {
      return .clockJumped
    }
    if arrival < .zero { return .reordered }
    return .deltas(
      Deltas(
        send: later.lastSend - earlier.lastSend, arrival: arrival,
        size: later.size - earlier.size))
  }

  private func opensGroup(after group: Group, sent: Instant, arrival: Instant) -> Bool {
    !belongsToBurst(of: group, sent: sent, arrival: arrival)
      && sent - group.firstSend > groupLength
  }

  /// Packets that waited together, in Wi-Fi or behind a scheduler, come as one.
  private func belongsToBurst(of group: Group, sent: Instant, arrival: Instant) -> Bool {
    let arrivalDelta = arrival - group.complete
    let sendDelta = sent - group.lastSend
    if sendDelta == .zero { return true }
    return arrivalDelta - sendDelta < .zero && arrivalDelta <= InterArrivalDelta.burstDelta
      && arrival - group.firstArrival < InterArrivalDelta.longestBurst
  }

  private mutating func reset() {
    reordered = 0
    current = nil
    previous = nil
  }
}
