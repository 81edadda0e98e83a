// What a connection may not do for too long, on a clock of the test's own.

import Basics
import Testing

@testable import NetIO

struct ConnectionTimeoutTests {
  private func makeConnection(request: StreamRequest? = nil) -> StreamConnection {
    StreamConnection(
      token: 0, host: 0, id: StreamID(1), remote: Address(loopback, port: 1), descriptor: -1,
      request: request, at: .zero)
  }

  private func read(_ text: String, into connection: StreamConnection, at now: Instant) {
    Array(text.utf8).withUnsafeBytes { connection.read($0, at: now) }
  }

  @Test func aRequestThatNeverEnds() {
    let connection = makeConnection()
    read("GET /", into: connection, at: .zero)
    for second in 0..<10 {
      read("x", into: connection, at: .seconds(Double(second)))
      connection.handleTimeout(at: .seconds(Double(second)))
    }
    #expect(connection.phase != .over, "bytes that trickle in do not extend the time")
    connection.handleTimeout(at: .seconds(10))
    #expect(connection.phase == .over)
    #expect(connection.events.isEmpty, "the node never knew of it")
  }

  @Test func aServerThatNeverAnswers() {
    let connection = makeConnection(request: StreamRequest(kind: .webSocket, target: "/"))
    connection.connected()
    connection.handleTimeout(at: .seconds(10))
    #expect(connection.phase == .over)
    guard case .closed(_, .lost) = connection.events.last else {
      Issue.record("the node waits for ever")
      return
    }
  }

  @Test func aWebSocketThatFallsSilent() {
    let connection = makeConnection()
    read(webSocketRequest(), into: connection, at: .zero)
    connection.accept()
    connection.output.removeFirst(connection.output.count)
    connection.handleTimeout(at: .seconds(9))
    #expect(connection.output.isEmpty)
    connection.handleTimeout(at: .seconds(10))
    connection.handleTimeout(at: .seconds(11))
    #expect(connection.output.withBytes { Array($0) } == [0x89, 0], "one ping")
    connection.handleTimeout(at: .seconds(30))
    #expect(connection.phase == .over && connection.wasDropped)
    guard case .closed(_, .lost) = connection.events.last else {
      Issue.record("the node is not told")
      return
    }
  }

  @Test func aCloseThatIsNotAnswered() {
    let connection = makeConnection()
    read(webSocketRequest(), into: connection, at: .zero)
    connection.accept()
    connection.close(code: 1_000, at: .seconds(1))
    connection.handleTimeout(at: .seconds(3))
    #expect(connection.phase == .closing)
    connection.handleTimeout(at: .seconds(4))
    #expect(connection.phase == .over)
    guard case .closed(_, .lost) = connection.events.last else {
      Issue.record("the node is not told")
      return
    }
  }
}
