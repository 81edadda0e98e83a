// The video receiver: order, delay, loss and keyframe requests.

import Basics
import Testing

@testable import Bots

@Suite struct MediaVideoJitterBufferTests {
  private func sender(_ model: EncoderModel = .p720(), seconds: Double = 10) -> (
    MediaSender, [EncodedFrame]
  ) {
    var sender = MediaSender(model)
    sender.source.start(at: .zero)
    let frames = sender.frames(until: .seconds(seconds))
    return (sender, frames)
  }

  @Test(arguments: [1, 2, 3])
  func cleanPathShowsEveryFrameEvenly(temporalLayers: Int) {
    var (sender, frames) = sender(.p720(temporalLayers: temporalLayers))
    var receiver = VideoReceiver()
    receiver.run(sender.arrivals(of: frames), until: .seconds(11))
    let rendered = receiver.rendered
    #expect(rendered.count == frames.count)
    #expect(rendered.compactMap { $0.stamp?.frameNumber } == frames.map(\.frameNumber))
    // Encoding 5, path 30, jitter 10, decoding 5 and rendering 10 ms.
    for frame in rendered {
      let delay = frame.renderTime - frame.stamp!.captureTime
      #expect(abs(delay.milliseconds - 60) < 0.1)
    }
    #expect(receiver.keyframeRequests.isEmpty)
    #expect(rendered.allSatisfy { $0.height == 720 })
  }

