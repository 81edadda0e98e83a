// Who may come in: every stream and request enters here, and is handed to the signalling whose path it
// names.

import Basics

extension SFU {
  /// Answers a request that is no WebSocket: health, or what a signalling answers.
  func answer(
    _ request: StreamRequest, at now: Instant, into outbox: inout Outbox
  ) -> StreamResponse {
    guard let target = RequestTarget(request.target) else { return Refusal.unknownPath.response }
    for signalling in configuration.signalling {
      if let response = signalling.answer(request, target, on: self, at: now, into: &outbox) {
        return response
      }
    }
    guard request.method == "GET" || request.method == "HEAD",
      target.path == "/" || target.path == "/healthz"
    else { return Refusal.unknownPath.response }
    return isShuttingDown
      ? Refusal.shuttingDown.response : StreamResponse(status: 200, text: "OK")
  }

  /// A client opens a signalling stream.
  func open(
    _ stream: StreamID, _ request: StreamRequest, at now: Instant, into outbox: inout Outbox
  ) {
    do throws(Refusal) {
      guard let target = RequestTarget(request.target) else { throw .unknownPath }
      for signalling in configuration.signalling {
        if try signalling.open(stream, request, target, on: self, at: now, into: &outbox) { return }
      }
      throw .unknownPath
    } catch {
      note(error, of: request)
      outbox.send(.respond(stream, error.response))
    }
  }

  /// Whom the request's credentials let in, if the room has a place.
  func admit(
    _ request: StreamRequest, _ target: RequestTarget, at now: Instant
  ) throws(Refusal) -> Admission {
    if isShuttingDown { throw .shuttingDown }
    let admission = try configuration.authorizer.admission(
      for: request, target, at: unixSeconds(at: now))
    try checkPlace(for: admission)
    return admission
  }

  /// Names that go into every update, and a room that a join would make, have limits on every way in.
  /// - Throws: 400 and 503 beyond them; 429 where the room is full; hidden participants take no place.
  func checkPlace(for admission: Admission) throws(Refusal) {
    guard admission.room.utf8.count <= SFULimits.roomNameSize else {
      throw Refusal(status: 400, text: "the room's name is too long")
    }
    guard admission.identity.utf8.count <= SFULimits.identitySize else {
      throw Refusal(status: 400, text: "the identity is too long")
    }
    guard admission.profile.isWithinLimits else {
      throw Refusal(status: 400, text: "the token exceeds the limits of metadata")
    }
    guard let room = rooms.first(where: { $0.name == admission.room }) else {
      guard rooms.count < SFULimits.rooms else {
        throw Refusal(status: 503, text: "too many rooms")
      }
      return
    }
    if admission.rights.hidden { return }
    guard room.visibleCount(besides: admission.identity) < room.settings.maximumParticipants else {
      throw Refusal(status: 429, text: "room has exceeded its max participants")
    }
  }

  /// Takes one join from the budget: who is let in costs handshakes.
  /// - Throws: 503 where there were too many at once.
  func takeJoin(at now: Instant) throws(Refusal) {
    guard let rate = configuration.joinRate, !joinBudget.takes(at: now, rate: rate) else { return }
    throw Refusal(status: 503, text: "too many joins at once")
  }
}
