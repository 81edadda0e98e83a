// One ordinary participant against two bystanders, whose media is measured: what costs the SFU or the
// others more than it costs the attacker, over signalling and with forged source addresses.

import Basics
import Signal
import Testing
import Wire

@testable import Bots
@testable import RefSFU
@testable import Transport

@Suite(.serialized) struct AttackTests {
  private static let ada = 0
  private static let ben = 1
  private static let eve = 2
  private static let third = Address(IPAddress(v4: 198, 51, 100, 9), port: 4_444)

  /// Ada and Ben publish, Eve attacks.
  private func room() -> DataCall {
    let call = DataCall()
    call.join("ada", tracks: DataCall.media)
    call.join("ben", tracks: DataCall.media)
    var grant = VideoGrant.join("room")
    grant.canUpdateOwnMetadata = true
    call.join("eve", grant: grant, tracks: [DataCall.media[0]])
    call.run(for: .seconds(5))
    call.watch()
    return call
  }

  private func participant(_ call: DataCall, _ identity: String) -> Participant? {
    call.sfu.rooms.first?.participants.first { $0.identity == identity }
  }

  /// Neither lost its session, its media or its signalling.
  private func expectUnharmed(
    _ call: DataCall, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (index, identity) in [(Self.ada, "ada"), (Self.ben, "ben")] {
      let gap = call.longestGap(of: index)
      #expect(gap < .milliseconds(500), "\(identity) \(gap)", sourceLocation: sourceLocation)
      #expect(
        participant(call, identity)?.channel.stream != nil, "\(identity)",
        sourceLocation: sourceLocation)
      #expect(call.bots[index].state == .connected, sourceLocation: sourceLocation)
    }
  }

  /// A check with Eve's own credentials.
  private func check(_ call: DataCall, _ target: TransportTarget) throws -> [UInt8] {
    let eve = try #require(participant(call, "eve"))
    let transport = target == .publisher
    let local =
      transport
      ? eve.publisher.ice.localCredentials : eve.subscriber.ice.localCredentials
    let theirs =
      transport
      ? call.bots[Self.eve].publisher.ice.localCredentials
      : call.bots[Self.eve].subscriber.ice.localCredentials
    return STUNMessage(
      .request, transactionID: STUNTransactionID(high: 3, low: 4),
      attributes: [
        .username("\(local.ufrag):\(theirs.ufrag)"), .priority(1), .useCandidate,
        .iceControlling(tiebreaker: 1),
      ]
    ).bytes(integrityKey: Array(local.password.utf8), hmacSHA1: hmacSHA1)
  }

  // MARK: - Forged source addresses

  /// Eve's checks with the addresses of both bystanders: what comes from there stays theirs.
  @Test func checksWithAnothersAddressTakeNoStream() throws {
    let call = room()
    let before = call.sfu.rooms[0].participants.prefix(2).map { $0.publisher.arrivals.rtp }
    for _ in 0..<50 {
      for bystander in [Self.ada, Self.ben] {
        for target in [TransportTarget.publisher, .subscriber] {
          for port: UInt16 in [50_000, 50_001] {
            let ip = IPAddress(v4: 10, 0, 0, UInt8(2 + bystander))
            call.inject(try check(call, target), from: Address(ip, port: port))
          }
        }
      }
      call.run(for: .milliseconds(100))
    }
    expectUnharmed(call)
    for (index, count) in before.enumerated() {
      let arrived = call.sfu.rooms[0].participants[index].publisher.arrivals.rtp - count
      #expect(arrived > 200, "\(arrived) packets of \(index) were taken for its own")
    }
  }

  /// Her checks from a third party's address move her stream there: three times their bytes at most.
  @Test func aThirdPartyGetsThreeTimesTheBytes() throws {
    let call = room()
    // Her own path is silent, so that nothing speaks against the move.
    call.deaf = [Self.eve]
    call.run(for: .seconds(3))
    call.watch()
    var sent = 0
    for _ in 0..<15 {
      let bytes = try check(call, .subscriber)
      call.inject(bytes, from: Self.third)
      sent += bytes.count
      call.run(for: .milliseconds(100))
    }
    #expect(call.strayBytes > 0 && call.strayBytes <= 3 * sent, "\(call.strayBytes) of \(sent)")
    expectUnharmed(call)
  }

  /// Checks from thousands of ports leave no more addresses behind than a transport may have.
  @Test func addressesOfOneParticipantAreFew() throws {
    let call = room()
    let before = call.sfu.census.addresses
    let bytes = try check(call, .subscriber)
    for port in 1_000..<6_000 {
      call.inject(bytes, from: Address(Self.third.ip, port: UInt16(port)))
    }
    #expect(call.sfu.census.addresses - before <= TransportLimits.checkedPathLimit)
    call.run(for: .seconds(1))
    expectUnharmed(call)
  }

  // MARK: - Clients that vanish

  /// Signalling alive and UDP dead: no media after 30 s, the session ends after its grace, and a wrong
  /// password for her in STUN hides nothing.
  @Test func aSessionWithoutAPathEnds() throws {
    let call = room()
    call.deaf = [Self.eve]
    let eve = try #require(participant(call, "eve"))
    let forged = STUNMessage(
      .request, transactionID: STUNTransactionID(high: 3, low: 4),
      attributes: [
        .username("\(eve.subscriber.ice.localCredentials.ufrag):x"), .useCandidate,
      ]
    ).bytes(integrityKey: Array("nobody knows it".utf8), hmacSHA1: hmacSHA1)
    var last = eve.subscriber.bytesSent
    var lastSent = call.now
    let begun = call.now
    while call.now - begun < .seconds(62) {
      call.run(for: .milliseconds(500))
      call.inject(forged, from: Address(IPAddress(v4: 10, 0, 0, 4), port: 50_001))
      call.say(.ping(1), as: Self.eve)
      if eve.subscriber.bytesSent != last {
        last = eve.subscriber.bytesSent
        lastSent = call.now
      }
    }
    #expect(lastSent - begun < .seconds(31), "\(lastSent - begun)")
    #expect(eve.hasLeft)
    expectUnharmed(call)
  }

  // MARK: - Signalling

  /// 60,000 ids in one message end their sender's session, and cost nobody else a second.
  @Test func longListsEndTheirSender() {
    for request in [
      SignalRequest.subscription(
        UpdateSubscription {
          $0.trackSids = (0..<60_000).map { "TR_\($0)" }
          $0.subscribe = true
        }),
      .trackSetting(UpdateTrackSettings { $0.trackSids = (0..<60_000).map { "TR_\($0)" } }),
      .syncState(
        SyncState {
          $0.dataChannelReceiveStates = (0..<60_000).map { number in
            DataChannelReceiveState { $0.publisherSid = "PA_\(number)" }
          }
        }),
    ] {
      let call = room()
      let clock = ContinuousClock()
      let begun = clock.now
      call.say(request, as: Self.eve)
      #expect(clock.now - begun < .seconds(20))
      call.run(for: .seconds(1))
      #expect(participant(call, "eve") == nil)
      expectUnharmed(call)
    }
  }

  /// As many ids as one message may have, in one message after another.
  @Test func listsThatAreAllowedCostLittle() {
    let call = room()
    let sids = (0..<SignalLimits.identifiers).map { "TR_\($0)" }
    let request = SignalRequest.subscription(
      UpdateSubscription {
        $0.trackSids = sids
        $0.subscribe = false
      })
    let clock = ContinuousClock()
    let begun = clock.now
    for _ in 0..<3 { call.say(request, as: Self.eve) }
    #expect(clock.now - begun < .seconds(20))
    call.run(for: .seconds(1))
    #expect(participant(call, "eve")?.exceptions.count == SignalLimits.identifiers)
    expectUnharmed(call)
  }

  @Test func longTrackNamesAreRefused() {
    let call = room()
    for name in 0..<3 {
      call.say(
        .addTrack(
          AddTrackRequest {
            $0.cid = "\(name)"
            $0.name = String(repeating: "n", count: 1_900_000)
          }), as: Self.eve)
      call.run(for: .seconds(5))
    }
    #expect(participant(call, "eve")?.tracks.count == 1)
    expectUnharmed(call)
    #expect(call.signalled[Self.ada] < 100_000)
  }

  /// 240 kB/s of muting and unmuting for 15 s.
  @Test func mutingIsMerged() throws {
    let call = room()
    let sid = try #require(participant(call, "eve")?.tracks.first?.sid)
    for turn in 0..<1_500 {
      for half in 0..<80 {
        call.say(
          .mute(
            MuteTrackRequest {
              $0.sid = sid
              $0.muted = (turn + half) % 2 == 0
            }), as: Self.eve)
      }
      call.run(for: .milliseconds(10))
    }
    expectUnharmed(call)
    #expect(call.signalled[Self.ada] < 15 * 60_000, "\(call.signalled[Self.ada])")
    #expect(participant(call, "eve") == nil, "what does not fit into the wait ends her session")
  }

  /// A change that is not told at once is told a little later, as it is then.
  @Test func theLastStateIsTold() throws {
    let call = room()
    for number in 0..<40 {
      call.say(
        .updateMetadata(
          UpdateParticipantMetadata {
            $0.name = "eve"
            $0.metadata = "\(number) " + String(repeating: "m", count: 11_000)
          }), as: Self.eve)
    }
    let told = call.signalled[Self.ada]
    call.run(for: .seconds(3))
    #expect(told < 150_000 && call.signalled[Self.ada] < 250_000, "\(told)")
    let eve = call.latestUpdate(about: "eve", to: Self.ada)
    #expect(eve?.metadata.hasPrefix("39 ") == true)
    expectUnharmed(call)
  }

  @Test func theRoomsProfilesFitOneUpdate() {
    let call = room()
    var grant = VideoGrant.join("room")
    grant.canUpdateOwnMetadata = true
    let crowd = 40
    for number in 0..<crowd { call.join("eve-\(number)", grant: grant) }
    call.run(for: .seconds(5))
    for number in 0..<crowd {
      call.say(
        .updateMetadata(
          UpdateParticipantMetadata {
            $0.metadata = String(repeating: "m", count: SFULimits.metadataSize)
          }), as: 3 + number)
    }
    let room = call.sfu.rooms[0]
    #expect(room.profileSize(besides: nil) <= SFULimits.roomProfileSize)
    #expect(room.profileSize(besides: nil) > SFULimits.roomProfileSize / 2)
  }

  // MARK: - Rooms

  /// The API's limit binds who joins and who publishes over WHIP, too.
  @Test func roomsHaveALimitOnEveryWayIn() {
    let http = HTTPIngest("/whip/v1")
    for number in 0..<SFULimits.rooms { _ = http.sfu.room(named: "room-\(number)", at: .zero) }
    let status = { (room: String) in
      let token = AccessToken(
        apiKey: "key", identity: "eve", video: .join(room),
        now: http.sfu.configuration.epochSeconds)
      let target = "/rtc?access_token=\(token.signed(with: http.keys) ?? "")"
      let request = StreamRequest(kind: .webSocket, target: target)
      do throws(Refusal) {
        _ = try http.sfu.admit(request, RequestTarget(target)!, at: .zero)
        return 101
      } catch {
        return error.status
      }
    }
    #expect(status("one more") == 503)
    #expect(status("room-7") == 101)
    #expect(status(String(repeating: "r", count: SFULimits.roomNameSize + 1)) == 400)
    let whip = http.request("POST", type: HTTPSignalling.description, body: "v=0") {
      $0.room = "one more"
    }
    #expect(whip.status == 503)
  }
}
