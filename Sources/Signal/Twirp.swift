// Calls over HTTP as Twirp makes them (twitchtv.github.io/twirp/docs/spec_v7.html).
//
//   POST /twirp/<package>.<Service>/<Method>     application/json or application/protobuf

import Basics

/// Why a call failed.
public struct TwirpError: Error, Equatable, Sendable {
  public enum Code: String, CaseIterable, Sendable {
    case malformed
    case badRoute = "bad_route"
    case invalidArgument = "invalid_argument"
    case unauthenticated
    case permissionDenied = "permission_denied"
    case notFound = "not_found"
    case failedPrecondition = "failed_precondition"
    case resourceExhausted = "resource_exhausted"
    case unimplemented
    case unavailable

    public var status: Int {
      switch self {
      case .malformed, .invalidArgument: 400
      case .unauthenticated: 401
      case .permissionDenied: 403
      case .badRoute, .notFound: 404
      case .failedPrecondition: 412
      case .resourceExhausted: 429
      case .unimplemented: 501
      case .unavailable: 503
      }
    }
  }

  public var code: Code
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// Always JSON, whatever the call was made in.
  public var response: StreamResponse {
    let json: JSON = ["code": .string(code.rawValue), "msg": .string(message)]
    return StreamResponse(
      status: code.status, headers: TwirpCall.headers(of: TwirpCall.Format.json.rawValue),
      body: Array(json.text().utf8))
  }
}

extension StreamRequest {
  /// Of the body, in lower case and without parameters (RFC 9110 §8.3.1); empty without one.
  public var mediaType: String {
    (header("content-type") ?? "").prefix { $0 != ";" && $0 != " " }.lowercased()
  }
}

/// A call that names a method and carries a message.
public struct TwirpCall: Sendable {
  public enum Format: String, Sendable {
    case json = "application/json"
    case protobuf = "application/protobuf"
  }

  public let method: String
  public let format: Format
  private let body: [UInt8]

  /// - Parameter service: `livekit.RoomService`.
  /// - Throws: `badRoute` for what is no call of a method of `service`.
  public init(_ request: StreamRequest, path: String, service: String) throws(TwirpError) {
    let prefix = "/twirp/\(service)/"
    guard path.hasPrefix(prefix) else { throw TwirpError(.badRoute, "no handler for path \(path)") }
    guard request.method == "POST" else {
      throw TwirpError(
        .badRoute, "unsupported method \(request.method) (only POST is allowed)")
    }
    guard let format = Format(rawValue: request.mediaType) else {
      let type = request.header("content-type") ?? ""
      throw TwirpError(.badRoute, "unexpected Content-Type: \(type)")
    }
    method = String(path.dropFirst(prefix.count))
    self.format = format
    body = request.body
  }

  /// - Throws: `malformed`.
  public func message<T: ProtoMessage>() throws(TwirpError) -> T {
    switch format {
    case .json:
      guard let json = try? JSON(parsing: body), let message = try? T(json: json) else {
        throw TwirpError(.malformed, "the json request could not be decoded")
      }
      return message
    case .protobuf:
      guard let message = try? T(decoding: body) else {
        throw TwirpError(.malformed, "the protobuf request could not be decoded")
      }
      return message
    }
  }

  /// In the format of the call.
  public func reply(_ message: some ProtoMessage) -> StreamResponse {
    StreamResponse(
      status: 200, headers: TwirpCall.headers(of: format.rawValue),
      body: format == .json ? Array(message.json.text().utf8) : message.encoded)
  }

  static func headers(of type: String) -> [(name: String, value: String)] {
    [("content-type", type), ("access-control-allow-origin", "*")]
  }
}
