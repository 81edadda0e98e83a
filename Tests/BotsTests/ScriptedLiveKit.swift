// A server that behaves as LiveKit does where the reference SFU does not: a full ICE agent that offers
// REMB, audio without transport-wide numbers, and reads `setup` in each section.

import Basics
import Signal
import Transport
import Wire

@testable import Bots

/// One bot and its server in memory, 10 ms apart.
final class ScriptedLiveKit {
  struct Options {
    var isLite = false
    /// What video sections offer for feedback on bandwidth.
    var feedback: [BandwidthFeedback] = [.maximumBitrate]
    /// In the offer of the subscriber transport.
    var setup = DTLSSetup.actpass
    /// Of a full agent, on the subscriber transport, which the server offers.
    var subscriberRole = ICERole.controlling
    /// Whether the bot's audio section keeps its transport-wide numbers in the answer.
    var audioHasNumbers = false
  }

  let options: Options
  let bot: Bot
  private(set) var now = Instant.zero
  private(set) var query: RTCQuery?
  private(set) var offer = ""
  private(set) var answer = ""
  private(set) var settings: [UpdateTrackSettings] = []
  /// RTCP of the bot on the subscriber transport.
  private(set) var feedback: [RTCPPacket] = []
  /// RTP of the bot on the publisher transport.
  private(set) var published: [(payloadType: UInt8, extensions: RTPExtensions)] = []
  private(set) var roleConflicts = 0
  var publisher: PeerTransport
  var subscriber: PeerTransport

  private let pool = PacketPool()
  private var underway: [(at: Instant, path: Path, bytes: [UInt8])] = []
  private var video = RTPFields(
    marker: false, payloadType: 96, sequenceNumber: 1, timestamp: 0, ssrc: 7_000)

  static let serverIP = IPAddress(v4: 10, 0, 0, 1)
  static let botIP = IPAddress(v4: 10, 1, 0, 7)
  private static let publisherAddress = Address(serverIP, port: 7_000)
  private static let subscriberAddress = Address(serverIP, port: 7_001)

  init(_ options: Options = Options(), _ change: (inout BotConfiguration) -> Void = { _ in }) {
    self.options = options
    let random = RandomStream(seed: 1, name: "server")
    let identity = DTLSIdentity(random: random.child("certificate"))
    publisher = PeerTransport(
      role: options.isLite ? .lite : .controlled, identity: identity, protection: .srtp,
      random: random.child("publisher"))
    subscriber = PeerTransport(
      role: options.isLite ? .lite : options.subscriberRole, identity: identity, protection: .srtp,
      random: random.child("subscriber"))
    publisher.setLocalAddresses([(Self.publisherAddress, 0)], at: now)
    subscriber.setLocalAddresses([(Self.subscriberAddress, 0)], at: now)
    var audio = AudioSource.Configuration()
    audio.usesDTX = false
    let camera = VideoSource.Configuration(layers: [
      EncoderModel(
        width: 640, height: 360, framesPerSecond: 20, targetBitrate: .kbps(400),
        minimumBitrate: .kbps(100), maximumBitrate: .kbps(400), temporalLayers: 1)
    ])
    var configuration = BotConfiguration(
      identity: "ada", room: "room", token: "", signalAddress: Address(Self.serverIP, port: 80))
    configuration.tracks = [
      LocalTrackConfiguration(source: .microphone, media: .audio(audio)),
      LocalTrackConfiguration(source: .camera, media: .video(camera)),
    ]
    change(&configuration)
    bot = Bot(configuration, random: RandomStream(seed: 1, name: "ada"))
    act { bot, now, outbox in
      bot.interfacesChanged([Interface(name: "eth0", ip: Self.botIP)], at: now, into: &outbox)
    }
  }

  // MARK: - Driving

  func act(_ body: (Bot, Instant, inout Outbox) -> Void) {
    var outbox = Outbox(pool: pool)
    body(bot, now, &outbox)
    take(&outbox)
  }

  func join() { act { bot, now, outbox in bot.join(at: now, into: &outbox) } }

