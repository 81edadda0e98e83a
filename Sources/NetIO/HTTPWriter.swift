// Writes HTTP/1.1 messages (RFC 9112): one exchange on each connection.

import Basics
import CHTTPParser

enum HTTPWriter {
  static func response(_ response: StreamResponse, withoutBody: Bool = false) -> [UInt8] {
    var text = statusLine(response.status)
    append(response.headers, to: &text)
    text += "content-length: \(response.body.count)\r\nconnection: close\r\n\r\n"
    return Array(text.utf8) + (withoutBody ? [] : response.body)
  }

  /// The answer that makes a connection a WebSocket (RFC 6455 §4.2.2).
  static func switchingProtocols(key: String) -> [UInt8] {
    let accept = WebSocketHandshake.accept(key: key)
    return Array(
      """
      \(statusLine(101))upgrade: websocket\r\nconnection: Upgrade\r\n\
      sec-websocket-accept: \(accept)\r\n\r\n
      """.utf8)
  }

  /// - Parameter webSocketKey: nil for a plain exchange.
  static func request(
    _ request: StreamRequest, host: Address, webSocketKey: String?
  ) -> [UInt8] {
    var text = "\(request.method) \(request.target) HTTP/1.1\r\nhost: \(host)\r\n"
    append(request.headers, to: &text)
    if let webSocketKey {
      text += "upgrade: websocket\r\nconnection: Upgrade\r\n"
      text += "sec-websocket-version: 13\r\nsec-websocket-key: \(webSocketKey)\r\n\r\n"
      return Array(text.utf8)
    }
    text += "content-length: \(request.body.count)\r\nconnection: close\r\n\r\n"
    return Array(text.utf8) + request.body
  }

  private static func statusLine(_ status: Int) -> String {
    let code = http_status(UInt32(clamping: status))
    return "HTTP/1.1 \(status) \(String(cString: http_status_str(code)))\r\n"
  }

  private static func append(_ headers: [(name: String, value: String)], to text: inout String) {
    for header in headers {
      precondition(
        !(header.name + header.value).utf8.contains { $0 == 13 || $0 == 10 },
        "a line break in a header field")
      text += "\(header.name): \(header.value)\r\n"
    }
  }
}
