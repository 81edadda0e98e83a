// A bot that speaks to another kind of SFU: a node around it turns its signalling into what that speaks.

import Basics

/// A bot with another signalling than its own.
public protocol SignallingAdapter: Node {
  var bot: Bot { get }
  /// Takes out of `outbox` what the bot wants of its stream, and does the like of it.
  func translate(at now: Instant, into outbox: inout Outbox)
}

/// Media is the bot's own affair.
extension SignallingAdapter {
  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    bot.receive(packet, on: path, at: now, into: &outbox)
    translate(at: now, into: &outbox)
  }

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {
    bot.interfacesChanged(interfaces, at: now, into: &outbox)
    translate(at: now, into: &outbox)
  }
}