  func run(for span: Duration) {
    let end = now + span
    while true {
      var next = earlier(earlier(publisher.nextTimeout, subscriber.nextTimeout), bot.nextTimeout)
      next = earlier(next, underway.first?.at)
      guard let next, next <= end else { break }
      now = max(now, next)
      while let first = underway.first, first.at <= now {
        underway.removeFirst()
        deliver(first.bytes, on: first.path)
      }
      var outbox = Outbox(pool: pool)
      publisher.handleTimeout(at: now, into: &outbox)
      subscriber.handleTimeout(at: now, into: &outbox)
      take(&outbox)
      act { bot, now, outbox in
        if let due = bot.nextTimeout, due <= now { bot.handleTimeout(at: now, into: &outbox) }
      }
    }
    now = end
  }

  /// Sends video for so long, a packet each 5 ms.
  func sendVideo(for span: Duration) {
    let end = now + span
    while now < end {
      var extensions = RTPExtensions()
      extensions.absSendTime = UInt32(now.nanoseconds % 64_000_000_000 * 4_096 / 15_625_000)
      extensions.transportSequenceNumber = video.sequenceNumber
      var packet = pool.makePacket()
      packet.beginRTP(video, extensions: extensions, map: Self.map(of: options.feedback))
      for _ in 0..<1_000 { packet.append(0x55) }
      video.sequenceNumber &+= 1
      video.timestamp &+= 450
      var outbox = Outbox(pool: pool)
      subscriber.sendRTP(packet, at: now, into: &outbox)
      take(&outbox)
      run(for: .milliseconds(5))
    }
  }

  private func deliver(_ bytes: [UInt8], on path: Path) {
    var packet = pool.makePacket(bytes)
    if let message = try? STUNMessage(packet.bytes), message.errorCode == 487 {
      roleConflicts += 1
    }
    var outbox = Outbox(pool: pool)
    switch path.local {
    case Self.publisherAddress:
      if case .rtp = publisher.receive(&packet, on: path, at: now, into: &outbox),
        let header = try? RTPHeader(packet.bytes)
      {
        let extensions = RTPExtensions(packet.bytes, header, PublisherOffer.extensionMap)
        published.append((header.payloadType, extensions))
      }
    case Self.subscriberAddress:
      if case .rtcp = subscriber.receive(&packet, on: path, at: now, into: &outbox) {
        try? RTCPReader.read(packet.bytes) { feedback.append($0) }
      }
    default:
      act { bot, now, outbox in
        bot.receive(pool.makePacket(bytes), on: path, at: now, into: &outbox)
      }
    }
    take(&outbox)
  }

  private func take(_ outbox: inout Outbox) {
    while let out = outbox.packets.popFirst() {
      let bytes = out.packet.bytes.withUnsafeBytes { Array($0) }
      underway.append((now + .milliseconds(10), out.path.reversed, bytes))
    }
    while let action = outbox.streams.popFirst() {
      switch action {
      case .connect(let id, _, let request):
        query = RTCQuery(target: request.target)
        act { bot, now, outbox in bot.receive(.accepted(id), at: now, into: &outbox) }
        tell(.join(Self.joined))
        tell(.offer(subscriberOffer))
      case .send(_, let bytes, _):
        if let request = try? SignalRequest(decoding: bytes) { hear(request) }
      default: break
      }
    }
  }

  // MARK: - Signalling

  private func tell(_ response: SignalResponse) {
    act { bot, now, outbox in
      bot.receive(
        .message(StreamID(1), response.encoded, isText: false), at: now, into: &outbox)
    }
  }

  private static var joined: JoinResponse {
    JoinResponse {
      $0.participant = ParticipantInfo {
        $0.sid = "PA_ada"
        $0.identity = "ada"
      }
      $0.otherParticipants = [
        ParticipantInfo {
          $0.sid = "PA_eve"
          $0.identity = "eve"
          $0.state = .active
          $0.tracks = [
            TrackInfo {
              $0.sid = "TR_cam"
              $0.type = .video
              $0.source = .camera
            }
          ]
        }
      ]
      $0.subscriberPrimary = true
    }
  }

