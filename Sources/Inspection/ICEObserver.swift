// Connectivity checks between two addresses, and the answers to them (RFC 8445 §7, RFC 7675).

import Basics
import Results
import Wire

struct ICEObserver {
  private struct Pending {
    var transport: TransportState
    var time: Instant
    var nominates: Bool
    var isRequestForward: Bool
  }

  /// Something worth a line of the timeline.
  enum News: Equatable {
    case firstCheck, firstResponse, nominated
    case error(Int)
  }

  private var pending: [STUNTransactionID: Pending] = [:]

  /// Takes a STUN message; returns what is new with it.
  mutating func receive(
    _ message: STUNMessage, on transport: TransportState, isForward: Bool, at time: Instant
  ) -> News? {
    guard message.method == STUNMessage.binding else { return nil }
    var ice = transport.facts.ice ?? CapturedTransport.ICE()
    defer { transport.facts.ice = ice }
    switch message.messageClass {
    case .request:
      ice.requests += 1
      if pending.count < InspectionLimits.pendingChecks {
        pending[message.transactionID] = Pending(
          transport: transport, time: time, nominates: message.usesCandidate,
          isRequestForward: isForward)
      } else {
        drop(before: time)
      }
      guard ice.firstCheck == nil else { return nil }
      ice.firstCheck = time
      return .firstCheck
    case .indication: return nil
    case .success, .error:
      let request = pending.removeValue(forKey: message.transactionID)
      if let code = message.errorCode, message.messageClass == .error {
        ice.errors += 1
        return .error(code)
      }
      ice.responses += 1
      guard let request, request.transport === transport else { return nil }
      ice.roundTrip.add((time - request.time).milliseconds)
      if request.nominates, ice.nominated == nil {
        ice.nominated = time
        ice.firstResponse = ice.firstResponse ?? time
        return .nominated
      }
      guard ice.firstResponse == nil else { return nil }
      ice.firstResponse = time
      return .firstResponse
    }
  }

  /// Requests so old that nothing answers them any more (RFC 8489 §6.2.1: 39.5 s).
  private mutating func drop(before time: Instant) {
    pending = pending.filter { time - $0.value.time < .seconds(10) }
    if pending.count >= InspectionLimits.pendingChecks { pending.removeAll() }
  }
}
