// The state machines behind the loss models, as in Linux net/sched/sch_netem.c and tc-netem(8).
import Basics

/// Decides packet by packet; draws from its own stream only, the same number for every packet.
struct LossProcess {
  private var random: RandomStream
  private var state = State.good
  private var cursor = 0

  private enum State { case good, goodInBurst, lossInBurst, isolatedLoss }

  init(random: RandomStream) { self.random = random }

  /// Forgets the state of the model that was in force, not the draws already made.
  mutating func reset() {
    state = .good
    cursor = 0
  }

  /// Whether the packet that entered as number `index` is lost.
  mutating func loses(_ index: Int, _ model: LossModel) -> Bool {
    switch model {
    case .none: return false
    case .bernoulli(let p): return random.chance(p)
    case .gilbertElliott(let p, let r, let lossInBad, let lossInGood):
      let turn = random.uniform()
      let draw = random.uniform()
      if state == .good {
        if turn < p { state = .lossInBurst }
        return draw < lossInGood
      }
      if turn < r { state = .good }
      return draw < lossInBad
    case .fourState(let p13, let p31, let p32, let p23, let p14):
      return fourState(p13: p13, p31: p31, p32: p32, p23: p23, p14: p14)
    case .indices(let indices):
      while cursor < indices.count, indices[cursor] < index { cursor += 1 }
      return cursor < indices.count && indices[cursor] == index
    }
  }

  private mutating func fourState(
    p13: Double, p31: Double, p32: Double, p23: Double, p14: Double
  ) -> Bool {
    let draw = random.uniform()
    switch state {
    case .good:
      if draw < p14 { state = .isolatedLoss } else if draw < p14 + p13 { state = .lossInBurst }
    case .goodInBurst:
      if draw < p23 { state = .lossInBurst }
    case .lossInBurst:
      if draw < p32 { state = .goodInBurst } else if draw < p32 + p31 { state = .good }
    case .isolatedLoss:
      state = .good
    }
    return state == .lossInBurst || state == .isolatedLoss
  }
}
