// What descriptions and trickle messages say about the other end's transport (RFC 8839 §5).

import Wire

extension RemoteCandidate {
  /// A UDP candidate with an address; nil for TCP, for names, and for components other than RTP.
  public init?(_ candidate: Candidate) {
    guard candidate.transport == .udp, candidate.component == 1, let address = candidate.address
    else { return nil }
    self.init(address: address, priority: candidate.priority)
  }
}

extension RemoteTransportDescription {
  /// What an offer or answer says about its end of the BUNDLE transport; nil where a part is absent.
  public init?(_ description: SessionDescription) {
    guard
      let section = description.bundleTagged ?? description.media.first(where: { !$0.isRejected })
        ?? description.media.first
    else { return nil }
    let transport = description.transport(of: section)
    guard let ufrag = transport.iceUfrag, let password = transport.icePwd,
      !transport.fingerprints.isEmpty
    else { return nil }
    let candidates = description.media.flatMap(\.candidates).compactMap(RemoteCandidate.init)
    self.init(
      credentials: ICECredentials(ufrag: ufrag, password: password),
      fingerprints: transport.fingerprints, candidates: candidates, setup: transport.setup,
      isLite: description.isICELite)
  }
}
