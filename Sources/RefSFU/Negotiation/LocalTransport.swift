// How the SFU's own end of a transport is described: ICE-lite, one host candidate, one certificate.

import Basics
import Transport
import Wire

/// The transport lines of our descriptions.
struct LocalTransport {
  var credentials: ICECredentials
  var fingerprint: Fingerprint
  var setup: DTLSSetup
  var addresses: [Address]

  var attributes: TransportAttributes {
    TransportAttributes(
      iceUfrag: credentials.ufrag, icePwd: credentials.password, fingerprints: [fingerprint],
      setup: setup)
  }

  var candidates: [Candidate] {
    addresses.enumerated().map { index, address in
      Candidate(
        foundation: String(index + 1),
        priority: ICEAgent.hostPriority(networkCost: 0, index: index), address: address,
        kind: .host)
    }
  }
}
