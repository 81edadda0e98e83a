// Deliberate faults of the reference SFU and of clients: each proves that a rule or an expectation fails.

/// A deliberate fault of the reference SFU.
public enum Mutant: String, Sendable, CaseIterable {
  case sequenceGapAtSwitch
  case switchWithoutKeyframe
  case noRetransmission
  case wrongSSRC
  case keyframeStorm
  case audioAfterMute
  case ignoresCanSubscribe
  case ignoresCanPublish
  case wrongSpeaker
  case qualityOfWrongParticipant
  case ghostNeverRemoved
  case dataReplayedTwice
  case dataSwapped
  case stateNotRestored
  case countsAbsence
  case hidesAbsence
  case leaksParticipants
  case dropsUncounted
  case reusesSequenceNumbers
  case dataForgotten
  case delaysVideo
  case allocatorNeverUpgrades
  case allocatorFlaps
  case noAudioReserve
  case ignoresDelay
  case dropsSection, staleOfferVersion, sharedExtensionID, noAddress, answersMore
  case wrongMid, wrongPayloadType, pictureIDsOfLayers, temporalIndicesOfLayers, timestampsOfLayers
  case noSenderReports, lateSenderReports, noReceiverReports, noUplinkNACK
  case lateKeyframes
  case crossesRooms
  case ignoresCanPublishData
  case ignoresDemotion
  case ignoresUnsubscribe
  case hidesMute
  case hidesRemoteMute
  case speakerAfterMute
  case qualityOfUplinkAlone

  /// Whether a rule that every run is held to finds it out; else it takes a scenario's own bounds.
  public var breaksRule: Bool {
    switch self {
    case .allocatorFlaps, .noAudioReserve, .ignoresDelay: false
    default: true
    }
  }

  /// What it does wrong.
  public var meaning: String {
    switch self {
    case .sequenceGapAtSwitch: "leaves a hole in the sequence numbers at every layer switch"
    case .switchWithoutKeyframe: "switches layers at any frame"
    case .noRetransmission: "never answers a NACK"
    case .wrongSSRC: "sends media under an SSRC that the offer did not announce"
    case .keyframeStorm: "asks publishers for a keyframe every 50 ms"
    case .audioAfterMute: "forwards the packets of muted tracks"
    case .ignoresCanSubscribe: "forwards to participants whose token denies canSubscribe"
    case .ignoresCanPublish: "accepts tracks from participants whose token denies canPublish"
    case .wrongSpeaker: "announces the wrong participant as the speaker"
    case .qualityOfWrongParticipant: "reports each participant's connection quality for another one"
    case .ghostNeverRemoved: "never takes out a participant who is gone without a word"
    case .dataReplayedTwice:
      "sends all it remembers again after a resume, without the numbers that would tell"
    case .dataSwapped: "passes on every second reliable message behind the one after it"
    case .stateNotRestored:
      "forgets on a resume what was unsubscribed from, whatever the client says"
    case .countsAbsence: "counts as presence the time for which somebody was cut off"
    case .hidesAbsence: "tells nobody of it when somebody's connection is lost, until windows close"
    case .leaksParticipants: "keeps everybody who has left in memory"
    case .dropsUncounted: "drops every fiftieth packet of a publisher and does not count it"
    case .reusesSequenceNumbers:
      "reuses SSRC and sequence numbers when a participant subscribes again"
    case .dataForgotten: "passes on all reliable messages but every tenth"
    case .delaysVideo: "holds video packets until later ones arrive"
    case .allocatorNeverUpgrades: "sends everybody what they began with, however much room there is"
    case .allocatorFlaps: "goes back and forth between the lowest layer and the right one"
    case .noAudioReserve: "leaves no room for sound when it divides a link among video"
    case .ignoresDelay: "estimates from throughput alone and ignores queueing delay"
    case .dropsSection: "leaves the sections of tracks that ended out of its offers"
    case .staleOfferVersion: "never counts up the version in its offers' o= line"
    case .sharedExtensionID: "offers two header extensions under one id"
    case .noAddress: "answers without c= lines"
    case .answersMore: "accepts a payload type that was not offered"
    case .wrongMid: "sends the mid of the section after the right one"
    case .wrongPayloadType: "sends video under a payload type that was not negotiated"
    case .pictureIDsOfLayers: "passes picture ids on as each layer counts them"
    case .temporalIndicesOfLayers: "passes TL0PICIDX on as each layer counts it"
    case .timestampsOfLayers: "passes RTP timestamps on as each layer counts them"
    case .noSenderReports: "sends no sender reports"
    case .lateSenderReports: "has pictures captured half a second late in its sender reports"
    case .noReceiverReports: "sends no receiver reports"
    case .noUplinkNACK: "asks publishers for no lost packet"
    case .lateKeyframes: "asks a publisher for a keyframe three seconds after a viewer has"
    case .crossesRooms: "tells every room of each participant, and sends it the messages"
    case .ignoresCanPublishData: "passes on messages of participants without canPublishData"
    case .ignoresDemotion: "goes on forwarding tracks whose publisher lost the right to them"
    case .ignoresUnsubscribe: "goes on sending tracks that were unsubscribed from"
    case .hidesMute: "tells those who join that nobody is muted"
    case .hidesRemoteMute: "mutes a track for an admin without telling its publisher"
    case .speakerAfterMute: "leaves the speaking indicator of a muted participant on"
    case .qualityOfUplinkAlone: "reports connection quality without regard to the downlink"
    }
  }
}

/// A deliberate fault of a client.
public enum ClientMutant: String, Sendable, CaseIterable {
  case noICERestart
  case noResume
  case constantDelay
  case unlimitedAttempts
  case skipsReconnecting
  case forgetsMute

  /// What it does wrong.
  public var meaning: String {
    switch self {
    case .noICERestart: "resumes the session and goes on checking over what failed"
    case .noResume: "joins anew whatever was lost"
    case .constantDelay: "waits the same time before every attempt"
    case .unlimitedAttempts: "tries on after the last attempt of its policy"
    case .skipsReconnecting: "joins anew without having said that it was out"
    case .forgetsMute: "comes back with its microphone open and the camera on, whatever they were"
    }
  }
}
