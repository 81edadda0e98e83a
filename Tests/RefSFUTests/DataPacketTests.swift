// Data packets from one participant through the SFU to the others (LiveKit's `_reliable`, `_lossy`).

import Basics
import Signal
import Testing

@testable import Bots
@testable import RefSFU

@Suite(.serialized) struct DataPacketTests {
  private func call(
    seed: UInt64 = 1, loss: Double = 0, dataChannels: Bool = true, grant: VideoGrant = .join("room")
  ) -> DataCall {
    let call = DataCall(seed: seed, dataChannels: dataChannels, loss: loss)
    call.join("ada", grant: grant)
    call.join("bob")
    call.join("cleo")
    call.run(for: .seconds(4))
    return call
  }

  private func sendNumbered(
    _ count: UInt8, in call: DataCall, reliable: Bool = true, to identities: [String] = []
  ) {
    for number in 0..<count {
      call.act(0) { bot, now, outbox in
        bot.sendData([number], reliable: reliable, to: identities, at: now, into: &outbox)
      }
      call.run(for: .milliseconds(20))
    }
  }

  @Test(arguments: [0.0, 0.05]) func reliableArrivesOnceAndInOrderAtEverybodyElse(loss: Double) {
    let call = call(loss: loss)
    #expect(call.bots.map(\.state) == [.connected, .connected, .connected])
    sendNumbered(100, in: call)
    call.run(for: .seconds(10))
    #expect(call.bots[0].observations.data.isEmpty)
    for bot in call.bots.dropFirst() {
      #expect(bot.observations.data.map(\.bytes) == (0..<100).map { [UInt8($0)] })
      #expect(bot.observations.data.allSatisfy { $0.sender == "ada" && $0.isReliable })
    }
  }

  @Test func whatIsSentBeforeThereAreChannelsWaits() {
    let call = DataCall()
    call.join("bob")
    call.run(for: .seconds(4))
    call.join("ada")
    call.act(1) { bot, now, outbox in
      bot.sendData([1], reliable: true, at: now, into: &outbox)
    }
    call.run(for: .seconds(4))
    #expect(call.bots[0].observations.data.map(\.bytes) == [[1]])
  }

  @Test func lossyLoses() {
    let call = call(loss: 0.05)
    sendNumbered(100, in: call, reliable: false)
    call.run(for: .seconds(5))
    let numbers = call.bots[1].observations.data.map(\.bytes)
    #expect(numbers.count < 100)
    #expect(numbers.count > 60)
    #expect(Set(numbers).count == numbers.count)
    #expect(call.bots[1].observations.data.allSatisfy { !$0.isReliable })
  }

  @Test func destinationAloneGetsIt() {
    let call = call()
    sendNumbered(5, in: call, to: ["cleo"])
    call.run(for: .seconds(1))
    #expect(call.bots[1].observations.data.isEmpty)
    #expect(call.bots[2].observations.data.count == 5)
  }

  @Test func nothingPassesWithoutTheRight() {
    var grant = VideoGrant.join("room")
    grant.canPublishData = false
    let call = call(grant: grant)
    sendNumbered(5, in: call)
    call.run(for: .seconds(1))
    #expect(call.bots[1].observations.data.isEmpty)
    #expect(call.bots[2].observations.data.isEmpty)
  }

  @Test func withoutDataChannelsTheCallGoesOn() {
    let call = call(dataChannels: false)
    sendNumbered(5, in: call)
    #expect(call.bots.map(\.state) == [.connected, .connected, .connected])
    #expect(call.bots[1].observations.data.isEmpty)
  }

  @Test func whatIsSentTwiceUnderOneNumberPassesOnce() {
    let call = call()
    sendNumbered(5, in: call)
    // As after a resume, when the publisher does not know what had arrived.
    call.act(0) { bot, _, _ in bot.data.sequence = 3 }
    sendNumbered(4, in: call)
    call.run(for: .seconds(1))
    #expect(call.bots[1].observations.data.map(\.bytes) == [[0], [1], [2], [3], [4], [2], [3]])
    #expect(call.sfu.rooms[0].participants[0].lastReliableSequence == 7)
  }

  @Test func whoResumesGetsWhatItMissed() throws {
    let call = call()
    sendNumbered(6, in: call)
    sendNumbered(2, in: call, to: ["cleo"])
    call.run(for: .seconds(1))
    let ada = call.sfu.rooms[0].participants[0].sid
    var state = ResumeState()
    state.dataReceived = [DataReceiveState(publisherSID: ada, sequence: 4)]
    for index in [0, 1, 2] {
      call.act(index) { [state] bot, now, outbox in
        bot.send(.resumeState(state), at: now, into: &outbox)
      }
    }
    call.run(for: .seconds(1))
    #expect(call.bots[0].observations.data.isEmpty)
    // Sent again, and known to have come.
    #expect(call.bots[1].observations.data.map(\.bytes) == (0..<6).map { [$0] })
    #expect(call.bots[1].data.repeats == 2)
    #expect(call.bots[2].observations.data.suffix(4).map(\.bytes) == [[4], [5], [0], [1]])
  }

  @Test func theCacheIsBounded() {
    var cache = ReliableDataCache()
    func message(_ sequence: UInt32, size: Int, at: Instant) -> ReliableDataCache.Message {
      ReliableDataCache.Message(
        publisherSid: "PA_a", sequence: sequence, destination: DataDestination(),
        bytes: [UInt8](repeating: 0, count: size), at: at)
    }
    let nothing = [DataReceiveState(publisherSid: "PA_a", lastSequence: 0)]
    for number in 1...9 {
      cache.add(message(UInt32(number), size: SFULimits.replaySize / 4, at: .zero))
    }
    #expect(cache.messages(beyond: nothing).map(\.sequence) == [6, 7, 8, 9])
    #expect(cache.messages(beyond: []).isEmpty)
    let late = Instant.zero + SFULimits.replayAge + .milliseconds(1)
    cache.add(message(10, size: 1, at: late))
    #expect(cache.messages(beyond: nothing).map(\.sequence) == [10])
  }

  @Test func oneSeedIsOneCallToTheByte() {
    let hash = { (seed: UInt64) in
      let call = self.call(seed: seed, loss: 0.05)
      self.sendNumbered(20, in: call)
      return call.wireHash
    }
    let first = hash(3)
    #expect(hash(3) == first)
    #expect(hash(4) != first)
  }
}
