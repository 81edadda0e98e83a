// Random streams: fixed by seed and name, or the system's and fixed by nothing.

import Testing

@testable import Basics

struct RandomTests {
  private func draw(_ stream: RandomStream) -> [UInt8] {
    var stream = stream
    return stream.bytes(16)
  }

  @Test func oneSeedAndNameIsOneStream() {
    let stream = RandomStream(seed: 7, name: "link/up/loss")
    #expect(draw(stream) == draw(RandomStream(seed: 7, name: "link/up/loss")))
    #expect(draw(stream) != draw(RandomStream(seed: 7, name: "link/down/loss")))
    #expect(draw(stream) != draw(RandomStream(seed: 8, name: "link/up/loss")))
    #expect(draw(stream.child("x")) == draw(stream.child("x")))
  }

  @Test func theSystemsRepeatsNothing() {
    let system = RandomStream.system
    let draws = [system, system, system.child("x"), system.child("x").child("y")].map(draw)
    #expect(Set(draws).count == draws.count)
  }
}
