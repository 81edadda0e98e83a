// WebSockets through the event loop: against plain sockets with hand-made frames, and both our ends.

import Basics
import NetIO
import Testing

struct WebSocketTests {
  @Test func upgradeEchoClose() throws {
    let server = try EchoServer()
    let connection = server.connect()
    let answer = connection.upgrade()
    #expect(answer.hasPrefix("HTTP/1.1 101 "))
    // RFC 6455 §1.3.
    #expect(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
    #expect(server.node.requests.first?.kind == .webSocket)
    connection.send(frame: 1, Array("héllo".utf8))
    let text = try #require(connection.readFrame())
    #expect(text.0 == 0x81 && text.1 == Array("héllo".utf8))
    connection.send(frame: 2, [0, 1, 2])
    let binary = try #require(connection.readFrame())
    #expect(binary.0 == 0x82 && binary.1 == [0, 1, 2])
    connection.send(frame: 9, [42])
    let pong = try #require(connection.readFrame())
    #expect(pong.0 == 0x8A && pong.1 == [42])
    connection.send(frame: 8, [0x03, 0xE9])
    let close = try #require(connection.readFrame())
    #expect(close.0 == 0x88 && close.1 == [0x03, 0xE9])
    connection.finish()
    _ = connection.readToEnd()
    #expect(server.node.events.last == "closed(code: 1001)")
    #expect(server.loop.reaches { server.loop.openConnections == 0 })
  }

  @Test func fragmentsBecomeOneMessage() throws {
    let server = try EchoServer()
    let connection = server.connect()
    _ = connection.upgrade()
    connection.send(frame: 2, [1], fin: false)
    connection.send(frame: 9, [])
    connection.send(frame: 0, [2], fin: false)
    connection.send(frame: 0, [3])
    #expect(connection.readFrame()?.0 == 0x8A, "control frames come in between")
    let message = try #require(connection.readFrame())
    #expect(message.0 == 0x82 && message.1 == [1, 2, 3])
  }

  @Test func framesBehindTheRequestAreNotLost() throws {
    let server = try EchoServer()
    let connection = server.connect()
    // A masked text frame "a" in the same segment as the request.
    connection.send(Array(webSocketRequest().utf8) + [0x81, 0x81, 0, 0, 0, 0, 0x61])
    #expect(server.loop.reaches { server.node.events.contains("message 1") })
  }

  @Test(arguments: [
    // Length of more than 2 MiB; RSV bits; a reserved opcode; unmasked; a fragmented ping; not UTF-8.
    ([0x82, 0xFF, 0, 0, 0, 0, 0, 0x20, 0, 1, 0, 0, 0, 0, 1], 1_009),
    ([0xC2, 0x81, 0, 0, 0, 0, 1], 1_002),
    ([0x83, 0x81, 0, 0, 0, 0, 1], 1_002),
    ([0x82, 0x01, 1], 1_002),
    // wslay ends this one without a code, which counts as 1005.
    ([0x09, 0x81, 0, 0, 0, 0, 1], 1_005),
    ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1_007),
  ])
  func brokenFramesEndTheirConnection(bytes: [UInt8], code: Int) throws {
    let server = try EchoServer()
    let connection = server.connect()
    _ = connection.upgrade()
    connection.send(bytes)
    let close = try #require(connection.readFrame())
    #expect(close.0 == 0x88)
    if code != 1_005 { #expect(close.1.prefix(2).reduce(0) { $0 << 8 | Int($1) } == code) }
    connection.finish()
    _ = connection.readToEnd()
    #expect(server.node.events.count == 2, "opened, closed")
    #expect(server.node.events.last == "closed(code: \(code))")
  }

  @Test(arguments: 0..<32)
  func garbageHarmsNobody(seed: Int) throws {
    let server = try EchoServer()
    var random = RandomStream(seed: UInt64(seed), name: "garbage")
    let connection = server.connect()
    if seed % 2 == 0 { _ = connection.upgrade() }
    connection.send(random.bytes(4_096))
    connection.finish()
    _ = connection.readToEnd()
    #expect(server.loop.reaches { server.loop.openConnections == 0 })
    #expect(server.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("HTTP/1.1 200"))
  }

  @Test func aRefusalIsAnHTTPAnswer() throws {
    let server = try EchoServer()
    server.node.refusal = StreamResponse(status: 401, body: Array("no".utf8))
    let client = ListeningNode()
    let node = try server.loop.attach(client, interfaces: [loopbackInterface], sockets: [])
    connect(node, server)
    #expect(server.loop.reaches { !client.responses.isEmpty })
    #expect(client.responses.first?.status == 401)
    #expect(client.responses.first?.body == Array("no".utf8))
    #expect(client.closures.isEmpty && !client.isAccepted)
  }

  @Test func ourTwoEndsUnderstandEachOther() throws {
    let server = try EchoServer()
    let client = ListeningNode()
    let node = try server.loop.attach(client, interfaces: [loopbackInterface], sockets: [])
    connect(node, server)
    #expect(server.loop.reaches { client.isAccepted })
    let large = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    server.loop.withNode(node) { _, _, outbox in
      outbox.send(.send(StreamID(1), Array("text".utf8), isText: true))
      outbox.send(.send(StreamID(1), large, isText: false))
    }
    #expect(server.loop.reaches { client.messages.count == 2 })
    #expect(client.messages.first?.isText == true && client.messages.last?.isText == false)
    #expect(client.messages.last?.bytes == large)
    server.loop.withNode(node) { _, _, outbox in
      outbox.send(.close(StreamID(1), code: 1_000))
    }
    #expect(server.loop.reaches { client.closures == [.closed(code: 1_000)] })
    #expect(server.node.events.last == "closed(code: 1000)")
    #expect(server.loop.reaches { server.loop.openConnections == 0 })
  }

  @Test func aSlowReaderIsDropped() throws {
    let server = try EchoServer()
    server.node.flood = 1 << 20
    let connection = server.connect()
    _ = connection.upgrade()
    // It asks and asks, and reads nothing of some 64 MiB.
    for _ in 0..<64 { connection.send(frame: 2, [1]) }
    #expect(server.loop.reaches { server.loop.openConnections == 0 })
    #expect(server.node.events.last == "lost")
    #expect(server.loop.counters.connectionsDropped == 1)
  }

  @Test func aReaderThatCatchesUpIsReported() throws {
    let server = try EchoServer()
    server.node.flood = 3 << 20
    let connection = server.connect()
    _ = connection.upgrade()
    connection.send(frame: 2, [1])
    #expect(connection.readFrame()?.1.count == 3 << 20)
    #expect(server.node.events.contains("writable"))
  }

  private func connect(_ node: NodeID, _ server: EchoServer) {
    server.loop.withNode(node) { _, _, outbox in
      outbox.send(
        .connect(
          StreamID(1), to: server.address, StreamRequest(kind: .webSocket, target: "/rtc")))
    }
  }
}
