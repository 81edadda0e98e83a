// The SFU and bots in memory: 10 ms from each to each, nothing lost unless a test says so.

import Basics
import Bots
import RefSFU
import Signal
import Wire

/// Participants are numbered in the order of their joining.
final class DataCall {
  let sfu: SFU
  private(set) var bots: [Bot] = []
  private(set) var now = Instant.zero
  /// A hash of every datagram in the order it was sent.
  private(set) var wireHash: UInt64 = 0
  private let pool = PacketPool()
  private let keys = APIKeys(["key": "a secret of some length"])
  private let seed: UInt64
  private let loss: Double
  private var random: RandomStream
  private var underway: [(at: Instant, path: Path, bytes: [UInt8])] = []
  /// When each bot last got an RTP packet, and the longest time between two since `watch`.
  private var lastMedia: [Instant] = []
  private var longest: [Duration] = []
  /// Bytes of signalling, and datagrams with their bytes, to each bot.
  private(set) var signalled: [Int] = []
  /// The last update that each bot got about each identity.
  private var infos: [[String: ParticipantInfo]] = []
  /// Datagrams to addresses that no bot has, and theirs of RTP.
  private(set) var strayBytes = 0
  /// Bots that hear nothing over UDP and are not heard.
  var deaf: Set<Int> = []
  static let serverIP = IPAddress(v4: 10, 0, 0, 1)
  static let server = Address(serverIP, port: 7_882)

  /// - Parameter loss: of every datagram, either way.
  init(seed: UInt64 = 1, dataChannels: Bool = true, loss: Double = 0) {
    self.seed = seed
    self.loss = loss
    random = RandomStream(seed: seed, name: "loss")
    var configuration = SFUConfiguration(keys: keys)
    configuration.dataChannels = dataChannels
    sfu = SFU(configuration, random: RandomStream(seed: seed, name: "sfu"))
    var outbox = Outbox(pool: pool)
    sfu.interfacesChanged([Interface(name: "eth0", ip: Self.serverIP)], at: now, into: &outbox)
  }

  /// A camera of two layers and a microphone.
  static let media: [LocalTrackConfiguration] = {
    var audio = AudioSource.Configuration()
    audio.schedule = .always
    let layers = [180, 360].map { height in
      EncoderModel(
        width: height * 16 / 9, height: height, framesPerSecond: 15,
        targetBitrate: .kbps(Int64(height)), minimumBitrate: .kbps(50),
        maximumBitrate: .kbps(1_000), temporalLayers: 1)
    }
    return [
      LocalTrackConfiguration(source: .microphone, media: .audio(audio)),
      LocalTrackConfiguration(source: .camera, media: .video(.init(layers: layers))),
    ]
  }()

  func join(
    _ identity: String, grant: VideoGrant = .join("room"), tracks: [LocalTrackConfiguration] = []
  ) {
    let token = AccessToken(
      apiKey: "key", identity: identity, video: grant, now: sfu.configuration.epochSeconds)
    var configuration = BotConfiguration(
      identity: identity, room: "room", token: token.signed(with: keys)!,
      signalAddress: Address(Self.serverIP, port: 80))
    configuration.usesData = true
    configuration.tracks = tracks
    let bot = Bot(configuration, random: RandomStream(seed: seed, name: identity))
    bots.append(bot)
    lastMedia.append(now)
    longest.append(.zero)
    signalled.append(0)
    infos.append([:])
    let ip = IPAddress(v4: 10, 0, 0, UInt8(1 + bots.count))
    act(bots.count - 1) { bot, now, outbox in
      bot.interfacesChanged([Interface(name: "eth0", ip: ip)], at: now, into: &outbox)
      bot.join(at: now, into: &outbox)
    }
  }

  // MARK: - Attacks

  /// Begins to measure gaps anew.
  func watch() {
    for index in bots.indices {
      lastMedia[index] = now
      longest[index] = .zero
      signalled[index] = 0
    }
    strayBytes = 0
  }

  /// The longest time without an RTP packet since `watch`.
  func longestGap(of index: Int) -> Duration { max(longest[index], now - lastMedia[index]) }

  /// What bot `index` was last told about `identity`.
  func latestUpdate(about identity: String, to index: Int) -> ParticipantInfo? {
    infos[index][identity]
  }

  /// Sends a signalling message as bot `index`.
  func say(_ request: SignalRequest, as index: Int) { say(request.encoded, as: index) }

