// The values of SDP attributes, each with the grammar of its RFC.

/// A key with or without a value, as in a=fmtp, a=rid and a=candidate.
public struct SDPParameter: Equatable, Sendable {
  public var key: String
  public var value: String?

  public init(_ key: String, _ value: String?) {
    self.key = key
    self.value = value
  }

  /// `key` or `key=value`.
  init?(_ text: String) {
    var fields = SDPFields(text)
    guard let key = fields.next(upTo: "=") else { return nil }
    self.key = key
    value = text.utf8.contains(UInt8(ascii: "=")) ? fields.remainder() ?? "" : nil
  }

  var sdp: String { value.map { "\(key)=\($0)" } ?? key }
}

/// An attribute that the model has no field for: `a=<name>` or `a=<name>:<value>`.
public struct SDPAttribute: Equatable, Sendable {
  public var name: String
  public var value: String?

  public init(_ name: String, _ value: String? = nil) {
    self.name = name
    self.value = value
  }
}

/// Who sends, seen by the one who wrote the description (RFC 8866 §6.7).
public enum MediaDirection: String, CaseIterable, Sendable {
  case sendrecv, sendonly, recvonly, inactive

  public init(sends: Bool, receives: Bool) {
    self = sends ? (receives ? .sendrecv : .sendonly) : (receives ? .recvonly : .inactive)
  }

  public var sends: Bool { self == .sendrecv || self == .sendonly }
  public var receives: Bool { self == .sendrecv || self == .recvonly }
  /// The same seen from the other side.
  public var reversed: MediaDirection { MediaDirection(sends: receives, receives: sends) }
}

/// Who opens the DTLS association (RFC 4145 §4, RFC 5763 §5): `active` is the DTLS client.
public enum DTLSSetup: String, CaseIterable, Sendable { case actpass, active, passive, holdconn }

/// The hash of a certificate (RFC 8122 §5): `sha-256 12:AB:…`.
public struct Fingerprint: Equatable, Sendable, SDPValue {
  /// In lower case.
  public var algorithm: String
  public var bytes: [UInt8]

  public init(algorithm: String = "sha-256", bytes: [UInt8]) {
    self.algorithm = algorithm
    self.bytes = bytes
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let name = fields.next(), isVisible(name), let text = fields.next(), fields.isEmpty
    else { return nil }
    algorithm = name.lowercased()
    bytes = []
    for pair in text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
      guard pair.count == 2, !pair.contains(UInt8(ascii: "+")), !pair.contains(UInt8(ascii: "-")),
        let byte = UInt8(Substring(pair), radix: 16)
      else { return nil }
      bytes.append(byte)
    }
  }

  var sdp: String {
    let pairs = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
    return "\(algorithm) \(pairs.joined(separator: ":"))"
  }
}

/// m= sections that belong together (RFC 5888 §5): `BUNDLE 0 1 2`.
public struct MediaGroup: Equatable, Sendable, SDPValue {
  public var semantics: String
  public var mids: [String]

  public init(semantics: String, mids: [String]) {
    self.semantics = semantics
    self.mids = mids
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let semantics = fields.next() else { return nil }
    self.semantics = semantics
    mids = fields.all()
    guard mids.count <= SDPLimits.mediaCount else { return nil }
  }

  var sdp: String { ([semantics] + mids).joined(separator: " ") }
}

/// What a payload type stands for (RFC 8866 §6.6): `111 opus/48000/2`.
public struct RTPMap: Equatable, Sendable, SDPValue {
  public var payloadType: UInt8
  public var encoding: String
  /// Hz.
  public var clockRate: UInt32
  public var channels: UInt8?

  public init(payloadType: UInt8, encoding: String, clockRate: UInt32, channels: UInt8? = nil) {
    self.payloadType = payloadType
    self.encoding = encoding
    self.clockRate = clockRate
    self.channels = channels
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let payloadType: UInt8 = fields.number(), payloadType < 128,
      let encoding = fields.next(upTo: "/"), let codec = fields.next(), fields.isEmpty
    else { return nil }
    var rates = SDPFields(codec)
    guard let clockRate: UInt32 = rates.number(upTo: "/") else { return nil }
    self.payloadType = payloadType
    self.encoding = encoding
    self.clockRate = clockRate
    guard let text = rates.remainder() else { return }
    guard let channels: UInt8 = decimal(text) else { return nil }
    self.channels = channels
  }

  var sdp: String {
    "\(payloadType) \(encoding)/\(clockRate)" + (channels.map { "/\($0)" } ?? "")
  }
}

/// The parameters of a payload type (RFC 8866 §6.15): `96 profile-id=0`.
public struct FormatParameters: Equatable, Sendable, SDPValue {
  public var payloadType: UInt8
  /// As written; most codecs write `key=value;key=value`.
  public var text: String

  public init(payloadType: UInt8, text: String) {
    self.payloadType = payloadType
    self.text = text
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let payloadType: UInt8 = fields.number(), payloadType < 128,
      let text = fields.remainder()
    else { return nil }
    self.payloadType = payloadType
    self.text = text
  }

