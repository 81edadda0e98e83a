// The records that a stream's bytes are made of: as many as TLS, HTTP and WebSocket would take.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |     kind      |    padding    |                               |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+     length                    |
// |               | padding zero bytes, then length payload bytes ...
// +-+-+-+-+-+-+-+-+
//
// The head is as long as that of a TLS record (RFC 8446 §5.1); the padding stands for the TLS tag
// and the WebSocket frame's header and mask (RFC 6455 §5.2).
import Basics

struct StreamRecord: Equatable {
  enum Kind: UInt8 {
    case handshake = 1
    case request, accept, response, text, binary, close
  }

  private static let headSize = 5

  var kind: Kind
  var payload: [UInt8]

  /// - Parameters:
  ///   - isSecure: whether TLS adds its tag.
  ///   - isMasked: whether a WebSocket client sends it.
  func bytes(isSecure: Bool, isMasked: Bool) -> [UInt8] {
    precondition(payload.count < Limits.longestRecord, "a message of 16 MiB or more")
    var padding = isSecure && kind != .handshake ? Limits.tlsOverhead : 0
    switch kind {
    case .text, .binary, .close:
      padding += payload.count < 126 ? 2 : payload.count < 65_536 ? 4 : 10
      if isMasked { padding += 4 }
    default: break
    }
    var bytes: [UInt8] = [kind.rawValue, UInt8(padding)]
    for shift in [16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift)) }
    bytes.append(contentsOf: repeatElement(0, count: padding))
    return bytes + payload
  }

  /// The complete records at the front of `bytes`, and how many bytes they take.
  static func read(_ bytes: [UInt8]) -> (records: [StreamRecord], count: Int) {
    var records: [StreamRecord] = []
    var offset = 0
    while bytes.count - offset >= headSize {
      let length =
        Int(bytes[offset + 2]) << 16 | Int(bytes[offset + 3]) << 8 | Int(bytes[offset + 4])
      let start = offset + headSize + Int(bytes[offset + 1])
      guard bytes.count >= start + length, let kind = Kind(rawValue: bytes[offset]) else { break }
      records.append(StreamRecord(kind: kind, payload: Array(bytes[start..<(start + length)])))
      offset = start + length
    }
    return (records, offset)
  }
}

extension StreamRecord {
  /// A flight of a TLS handshake.
  static func handshake(_ count: Int) -> StreamRecord {
    StreamRecord(kind: .handshake, payload: [UInt8](repeating: 0, count: count))
  }

  static func message(_ bytes: [UInt8], isText: Bool) -> StreamRecord {
    StreamRecord(kind: isText ? .text : .binary, payload: bytes)
  }

  static func close(_ code: UInt16) -> StreamRecord {
    StreamRecord(
      kind: .close, payload: [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)])
  }

  /// The request as RFC 9112 §3 writes it.
  static func request(_ request: StreamRequest) -> StreamRecord {
    var text = "\(request.method) \(request.target) HTTP/1.1\r\n"
    if request.kind == .webSocket {
      text += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      text += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    }
    text += head(request.headers)
    return StreamRecord(kind: .request, payload: Array(text.utf8) + request.body)
  }

  /// The server's answer to a WebSocket handshake (RFC 6455 §4.2.2).
  static var accept: StreamRecord {
    let text =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    return StreamRecord(kind: .accept, payload: Array(text.utf8))
  }

  static func response(_ response: StreamResponse) -> StreamRecord {
    let text = "HTTP/1.1 \(response.status) Status\r\n" + head(response.headers)
    return StreamRecord(kind: .response, payload: Array(text.utf8) + response.body)
  }

  private static func head(_ headers: [(name: String, value: String)]) -> String {
    headers.map { "\($0.name): \($0.value)\r\n" }.joined() + "\r\n"
  }
}
