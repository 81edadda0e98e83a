// Which connection state may follow which, and how many of a client's did not.

import Basics
import Results
import Testing

@Suite struct ConnectionStates {
  private func log(_ states: [ConnectionState]) -> [StateChange] {
    states.map { StateChange(at: .zero, state: $0) }
  }

  @Test func theMachineKnowsItsTransitions() {
    let all: [ConnectionState] = [
      .idle, .connecting, .connected, .reconnecting, .disconnected(.left),
    ]
    let legal = all.flatMap { a in all.filter { a.mayBecome($0) }.map { (a, $0) } }
    #expect(legal.count == 8)
    #expect(!all.contains { $0.mayBecome($0) || $0.mayBecome(.idle) })
  }

  @Test func skippedAndDoubledStatesAreCounted() {
    #expect(log([.connecting, .connected, .reconnecting, .connected]).illegalTransitions == 0)
    #expect(log([.connected]).illegalTransitions == 1)
    #expect(log([.connecting, .connected, .connected]).illegalTransitions == 1)
    #expect(log([.connecting, .reconnecting, .connected]).illegalTransitions == 1)
  }
}
