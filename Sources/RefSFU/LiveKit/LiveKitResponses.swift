// The SFU's notifications as LiveKit's responses.

import Basics
import Signal
import Wire

extension SignalResponse {
  /// What is the same whoever hears it; nil for what a channel has to add to: a join, a resume and
  /// credentials.
  init?(_ notification: ParticipantNotification) {
    switch notification {
    case .joined, .resumed, .credentials: return nil
    case .leave(let reason, let action):
      self = .leave(
        LeaveRequest {
          $0.reason = Signal.DisconnectReason(reason)
          $0.action = Signal.LeaveAction(action)
        })
    case .participantsChanged(let participants):
      self = .update(
        ParticipantUpdate { $0.participants = participants.map { ParticipantInfo($0) } })
    case .roomChanged(let room): self = .roomUpdate(RoomUpdate { $0.room = RoomInfo(room) })
    case .speakersChanged(let speakers):
      self = .speakersChanged(
        SpeakersChanged { $0.speakers = speakers.map { SpeakerInfo($0) } })
    case .connectionQuality(let qualities):
      self = .connectionQuality(
        ConnectionQualityUpdate { $0.updates = qualities.map { ConnectionQualityInfo($0) } })
    case .offer(let text): self = .offer(SignalDescription("offer", text))
    case .answer(let text): self = .answer(SignalDescription("answer", text))
    default: self.init(ofTracks: notification)
    }
  }

  /// What is about tracks.
  private init?(ofTracks notification: ParticipantNotification) {
    switch notification {
    case .trackPublished(let track):
      self = .trackPublished(
        TrackPublishedResponse {
          $0.cid = track.announcement.cid
          $0.track = TrackInfo(track)
        })
    case .trackUnpublished(let sid):
      self = .trackUnpublished(TrackUnpublishedResponse { $0.trackSid = sid })
    case .trackSubscribed(let sid):
      self = .trackSubscribed(TrackSubscribed { $0.trackSid = sid })
    case .muted(let sid):
      self = .mute(
        MuteTrackRequest {
          $0.sid = sid
          $0.muted = true
        })
    case .subscribedQualities(let sid, let encoding, let demands):
      self = .subscribedQualityUpdate(SubscribedQualityUpdate(sid, encoding, demands))
    case .streamStates(let changes):
      self = .streamStateUpdate(
        StreamStateUpdate { $0.streamStates = changes.map { StreamStateInfo($0) } })
    case .sectionsRequired(let audio, let video):
      self = .mediaSectionsRequirement(
        MediaSectionsRequirement {
          $0.numAudios = UInt32(audio)
          $0.numVideos = UInt32(video)
        })
    case .unknownTrack(let sid):
      self = .subscriptionResponse(
        SubscriptionResponse {
          $0.trackSid = sid
          $0.error = .trackNotFound
        })
    case .subscriptionDenied(let sid, let publisher):
      self = .subscriptionPermissionUpdate(
        SubscriptionPermissionUpdate {
          $0.participantSid = publisher
          $0.trackSid = sid
          $0.allowed = false
        })
    default: return nil
    }
  }
}

extension JoinResponse {
  init(_ news: JoinNews, _ fill: (inout JoinResponse) -> Void) {
    self.init {
      $0.room = RoomInfo(news.room)
      $0.participant = ParticipantInfo(news.participant)
      $0.otherParticipants = news.others.map { ParticipantInfo($0) }
      $0.subscriberPrimary = news.isOffered
      $0.fastPublish = news.participant.rights.mayPublish
      $0.pingInterval = SFULimits.pingInterval
      $0.pingTimeout = SFULimits.pingTimeout
      $0.enabledPublishCodecs = EnabledCodec.all
      // Frames that end in it are the server's own, and not encrypted: there are none.
      $0.sifTrailer = Array(news.room.sid.utf8)
      fill(&$0)
    }
  }
}

extension SignalDescription {
  fileprivate init(_ type: String, _ text: SessionDescriptionText) {
    self.init {
      $0.type = type
      $0.sdp = text.sdp
      $0.id = text.id
      $0.midToTrackID = text.tracks
    }
  }
}

extension SpeakerInfo {
  fileprivate init(_ speaker: SpeakerLevel) {
    self.init {
      $0.sid = speaker.sid
      $0.level = Float(speaker.level)
      $0.active = speaker.isActive
    }
  }
}

extension ConnectionQualityInfo {
  fileprivate init(_ participant: ParticipantQuality) {
    self.init {
      $0.participantSid = participant.sid
      $0.quality = Signal.ConnectionQuality(participant.quality)
      $0.score = Float(participant.score)
    }
  }
}

extension SubscribedQualityUpdate {
  fileprivate init(_ sid: String, _ encoding: String, _ demands: [QualityDemand]) {
    self.init {
      let qualities = demands.map { demand in
        SubscribedQuality {
          $0.quality = VideoQuality(rawValue: Int32(demand.quality)) ?? .high
          $0.enabled = demand.isTaken
        }
      }
      $0.trackSid = sid
      // Of old clients, which know one codec.
      $0.subscribedQualities = qualities
      $0.subscribedCodecs = [
        SubscribedCodec {
          $0.codec = encoding.lowercased()
          $0.qualities = qualities
        }
      ]
    }
  }
}

extension StreamStateInfo {
  fileprivate init(_ change: StreamStateChange) {
    self.init {
      $0.participantSid = change.publisherSid
      $0.trackSid = change.trackSid
      $0.state = change.isPaused ? .paused : .active
    }
  }
}
