// Bots towards a server that does what a real LiveKit server does.

import Basics
import Testing
import Transport
import Wire

@testable import Bots

@Suite(.serialized) struct LiveKitServerTests {
  private func joined(
    _ change: (inout ScriptedLiveKit.Options) -> Void = { _ in }
  ) -> ScriptedLiveKit {
    var options = ScriptedLiveKit.Options()
    change(&options)
    let server = ScriptedLiveKit(options)
    server.join()
    server.run(for: .seconds(3))
    return server
  }

  private func sections(_ sdp: String) throws -> [MediaDescription] {
    try SessionDescription(parsing: sdp).media
  }

  // MARK: - ICE

  /// RFC 8445 §6.1.1: of two full agents the one that offers controls.
  @Test func theOffererOfTwoFullAgentsControls() {
    let server = joined()
    #expect(server.bot.state == .connected)
    #expect(server.bot.publisher.ice.role == .controlling)
    #expect(server.bot.subscriber.ice.role == .controlled)
    #expect(server.subscriber.ice.role == .controlling)
    #expect(server.roleConflicts == 0)
  }

  @Test func aFullAgentControlsALiteOne() {
    let server = joined { $0.isLite = true }
    #expect(server.bot.state == .connected)
    #expect(server.bot.publisher.ice.role == .controlling)
    #expect(server.bot.subscriber.ice.role == .controlling)
    #expect(server.roleConflicts == 0)
  }

  /// RFC 8445 §7.3.1.1: a server that offers and takes the controlled role all the same.
  @Test func roleConflictsAreResolved() {
    let server = joined { $0.subscriberRole = .controlled }
    #expect(server.bot.state == .connected)
    #expect(server.bot.subscriber.ice.role != server.subscriber.ice.role)
  }

  @Test func theAnswerHasCandidates() throws {
    let server = joined()
    for (sdp, port) in [(server.offer, UInt16(50_000)), (server.answer, 50_001)] {
      let candidates = try sections(sdp).flatMap(\.candidates)
      #expect(candidates.map(\.address) == [Address(ScriptedLiveKit.botIP, port: port)])
      #expect(candidates.allSatisfy { $0.kind == .host })
    }
    #expect(try sections(server.answer)[0].endOfCandidates)
  }

  /// Behind a gateway others reach a bot under another address, or under none.
  @Test func candidatesAreWhatOthersReach() throws {
    let outside = Address(IPAddress(v4: 127, 0, 0, 1), port: 40_000)
    for known in [[Address(ScriptedLiveKit.botIP, port: 50_001): outside], [:]] {
      let server = ScriptedLiveKit()
      server.bot.setAdvertisedAddresses(known)
      server.join()
      server.run(for: .seconds(3))
      #expect(try sections(server.offer).flatMap(\.candidates).isEmpty)
      let candidates = try sections(server.answer).flatMap(\.candidates)
      #expect(candidates.map(\.address) == known.values.map { $0 })
    }
  }

  // MARK: - DTLS

