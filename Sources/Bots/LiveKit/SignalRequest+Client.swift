// A bot's requests as LiveKit's messages.

import Basics
import Signal
import Wire

extension SignalRequest {
  init(_ request: ClientRequest) {
    switch request {
    case .publish(let track): self = .addTrack(AddTrackRequest(track))
    case .offer(let offer): self = .offer(SignalDescription("offer", offer))
    case .answer(let answer): self = .answer(SignalDescription("answer", answer))
    case .mute(let sid, let muted):
      self = .mute(
        MuteTrackRequest {
          $0.sid = sid
          $0.muted = muted
        })
    case .updateSubscription(let update): self = .subscription(UpdateSubscription(update))
    case .trackSettings(let sid, let settings):
      self = .trackSetting(UpdateTrackSettings(settings, of: sid))
    case .resumeState(let state): self = .syncState(SyncState(state))
    case .leave:
      self = .leave(
        LeaveRequest {
          $0.reason = .clientInitiated
          $0.action = .disconnect
        })
    }
  }
}

extension SignalDescription {
  fileprivate init(_ type: String, _ description: NumberedDescription) {
    self.init {
      $0.type = type
      $0.sdp = description.sdp
      $0.id = description.id
    }
  }
}

extension AddTrackRequest {
  fileprivate init(_ track: TrackAnnouncement) {
    self.init {
      $0.cid = track.cid
      $0.source = track.source
      $0.type = track.kind == .audio ? .audio : .video
      $0.muted = track.isMuted
      guard let top = track.layers.last else { return }
      $0.width = UInt32(clamping: top.width)
      $0.height = UInt32(clamping: top.height)
      $0.layers = track.layers.enumerated().map { index, layer in
        VideoLayer {
          $0.quality = VideoQuality(rawValue: Int32(index)) ?? .high
          $0.width = UInt32(clamping: layer.width)
          $0.height = UInt32(clamping: layer.height)
          $0.bitrate = UInt32(clamping: layer.bitrate.bitsPerSecond)
          if let rid = layer.rid { $0.rid = rid }
        }
      }
    }
  }
}

extension UpdateSubscription {
  fileprivate init(_ update: SubscriptionUpdate) {
    self.init {
      $0.trackSids = update.tracks
      $0.subscribe = update.subscribe
    }
  }
}

extension UpdateTrackSettings {
  fileprivate init(_ settings: TrackSettings, of sid: String) {
    self.init {
      $0.trackSids = [sid]
      $0.disabled = settings.isHidden
      $0.quality = .high
      $0.height = UInt32(clamping: settings.height)
      $0.width = UInt32(clamping: settings.height * 16 / 9)
      $0.fps = UInt32(clamping: Int(settings.framesPerSecond))
      $0.priority = UInt32(clamping: settings.priority)
    }
  }
}

extension SyncState {
  fileprivate init(_ state: ResumeState) {
    self.init {
      $0.publishTracks = state.tracks.map { track in
        TrackPublishedResponse {
          $0.cid = track.cid
          $0.track = TrackInfo { $0.sid = track.sid }
        }
      }
      $0.subscription = UpdateSubscription(state.subscription)
      $0.dataChannelReceiveStates = state.dataReceived.map { received in
        DataChannelReceiveState {
          $0.publisherSid = received.publisherSID
          $0.lastSeq = received.sequence
        }
      }
    }
  }
}
