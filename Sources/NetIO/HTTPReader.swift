// Reads one HTTP/1.1 message (RFC 9112) with http_parser, within limits, piece by piece.

import CHTTPParser

/// Why a message was not taken; a server answers with this status.
enum HTTPFailure: Error {
  case malformed, headersTooLarge, bodyTooLarge

  var status: Int {
    switch self {
    case .malformed: 400
    case .headersTooLarge: 431
    case .bodyTooLarge: 413
    }
  }
}

final class HTTPReader {
  enum Kind { case request, response }

  enum Progress {
    case incomplete
    /// The message is whole; `consumed` bytes of the last piece belong to it.
    case complete(consumed: Int)
  }

  private(set) var method = ""
  private(set) var target = ""
  private(set) var status = 0
  /// Names in lower case.
  private(set) var headers: [(name: String, value: String)] = []
  private(set) var body: [UInt8] = []
  /// At least HTTP/1.1.
  private(set) var isCurrentVersion = false

  private let parser: UnsafeMutablePointer<http_parser>
  private var targetBytes: [UInt8] = []
  private var fieldName: [UInt8] = []
  private var fieldValue: [UInt8] = []
  private var isInValue = false
  private var isWhole = false
  private var bodyIsTooLarge = false
  private var headerBytes = 0
  private var headersAreTooLarge = false
  private var hasBadName = false

  init(_ kind: Kind) {
    _ = HTTPReader.headerLimit
    parser = .allocate(capacity: 1)
    parser.initialize(to: http_parser())
    http_parser_init(parser, kind == .request ? HTTP_REQUEST : HTTP_RESPONSE)
  }

  deinit { parser.deallocate() }

  /// Bytes of the message that are kept.
  var heldBytes: Int { headerBytes + body.count }

  /// Forgets the body, which has been handed on.
  func releaseBody() { body = [] }

  // http_parser knows one limit for the whole process, whoever else uses it; ours is counted in
  // `append` and `finishField` for each message.
  private static let headerLimit: Void = {
    http_parser_set_max_header_size(UInt32(NetIOLimits.headerSize))
  }()

  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// Whether the comma-separated field `name` has `token`, in whatever case (RFC 9110 §5.6.1).
  func header(_ name: String, has token: String) -> Bool {
    headers.contains { header in
      header.name == name
        && header.value.split(separator: ",").contains { trimmed($0).lowercased() == token }
    }
  }

  /// Takes in a piece; an empty one says that the other end has finished.
  func read(_ bytes: UnsafeRawBufferPointer) throws(HTTPFailure) -> Progress {
    parser.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    var settings = HTTPReader.settings
    let consumed = http_parser_execute(
      parser, &settings, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
    if bodyIsTooLarge { throw .bodyTooLarge }
    if headersAreTooLarge { throw .headersTooLarge }
    if isWhole { return .complete(consumed: consumed) }
    switch http_errno(UInt32(parser.pointee.http_errno)) {
    case HPE_OK: return .incomplete
    case HPE_HEADER_OVERFLOW: throw .headersTooLarge
    default: throw .malformed
    }
  }

  // MARK: - What http_parser reports

  private static let settings: http_parser_settings = {
    var settings = http_parser_settings()
    settings.on_url = { reader($0).appendHeader($1, $2, to: \.targetBytes) }
    settings.on_header_field = { reader($0).appendName($1, $2) }
    settings.on_header_value = { reader($0).appendValue($1, $2) }
    settings.on_headers_complete = { reader($0).headersComplete() }
    settings.on_body = { reader($0).appendBody($1, $2) }
    settings.on_message_complete = { reader($0).messageComplete() }
    return settings
  }()

  private static func reader(_ parser: UnsafeMutablePointer<http_parser>?) -> HTTPReader {
    Unmanaged<HTTPReader>.fromOpaque(parser!.pointee.data).takeUnretainedValue()
  }

  private func append(
    _ bytes: UnsafePointer<CChar>?, _ count: Int,
    to field: ReferenceWritableKeyPath<HTTPReader, [UInt8]>
  ) -> Int32 {
    self[keyPath: field].append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
  }

  /// Request line and fields together have a limit.
  private func appendHeader(
    _ bytes: UnsafePointer<CChar>?, _ count: Int,
    to field: ReferenceWritableKeyPath<HTTPReader, [UInt8]>
  ) -> Int32 {
    headerBytes += count
    guard headerBytes <= NetIOLimits.headerSize, headers.count < NetIOLimits.headerFields else {
      headersAreTooLarge = true
      return -1
    }
    return append(bytes, count, to: field)
  }

  private func appendName(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> Int32 {
    if isInValue { finishField() }
    return appendHeader(bytes, count, to: \.fieldName)
  }

  private func appendValue(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> Int32 {
    isInValue = true
    return appendHeader(bytes, count, to: \.fieldValue)
  }

  private func finishField() {
    let name = String(decoding: fieldName, as: UTF8.self).lowercased()
    let value = trimmed(String(decoding: fieldValue, as: UTF8.self)[...])
    // Debian's http_parser lets spaces pass (RFC 9112 §5.1 forbids them).
    if name.utf8.contains(UInt8(ascii: " ")) { hasBadName = true }
    if !name.isEmpty { headers.append((name, String(value))) }
    fieldName = []
    fieldValue = []
    isInValue = false
  }

  private func headersComplete() -> Int32 {
    finishField()
    method = String(cString: http_method_str(http_method(parser.pointee.method)))
    target = String(decoding: targetBytes, as: UTF8.self)
    status = Int(parser.pointee.status_code)
    isCurrentVersion = (parser.pointee.http_major, parser.pointee.http_minor) >= (1, 1)
    if hasBadName { return -1 }
    let announced = parser.pointee.content_length
    if announced != .max, announced > UInt64(NetIOLimits.bodySize) {
      bodyIsTooLarge = true
      return -1
    }
    return 0
  }

  private func appendBody(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> Int32 {
    guard body.count + count <= NetIOLimits.bodySize else {
      bodyIsTooLarge = true
      return -1
    }
    return append(bytes, count, to: \.body)
  }

  private func messageComplete() -> Int32 {
    isWhole = true
    // What follows belongs to nobody yet.
    http_parser_pause(parser, 1)
    return 0
  }
}

private func trimmed(_ text: Substring) -> Substring {
  var text = text
  while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
  while let last = text.last, last == " " || last == "\t" { text.removeLast() }
  return text
}
