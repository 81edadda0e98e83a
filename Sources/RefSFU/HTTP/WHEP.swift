// Playing over WHEP (draft-ietf-wish-whep): a participant with a subscriber transport only, for which
// the client offers. Each section it offers takes one track of its kind, as they come and go.

import Basics
import Transport
import Wire

extension SFU {
  /// Everybody's tracks, or those of the participant named in the query as `publisher`.
  func openWHEP(
    _ request: StreamRequest, _ target: RequestTarget, at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> StreamResponse {
    var admission = try admit(request, target, at: now)
    guard admission.rights.maySubscribe else {
      throw Refusal(status: 403, text: "no permission to subscribe")
    }
    let offer = try offer(in: request)
    let answer = try PlayerAnswer(to: offer)
    let (remote, role) = try transport(of: offer, tagged: answer.tagged)
    admission.subscribesByItself = true
    let channel = HTTPChannel(.whep, remote, plays: target["publisher"])
    let participant = participant(admission, over: channel, at: now, into: &outbox)
    let response = participant.play(answer, remote, role, over: channel, at: now)
    participant.room.join(participant, at: now, into: &outbox)
    return response
  }
}

extension Participant {
  fileprivate func play(
    _ answer: PlayerAnswer, _ remote: RemoteTransportDescription, _ role: DTLSRole,
    over channel: HTTPChannel, at now: Instant
  ) -> StreamResponse {
    subscriber.setRemote(remote, dtlsRole: role, at: now)
    channel.sections.offered(answer.sections, random: &random)
    let sections = channel.sections.all
    let text = answer.text(
      sessionID: sessionID(of: .subscriber), stream: sid,
      transport: localTransport(of: .subscriber, setup: role.setup), sections: sections)
    // One transport, so one set of numbers (RFC 8843 §9.2).
    if let section = sections.first(where: { $0.kind == .video }) ?? sections.first {
      downlink.number(section.extensions)
    }
    return channel.begin(self, mids: sections.map(\.mid), answer: text)
  }
}
