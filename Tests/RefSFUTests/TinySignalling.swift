// A third signalling, of lines of text: the SFU's core needs nothing of LiveKit's or of HTTP's.

import Basics
import Transport
import Wire

@testable import RefSFU

/// Streams at `/tiny?as=IDENTITY`; everybody is let into one room.
struct TinySignalling: Signalling, Authorizer {
  func admission(
    for request: StreamRequest, _ target: RequestTarget, at now: Int64
  ) throws(Refusal) -> Admission {
    guard let identity = target["as"] else { throw Refusal(status: 401, text: "who are you?") }
    return Admission(
      identity: identity, room: "tiny", profile: Profile(), rights: ParticipantRights())
  }

  func open(
    _ stream: StreamID, _ request: StreamRequest, _ target: RequestTarget, on sfu: SFU,
    at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> Bool {
    guard target.path == "/tiny" else { return false }
    let admission = try sfu.admit(request, target, at: now)
    outbox.send(.accept(stream))
    sfu.join(admission, over: TinyChannel(stream), at: now, into: &outbox)
    return true
  }
}

/// A verb, a line feed, and what it is about.
final class TinyChannel: ParticipantChannel {
  var stream: StreamID?
  let endpoint = "/tiny"

  init(_ stream: StreamID?) { self.stream = stream }

  func send(_ notification: ParticipantNotification, into outbox: inout Outbox) {
    guard let stream, let text = text(of: notification) else { return }
    outbox.send(.send(stream, Array(text.utf8), isText: true))
  }

  private func text(of notification: ParticipantNotification) -> String? {
    switch notification {
    case .joined(let news): "joined\n\(news.participant.identity)"
    case .participantsChanged(let changed):
      "people\n"
        + changed.map { "\($0.identity) \($0.state) \($0.tracks.count)" }.joined(separator: ", ")
    case .trackPublished(let track): "published\n\(track.announcement.cid)"
    case .muted(let sid): "muted\n\(sid)"
    case .offer(let offer): "offer\n\(offer.sdp)"
    case .answer(let answer): "answer\n\(answer.sdp)"
    case .leave(let reason, _): "bye\n\(reason)"
    default: nil
    }
  }

  func receive(
    _ message: [UInt8], isText: Bool, from participant: Participant, at now: Instant,
    into outbox: inout Outbox
  ) {
    let parts = String(decoding: message, as: UTF8.self).split(separator: "\n", maxSplits: 1)
    let about = parts.count == 2 ? String(parts[1]) : ""
    let description = SessionDescriptionText(sdp: about, id: 0)
    let request: ClientRequest
    switch parts.first {
    case "audio": request = .addTrack(TrackAnnouncement(cid: about, source: .microphone))
    case "video":
      request = .addTrack(TrackAnnouncement(cid: about, kind: .video, source: .camera))
    case "offer": request = .offer(description)
    case "answer": request = .answer(description)
    case "mute":
      let track = participant.tracks.first { $0.cid == about }
      request = .mute(trackSid: track?.sid ?? "", true)
    case "bye": request = .leave
    default: return participant.receivedGarbage(at: now, into: &outbox)
    }
    try? participant.perform(request, at: now, into: &outbox)
  }
}
