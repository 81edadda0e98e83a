// What /rtc/v1 carries in its query: a join request, perhaps in gzip (RFC 1952).

import CZlib

extension WrappedJoinRequest {
  /// The request; nil for one that is malformed, or larger than `size` bytes once uncompressed.
  public func unwrapped(atMost size: Int) -> JoinRequest? {
    switch compression {
    case .uncompressed:
      return joinRequest.count <= size ? try? JoinRequest(decoding: joinRequest) : nil
    case .gzip:
      return Gzip.uncompressed(joinRequest, atMost: size).flatMap { try? JoinRequest(decoding: $0) }
    }
  }
}

extension JoinRequest {
  /// What the client asks for beside joining, as it would have said it over the stream.
  public var messages: [SignalRequest] {
    var messages: [SignalRequest] = syncState.map { [.syncState($0)] } ?? []
    messages += addTrackRequests.map { .addTrack($0) }
    if let publisherOffer { messages.append(.offer(publisherOffer)) }
    return messages
  }
}

extension RTCQuery {
  /// The same in a join request.
  public init(_ join: JoinRequest) {
    self.init()
    if let settings = join.connectionSettings {
      autoSubscribe = settings.autoSubscribe
      adaptiveStream = settings.adaptiveStream
      subscriberAllowPause = settings.subscriberAllowPause
      disableICELite = settings.disableIceLite
      autoSubscribeDataTrack = settings.autoSubscribeDataTrack
    }
    if let info = join.clientInfo { client = info }
    attributes = join.participantAttributes
    reconnect = join.reconnect
    reconnectReason = join.reconnectReason
    participantSid = join.participantSid.isEmpty ? nil : join.participantSid
  }
}

enum Gzip {
  /// With a header of gzip, or of zlib.
  private static let anyHeader = MAX_WBITS + 32

  /// Nil for what is no gzip, is cut short, or would be larger than `size` bytes.
  static func uncompressed(_ bytes: [UInt8], atMost size: Int) -> [UInt8]? {
    var stream = z_stream()
    guard
      inflateInit2_(
        &stream, anyHeader, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { inflateEnd(&stream) }
    var input = bytes
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    return input.withUnsafeMutableBufferPointer { source -> [UInt8]? in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      while true {
        let status = chunk.withUnsafeMutableBufferPointer { room in
          stream.next_out = room.baseAddress
          stream.avail_out = UInt32(room.count)
          return inflate(&stream, Z_NO_FLUSH)
        }
        guard status == Z_OK || status == Z_STREAM_END else { return nil }
        output += chunk[..<(chunk.count - Int(stream.avail_out))]
        guard output.count <= size else { return nil }
        if status == Z_STREAM_END { return output }
        // Nothing more to read, and no end.
        if stream.avail_in == 0, stream.avail_out > 0 { return nil }
      }
    }
  }
}
