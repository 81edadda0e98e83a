// What the participant's offers and answers mean for its two transports.

import Basics
import Transport
import Wire

extension Participant {
  /// The `o=` line's id of our descriptions for a transport (RFC 9429 §5.2.1).
  func sessionID(of target: TransportTarget) -> UInt64 {
    let own = stableHash(sid) >> 1
    return target == .subscriber ? own : own ^ 1
  }

  /// Takes an offer for the publisher transport; the answer is still to be sent.
  func acceptOffer(_ text: String, at now: Instant) throws(NegotiationFault) -> PublisherAnswer {
    let offer = try SessionDescription(readingOffer: text)
    guard !offer.media.isEmpty else { throw .nothingToTake }
    let pairs = TrackPairing.pair(
      offer,
      tracks.map {
        TrackPairing.Announced(cid: $0.cid, isVideo: $0.isVideo, mid: $0.section?.mid)
      })
    let answer = PublisherAnswer(
      to: offer, takesData: sfu.configuration.dataChannels, plays: channel.downlink == .publisher,
      trackIDs: pairs)
    guard let tagged = answer.tagged else { return answer }
    let remote = try RemoteTransportDescription(offer, section: tagged)
    let role = try DTLSRole(answeringTo: remote.setup)
    if let known = publisherPeer, known != remote.credentials {
      // The client restarts ICE, so the answer does too (RFC 8839 §4.4.1.1.1).
      publisher.restartICE()
      sfu.register(self, .publisher)
    }
    publisherPeer = remote.credentials
    publisher.setRemote(remote, dtlsRole: role, at: now)
    return answer
  }

  /// Applies the answer to the last offer: the transport's lines, and of each section whether and
  /// how its stream is received (RFC 3264 §7).
  func applyAnswer(
    _ text: String, at now: Instant, into outbox: inout Outbox
  ) throws(NegotiationFault) {
    let news = try negotiation.offer.apply(answer: text)
    if let remote = news.remote {
      let role = try DTLSRole(answeredBy: remote.setup)
      subscriber.setRemote(remote, dtlsRole: role, at: now)
    }
    downlink.negotiated(negotiation.offer.answeredExtensions)
    if sfu.configuration.dataChannels, news.takesData { openDataChannels(at: now, into: &outbox) }
    for subscription in subscriptions where subscription.offerID <= negotiation.offerID {
      subscription.apply(negotiation.offer.answered(mid: subscription.mid), at: now)
    }
  }
}

extension SessionDescription {
  init(readingOffer text: String) throws(NegotiationFault) {
    do throws(SDPError) {
      try self.init(parsing: text)
    } catch {
      throw .malformed(error)
    }
  }
}
