// Rules about rooms that stay apart, rights that end, and mutes that everybody hears of.

import Results

extension Rules {
  func trustRules() -> [Assertion] {
    [
      none(
        "rule/room-isolation", "assay.foreignRoom", "LiveKit rooms",
        "nobody is told of, or sent, anything of another room"),
      none(
        "rule/canPublishData", "assay.unauthorisedMessages", "LiveKit grants: canPublishData",
        "no message is passed on whose sender may not send any"),
      none(
        "rule/revoked-rights", "assay.unauthorisedMedia", "LiveKit grants: canPublish",
        "no media is forwarded of a source whose right was never given or was taken away"),
      none(
        "rule/mute-told", "assay.mutesUntold", "LiveKit mute",
        "everybody is told of a mute within 5 s, and it holds until it is taken back"),
      bounded(
        "rule/muted-speaker", "assay.speakingAfterMute", limit: Rules.muteDecay, "LiveKit mute",
        "who is muted is not indicated as speaking"),
    ]
  }

  /// In seconds: the indicator's decay (criterion 000:52) and the delay of signalling.
  private static let muteDecay = 5.0
}