  /// Pion reads `setup` in sections alone.
  @Test(arguments: [false, true]) func setupIsInEachSection(isLite: Bool) throws {
    let server = joined { $0.isLite = isLite }
    #expect(try SessionDescription(parsing: server.answer).transport.setup == nil)
    #expect(try sections(server.answer).map(\.transport.setup) == [.active, .active])
    #expect(
      try sections(server.offer).map(\.transport.setup) == [.actpass, .actpass])
  }

  @Test func anActiveOffererIsAnsweredPassively() throws {
    let server = joined { $0.setup = .active }
    #expect(try sections(server.answer).map(\.transport.setup) == [.passive, .passive])
    #expect(server.bot.state == .connected)
    #expect(server.bot.subscriber.dtlsRole == .server)
  }

  // MARK: - Bandwidth

  @Test func withoutTransportWideNumbersThereIsREMB() throws {
    let server = joined()
    let answered = try sections(server.answer)
    #expect(answered[0].extensionMap[.absSendTime] == nil)
    #expect(answered[0].rtcpFeedback.allSatisfy { $0.text != "goog-remb" })
    #expect(answered[1].extensionMap[.absSendTime] == 2)
    #expect(answered[1].rtcpFeedback.contains { $0.text == "goog-remb" })
    // The estimator first watches five seconds of throughput (libwebrtc kInitializationTime).
    server.sendVideo(for: .seconds(9))
    var estimates: [Bitrate] = []
    for packet in server.feedback {
      switch packet {
      case .receiverEstimatedMaximumBitrate(let remb):
        estimates.append(remb.bitrate)
        #expect(remb.ssrcs == [7_000])
      case .transportFeedback: Issue.record("feedback by numbers that were not offered")
      default: break
      }
    }
    // 1.6 Mbps arrive; libwebrtc reports at least once a second.
    #expect(estimates.count >= 3)
    #expect(estimates.last.map { $0 > .kbps(1_200) && $0 < .kbps(4_000) } == true)
  }

  @Test func transportWideNumbersGoBeforeREMB() throws {
    let server = joined { $0.feedback = [.maximumBitrate, .transportWide] }
    let answered = try sections(server.answer)
    #expect(answered[0].extensionMap[.transportSequenceNumber] == nil)
    #expect(answered[1].extensionMap[.transportSequenceNumber] == 3)
    #expect(answered[1].extensionMap[.absSendTime] == nil)
    server.sendVideo(for: .seconds(2))
    let kinds = server.feedback.map { packet in
      switch packet {
      case .transportFeedback: "numbers"
      case .receiverEstimatedMaximumBitrate: "REMB"
      default: ""
      }
    }
    #expect(kinds.contains("numbers") && !kinds.contains("REMB"))
  }

  /// LiveKit reports numbers as lost that it does not read, and the publisher's estimate goes down.
  @Test func onlyWhatWasNegotiatedIsNumbered() {
    let server = joined()
    let audio = server.published.filter { $0.payloadType == CodecProfile.opus.payloadType }
    #expect(audio.count > 50)
    #expect(audio.allSatisfy { $0.extensions.transportSequenceNumber == nil })
    #expect(audio.allSatisfy { $0.extensions.audioLevel != nil })
    let numbers = server.published.compactMap(\.extensions.transportSequenceNumber)
    #expect(numbers.count > 50)
    #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
  }

  @Test func audioIsNumberedWhereThatWasNegotiated() {
    let server = joined { $0.audioHasNumbers = true }
    let audio = server.published.filter { $0.payloadType == CodecProfile.opus.payloadType }
    #expect(audio.count > 50)
    #expect(audio.allSatisfy { $0.extensions.transportSequenceNumber != nil })
  }

  // MARK: - Signalling

  /// LiveKit starts the tracks of an adaptive stream at their lowest layer, until settings come.
  @Test func adaptiveStreamIsAskedForWithSettingsToFollow() {
    let plain = joined()
    #expect(plain.query?.adaptiveStream == false)
    #expect(plain.settings.isEmpty)
    let server = ScriptedLiveKit()
    var view = BotView()
    view.others = .height(180)
    server.bot.setInitialView(view)
    server.join()
    server.run(for: .seconds(1))
    #expect(server.query?.adaptiveStream == true)
    #expect(server.settings.map(\.height) == [180])
  }

  // MARK: - Muting

  /// A server may send digital silence in place of a muted track.
  @Test func silenceIsNoSoundOfAMutedTrack() throws {
    let identity = RemoteTrack.Identity(
      publisherSID: "PA_eve", trackSID: "TR_mic", mid: "0", ssrc: 6_000, rtxSSRC: nil, kind: .audio,
      codec: .opus)
    let track = RemoteTrack(
      identity, playout: PlayoutDelay.Configuration(), delayDecimation: 1, decodesMedia: false)
    track.setMuted(true, at: .zero)
    let pool = PacketPool()
    var faults = ProtocolAudit()
    var number: UInt16 = 0
    for payload in [OpusPacket.silence, OpusPacket.silence, [0x78], [0xF8, 0xFF, 0xFF]] {
      number += 1
      var packet = pool.makePacket()
      packet.beginRTP(
        RTPFields(
          marker: false, payloadType: 111, sequenceNumber: number,
          timestamp: UInt32(number) * 960, ssrc: 6_000),
        extensions: RTPExtensions(), map: RTPExtensionMap())
      for byte in payload { packet.append(byte) }
      track.receive(
        packet.bytes, try RTPHeader(packet.bytes), isRetransmission: false,
        roundTrip: .milliseconds(20), at: .seconds(1), &faults)
    }
    #expect(track.packetsAfterMute == 2)
  }
}
