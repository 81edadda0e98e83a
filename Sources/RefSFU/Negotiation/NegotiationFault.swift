// Why a description, or a section of it, cannot be taken. The text goes to the client.

import Transport
import Wire

/// A fault in the other end's offer or answer, as far as this SFU is concerned.
enum NegotiationFault: Error, Equatable {
  case malformed(SDPError)
  /// No section that can be taken.
  case nothingToTake
  /// No `a=ice-ufrag` and `a=ice-pwd` (RFC 8839 §5.4).
  case noCredentials
  /// No `a=fingerprint` by a hash function that is known here (RFC 8122 §5).
  case noFingerprint
  /// `holdconn`, or `actpass` in an answer (RFC 5763 §5).
  case setup(DTLSSetup)
  /// The offerer itself disabled the section (RFC 3264 §5.1), or the answerer refused it (§6).
  case rejected
  /// Neither RTP over DTLS nor data channels.
  case transportProtocol(String)
  /// RTCP on a port of its own, for which a lite agent has no second component (RFC 8858 §3).
  case noRTCPMux
  /// Not on the one transport of this SFU (RFC 9143 §7.3).
  case notBundled
  /// None of the formats is forwarded.
  case noCodec(MediaKind)
  /// The offerer sends nothing there, or receives nothing (RFC 9725 §4.2).
  case direction(MediaDirection)
  /// The token does not allow it, or no track was announced for it.
  case notAllowed
  case tooMany
  /// An answer has as many sections as its offer (RFC 3264 §6).
  case sectionCount(Int, expected: Int)

  var text: String {
    switch self {
    case .malformed(let error): "line \(error.line) of the offer: \(error.kind)"
    case .nothingToTake: "no m= section that can be taken"
    case .noCredentials: "a=ice-ufrag or a=ice-pwd is missing"
    case .noFingerprint: "no a=fingerprint by sha-224, sha-256, sha-384, sha-512 or sha-1"
    case .setup(let setup): "a=setup:\(setup.rawValue) makes no DTLS association here"
    case .rejected: "port 0"
    case .transportProtocol(let name): "\(name) is neither RTP over DTLS nor data channels"
    case .noRTCPMux: "a=rtcp-mux is missing; RTCP has no port of its own here"
    case .notBundled: "not in the BUNDLE group; all media goes over one transport"
    case .noCodec(.audio): "no audio format that is forwarded: opus/48000/2"
    case .noCodec:
      "no video format that is forwarded: VP8, VP9 of profile 0, H264 of constrained baseline with "
        + "packetization-mode=1"
    case .direction(let direction): "a=\(direction.rawValue) is not for this endpoint"
    case .notAllowed: "not allowed by the token"
    case .sectionCount(let found, let expected): "\(found) m= sections in answer to \(expected)"
    case .tooMany: "more sections than this SFU takes"
    }
  }

  /// HTTP's status for it (RFC 9725 §4.2, §4.4).
  var status: Int {
    switch self {
    case .malformed: 400
    case .notAllowed: 403
    default: 422
    }
  }
}

extension Refusal {
  init(_ fault: NegotiationFault) { self.init(status: fault.status, text: fault.text) }

  /// - Parameter section: of the offer, counted from zero.
  init(_ fault: NegotiationFault, section: Int, _ offered: MediaDescription) {
    let name = offered.mid.map { " (mid \($0))" } ?? ""
    self.init(
      status: fault.status, text: "m=\(offered.kind.text) section \(section)\(name): \(fault.text)")
  }
}

extension DTLSRole {
  /// The answerer's role where the offer said `setup`; RFC 4145 §4.1 has active for a missing one.
  init(answeringTo setup: DTLSSetup?) throws(NegotiationFault) {
    switch setup {
    case .actpass, .active, nil: self = .server
    case .passive: self = .client
    case .holdconn: throw .setup(.holdconn)
    }
  }

  /// The offerer's role where the answer to its `actpass` said `setup`.
  init(answeredBy setup: DTLSSetup?) throws(NegotiationFault) {
    switch setup {
    case .active, nil: self = .server
    case .passive: self = .client
    case .actpass, .holdconn: throw .setup(setup!)
    }
  }

  /// What an answer says of it.
  var setup: DTLSSetup { self == .client ? .active : .passive }
}

extension RemoteTransportDescription {
  /// The other end's transport as section `index` of its description has it.
  init(
    _ description: SessionDescription, section index: Int
  ) throws(NegotiationFault) {
    let lines = description.transport(of: description.media[index])
    guard let ufrag = lines.iceUfrag, let password = lines.icePwd else { throw .noCredentials }
    let fingerprints = lines.fingerprints.filter { DTLSIdentity.knows($0.algorithm) }
    guard !fingerprints.isEmpty else { throw .noFingerprint }
    self.init(
      credentials: ICECredentials(ufrag: ufrag, password: password), fingerprints: fingerprints,
      candidates: description.media[index].candidates.compactMap(RemoteCandidate.init),
      setup: lines.setup, isLite: description.isICELite)
  }
}