  private func hear(_ request: SignalRequest) {
    switch request {
    case .addTrack(let track):
      tell(
        .trackPublished(
          TrackPublishedResponse {
            $0.cid = track.cid
            $0.track = TrackInfo { $0.sid = "TR_\(track.cid)" }
          }))
    case .offer(let description): receiveOffer(description)
    case .answer(let description):
      answer = description.sdp
      guard let parsed = try? SessionDescription(parsing: answer),
        let remote = RemoteTransportDescription(parsed)
      else { return }
      subscriber.setRemote(
        remote, dtlsRole: remote.setup == .passive ? .client : .server, at: now)
    case .trackSetting(let update): settings.append(update)
    default: break
    }
  }

  // MARK: - Descriptions

  private static func map(of feedback: [BandwidthFeedback]) -> RTPExtensionMap {
    var map = RTPExtensionMap()
    map[.mid] = 1
    if feedback.contains(.maximumBitrate) { map[.absSendTime] = 2 }
    if feedback.contains(.transportWide) { map[.transportSequenceNumber] = 3 }
    return map
  }

  private func describe(
    _ sections: [MediaDescription], over credentials: ICECredentials, _ fingerprint: Fingerprint,
    _ address: Address, setup: DTLSSetup
  ) -> String {
    var description = SessionDescription(origin: SDPOrigin(sessionID: 1, sessionVersion: 1))
    description.isICELite = options.isLite
    description.media = sections.enumerated().map { index, section in
      var section = section
      section.transport = TransportAttributes(
        iceUfrag: credentials.ufrag, icePwd: credentials.password, fingerprints: [fingerprint],
        setup: setup)
      if index == 0 { section.candidates = PublisherOffer.candidates(of: [(address, 0)]) }
      return section
    }
    description.groups = [
      MediaGroup(semantics: "BUNDLE", mids: description.media.compactMap(\.mid))
    ]
    return description.description
  }

  /// Audio with no feedback at all in front, so that what holds for one section is not all there is.
  private var subscriberOffer: SignalDescription {
    var sections: [MediaDescription] = []
    for (mid, codec, ssrc) in [("0", CodecProfile.opus, UInt32(6_000)), ("1", .vp8, 7_000)] {
      var section = PublisherOffer.section(of: codec, mid: mid)
      section.rtcpFeedback.removeAll { $0.text == "goog-remb" || $0.text == "transport-cc" }
      let isVideo = codec.kind == .video
      let map = Self.map(of: isVideo ? options.feedback : [])
      section.headerExtensions = RTPExtensionKind.allCases.compactMap { kind in
        map[kind].map { HeaderExtension(id: UInt16($0), uri: kind.uri) }
      }
      if isVideo {
        section.payloadTypes.first.map { type in
          for feedback in options.feedback {
            section.rtcpFeedback.append(
              RTCPFeedback(
                payloadType: type,
                text: feedback == .transportWide ? "transport-cc" : "goog-remb"))
          }
        }
      }
      let sid = isVideo ? "TR_cam" : "TR_mic"
      section.direction = .sendonly
      section.msids = [MediaStreamID(stream: "PA_eve|\(sid)", track: sid)]
      section.ssrcs = [SSRCAttribute(ssrc: ssrc, name: "cname", value: "eve")]
      sections.append(section)
    }
    return SignalDescription {
      $0.type = "offer"
      $0.id = 1
      $0.sdp = describe(
        sections, over: subscriber.ice.localCredentials, subscriber.localFingerprint,
        Self.subscriberAddress, setup: options.setup)
    }
  }

  private func receiveOffer(_ description: SignalDescription) {
    offer = description.sdp
    guard let parsed = try? SessionDescription(parsing: offer),
      let remote = RemoteTransportDescription(parsed)
    else { return }
    publisher.setRemote(remote, dtlsRole: .server, at: now)
    let sections = parsed.media.map { offered in
      var section = offered
      section.direction = .recvonly
      section.msids = []
      section.ssrcs = []
      section.ssrcGroups = []
      section.candidates = []
      if offered.kind == .audio, !options.audioHasNumbers {
        section.headerExtensions.removeAll {
          $0.uri == RTPExtensionKind.transportSequenceNumber.uri
        }
      }
      return section
    }
    let sdp = describe(
      sections, over: publisher.ice.localCredentials, publisher.localFingerprint,
      Self.publisherAddress, setup: .passive)
    tell(
      .answer(
        SignalDescription {
          $0.type = "answer"
          $0.id = description.id
          $0.sdp = sdp
        }))
  }
}
