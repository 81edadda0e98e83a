// Every limit and interval of the driver for real sockets.

import Basics

enum NetIOLimits {
  // MARK: Datagrams

  /// Datagrams taken from a socket in one call.
  static let receiveBatch = 32
  /// Full batches taken from one socket before the others have their turn.
  static let batchesInARow = 8
  /// Datagrams handed to the kernel in one call; that of CLinux.
  static let sendBatch = 64
  /// Bytes that the kernel may hold of a UDP socket, each way; it takes what its own limit allows.
  static let datagramBuffer: Int32 = 4 << 20

  // MARK: Streams

  /// Request line and header fields of a request or response, and how many fields.
  static let headerSize = 16 << 10
  static let headerFields = 100
  static let bodySize = 2 << 20
  static let messageSize = 2 << 20
  /// TCP connections of one loop. The next one takes the place of the oldest that no node has accepted
  /// as a WebSocket; where all are accepted, it is closed at once.
  static let connections = 1_024
  /// Of them, those that no node has accepted, in all and from one address (IPv6: one /64). The oldest
  /// makes room for the next one, of the same address where that has its share.
  static let unacceptedConnections = 512
  static let unacceptedPerAddress = 256
  /// Bytes of requests that no node has accepted yet, in all; beyond it the connection that holds most
  /// is dropped. Those of a few KB do not count.
  static let requestBytes = 32 << 20
  static let uncountedRequestBytes = 64 << 10
  static let backlog: Int32 = 128
  /// Bytes waiting for a slow reader before its connection is dropped, pongs and responses among them.
  static let sendQueue = 4 << 20
  /// Bytes waiting from which on a node waits for `writable`.
  static let writableMark = 256 << 10
  /// Bytes read from a connection in one call.
  static let readSize = 64 << 10
  /// From the connection to the whole request, or on the client's side to the answer.
  static let openingTimeout = Duration.seconds(10)
  /// From our last word to the end of the connection.
  static let closingTimeout = Duration.seconds(3)
  /// A WebSocket is pinged where nothing was heard for so long, and given up after `silence`.
  static let pingInterval = Duration.seconds(10)
  static let silence = Duration.seconds(30)

  // MARK: The loop

  /// How often connections are looked at for what they have waited for in vain.
  static let sweepInterval = Duration.milliseconds(250)
  /// The longest sleep, so that the caller's wish to stop is seen.
  static let longestWait = Duration.milliseconds(250)
  static let eventsPerWait: Int32 = 64
}
