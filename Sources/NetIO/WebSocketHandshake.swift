// The opening handshake of WebSockets (RFC 6455 §4).

import Basics
import CLinux
import COpenSSL

enum WebSocketHandshake {
  /// What the server proves that it understood: the key and a fixed text, SHA-1, Base64.
  static func accept(key: String) -> String {
    let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
    var digest = [UInt8](repeating: 0, count: 20)
    SHA1(text, text.count, &digest)
    return base64(digest)
  }

  /// A fresh key: 16 random bytes.
  static func makeKey() -> String {
    var bytes = [UInt8](repeating: 0, count: 16)
    assay_random(&bytes, 16)
    return base64(bytes)
  }

  /// The key of a client's request; otherwise how the request is answered (RFC 6455 §4.2.1).
  static func key(of request: HTTPReader) -> Result<String, StreamResponseError> {
    guard request.method == "GET", request.isCurrentVersion,
      request.header("connection", has: "upgrade"), let key = request.header("sec-websocket-key"),
      isKey(key)
    else { return .failure(StreamResponseError(response: StreamResponse(status: 400))) }
    guard request.header("sec-websocket-version") == "13" else {
      return .failure(
        StreamResponseError(
          response: StreamResponse(status: 426, headers: [("sec-websocket-version", "13")])))
    }
    return .success(key)
  }

  /// 16 bytes in Base64.
  private static func isKey(_ text: String) -> Bool {
    text.utf8.count == 24 && text.hasSuffix("==") && !text.dropLast(2).contains("=")
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    let count = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
    return String(decoding: text.prefix(Int(count)), as: UTF8.self)
  }
}

/// A request that is answered before any node hears of it.
struct StreamResponseError: Error {
  let response: StreamResponse
}
