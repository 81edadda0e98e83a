// LiveKit's signalling: streams at /rtc, tokens, and RoomService (pkg/service/rtcservice.go,
// server.go). Only this folder knows its messages.

import Basics
import Signal

struct LiveKitSignalling: Signalling {
  let tokens: LiveKitTokens

  /// Twirp's calls, and what `/rtc` would say.
  func answer(
    _ request: StreamRequest, _ target: RequestTarget, on sfu: SFU, at now: Instant,
    into outbox: inout Outbox
  ) -> StreamResponse? {
    if target.path.hasPrefix("/twirp/") {
      return sfu.answerCall(request, path: target.path, tokens, at: now, into: &outbox)
    }
    guard ["/rtc/validate", "/rtc/v1/validate"].contains(target.path),
      ["GET", "HEAD"].contains(request.method)
    else { return nil }
    do throws(Refusal) {
      _ = try sfu.admit(request, target, at: now)
      return StreamResponse(status: 200, text: "success")
    } catch {
      return error.response
    }
  }

  func open(
    _ stream: StreamID, _ request: StreamRequest, _ target: RequestTarget, on sfu: SFU,
    at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> Bool {
    let isSingle = target.path == "/rtc/v1"
    guard isSingle || target.path == "/rtc" else { return false }
    if sfu.isShuttingDown { throw .shuttingDown }
    let join = isSingle ? try LiveKitSignalling.joinRequest(in: target) : nil
    let query = join.map { RTCQuery($0) } ?? RTCQuery(target)
    let token = try tokens.token(of: request, target, at: sfu.unixSeconds(at: now))
    var admission = try tokens.admission(token)
    admission.subscribesByItself = query.autoSubscribe
    try sfu.checkPlace(for: admission)
    // A session that goes on costs no handshakes.
    if !query.reconnect { try sfu.takeJoin(at: now) }
    outbox.send(.accept(stream))
    let participant: Participant?
    if query.reconnect {
      participant = resume(query.participantSid, admission, on: stream, sfu, at: now, into: &outbox)
    } else {
      let type = isSingle ? SinglePeerChannel.self : LiveKitChannel.self
      let channel = type.init(
        stream, token, keys: tokens.keys, iceServers: sfu.configuration.iceServers)
      participant = sfu.join(admission, over: channel, at: now, into: &outbox)
    }
    guard let participant, let channel = participant.channel as? LiveKitChannel else { return true }
    for message in join?.messages ?? [] where !participant.hasLeft {
      channel.receive(message, from: participant, at: now, into: &outbox)
    }
    return true
  }

  /// What the query of /rtc/v1 carries.
  private static func joinRequest(in target: RequestTarget) throws(Refusal) -> JoinRequest {
    guard let text = target["join_request"], let bytes = Base64URL.decode(standard: text),
      let wrapped = try? WrappedJoinRequest(decoding: bytes),
      let join = wrapped.unwrapped(atMost: SignalLimits.joinRequestSize)
    else { throw Refusal(status: 400, text: "join_request is missing or malformed") }
    return join
  }

  /// Takes up an old session on a new stream, or says that there is none (LiveKit: STATE_MISMATCH).
  private func resume(
    _ sid: String?, _ admission: Admission, on stream: StreamID, _ sfu: SFU, at now: Instant,
    into outbox: inout Outbox
  ) -> Participant? {
    let room = sfu.rooms.first { $0.name == admission.room }
    guard
      let participant = room?.participants.first(where: {
        $0.sid == sid && $0.identity == admission.identity
      }), participant.channel is LiveKitChannel
    else {
      let leave = SignalResponse.leave(
        LeaveRequest {
          $0.reason = .stateMismatch
          $0.action = .reconnect
        })
      outbox.send(.send(stream, leave.encoded, isText: false))
      outbox.send(.close(stream, code: 1_000))
      return nil
    }
    sfu.resume(participant, on: stream, at: now, into: &outbox)
    return participant
  }
}

extension SFUConfiguration {
  /// An SFU that speaks LiveKit's signalling, WHIP and WHEP, and lets in who has a token of these
  /// keys.
  /// - Parameters:
  ///   - tokenLeeway: by how many seconds clocks may differ where tokens are judged.
  ///   - requiresExpiry: whether tokens that never expire let nobody in.
  public init(keys: APIKeys, tokenLeeway: Int64 = 0, requiresExpiry: Bool = false) {
    let tokens = LiveKitTokens(
      keys: keys, leeway: tokenLeeway, requiresExpiry: requiresExpiry)
    self.init(
      signalling: [
        LiveKitSignalling(tokens: tokens), HTTPSignalling.whip, HTTPSignalling.whep,
      ],
      authorizer: tokens, dataFormat: LiveKitData())
  }
}
