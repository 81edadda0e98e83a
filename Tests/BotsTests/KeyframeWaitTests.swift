// How long a bot waits for the keyframes that it asks for.

import Basics
import Testing

@testable import Bots

@Suite struct KeyframeWaits {
  private func at(_ milliseconds: Double) -> Instant { .zero + .milliseconds(milliseconds) }

  /// A request at 0, a packet every 20 ms, and a keyframe at `keyframe`.
  private func waited(untilKeyframeAt keyframe: Int) -> KeyframeWait {
    var wait = KeyframeWait()
    wait.asked(at: at(0))
    for time in stride(from: 20, through: keyframe, by: 20) {
      wait.received(isKeyframe: time == keyframe, at: at(Double(time)))
      wait.asked(at: at(Double(time)))
    }
    return wait
  }

  @Test func aWaitLastsFromTheFirstRequestToTheKeyframe() {
    let wait = waited(untilKeyframeAt: 3_000)
    #expect(wait.longest == .seconds(3))
    // The last packet was the keyframe, and was asked for anew.
    #expect(wait.requests == 2)
  }

  @Test func silenceAndPicturesEndIt() {
    var wait = KeyframeWait()
    wait.asked(at: at(0))
    wait.received(isKeyframe: false, at: at(100))
    wait.received(isKeyframe: false, at: at(5_000))
    wait.received(isKeyframe: false, at: at(5_100))
    #expect(wait.longest == .milliseconds(200))
    wait.ended()
    wait.received(isKeyframe: false, at: at(5_200))
    #expect(wait.longest == .milliseconds(200))
  }
}
