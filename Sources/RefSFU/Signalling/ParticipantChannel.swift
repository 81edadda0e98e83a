// What the SFU tells a participant's client, whatever signalling carries it.

import Basics
import Wire

/// The way to one participant's client: LiveKit's messages, or the nothing that is left of it after a
/// WHIP or WHEP exchange.
protocol ParticipantChannel: AnyObject {
  /// Over which the client is told; nil while signalling is lost, and always where there is none.
  var stream: StreamID? { get set }
  /// The path of the endpoint by which the client joined, for logs.
  var endpoint: String { get }
  /// The transport whose connection makes the participant active.
  var primary: TransportTarget { get }
  /// The transport that carries what the client gets.
  var downlink: TransportTarget { get }
  /// Whether the client takes data channels.
  var takesData: Bool { get }

  /// Tells the client, if there is a stream: nothing is encoded before that is known.
  func send(_ notification: ParticipantNotification, into outbox: inout Outbox)
  /// The same with what is told to many and needs to be encoded only once.
  func send(_ broadcast: Broadcast, into outbox: inout Outbox)

  /// Whether a message is the answer to an offer of the SFU's, told from little of it.
  func isAnswer(_ message: [UInt8]) -> Bool
  /// A message came over the stream: what it asks for goes to `Participant.perform`.
  func receive(
    _ message: [UInt8], isText: Bool, from participant: Participant, at now: Instant,
    into outbox: inout Outbox)

  /// Subscribes the participant: the subscription gets a place in a description, and begins.
  func subscribe(
    _ participant: Participant, to track: PublishedTrack, as codec: CodecProfile, at now: Instant)
  /// The subscription is over, and its place is free.
  func unsubscribed(
    _ participant: Participant, from subscription: Subscription, at now: Instant)
  /// The primary transport is connected.
  func connected(_ participant: Participant, at now: Instant)

  /// What the client gets has changed: it is offered, or the client is asked to offer.
  func negotiate(_ participant: Participant, at now: Instant, into outbox: inout Outbox)
  /// The client offered these sections in which it receives; the answer is to say what goes there.
  func offered(_ sections: [PlayedSection], by participant: Participant, at now: Instant)
  func announce(in answer: inout SessionDescription)
  /// The answer was sent.
  func answered(_ participant: Participant, at now: Instant)
}

/// A client to whom the SFU offers.
extension ParticipantChannel {
  var primary: TransportTarget { .subscriber }
  var downlink: TransportTarget { .subscriber }
  var takesData: Bool { true }

  func isAnswer(_ message: [UInt8]) -> Bool { false }

  func send(_ broadcast: Broadcast, into outbox: inout Outbox) {
    send(broadcast.notification, into: &outbox)
  }

  func subscribe(
    _ participant: Participant, to track: PublishedTrack, as codec: CodecProfile, at now: Instant
  ) {
    participant.offer(track, codec, at: now)
  }

  func unsubscribed(
    _ participant: Participant, from subscription: Subscription, at now: Instant
  ) {
    participant.withdraw(subscription, at: now)
  }

  func connected(_ participant: Participant, at now: Instant) {}

  func negotiate(_ participant: Participant, at now: Instant, into outbox: inout Outbox) {
    participant.sendOffer(at: now, into: &outbox)
  }

  func offered(_ sections: [PlayedSection], by participant: Participant, at now: Instant) {}
  func announce(in answer: inout SessionDescription) {}
  func answered(_ participant: Participant, at now: Instant) {}
}

/// News for one client.
enum ParticipantNotification {
  /// The first of a session.
  case joined(JoinNews)
  /// The session goes on over a new stream; the number is that of the last reliable message that was
  /// passed on for the client.
  case resumed(lastReliableSequence: UInt32)
  /// The session is over, or has to be resumed.
  case leave(reason: DisconnectReason, action: LeaveAction)
  case participantsChanged([ParticipantSnapshot])
  case roomChanged(RoomSnapshot)
  case speakersChanged([SpeakerLevel])
  case connectionQuality([ParticipantQuality])
  /// A track that the client announced is known.
  case trackPublished(TrackSnapshot)
  /// Somebody takes a track of the client's own, for the first time.
  case trackSubscribed(sid: String)
  /// A track of the client's own may not go on.
  case trackUnpublished(sid: String)
  /// A track of the client's own is muted from afar.
  case muted(trackSid: String)
  /// Which qualities of the client's own track have takers, the lowest first.
  case subscribedQualities(trackSid: String, encoding: String, [QualityDemand])
  case streamStates([StreamStateChange])
  /// The client is asked to offer this many sections more in which it receives.
  case sectionsRequired(audio: Int, video: Int)
  case offer(SessionDescriptionText)
  case answer(SessionDescriptionText)
  /// The client asked for a track that is not there.
  case unknownTrack(sid: String)
  /// The client asked for a track that it may not have.
  case subscriptionDenied(trackSid: String, publisherSid: String)
  /// Rights as they are now, with which the session can be resumed.
  case credentials(Credentials)
}

struct JoinNews {
  /// Whether the SFU offers what the client gets, on a transport of its own.
  var isOffered: Bool
  var room: RoomSnapshot
  var participant: ParticipantSnapshot
  /// Hidden ones left out.
  var others: [ParticipantSnapshot]
}

/// An offer or answer; `id` joins the two, 0 from clients that do not count.
struct SessionDescriptionText {
  var sdp: String
  var id: UInt32
  /// Of an answer: the tracks that go to the client, by the mids of their sections.
  var tracks: [String: String] = [:]
}

/// Who a participant is and what it may do.
struct Credentials {
  var identity: String
  var profile: Profile
  var rights: ParticipantRights
  /// Unix seconds.
  var issuedAt: Int64
}

/// A notification for many: what one channel encodes serves all of its kind.
final class Broadcast {
  let notification: ParticipantNotification
  private var encodings: [(kind: ObjectIdentifier, bytes: [UInt8])] = []

  init(_ notification: ParticipantNotification) { self.notification = notification }

  func encoding(
    for kind: any ParticipantChannel.Type, _ encode: (ParticipantNotification) -> [UInt8]
  ) -> [UInt8] {
    let kind = ObjectIdentifier(kind)
    if let known = encodings.first(where: { $0.kind == kind }) { return known.bytes }
    let bytes = encode(notification)
    encodings.append((kind, bytes))
    return bytes
  }
}
