// A session description (RFC 8866) as WebRTC uses it (RFC 8829), whole enough to be printed again.

/// `o=`: who wrote the description and which version of it this is (RFC 8866 §5.2).
public struct SDPOrigin: Equatable, Sendable {
  public var username: String
  public var sessionID: UInt64
  public var sessionVersion: UInt64
  public var network: String
  public var addressType: String
  public var address: String

  public init(
    username: String = "-", sessionID: UInt64, sessionVersion: UInt64, network: String = "IN",
    addressType: String = "IP4", address: String = "127.0.0.1"
  ) {
    self.username = username
    self.sessionID = sessionID
    self.sessionVersion = sessionVersion
    self.network = network
    self.addressType = addressType
    self.address = address
  }
}

/// `c=`: an address for the media (RFC 8866 §5.7); ICE makes it meaningless.
public struct SDPConnection: Equatable, Sendable {
  public var network: String
  public var addressType: String
  public var address: String

  public init(network: String = "IN", addressType: String = "IP4", address: String = "0.0.0.0") {
    self.network = network
    self.addressType = addressType
    self.address = address
  }
}

/// `b=`: a limit; kbit/s for `AS`, bit/s for `TIAS` (RFC 8866 §5.8, RFC 3890).
public struct SDPBandwidth: Equatable, Sendable {
  public var type: String
  public var value: UInt64

  public init(type: String, value: UInt64) {
    self.type = type
    self.value = value
  }
}

/// `t=` with its `r=` and `z=` lines (RFC 8866 §5.9); `0 0` is a session without end.
public struct SDPTiming: Equatable, Sendable {
  public var start: UInt64
  public var stop: UInt64
  public var repeats: [String]
  public var zone: String?

  public init(start: UInt64 = 0, stop: UInt64 = 0, repeats: [String] = [], zone: String? = nil) {
    self.start = start
    self.stop = stop
    self.repeats = repeats
    self.zone = zone
  }
}

/// What ICE and DTLS need to know of the other side; may stand in a section or in the session.
public struct TransportAttributes: Equatable, Sendable {
  /// 4 to 256 characters (RFC 8839 §5.4).
  public var iceUfrag: String?
  /// 22 to 256 characters.
  public var icePwd: String?
  /// `trickle`, `ice2`, `renomination`.
  public var iceOptions: [String]
  public var fingerprints: [Fingerprint]
  public var setup: DTLSSetup?

  public init(
    iceUfrag: String? = nil, icePwd: String? = nil, iceOptions: [String] = [],
    fingerprints: [Fingerprint] = [], setup: DTLSSetup? = nil
  ) {
    self.iceUfrag = iceUfrag
    self.icePwd = icePwd
    self.iceOptions = iceOptions
    self.fingerprints = fingerprints
    self.setup = setup
  }

  /// These, and where something is absent, what `other` has. Ufrag and pwd go together.
  public func falling(backTo other: TransportAttributes) -> TransportAttributes {
    var result = self
    if iceUfrag == nil, icePwd == nil {
      result.iceUfrag = other.iceUfrag
      result.icePwd = other.icePwd
    }
    if iceOptions.isEmpty { result.iceOptions = other.iceOptions }
    if fingerprints.isEmpty { result.fingerprints = other.fingerprints }
    if setup == nil { result.setup = other.setup }
    return result
  }

  /// The fingerprint by this algorithm (in lower case).
  public func fingerprint(_ algorithm: String = "sha-256") -> Fingerprint? {
    fingerprints.first { $0.algorithm == algorithm }
  }
}

/// A whole offer or answer.
public struct SessionDescription: Equatable, Sendable {
  public var origin: SDPOrigin
  /// `-` for none.
  public var name: String
  public var information: String?
  public var uri: String?
  public var emails: [String] = []
  public var phones: [String] = []
  public var connection: SDPConnection?
  public var bandwidths: [SDPBandwidth] = []
  /// At least one.
  public var timings = [SDPTiming()]

  public var groups: [MediaGroup] = []
  public var isICELite = false
  public var allowsMixedExtensions = false
  /// `WMS *`, and others, as written.
  public var msidSemantic: String?
  public var transport = TransportAttributes()
  public var direction: MediaDirection?
  public var headerExtensions: [HeaderExtension] = []
  /// All other attributes, in their order.
  public var otherAttributes: [SDPAttribute] = []

  public var media: [MediaDescription] = []

  public init(origin: SDPOrigin, name: String = "-") {
    self.origin = origin
    self.name = name
  }
}

extension SessionDescription {
  /// The mids of the first BUNDLE group (RFC 9143 §7), the tagged one first; empty without one.
  public var bundleMids: [String] { groups.first { $0.semantics == "BUNDLE" }?.mids ?? [] }

  public func mediaIndex(mid: String) -> Int? { media.firstIndex { $0.mid == mid } }

  /// The section that carries the attributes of the BUNDLE transport.
  public var bundleTagged: MediaDescription? {
    bundleMids.first.flatMap(mediaIndex(mid:)).map { media[$0] }
  }

  /// What holds for `section`: its own attributes, else those of its BUNDLE group's tagged section
  /// (RFC 9143 §7.1.3), else the session's.
  public func transport(of section: MediaDescription) -> TransportAttributes {
    var result = section.transport
    if let tagged = bundle(of: section).first.flatMap(mediaIndex(mid:)) {
      result = result.falling(backTo: media[tagged].transport)
    }
    return result.falling(backTo: transport)
  }

  /// The mids of the BUNDLE group that holds `section`, the tagged one first; empty without one.
  public func bundle(of section: MediaDescription) -> [String] {
    guard let mid = section.mid else { return [] }
    return groups.first { $0.semantics == "BUNDLE" && $0.mids.contains(mid) }?.mids ?? []
  }

  /// What holds for `section`: its own direction, else the session's, else `sendrecv`.
  public func direction(of section: MediaDescription) -> MediaDirection {
    section.direction ?? direction ?? .sendrecv
  }

  /// The session's header extensions and those of `section` (RFC 8285 §6).
  public func headerExtensions(of section: MediaDescription) -> [HeaderExtension] {
    headerExtensions + section.headerExtensions
  }
}
