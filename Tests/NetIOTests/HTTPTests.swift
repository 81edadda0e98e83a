// HTTP/1.1 through the event loop, against plain sockets.

import Basics
import NetIO
import Testing

struct HTTPTests {
  @Test func requestAndResponse() throws {
    let server = try EchoServer()
    let answer = server.exchange(
      "POST /twirp/x?y=%20z HTTP/1.1\r\nHost: a\r\nContent-Type:  text/plain \r\nX-Empty:\r\n"
        + "Content-Length: 5\r\n\r\nhello")
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("content-length: 5\r\n"))
    #expect(answer.hasSuffix("\r\n\r\nhello"))
    let request = try #require(server.node.requests.first)
    #expect(request.kind == .http && request.method == "POST")
    #expect(request.target == "/twirp/x?y=%20z")
    #expect(request.header("content-type") == "text/plain")
    #expect(request.header("x-empty") == "")
    #expect(request.body == Array("hello".utf8))
  }

  @Test func chunkedBodyAndHEAD() throws {
    let server = try EchoServer()
    let answer = server.exchange(
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    #expect(answer.hasSuffix("\r\n\r\nabcde"))
    let head = server.exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("\r\n\r\n"))
  }

  @Test func aRequestInSingleBytes() throws {
    let server = try EchoServer()
    let connection = server.connect()
    for byte in "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n".utf8 {
      connection.send([byte])
      server.loop.run(until: server.loop.now)
    }
    connection.finish()
    let answer = String(decoding: connection.readToEnd(), as: UTF8.self)
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(server.node.events == ["opened GET /slow"])
  }

  @Test(arguments: [
    ("nonsense\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", 413),
    ("GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 17_000) + "\r\n\r\n", 431),
    (webSocketRequest(version: "8"), 426),
    ("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 400),
  ])
  func badRequestsReachNoNode(request: String, status: Int) throws {
    let server = try EchoServer()
    #expect(server.exchange(request).hasPrefix("HTTP/1.1 \(status) "))
    #expect(server.node.events.isEmpty)
  }

  @Test func halfOpenConnectionsAreNobodysBusiness() throws {
    let server = try EchoServer()
    let silent = (0..<20).map { _ in server.connect() }
    let partial = server.connect()
    partial.send(Array("GET / HT".utf8))
    #expect(server.loop.reaches { server.loop.openConnections == 21 })
    #expect(server.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("HTTP/1.1 200"))
    for connection in silent { connection.finish() }
    partial.finish()
    #expect(server.loop.reaches { server.loop.openConnections == 0 })
    #expect(server.node.events == ["opened GET /"])
  }

  @Test func theClientGetsItsAnswer() throws {
    let server = try EchoServer()
    let client = ListeningNode()
    let node = try server.loop.attach(client, interfaces: [loopbackInterface], sockets: [])
    server.loop.withNode(node) { _, _, outbox in
      let request = StreamRequest(
        kind: .http, method: "POST", target: "/x", headers: [("x-name", "value")],
        body: Array("body".utf8))
      outbox.send(.connect(StreamID(1), to: server.address, request))
    }
    #expect(server.loop.reaches { !client.responses.isEmpty })
    #expect(client.responses.first?.status == 200)
    #expect(client.responses.first?.body == Array("body".utf8))
    #expect(server.node.requests.first?.header("x-name") == "value")
    #expect(client.closures.isEmpty)
  }

  @Test func aClientWithoutServerIsToldSo() throws {
    let server = try EchoServer()
    let client = ListeningNode()
    let node = try server.loop.attach(client, interfaces: [loopbackInterface], sockets: [])
    server.loop.stopListening()
    server.loop.withNode(node) { _, _, outbox in
      outbox.send(
        .connect(
          StreamID(1), to: server.address, StreamRequest(kind: .webSocket, target: "/rtc")))
    }
    #expect(server.loop.reaches { client.closures == [.lost] })
  }
}
