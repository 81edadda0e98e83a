// Every limit and interval of the reference SFU, with its source.

import Basics

enum SFULimits {
  /// How often time-driven work of a room is looked at.
  static let tick = Duration.milliseconds(10)
  /// LiveKit `pkg/rtc/transport.go`: negotiation is debounced, the first one hardly.
  static let firstNegotiationDelay = Duration.milliseconds(10)
  static let negotiationDelay = Duration.milliseconds(150)
  /// An offer without an answer for this long ends the session.
  static let negotiationTimeout = Duration.seconds(15)
  /// Seconds, as the join response announces them.
  static let pingInterval: Int32 = 5
  static let pingTimeout: Int32 = 15
  /// Nothing heard on a signalling stream for so long: it is lost, whatever TCP still believes.
  static let signallingTimeout = Duration.seconds(15)
  /// LiveKit: a participant must become active within this time of its join.
  static let joinTimeout = Duration.seconds(60)
  /// How long a participant without signalling, or without a living transport, is kept.
  static let departureTimeout = Duration.seconds(20)
  /// A transport silent for so long was interrupted: publishers send media all the time, subscribers
  /// a report a second.
  static let publisherInterruption = Duration.milliseconds(500)
  static let subscriberInterruption = Duration.seconds(2)
  /// Beside what an ICE-lite end waits before it calls a peer silent, which together is the life of
  /// consent (RFC 7675 §5.1): then the client is asked to resume.
  static let silenceTimeout = Duration.seconds(20)
  /// Silence of less than this counts as presence: ICE checks come every 2.5 s, and where no answer
  /// came every 0.48 s, so that it takes four losses in a row.
  static let presenceGap = Duration.seconds(4)
  /// Stays that are remembered.
  static let presenceRecords = 10_000
  /// Mean; each one is drawn from half to one and a half of it (RFC 3550 §6.3.1, RFC 4585 §3.5).
  static let reportInterval = Duration.seconds(1)
  /// How long a stream goes without sender reports where its publisher sends none.
  static let reportPatience = Duration.seconds(5)
  /// libwebrtc's least: at 250 ms and above the trendline of 20 groups covers seconds.
  static let feedbackInterval = Duration.milliseconds(50)
  static let layerInterval = Duration.milliseconds(500)
  /// How often a subscriber's budget is divided anew, beside every change.
  static let allocationInterval = Duration.milliseconds(100)
  /// Bytes of padding that begin a probe.
  static let probeTrigger = 400
  /// Who left is remembered for as long as somebody may have been away, unnoticed and noticed, and still
  /// resume.
  static let departureMemory = signallingTimeout + departureTimeout
  /// Packets towards a subscriber wait two seconds on average at most (libwebrtc,
  /// `kMaxExpectedQueueLength`), with time to see that they do.
  static let longestQueue = Duration.seconds(3)
  /// More than this above the quickest way is a queue that stands: it has to drain before upper
  /// temporal layers go on.
  static let standingQueue = Duration.milliseconds(100)
  /// What a talking microphone takes, at most so many at once: they go before all video.
  static let audioReserve = Bitrate.kbps(60)
  static let audioReserves = 3
  /// Bytes that SRTP, UDP and IP add to an RTP packet.
  static let packetOverhead = 48
  /// From so many tiles on, those out of focus get no more than so many lines (criterion 003:462).
  static let crowdedTiles = 5
  static let crowdedLines = 480
  /// Audio in one packet, where nothing says otherwise.
  static let audioPacket = Duration.milliseconds(20)
  static let qualityInterval = Duration.seconds(5)
  /// Packets that a mutant lets wait.
  static let mutantQueue = 2_000
  static let mutantKeyframeInterval = Duration.milliseconds(50)
  static let mutantKeyframeHold = Duration.seconds(3)
  /// Reports in one RTCP packet, so that it stays below 1,200 bytes.
  static let reportsPerPacket = 20
  /// Bytes that may wait for a slow receiver of data; what comes on top is lost to it.
  static let dataBacklog = 4 << 20
  /// Reliable messages that wait for a receiver's channel.
  static let waitingData = 250
  /// Bytes that the API may send to participants at once.
  static let sentDataSize = 60_000
  /// What is kept for those who resume. LiveKit keeps two seconds, less than clients may be away.
  static let replayAge = departureTimeout
  static let replaySize = 4 << 20
  /// LiveKit `pkg/service/roommanager.go`; the lifetime is in seconds.
  static let tokenRefreshInterval = Duration.seconds(5 * 60)
  static let refreshedTokenLifetime: Int64 = 10 * 60
  /// RFC 6455 §7.4.1: an unexpected condition.
  static let brokenStreamCode: UInt16 = 1_011
  /// Sections in which a client receives that offers itself what it gets.
  static let playedSections = 1_000
  static let tracksPerParticipant = 32
  /// Simulcast streams of one track, as OBS sends at most.
  static let layersPerTrack = 4
  /// ICE fragments of one participant that packets may still name: two for each transport.
  static let fragmentsPerParticipant = 4
  /// Rooms, whoever makes them.
  static let rooms = 1_000
  static let roomNameSize = 256
  /// Seconds that a room made over the API waits for its first participant, and after its last
  /// (LiveKit's defaults).
  static let roomEmptyTimeout: UInt32 = 300
  static let roomDepartureTimeout: UInt32 = 20
  /// Bytes that a participant may say about itself.
  static let nameSize = 256
  static let identitySize = 256
  static let metadataSize = 64 << 10
  static let attributesSize = 64 << 10
  /// Bytes of names, metadata, attributes and track names of everybody in a room together: the answer to
  /// a join has them all, and has to fit what may wait for a slow reader.
  static let roomProfileSize = 2 << 20
  /// Signalling messages of one client: in one turn (`tick`), at once, and a second. Those on top wait.
  static let signalMessagesPerTurn = 128
  static let signalMessageBurst = 600
  static let signalMessageRate = 100
  /// Their bytes, as far as they are no answers to offers.
  static let signalBytesPerTurn = 256 << 10
  static let signalByteBurst = 4 << 20
  static let signalByteRate = 256 << 10
  /// Messages and bytes of one client that may wait; one more ends its session.
  static let waitingSignalMessages = 2_000
  static let waitingSignalBytes = 4 << 20
  /// Bytes of updates about one participant, at once and a second; an update costs so many at least. More
  /// are merged: the others get the last state.
  static let updateBurst = 64 << 10
  static let updateRate = 16 << 10
  static let leastUpdateCost = 1 << 10
  /// Bytes of one track in an update, without the names that its publisher chose.
  static let trackUpdateSize = 256
  /// Tracks that a client may have unsubscribed from, or subscribed to, by itself.
  static let subscriptionExceptions = 8_192
  /// Identities and sids that one data packet may be for.
  static let dataDestinations = 1_024
  /// Participants who left that a room remembers, and bytes that one of them said about itself.
  static let departedParticipants = 200
  static let departedProfileSize = 1 << 10
  /// Streams of one publisher whose packets are looked at.
  static let ssrcsPerParticipant = 128
}
