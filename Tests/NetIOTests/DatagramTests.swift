// UDP through the event loop: both ways, in batches, with ECN, past what the kernel refuses.

import Basics
import NetIO
import Testing

struct DatagramTests {
  @Test(arguments: [loopback, IPAddress("::1")!])
  func echoThroughTwoLoops(ip: IPAddress) throws {
    let server = try EventLoop()
    let client = try EventLoop()
    guard let there = try? server.bind(Address(ip, port: 0)) else {
      #expect(ip.family == .v6, "no IPv4 loopback")
      return
    }
    let here = try client.bind(Address(ip, port: 0))
    #expect(there.port != 0 && there.ip == ip)
    let echo = EchoNode()
    let listener = ListeningNode()
    let interface = Interface(name: "lo", ip: ip)
    _ = try server.attach(echo, interfaces: [interface], sockets: [there])
    let node = try client.attach(listener, interfaces: [interface], sockets: [here])
    // Runs of equal size, a shorter one behind them, and one of another size.
    let sizes = Array(repeating: 1_200, count: 70) + [400, 1, 1_200, 1_300, 0, 1_200]
    let payloads = sizes.enumerated().map { index, size in
      [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: size)
    }
    client.withNode(node) { _, _, outbox in
      for payload in payloads {
        var packet = outbox.pool.makePacket(payload)
        packet.ecn = payload.count == 1_300 ? .ect1 : .notCapable
        outbox.send(packet, on: Path(local: here, remote: there))
      }
    }
    let isDone = client.reaches {
      server.run(until: server.now + .milliseconds(1))
      return listener.datagrams.count == payloads.count
    }
    #expect(isDone)
    #expect(listener.datagrams == payloads, "one sender's datagrams keep their order on loopback")
    #expect(echo.ecn == payloads.map { $0.count == 1_300 ? .ect1 : .notCapable })
    #expect(listener.ecn == echo.ecn, "the mark goes back with the packet")
    #expect(client.counters.sent.packets == UInt64(payloads.count))
    #expect(client.counters.sent.bytes == UInt64(sizes.reduce(0, +)))
    #expect(client.counters.sent.batches < 5)
    #expect(server.counters.received.packets == UInt64(payloads.count))
    #expect(client.counters.sendErrors == 0)
  }

  @Test func aRefusedDatagramStopsNoOther() throws {
    let loop = try EventLoop()
    let here = try loop.bind(Address(loopback, port: 0))
    let there = try loop.bind(Address(loopback, port: 0))
    let sender = ListeningNode()
    let listener = ListeningNode()
    let node = try loop.attach(sender, interfaces: [loopbackInterface], sockets: [here])
    _ = try loop.attach(listener, interfaces: [loopbackInterface], sockets: [there])
    loop.withNode(node) { _, _, outbox in
      for port in [there.port, 0, there.port, 0, 0, there.port] {
        let path = Path(local: here, remote: Address(loopback, port: port))
        outbox.send(outbox.pool.makePacket([1, 2, 3]), on: path)
      }
      let nowhere = Path(local: Address(loopback, port: 1), remote: there)
      outbox.send(outbox.pool.makePacket([4]), on: nowhere)
    }
    #expect(loop.reaches { listener.datagrams.count == 3 })
    #expect(loop.counters.sendErrors == 3)
    #expect(loop.counters.unroutable == 1)
    #expect(loop.pool.inUse <= 32, "sent packets go back to the pool")
  }

  @Test func timeoutsComeWhenTheyAreDue() throws {
    let loop = try EventLoop()
    let node = ListeningNode()
    node.nextTimeout = loop.now + .milliseconds(5)
    _ = try loop.attach(node, interfaces: [], sockets: [])
    #expect(loop.reaches { node.timeouts == 1 })
    #expect(loop.counters.lag.count == 1)
  }

  @Test func aTakenPortIsAnError() throws {
    let loop = try EventLoop()
    let taken = try loop.bind(Address(loopback, port: 0))
    #expect(throws: NetIOError.addressInUse) { try loop.bind(taken) }
    let listening = try loop.listen(on: Address(loopback, port: 0))
    #expect(throws: NetIOError.addressInUse) { try loop.listen(on: listening) }
    #expect(throws: NetIOError.addressUnavailable) {
      try loop.bind(Address(IPAddress(v4: 198, 51, 100, 77), port: 0))
    }
  }
}
