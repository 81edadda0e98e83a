import Basics
import Testing

@testable import RefSFU

private typealias Input = StreamRewriter.Input

/// What the rewriter shall do, said slowly: a number moves down by the dropped numbers below it.
private struct ObviousRewriter {
  var sequenceStart: Int, sequenceOut: Int
  var pictureStart: Int, pictureOut: Int
  var newest: Int, newestPicture: Int
  var droppedNumbers: Set<Int> = []
  var droppedPictures: Set<Int> = []

  mutating func rewrite(
    number: Int, picture: Int?, wanted: Bool
  ) -> (kind: String, number: Int, picture: Int)? {
    let isNew = number > newest
    newest = max(newest, number)
    if let picture {
      if picture > newestPicture, !wanted { droppedPictures.insert(picture) }
      newestPicture = max(newestPicture, picture)
    }
    if isNew {
      guard let picture else {
        droppedNumbers.insert(number)
        return nil
      }
      if droppedPictures.contains(picture) { droppedNumbers.insert(number) }
    }
    if droppedNumbers.contains(number) { return nil }
    let out = sequenceOut + number - sequenceStart - droppedNumbers.count { $0 < number }
    guard let picture, !droppedPictures.contains(picture) else { return ("pad", out, 0) }
    return (
      "forward", out,
      pictureOut + picture - pictureStart - droppedPictures.count { $0 < picture }
    )
  }
}

@Suite struct StreamRewriterFuzzTests {
  struct Sent {
    var number: Int
    var picture: Int?
    var temporal: Int
    var isLast: Bool
    var arrival: Double
  }

  /// Frames of one to four packets in three temporal layers, with padding between, through a
  /// network that loses, delays and duplicates.
  private func network(_ random: inout RandomStream, count: Int) -> (all: Int, arrived: [Sent]) {
    let first = Int(random.below(65_536))
    var number = first
    var picture = Int(random.below(32_768))
    var sent: [Sent] = []
    let loss = random.uniform(in: 0...0.3)
    let spread = random.uniform(in: 0...8)
    for frame in 0..<count {
      let size = Int(random.below(4)) + 1
      for part in 0..<size {
        let packet = Sent(
          number: number, picture: picture, temporal: frame == 0 ? 0 : [0, 2, 1, 2][frame % 4],
          isLast: part == size - 1, arrival: Double(number) + random.uniform() * spread)
        sent.append(packet)
        number += 1
      }
      picture += 1
      if random.chance(0.1) {
        sent.append(
          Sent(number: number, picture: nil, temporal: 0, isLast: false, arrival: Double(number)))
        number += 1
      }
    }
    var arrived: [Sent] = [sent[0]]
    arrived[0].arrival = -1
    for packet in sent.dropFirst() where !random.chance(loss) {
      arrived.append(packet)
      if random.chance(0.02) {
        var again = packet
        again.arrival += random.uniform() * 20
        arrived.append(again)
      }
    }
    arrived.sort { $0.arrival == $1.arrival ? $0.number < $1.number : $0.arrival < $1.arrival }
    return (number - first, arrived)
  }

  @Test(arguments: 0..<60) func agreesWithTheObviousModel(seed: Int) {
    var random = RandomStream(seed: UInt64(seed), name: "rewriter")
    let (_, arrived) = network(&random, count: 200)
    let start = arrived[0]
    let out = Int(random.below(65_536))
    let pictureOut = Int(random.below(32_768))
    var stream = StreamRewriter(
      clockRate: 90_000, firstSequenceNumber: UInt16(out), firstTimestamp: 0,
      firstPictureID: UInt16(pictureOut))
    var model = ObviousRewriter(
      sequenceStart: start.number, sequenceOut: out, pictureStart: start.picture!,
      pictureOut: pictureOut, newest: start.number - 1, newestPicture: start.picture! - 1)
    var maximumTemporal = 2
    var owner: [Int: Int] = [:]
    for (index, packet) in arrived.enumerated() {
      if random.chance(0.02) { maximumTemporal = Int(random.below(3)) }
      let wanted = packet.temporal <= maximumTemporal
      let input = Input(
        layer: 0, sequenceNumber: UInt16(truncatingIfNeeded: packet.number), timestamp: 0,
        marker: packet.isLast, isWanted: wanted, isPadding: packet.picture == nil,
        vp8: packet.picture.map { VP8Numbers(pictureID: UInt16($0 & 0x7FFF)) })
      if index == 0 { stream.begin(input, at: .zero) }
      let outcome = stream.rewrite(input, at: .zero)
      let expected = model.rewrite(number: packet.number, picture: packet.picture, wanted: wanted)
      switch outcome {
      case .forward(let output):
        #expect(expected?.kind == "forward")
        #expect(expected.map { UInt16(truncatingIfNeeded: $0.number) } == output.sequenceNumber)
        #expect(expected.map { UInt16($0.picture & 0x7FFF) } == output.vp8?.pictureID)
      case .pad(let output):
        #expect(expected?.kind == "pad")
        #expect(expected.map { UInt16(truncatingIfNeeded: $0.number) } == output.sequenceNumber)
      case .refuse(let refusal):
        #expect(expected == nil)
        #expect(refusal == .unwanted)
      }
      if let expected {
        #expect(owner[expected.number] ?? packet.number == packet.number)
        owner[expected.number] = packet.number
      }
    }
    // The receiver's gaps are exactly the publisher's lost packets.
    let lost = Set(start.number...model.newest).subtracting(arrived.map(\.number))
    let highest = out + model.newest - start.number - model.droppedNumbers.count
    #expect(highest - out + 1 - owner.count == lost.count)
  }

  @Test(arguments: 0..<20) func switchesAtRandomStayContiguous(seed: Int) {
    var random = RandomStream(seed: UInt64(seed), name: "switches")
    var stream = StreamRewriter(
      clockRate: 90_000, firstSequenceNumber: 65_000, firstTimestamp: .max - 1_000,
      firstPictureID: 32_000)
    var numbers = (0..<3).map { _ in UInt16(truncatingIfNeeded: random.next()) }
    let offsets = (0..<3).map { _ in UInt32(truncatingIfNeeded: random.next()) }
    var expected: UInt16 = 65_000
    var picture: UInt16 = 32_000
    var tl0: UInt8 = 0
    var last: UInt32?
    for frame in 0..<2_000 {
      let now = Instant.milliseconds(frame * 33)
      let chosen = frame == 0 || random.chance(0.05) ? Int(random.below(3)) : nil
      for layer in 0..<3 {
        let input = Input(
          layer: layer, sequenceNumber: numbers[layer],
          timestamp: offsets[layer] &+ UInt32(frame * 2_970), marker: true,
          vp8: VP8Numbers(
            pictureID: UInt16((frame + layer * 9_000) & 0x7FFF),
            tl0PictureIndex: UInt8(truncatingIfNeeded: frame + layer * 50)))
        numbers[layer] &+= 1
        if layer == chosen {
          let aligned = stream.layer.map { offsets[$0] &+ UInt32(frame * 2_970) }
          stream.begin(input, aligned: random.chance(0.5) ? aligned : nil, at: now)
        }
        guard case .forward(let output) = stream.rewrite(input, at: now) else { continue }
        #expect(output.sequenceNumber == expected)
        #expect(output.vp8?.pictureID == picture)
        #expect(output.vp8?.tl0PictureIndex == tl0)
        if let last {
          let step = output.timestamp &- last
          #expect(step > 0 && step < 3_200)
        }
        last = output.timestamp
        expected &+= 1
        picture = (picture + 1) & 0x7FFF
        tl0 &+= 1
      }
    }
  }
}
