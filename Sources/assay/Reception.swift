// What stands before the SFU of `serve`: requests for the page and for the network are answered here,
// everything else goes on.

import Basics
import Lab
import Signal

final class Reception: Node {
  private let next: any Node
  private let network: SFUBehindLinks?
  private let isOpen: Bool
  private let browsers: BrowserPolicy
  private let tokens: TokenEndpoint
  private let metrics: () -> StreamResponse

  /// - Parameters:
  ///   - network: the same as `next` where links stand before the SFU.
  ///   - isOpen: whether anybody may change the network.
  init(
    _ next: any Node, network: SFUBehindLinks?, isOpen: Bool, browsers: BrowserPolicy,
    tokens: TokenEndpoint,
    metrics: @escaping () -> StreamResponse
  ) {
    self.next = next
    self.network = network
    self.isOpen = isOpen
    self.browsers = browsers
    self.tokens = tokens
    self.metrics = metrics
  }

  var nextTimeout: Instant? { next.nextTimeout }

  func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    next.receive(packet, on: path, at: now, into: &outbox)
  }

  func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    if case .opened(let id, let request, _) = event,
      let response = browsers.refusal(of: request)
    {
      outbox.send(.respond(id, response))
    } else if case .opened(let id, let request, _) = event, request.kind == .http,
      let response = TestPage.answer(request) ?? tokens.answer(request)
        ?? answerMetrics(request) ?? answerNetwork(request, at: now)
    {
      outbox.send(.respond(id, response))
    } else {
      next.receive(event, at: now, into: &outbox)
    }
  }

  private func answerMetrics(_ request: StreamRequest) -> StreamResponse? {
    RequestTarget(request.target)?.path == "/metrics" && request.method == "GET"
      ? metrics() : nil
  }

  /// Without a network there is nothing to say about it, which is no error.
  private func answerNetwork(_ request: StreamRequest, at now: Instant) -> StreamResponse? {
    if let network { return network.answerNetwork(request, isOpen: isOpen, at: now) }
    guard RequestTarget(request.target)?.path == "/network" else { return nil }
    return StreamResponse(status: request.method == "GET" ? 204 : 404)
  }

  func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {
    next.interfacesChanged(interfaces, at: now, into: &outbox)
  }

  func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    next.handleTimeout(at: now, into: &outbox)
  }
}