  var sdp: String { "\(payloadType) \(text)" }

  public var parameters: [SDPParameter] {
    var fields = SDPFields(text)
    return fields.all(by: ";").compactMap(SDPParameter.init)
  }

  /// The value of `key`, which is compared without regard to case.
  public subscript(key: String) -> String? {
    let key = key.lowercased()
    return parameters.first { $0.key.lowercased() == key }?.value
  }
}

/// A kind of RTCP feedback that may be sent (RFC 4585 §4.2): `96 nack pli`.
public struct RTCPFeedback: Equatable, Sendable, SDPValue {
  /// Nil is `*`, every payload type of the section.
  public var payloadType: UInt8?
  public var text: String

  public init(payloadType: UInt8?, text: String) {
    self.payloadType = payloadType
    self.text = text
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let format = fields.next(), let text = fields.remainder() else { return nil }
    if format != "*" {
      guard let number: UInt8 = decimal(format), number < 128 else { return nil }
      payloadType = number
    }
    self.text = text
  }

  var sdp: String { "\(payloadType.map(String.init) ?? "*") \(text)" }
}

/// What a header extension id stands for (RFC 8285 §8): `3 urn:ietf:params:rtp-hdrext:sdes:mid`.
public struct HeaderExtension: Equatable, Sendable, SDPValue {
  /// 1...255, or 4096...4351 for an offer of more ids than there are (RFC 8285 §7).
  public var id: UInt16
  public var direction: MediaDirection?
  public var uri: String
  public var attributes: String?

  public init(
    id: UInt16, uri: String, direction: MediaDirection? = nil, attributes: String? = nil
  ) {
    self.id = id
    self.uri = uri
    self.direction = direction
    self.attributes = attributes
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard var first = fields.next().map({ SDPFields($0) }),
      let id: UInt16 = first.number(upTo: "/"), id >= 1, let uri = fields.next()
    else { return nil }
    if let word = first.remainder() {
      guard let direction = MediaDirection(rawValue: word) else { return nil }
      self.direction = direction
    }
    self.id = id
    self.uri = uri
    attributes = fields.remainder()
  }

  var sdp: String {
    let way = direction.map { "/\($0.rawValue)" } ?? ""
    return "\(id)\(way) \(uri)" + (attributes.map { " \($0)" } ?? "")
  }
}

/// A media stream and the track in it (RFC 8830 §2); the stream `-` is none.
public struct MediaStreamID: Equatable, Sendable, SDPValue {
  public var stream: String
  public var track: String?

  public init(stream: String, track: String?) {
    self.stream = stream
    self.track = track
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let stream = fields.next() else { return nil }
    self.stream = stream
    track = fields.next()
    guard fields.isEmpty else { return nil }
  }

  var sdp: String { stream + (track.map { " \($0)" } ?? "") }
}

/// An attribute of one RTP stream (RFC 5576 §4.1): `1918780365 cname:a0f9`.
public struct SSRCAttribute: Equatable, Sendable, SDPValue {
  public var ssrc: UInt32
  public var name: String
  public var value: String?

  public init(ssrc: UInt32, name: String, value: String?) {
    self.ssrc = ssrc
    self.name = name
    self.value = value
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let ssrc: UInt32 = fields.number(), let text = fields.remainder() else { return nil }
    let attribute = SDPAttribute(sdp: SDPFields(text))
    guard let attribute else { return nil }
    self.ssrc = ssrc
    name = attribute.name
    value = attribute.value
  }

  var sdp: String { "\(ssrc) \(SDPAttribute(name, value).sdp)" }
}

/// RTP streams that belong together (RFC 5576 §4.2): `FID 1918780365 1410505021`.
public struct SSRCGroup: Equatable, Sendable, SDPValue {
  /// `FID` is a stream and its RTX, `SIM` the layers of a simulcast.
  public var semantics: String
  public var ssrcs: [UInt32]

  public init(semantics: String, ssrcs: [UInt32]) {
    self.semantics = semantics
    self.ssrcs = ssrcs
  }

  init?(sdp fields: SDPFields) {
    var fields = fields
    guard let semantics = fields.next() else { return nil }
    self.semantics = semantics
    ssrcs = []
    while !fields.isEmpty {
      guard let ssrc: UInt32 = fields.number() else { return nil }
      ssrcs.append(ssrc)
    }
  }

  var sdp: String { ([semantics] + ssrcs.map(String.init)).joined(separator: " ") }
}

extension SDPAttribute: SDPValue {
  init?(sdp fields: SDPFields) {
    var fields = fields
    let hasValue = fields.rest.contains(UInt8(ascii: ":"))
    guard fields.rest.first != UInt8(ascii: " "), let name = fields.next(upTo: ":") else {
      return nil
    }
    self.name = name
    value = hasValue ? String(Substring(fields.rest)) : nil
  }

  var sdp: String { value.map { "\(name):\($0)" } ?? name }
}
