// Layers and quality over time: which layers live, who gets which, and how everybody fares.

import Basics
import Transport
import Wire

extension Participant {
  /// Every half second: measures the publisher's layers.
  func updateLayers(at now: Instant) {
    for track in tracks where track.isVideo {
      if let due = track.tracker.nextTimeout, due <= now {
        if track.tracker.handleTimeout(at: now) {
          track.noteLayers(at: now)
        } else {
          track.noteRates()
        }
      }
      if track.dynacast.handleTimeout(at: now) { track.noteDynacast(at: now) }
      track.quality.setLayersMuted(track.dynacast.maximum == nil, at: now)
    }
  }

  // MARK: - Quality

  /// The word for this participant.
  var connectionQuality: ParticipantQuality {
    let score = isAway ? ConnectionQualityScorer.lostScore : qualityScore
    return ParticipantQuality(sid: sid, quality: ConnectionQuality(score: score), score: score)
  }

  /// Ends a window: the score is the worse of how it sends and how it receives.
  func updateQuality(at now: Instant) {
    var worst = ConnectionQualityScorer.maximumScore
    for track in tracks where track.isLive {
      let window = track.window.close(at: now)
      track.quality.update(window, at: now)
      worst = min(worst, track.quality.score)
    }
    let isBlind = sfu.configuration.mutant == .qualityOfUplinkAlone
    for subscription in subscriptions where subscription.isActive && !isBlind {
      let window = subscription.window.close(at: now)
      // Where the publisher fell silent nothing was sent, and the subscriber is not to blame.
      guard window.packets > 0 else { continue }
      guard !subscription.track.isMuted,
        subscription.selector.current != nil
          || !subscription.track.isVideo
      else { continue }
      subscription.quality.update(window, at: now)
      worst = min(worst, subscription.quality.score)
    }
    qualityScore = worst
  }
}
