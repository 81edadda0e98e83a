// How an ICE agent's messages are signed and leave (RFC 8445 §7, RFC 8489 §9.1).

import Basics
import Wire

extension ICEAgent {
  mutating func respond(
    to request: STUNMessage, _ messageClass: STUNMessage.Class, _ attributes: [STUNAttribute],
    on path: Path, into outbox: inout Outbox
  ) {
    let response = STUNMessage(
      messageClass, transactionID: request.transactionID, attributes: attributes)
    let size = send(response, key: localCredentials.password, on: path, into: &outbox)
    noteAnswer(size, on: path)
  }

  /// - Returns: the bytes it took.
  @discardableResult
  func send(
    _ message: STUNMessage, key: String, on path: Path, into outbox: inout Outbox
  ) -> Int {
    let bytes = message.bytes(integrityKey: Array(key.utf8), hmacSHA1: hmacSHA1)
    outbox.send(outbox.pool.makePacket(bytes), on: path)
    return bytes.count
  }
}
