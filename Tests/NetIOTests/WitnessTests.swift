// Python's `websockets` as the other end: it shares no line with our frames.

import Basics
import Foundation
import NetIO
import TestKit
import Testing

/// A running Python script; what it prints on its first line is known.
private final class Script {
  private let process = Process()
  let firstLine: String
  private let output = Pipe()

  init?(_ source: String, _ arguments: [String] = []) {
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [Python.path, "-W", "ignore", "-c", source] + arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    var line: [UInt8] = []
    while let byte = output.fileHandleForReading.readData(ofLength: 1).first, byte != 10 {
      line.append(byte)
    }
    firstLine = String(decoding: line, as: UTF8.self)
  }

  deinit { if process.isRunning { process.terminate() } }

  var isRunning: Bool { process.isRunning }
  var rest: String {
    String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }

  static let hasWebSockets = Python.has("websockets")
}

@Suite(.enabled(if: Script.hasWebSockets, "Python's websockets is not installed"))
struct WitnessTests {
  @Test func ourClientAndTheirServer() throws {
    let script = try #require(
      Script(
        """
        import asyncio, websockets
        async def echo(socket, *path):
            async for message in socket:
                if message == "bye":
                    await socket.close(4001)
                else:
                    await socket.send(message)
        async def main():
            async with websockets.serve(echo, "127.0.0.1", 0) as server:
                print(server.sockets[0].getsockname()[1], flush=True)
                await asyncio.Future()
        asyncio.run(main())
        """))
    let port = try #require(UInt16(script.firstLine))
    let loop = try EventLoop()
    let client = ListeningNode()
    let node = try loop.attach(client, interfaces: [loopbackInterface], sockets: [])
    let payloads = [0, 1, 125, 126, 65_535, 65_536, 500_000].map { size in
      [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size)
    }
    loop.withNode(node) { _, _, outbox in
      outbox.send(
        .connect(
          StreamID(1), to: Address(loopback, port: port),
          StreamRequest(kind: .webSocket, target: "/rtc?a=b")))
    }
    #expect(loop.reaches { client.isAccepted })
    loop.withNode(node) { _, _, outbox in
      for payload in payloads { outbox.send(.send(StreamID(1), payload, isText: false)) }
      outbox.send(.send(StreamID(1), Array("héllo".utf8), isText: true))
      outbox.send(.send(StreamID(1), Array("bye".utf8), isText: true))
    }
    #expect(loop.reaches { !client.closures.isEmpty })
    #expect(client.messages.map(\.bytes) == payloads + [Array("héllo".utf8)])
    #expect(client.messages.map(\.isText) == payloads.map { _ in false } + [true])
    #expect(client.closures == [.closed(code: 4_001)])
  }

  @Test func theirClientAndOurServer() throws {
    let server = try EchoServer()
    let script = try #require(
      Script(
        """
        import asyncio, sys, websockets
        async def main():
            print("started", flush=True)
            async with websockets.connect(sys.argv[1], max_size=None) as socket:
                for size in [0, 1, 125, 126, 65535, 65536, 500000]:
                    await socket.send(bytes([size % 251]) * size)
                    assert await socket.recv() == bytes([size % 251]) * size
                await socket.send(["frag", "men", "ted"])
                assert await socket.recv() == "fragmented"
                await (await socket.ping())
                await socket.close(4002)
                print(socket.close_code, "ended well")
        asyncio.run(main())
        """, ["ws://\(server.address)/rtc?x=y"]))
    #expect(server.loop.reaches { server.node.events.last == "closed(code: 4002)" })
    #expect(server.loop.reaches { !script.isRunning })
    #expect(script.rest.contains("4002 ended well"))
  }
}
