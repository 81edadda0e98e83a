// The sections of a client's offers in which it receives, and which track goes where: for those who offer
// themselves what they want to get (WHEP, LiveKit's /rtc/v1).

import Basics
import Transport
import Wire

/// A section in which a client receives.
struct PlayedSection {
  var mid: String
  var kind: MediaKind
  /// Under the payload types of the offer, in its order.
  var codecs: [CodecProfile]
  var extensions: RTPExtensionMap
  var ssrc: UInt32 = 0
  var rtxSSRC: UInt32 = 0
  /// The track that goes there at present.
  var playing: PublishedTrack?
  /// Whether the client was told of a track there, and not yet that it is gone.
  var isAnnounced = false
  /// The numbers of its SSRCs after the tracks that went there.
  var continuation: StreamContinuation?

  mutating func renewSSRCs(_ random: inout RandomStream) {
    ssrc = UInt32(truncatingIfNeeded: random.next()) | 1
    rtxSSRC = UInt32(truncatingIfNeeded: random.next()) | 1
  }
}

struct PlayedSections {
  private(set) var all: [PlayedSection] = []
  /// Whether a section names its track, so that the next one has to wait until the client knows that
  /// the last is gone.
  private let namesTracks: Bool

  init(namesTracks: Bool) { self.namesTracks = namesTracks }

  /// Takes an offer's sections in: those that are known keep their streams.
  mutating func offered(_ sections: [PlayedSection], random: inout RandomStream) {
    let before = Dictionary(all.map { ($0.mid, $0) }) { first, _ in first }
    all = sections.map { section in
      var section = section
      if let known = before[section.mid], known.kind == section.kind {
        section.ssrc = known.ssrc
        section.rtxSSRC = known.rtxSSRC
        section.playing = known.playing
        section.isAnnounced = known.isAnnounced
        section.continuation = known.continuation
      } else {
        section.renewSSRCs(&random)
      }
      return section
    }
  }

  /// The subscription of `participant` to `track` in the first section that is free for it; nil where
  /// there is none.
  mutating func subscribe(
    _ participant: Participant, to track: PublishedTrack, as codec: CodecProfile, at now: Instant
  ) -> Subscription? {
    for (index, section) in all.enumerated()
    where section.playing == nil && section.kind == codec.kind
      && !(namesTracks && section.isAnnounced)
    {
      guard let agreed = section.codecs.first(where: { $0.encoding == codec.encoding }) else {
        continue
      }
      all[index].playing = track
      let subscription = Subscription(
        to: track, codec: agreed, for: participant, ssrc: section.ssrc,
        rtxSSRC: agreed.rtxPayloadType == nil ? nil : section.rtxSSRC,
        continuing: section.continuation, at: now)
      subscription.place(
        mid: ShortName(section.mid) ?? ShortName("0")!, offerID: 0, extensions: section.extensions)
      return subscription
    }
    return nil
  }

  /// The section that played the track may take another one. Without negotiation its SSRCs go on, and so
  /// do their numbers and rollover counters. Where an answer says that the track is gone, the next one has
  /// SSRCs of its own: libwebrtc renders no stream that was removed and comes again under its old SSRC.
  mutating func free(_ subscription: Subscription, random: inout RandomStream) {
    guard let index = all.firstIndex(where: { $0.ssrc == subscription.ssrc }) else { return }
    all[index].playing = nil
    if namesTracks {
      all[index].renewSSRCs(&random)
    } else {
      all[index].continuation = subscription.continuation
    }
  }

  /// Whether the client may offer a section for `codec`: it has none of the kind yet, or one that has it.
  func mayTake(_ codec: CodecProfile) -> Bool {
    let sections = all.filter { $0.kind == codec.kind }
    return sections.isEmpty
      || sections.contains { $0.codecs.contains { $0.encoding == codec.encoding } }
  }

  /// Sections of which the client has yet to learn that they are free.
  func freed(_ kind: MediaKind) -> Int {
    all.count { $0.kind == kind && $0.playing == nil && $0.isAnnounced }
  }

  /// Whether the client has yet to learn what goes where.
  var hasNews: Bool { all.contains { ($0.playing != nil) != $0.isAnnounced } }

  /// Whether the client knows what the subscription is.
  func isAnnounced(_ subscription: Subscription) -> Bool {
    all.contains { $0.ssrc == subscription.ssrc && $0.isAnnounced }
  }

  /// Writes what goes where into an answer, of which the client then knows.
  mutating func announce(in answer: inout SessionDescription) {
    let places = Dictionary(answer.media.enumerated().map { ($1.mid ?? "", $0) }) { first, _ in
      first
    }
    for index in all.indices {
      let section = all[index]
      guard let place = places[section.mid], !answer.media[place].isRejected else { continue }
      all[index].isAnnounced = section.playing != nil
      guard let track = section.playing else {
        answer.media[place].direction = .inactive
        continue
      }
      answer.media[place].direction = .sendonly
      answer.media[place].msids = [
        MediaStreamID(stream: "\(track.publisher.sid)|\(track.info.sid)", track: track.info.sid)
      ]
      answer.media[place].announce(section, cname: track.publisher.sid)
    }
  }
}

extension MediaDescription {
  /// The lines of the section's streams.
  mutating func announce(_ section: PlayedSection, cname: String) {
    var streams = [section.ssrc]
    if section.codecs.contains(where: { $0.rtxPayloadType != nil }) {
      streams.append(section.rtxSSRC)
      ssrcGroups = [SSRCGroup(semantics: "FID", ssrcs: streams)]
    }
    ssrcs = streams.map { SSRCAttribute(ssrc: $0, name: "cname", value: cname) }
  }
}
