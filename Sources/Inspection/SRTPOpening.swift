// Opening the SRTP of an association whose secrets a key log holds (RFC 5764 §4.2, RFC 3711).

import Basics
import Capture
import Transport
import Wire

/// Both directions of an association; tries several keys where DTLS 1.3 hides the profile.
final class SRTPOpening {
  /// Keys that may be the association's.
  private final class Candidate {
    let fromClient: SRTP
    let fromServer: SRTP

    init?(_ masters: SRTPKeyExport.Masters, _ profile: SRTPProfile) {
      guard
        let fromClient = SRTP(
          SRTPKeys(profile: profile, local: masters.server, remote: masters.client)),
        let fromServer = SRTP(
          SRTPKeys(profile: profile, local: masters.client, remote: masters.server))
      else { return nil }
      self.fromClient = fromClient
      self.fromServer = fromServer
    }
  }

  private let pool = PacketPool()
  private var candidates: [Candidate] = []
  /// Whether packets have authenticated, which leaves one candidate.
  private(set) var isProven = false

  /// Nil without a secret for the association in `keyLog`, or before its ServerHello.
  init?(_ association: DTLSObserver, _ keyLog: KeyLog) {
    guard association.hasServerHello else { return nil }
    let hash = SRTPKeyExport.Hash(cipherSuite: association.facts.cipherSuite ?? 0)
    if association.is13 {
      guard let secret = keyLog.exporterSecrets[association.clientRandom] else { return nil }
      for prefix in ["dtls13", "tls13 "] {
        for profile in SRTPProfile.allCases {
          let masters = SRTPKeyExport.dtls13(
            exporterSecret: secret, hash: hash, profile: profile, labelPrefix: prefix)
          if let candidate = Candidate(masters, profile) { candidates.append(candidate) }
        }
      }
    } else {
      guard let secret = keyLog.masterSecrets[association.clientRandom],
        let profile = association.profileIdentifier.flatMap({
          SRTPProfile(identifier: UInt($0))
        })
      else { return nil }
      let masters = SRTPKeyExport.dtls12(
        masterSecret: secret, clientRandom: association.clientRandom,
        serverRandom: association.serverRandom, hash: hash, profile: profile)
      guard let candidate = Candidate(masters, profile) else { return nil }
      candidates = [candidate]
    }
  }

  /// Decrypts a packet and calls `body` with its clear bytes.
  /// - Throws: `authenticationFailed`, `replayed`, `malformed`.
  func open(
    _ bytes: RawSpan, isRTCP: Bool, fromClient: Bool, _ body: (RawSpan) -> Void
  ) throws(SRTPError) {
    var failure = SRTPError.authenticationFailed
    for (index, candidate) in candidates.enumerated() {
      var packet = pool.makePacket(bytes)
      do throws(SRTPError) {
        switch (isRTCP, fromClient) {
        case (false, true): try candidate.fromClient.unprotectRTP(&packet)
        case (false, false): try candidate.fromServer.unprotectRTP(&packet)
        case (true, true): try candidate.fromClient.unprotectRTCP(&packet)
        case (true, false): try candidate.fromServer.unprotectRTCP(&packet)
        }
      } catch {
        failure = error
        continue
      }
      if candidates.count > 1 { candidates = [candidates[index]] }
      isProven = true
      body(packet.bytes)
      return
    }
    throw failure
  }

  /// The largest packet that can be opened.
  static let sizeLimit = PacketPool.slotSize - PacketPool.headroom - 64
}
