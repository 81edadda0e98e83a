// A whole call in real time: the reference SFU and bots meet over loopback sockets, with real DTLS.

import Basics
import Bots
import NetIO
import RefSFU
import Signal
import Testing

@Suite(.serialized)
struct CallTests {
  private let keys = APIKeys(["key": "a secret of some length"])
  private let loop: EventLoop
  private let sfu: SFU
  private let node: NodeID
  private let signalling: Address

  init() throws {
    loop = try EventLoop()
    signalling = try loop.listen(on: Address(loopback, port: 0))
    let media = try loop.bind(Address(loopback, port: 0))
    var configuration = SFUConfiguration(keys: keys)
    configuration.mediaPort = media.port
    sfu = SFU(configuration, random: RandomStream(seed: 1, name: "sfu"))
    node = try loop.attach(
      sfu, interfaces: [loopbackInterface], sockets: [media], listeners: [signalling])
  }

  /// Two sockets with neighbouring ports, as a bot needs them.
  private func bindPair() throws -> [Address] {
    for _ in 0..<100 {
      let first = try loop.bind(Address(loopback, port: 0))
      guard first.port < .max,
        let second = try? loop.bind(Address(loopback, port: first.port + 1))
      else { continue }
      return [first, second]
    }
    throw NetIOError.addressInUse
  }

  private func addBot(
    _ identity: String, grant: VideoGrant = .join("room")
  ) throws -> (bot: Bot, node: NodeID) {
    let sockets = try bindPair()
    let token = AccessToken(
      apiKey: "key", identity: identity, video: grant, now: sfu.configuration.epochSeconds)
    var configuration = BotConfiguration(
      identity: identity, room: "room", token: try #require(token.signed(with: keys)),
      signalAddress: signalling)
    configuration.port = sockets[0].port
    var audio = AudioSource.Configuration()
    audio.schedule = .always
    let layers = [180, 360].map { height in
      EncoderModel(
        width: height * 16 / 9, height: height, framesPerSecond: 15,
        targetBitrate: .kbps(Int64(height)), minimumBitrate: .kbps(50),
        maximumBitrate: .kbps(1_000), temporalLayers: 1)
    }
    configuration.tracks = [
      LocalTrackConfiguration(source: .microphone, media: .audio(audio)),
      LocalTrackConfiguration(source: .camera, media: .video(.init(layers: layers))),
    ]
    let bot = Bot(configuration, random: RandomStream(seed: 2, name: identity))
    let node = try loop.attach(bot, interfaces: [loopbackInterface], sockets: sockets)
    loop.withNode(node) { _, now, outbox in bot.join(at: now, into: &outbox) }
    return (bot, node)
  }

  @Test func twoBotsSeeAndHearEachOther() throws {
    let ada = try addBot("ada")
    let bob = try addBot("bob")
    let isUp = loop.reaches {
      [ada.bot, bob.bot].allSatisfy { bot in
        bot.state == .connected && bot.inbound.count == 2
          && bot.inbound.allSatisfy { $0.packetsReceived > 0 }
          && bot.inbound.contains { $0.framesDecoded > 0 }
      }
    }
    #expect(isUp)
    for bot in [ada.bot, bob.bot] {
      #expect(bot.observations.unknownSSRCPackets == 0)
      #expect(bot.inbound.allSatisfy { $0.decodeErrors == 0 })
    }
    #expect(loop.counters.sendErrors == 0 && loop.counters.unroutable == 0)
    loop.withNode(node) { _, now, outbox in sfu.shutDown(at: now, into: &outbox) }
    #expect(
      loop.reaches {
        // They are invited to come back, in vain.
        [ada.bot, bob.bot].allSatisfy { $0.state != .connected } && loop.openConnections == 0
      })
  }

  @Test func aWrongTokenIsRefusedOverHTTP() throws {
    var grant = VideoGrant.join("room")
    grant.roomJoin = false
    let eve = try addBot("eve", grant: grant)
    #expect(
      loop.reaches {
        eve.bot.state == .disconnected(.refused(.init(status: 401, text: "permissions denied")))
      })
  }
}