  func say(_ bytes: [UInt8], as index: Int) {
    var outbox = Outbox(pool: pool)
    sfu.receive(
      .message(StreamID(.max - UInt32(index)), bytes, isText: false), at: now, into: &outbox)
    carryOut(&outbox, of: nil)
  }

  /// Hands a datagram to the SFU as if it came from `remote`.
  func inject(_ bytes: [UInt8], from remote: Address) {
    var outbox = Outbox(pool: pool)
    sfu.receive(
      pool.makePacket(bytes), on: Path(local: Self.server, remote: remote), at: now,
      into: &outbox)
    carryOut(&outbox, of: nil)
  }

  /// Lets a test command a bot.
  func act(_ index: Int, _ body: (Bot, Instant, inout Outbox) -> Void) {
    var outbox = Outbox(pool: pool)
    body(bots[index], now, &outbox)
    carryOut(&outbox, of: index)
  }

  func run(for span: Duration) {
    let end = now + span
    while true {
      var next = earlier(sfu.nextTimeout, underway.first?.at)
      for bot in bots { next = earlier(next, bot.nextTimeout) }
      guard let next, next <= end else { break }
      now = max(now, next)
      while let first = underway.first, first.at <= now {
        underway.removeFirst()
        deliver(first.bytes, on: first.path)
      }
      var outbox = Outbox(pool: pool)
      sfu.handleTimeout(at: now, into: &outbox)
      carryOut(&outbox, of: nil)
      for index in bots.indices {
        act(index) { bot, now, outbox in bot.handleTimeout(at: now, into: &outbox) }
      }
    }
    now = end
  }

  private func deliver(_ bytes: [UInt8], on path: Path) {
    var outbox = Outbox(pool: pool)
    if path.local.ip == Self.serverIP {
      sfu.receive(pool.makePacket(bytes), on: path, at: now, into: &outbox)
      carryOut(&outbox, of: nil)
      return
    }
    let index = bots.indices.first {
      path.local.ip == IPAddress(v4: 10, 0, 0, UInt8(2 + $0))
    }
    guard let index else {
      strayBytes += bytes.count
      return
    }
    guard !deaf.contains(index) else { return }
    if bytes.count > 1, PacketKind(bytes.span.bytes) == .rtp {
      longest[index] = max(longest[index], now - lastMedia[index])
      lastMedia[index] = now
    }
    bots[index].receive(pool.makePacket(bytes), on: path, at: now, into: &outbox)
    carryOut(&outbox, of: index)
  }

  /// - Parameter index: the bot whose outbox it is; nil for the SFU.
  private func carryOut(_ outbox: inout Outbox, of index: Int?) {
    while let out = outbox.packets.popFirst() {
      let bytes = out.packet.bytes.withUnsafeBytes { Array($0) }
      wireHash = bytes.reduce(wireHash) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
      if random.chance(loss) { continue }
      if let index, deaf.contains(index) { continue }
      underway.append((now + .milliseconds(10), out.path.reversed, bytes))
    }
    while let action = outbox.streams.popFirst() { carryOut(action, of: index) }
  }

  /// Bot `n` holds stream 1 of its own; the SFU knows it as the one `n` below the highest number.
  private func carryOut(_ action: StreamAction, of index: Int?) {
    var answers = Outbox(pool: pool)
    if let index {
      let there = StreamID(.max - UInt32(index))
      let event: StreamEvent
      switch action {
      case .connect(_, let address, let request): event = .opened(there, request, from: address)
      case .send(_, let bytes, let isText): event = .message(there, bytes, isText: isText)
      case .close(_, let code): event = .closed(there, .closed(code: code))
      case .accept, .respond: return
      }
      sfu.receive(event, at: now, into: &answers)
      carryOut(&answers, of: nil)
      return
    }
    let here = StreamID(1)
    let event: StreamEvent
    let target: StreamID
    switch action {
    case .accept(let stream): (target, event) = (stream, .accepted(here))
    case .send(let stream, let bytes, let isText):
      (target, event) = (stream, .message(here, bytes, isText: isText))
    case .close(let stream, let code):
      (target, event) = (stream, .closed(here, .closed(code: code)))
    case .respond(let stream, let response): (target, event) = (stream, .responded(here, response))
    case .connect: return
    }
    let bot = Int(UInt32.max - target.number)
    if case .message(_, let bytes, _) = event {
      signalled[bot] += bytes.count
      if case .update(let update)? = try? SignalResponse(decoding: bytes) {
        for info in update.participants { infos[bot][info.identity] = info }
      }
    }
    bots[bot].receive(event, at: now, into: &answers)
    carryOut(&answers, of: bot)
  }
}