  @Test func reorderedAndDoubledPacketsDoNoHarm() {
    var (sender, frames) = sender()
    var arrivals = sender.arrivals(of: frames)
    var random = RandomStream(seed: 3, name: "reorder")
    for index in arrivals.indices {
      arrivals[index].time += .milliseconds(Int(random.below(8)))
      if random.chance(0.1) { arrivals.append(arrivals[index]) }
    }
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(11))
    #expect(receiver.rendered.count == frames.count)
    #expect(receiver.meter.freezes.count(at: .seconds(10)) == 0)
  }

  @Test func delayGrowsUnderJitterAndShrinksAgain() {
    var (sender, frames) = sender(seconds: 30)
    var random = RandomStream(seed: 5, name: "jitter")
    let arrivals = sender.arrivals(of: frames) { number in
      // Frames 300...599, ten seconds, are up to 80 ms late.
      let late = Int(random.below(81))
      return .milliseconds(30 + ((300..<600).contains(number) ? late : 0))
    }
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(31))
    func delay(_ range: Range<UInt32>) -> Double {
      let delays = receiver.rendered.filter { range.contains($0.stamp!.frameNumber) }
        .map { ($0.renderTime - $0.stamp!.captureTime).milliseconds }
      return delays.reduce(0, +) / Double(delays.count)
    }
    #expect(abs(delay(0..<300) - 60) < 1)
    #expect((115...145).contains(delay(450..<600)), "\(delay(450..<600))")
    #expect(abs(delay(800..<900) - 60) < 1, "\(delay(800..<900))")
    #expect(receiver.rendered.count == frames.count)
    #expect(receiver.meter.freezes.count(at: .seconds(30)) == 0)
    // Never faster than 100 ms in a second on the way down.
    let after = receiver.rendered.filter { $0.stamp!.frameNumber >= 600 }
    for (a, b) in zip(after, after.dropFirst()) {
      #expect((b.renderTime - a.renderTime).milliseconds > 28)
    }
  }

  @Test(arguments: [120, -120])
  func stepOfThePathIsNoFreeze(step: Int) {
    var (sender, frames) = sender(seconds: 40)
    let arrivals = sender.arrivals(of: frames) { number in
      .milliseconds(150 + (number >= 300 ? step : 0))
    }
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(41))
    let rendered = receiver.rendered
    #expect(rendered.count == frames.count)
    #expect(receiver.meter.freezes.count(at: .seconds(40)) == 0)
    let last = rendered.last!
    let delay = (last.renderTime - last.stamp!.captureTime).milliseconds
    #expect(abs(delay - Double(180 + step)) < 1, "\(delay)")
    // However the estimate of the undisturbed path moves, the picture never jumps for it.
    for (a, b) in zip(rendered.dropFirst(400), rendered.dropFirst(401)) {
      #expect((28...39).contains((b.renderTime - a.renderTime).milliseconds))
    }
  }

  @Test func retransmissionAddsTheRoundTrip() {
    var (sender, frames) = sender(seconds: 10)
    var arrivals = sender.arrivals(of: frames)
    // One packet of every tenth frame comes 60 ms later, as RTX.
    var lastNumber: UInt32 = 0
    for index in arrivals.indices {
      if let stamp = arrivals[index].packet.stamp { lastNumber = stamp.frameNumber }
      if lastNumber % 10 == 9 && arrivals[index].packet.marker {
        arrivals[index].time += .milliseconds(60)
        arrivals[index].packet.isRetransmission = true
      }
    }
    var receiver = VideoReceiver()
    receiver.buffer.setRoundTripTime(.milliseconds(60))
    receiver.run(arrivals, until: .seconds(11))
    #expect(receiver.rendered.count == frames.count)
    let late = receiver.rendered.suffix(60)
    #expect(late.allSatisfy { abs(($0.renderTime - $0.stamp!.captureTime).milliseconds - 120) < 1 })
  }

  @Test func lossWithoutRepairAsksForAKeyframeAfterThreeSeconds() {
    var (sender, frames) = sender(seconds: 10)
    let lost = frames[90].rtpTimestamp
    let arrivals = sender.arrivals(of: frames).filter { $0.packet.timestamp != lost }
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(10))
    let last = receiver.rendered.last!
    #expect(last.stamp?.frameNumber == 89)
    // Decoding of frame 89 began at capture + 45 ms.
    let decode = frames[89].captureTime + .milliseconds(45)
    let first = receiver.keyframeRequests.first!
    #expect(abs((first - decode - .seconds(3)).milliseconds) < 1)
    #expect(receiver.keyframeRequests == [first, first + .seconds(3)])
  }

  @Test func giveUpOfRetransmissionAsksAtOnce() {
    var receiver = VideoReceiver()
    receiver.buffer.retransmissionFailed(at: .seconds(1))
    receiver.handleTimeouts(until: .seconds(1))
    #expect(receiver.keyframeRequests == [.seconds(1)])
  }

  @Test func missingKeyframeIsAskedForEvery200Milliseconds() {
    var (sender, frames) = sender(seconds: 1)
    let arrivals = sender.arrivals(of: Array(frames.dropFirst()))
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(8))
    let requests = receiver.keyframeRequests
    // At once, since the stream begins with a delta frame, then while packets are recent.
    #expect(requests[0] == arrivals.first!.time)
    for (a, b) in zip(requests, requests.dropFirst()) { #expect(b - a == .milliseconds(200)) }
    let lastPacket = arrivals.last!.time
    #expect(requests.last! - lastPacket <= .seconds(5))
    #expect(requests.last! - lastPacket > .milliseconds(4_700))
    #expect(receiver.rendered.isEmpty)
  }

  @Test func keyframeEndsTheWait() {
    var (sender, _) = sender(seconds: 0.001)
    var frames = sender.frames(until: .seconds(1))
    sender.source.requestKeyframe(layer: 0, at: .seconds(1))
    frames += sender.frames(until: .seconds(2))
    let keyframe = frames.first { $0.keyframeNumber == 1 }!
    let first = frames[0].rtpTimestamp
    let arrivals = sender.arrivals(of: frames).filter { $0.packet.timestamp != first }
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(3))
    #expect(receiver.rendered.first?.stamp?.frameNumber == keyframe.frameNumber)
    #expect(receiver.rendered.count == frames.count - Int(keyframe.frameNumber))
    #expect(receiver.drops(.undecodable) + receiver.drops(.incomplete) > 20)
  }

  @Test func upperTemporalLayersMayBeMissing() {
    var (sender, frames) = sender(.p720(temporalLayers: 3))
    let arrivals = sender.arrivals(of: frames.filter { $0.temporalLayer < 2 })
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(11))
    #expect(receiver.rendered.count == frames.count { $0.temporalLayer < 2 })
    #expect(receiver.keyframeRequests.isEmpty && receiver.drops(.decodeError) == 0)
  }

  @Test func lostUpperFrameIsSkipped() {
    var (sender, frames) = sender(.p720(temporalLayers: 2), seconds: 2)
    let upper = frames.filter { $0.temporalLayer == 1 }[5]
    var arrivals = sender.arrivals(of: frames)
    let lost = arrivals.firstIndex {
      $0.packet.marker && $0.packet.timestamp == upper.rtpTimestamp
    }!
    arrivals.remove(at: lost)
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(3))
    #expect(receiver.rendered.count == frames.count - 1)
    #expect(receiver.drops(.incomplete) == 1)
    #expect(receiver.meter.framesDropped == 1)
  }

  /// Two layers and a forwarder that rewrites everything so that the streams seem one; it goes from
  /// the low to the high one at the first frame after 1 s, or at the first keyframe.
  private func switched(atKeyframe: Bool) -> (frames: [EncodedFrame], arrivals: [Arrival]) {
    var configuration = VideoSource.Configuration(layers: [.p180(fps: 30), .p720()])
    configuration.intervalScale = 0
    var sender = MediaSender(configuration)
    sender.source.start(at: .zero)
    var frames = sender.frames(until: .seconds(1))
    if atKeyframe { sender.source.requestKeyframe(layer: 1, at: .seconds(1)) }
    frames += sender.frames(until: .seconds(2))
    var arrivals: [Arrival] = []
    var forwarded: [EncodedFrame] = []
    var tl0: UInt8 = 10
    let change = frames.first {
      $0.layer == 1 && $0.captureTime > .milliseconds(990) && ($0.isKeyframe || !atKeyframe)
    }!.captureTime
    for frame in frames {
      let packets = sender.packets(frame)
      guard frame.layer == (frame.captureTime < change ? 0 : 1) else { continue }
      forwarded.append(frame)
      tl0 &+= 1
      for (packet, _) in packets {
        var packet = packet
        packet.sequenceNumber = Int64(arrivals.count)
        packet.tl0PicIdx = tl0
        packet.timestamp = UInt32(frame.captureTime.nanoseconds / 100_000 * 9)
        arrivals.append(Arrival(time: frame.captureTime + .milliseconds(30), packet: packet))
      }
    }
    return (forwarded, arrivals)
  }

  @Test func layerSwitchAtAKeyframeIsSeamless() {
    let (frames, arrivals) = switched(atKeyframe: true)
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(2.2))
    #expect(receiver.drops(.decodeError) == 0 && receiver.keyframeRequests.isEmpty)
    #expect(receiver.rendered.count == frames.count)
    #expect(receiver.meter.layerSwitches == 1)
    #expect(receiver.rendered.last?.height == 720 && receiver.rendered.first?.height == 180)
    #expect(receiver.meter.freezes.count(at: .seconds(2)) == 0)
  }

  @Test func layerSwitchWithoutKeyframeIsADecodeError() {
    let (frames, arrivals) = switched(atKeyframe: false)
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(3))
    let before = frames.count { $0.layer == 0 }
    #expect(receiver.rendered.count == before)
    #expect(receiver.drops(.decodeError) == 1)
    #expect(receiver.meter.decodeErrors == 1)
    let error = receiver.events.first { $0.event.isDecodeError }!
    #expect(receiver.keyframeRequests.first == error.time)
  }

  @Test func skippedFrameBehindIntactDescriptorsIsADecodeError() {
    var (sender, frames) = sender(seconds: 1)
    var arrivals = sender.arrivals(of: frames.filter { $0.frameNumber != 10 })
    for index in arrivals.indices where arrivals[index].packet.timestamp != 0 {
      arrivals[index].packet.tl0PicIdx = nil
      arrivals[index].packet.pictureID = nil
    }
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(0.5))
    #expect(receiver.rendered.count == 10)
    #expect(receiver.drops(.decodeError) == 1)
  }

  /// TL0PICIDX comes round after 256 frames (RFC 7741 §4.2): the same value again is no proof.
  @Test func anOutageOfARoundOfIndicesIsNoContinuity() {
    var (sender, frames) = sender(seconds: 12)
    let arrivals = sender.arrivals(of: frames).filter {
      $0.time < .seconds(1) || $0.time > .seconds(7)
    }
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(12.2))
    #expect(receiver.drops(.decodeError) == 0)
    #expect(!receiver.keyframeRequests.isEmpty)
  }

  @Test func suspendedStreamAsksForNothing() {
    var (sender, frames) = sender(seconds: 1)
    var receiver = VideoReceiver()
    receiver.run(sender.arrivals(of: frames), until: .seconds(1.2))
    receiver.buffer.suspend()
    receiver.handleTimeouts(until: .seconds(20))
    #expect(receiver.keyframeRequests.isEmpty)
    receiver.buffer.resume(at: .seconds(20))
    receiver.handleTimeouts(until: .seconds(30))
    // No packets for more than five seconds: nobody is asked.
    #expect(receiver.keyframeRequests.isEmpty)
  }

  @Test func catchesUpAfterAnOutage() {
    var (sender, frames) = sender(seconds: 6)
    // Everything of the third second comes at its end, as after retransmission.
    let outage = Instant.seconds(2)..<Instant.seconds(3)
    var arrivals = sender.arrivals(of: frames)
    for index in arrivals.indices where outage.contains(arrivals[index].time) {
      arrivals[index].time = .seconds(3)
    }
    var receiver = VideoReceiver()
    receiver.run(arrivals, until: .seconds(7))
    #expect(receiver.rendered.count == frames.count)
    #expect(receiver.meter.freezes.count(at: .seconds(7)) >= 1)
    let renders = receiver.rendered.map(\.renderTime)
    #expect(zip(renders, renders.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test func boundedWithoutAKeyframe() {
    var (sender, frames) = sender(seconds: 20)
    var receiver = VideoReceiver()
    receiver.run(sender.arrivals(of: Array(frames.dropFirst())), until: .seconds(21))
    #expect(receiver.buffer.frameCount <= MediaLimits.bufferedFrames)
  }

  @Test func sameInputSameEvents() {
    func run() -> [Instant] {
      var (sender, frames) = sender(.p720(temporalLayers: 3))
      var random = RandomStream(seed: 8, name: "path")
      let arrivals = sender.arrivals(of: frames) { _ in .milliseconds(Int(random.below(50))) }
      var receiver = VideoReceiver()
      receiver.run(arrivals, until: .seconds(11))
      return receiver.rendered.map(\.renderTime)
    }
    #expect(run() == run())
  }
}

extension VideoBufferEvent {
  fileprivate var isDecodeError: Bool {
    if case .dropped(.decodeError, _) = self { true } else { false }
  }
}
