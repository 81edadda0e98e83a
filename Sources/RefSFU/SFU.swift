// The reference SFU as a node: steers datagrams to transports, streams to participants, and time to
// rooms. One worker; a room never leaves it.

import Basics
import Transport
import Wire

public final class SFU: Node {
  /// Datagrams that reached nobody.
  public struct Dropped: Sendable, Equatable {
    /// From an address no transport has checked, with no known ufrag.
    public var fromStranger: UInt64 = 0
  }

  public let configuration: SFUConfiguration
  public private(set) var dropped = Dropped()
  /// Datagrams that it was handed.
  public private(set) var datagrams = 0
  /// Of those who have left.
  private(set) var pastLedger = PacketLedger()
  /// Hears of everybody who joins and leaves.
  public weak var observer: (any SFUObserver)?
  /// Sees the media of everybody who joins from now on, in clear.
  public weak var tap: (any MediaTap)?
  let identity: DTLSIdentity
  /// For participants who join from now on.
  var subscriberLimit: Bitrate?
  private(set) var rooms: [Room] = []
  var isShuttingDown = false
  var pastPresence: [PresenceRecord] = []
  var joinBudget = JoinBudget()
  /// Who is sent to another SFU, and when, the soonest last.
  var departures: [(at: Instant, participant: Participant)] = []
  private(set) var addresses: [Address] = []
  private var random: RandomStream
  private(set) var participantByStream: [StreamID: Participant] = [:]
  private(set) var transportByUfrag: [String: TransportHandle] = [:]
  private(set) var transportByRemote: [Address: TransportHandle] = [:]
  /// Who takes the tracks of which room.
  var sinks: [(room: String, sink: any MediaSink)] = []
  let liveObjects = LiveObjects()
  /// Empty but for a mutant.
  private var kept: [Participant] = []
  private var nextTick: Instant?
  /// Whose packets wait for which moment.
  private var pacing = TimerQueue<Participant>()

  public init(_ configuration: SFUConfiguration, random: RandomStream) {
    self.configuration = configuration
    self.random = random
    subscriberLimit = configuration.subscriberLimit
    identity = DTLSIdentity(random: random.child("certificate"))
  }

  // MARK: - Node

  public var nextTimeout: Instant? { earlier(nextTick, pacing.nextTime) }

  var pendingTimers: Int { pacing.count + (nextTick == nil ? 0 : 1) }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    datagrams += 1
    guard let handle = steer(packet.bytes, from: path.remote) else {
      dropped.fromStranger += 1
      return
    }
    var packet = packet
    handle.participant.receive(
      &packet, on: path, target: handle.target, at: now, into: &outbox)
    if handle.isNew { claim(path, for: handle, at: now) }
  }

  /// Steers what comes from the remote address to a transport that ICE has checked it for. An address from
  /// which another transport has just authenticated DTLS or SRTP stays with that one: a check proves no
  /// source address, since a participant can send its own with somebody else's.
  private func claim(_ path: Path, for handle: TransportHandle, at now: Instant) {
    guard handle.participant.accepts(path, target: handle.target) else { return }
    if let owner = transportByRemote[path.remote], !owner.participant.hasLeft,
      owner.participant.holds(path, target: owner.target, at: now)
    {
      return
    }
    transportByRemote[path.remote] = TransportHandle(handle.participant, handle.target)
    guard
      let forgotten = handle.participant.remember(remote: path.remote, of: handle.target),
      transportByRemote[forgotten] == TransportHandle(handle.participant, handle.target)
    else { return }
    transportByRemote[forgotten] = nil
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .opened(let stream, let request, _) where request.kind == .http:
      outbox.send(.respond(stream, answer(request, at: now, into: &outbox)))
    case .opened(let stream, let request, _):
      open(stream, request, at: now, into: &outbox)
    case .message(let stream, let bytes, let isText):
      participantByStream[stream]?.hear(
        SignalInbox.Message(bytes: bytes, isText: isText), at: now, into: &outbox)
    case .closed(let stream, _):
      guard let participant = participantByStream.removeValue(forKey: stream) else { return }
      participant.streamClosed(at: now)
    case .accepted, .responded, .writable: break
    }
  }

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {
    addresses = interfaces.map { Address($0.ip, port: configuration.mediaPort) }
  }

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    while let due = pacing.nextTime, due <= now, let (_, participant) = pacing.pop() {
      participant.departuresDue(at: now, into: &outbox)
    }
    guard let due = nextTick, due <= now else { return }
    for room in rooms { room.tick(at: now, into: &outbox) }
    sendAway(at: now, into: &outbox)
    rooms.removeAll { $0.isOver(at: now) }
    nextTick = rooms.isEmpty ? nil : now + SFULimits.tick
  }

  /// Lets the packets go that wait for `participant` at this moment.
  func schedule(_ participant: Participant, at moment: Instant) {
    pacing.push(participant, at: moment)
  }

  /// Sends everybody away, saying why, and takes nobody any more.
  public func shutDown(at now: Instant, into outbox: inout Outbox) {
    isShuttingDown = true
    for participant in rooms.flatMap(\.participants) {
      participant.leave(reason: .serverShutdown, at: now, into: &outbox)
    }
  }

  // MARK: - Steering

  /// STUN goes by the ufrag it names, everything else by the address that ICE has checked (RFC 7983).
  private func steer(_ bytes: RawSpan, from remote: Address) -> TransportHandle? {
    guard PacketKind(bytes) == .stun else { return transportByRemote[remote] }
    guard var handle = steer(ufragIn: bytes) else { return nil }
    handle.isNew = transportByRemote[remote].map { $0 != handle } ?? true
    return handle
  }

  /// The transport whose ufrag a STUN request names.
  func steer(ufragIn bytes: RawSpan) -> TransportHandle? {
    guard let message = try? STUNMessage(bytes), let username = message.username,
      let ufrag = username.split(separator: ":", omittingEmptySubsequences: false).first
    else { return nil }
    return transportByUfrag[String(ufrag)]
  }

  /// The transport's checks will name this fragment from now on; those it had stay known.
  func register(_ participant: Participant, _ target: TransportTarget) {
    let ufrag = participant.ufrag(of: target)
    // Late packets name the fragment before; older ones are nobody's.
    let current = [participant.ufrag(of: .publisher), participant.ufrag(of: .subscriber)]
    while participant.ufrags.count >= SFULimits.fragmentsPerParticipant,
      let old = participant.ufrags.firstIndex(where: { !current.contains($0) })
    {
      transportByUfrag[participant.ufrags.remove(at: old)] = nil
    }
    participant.ufrags.append(ufrag)
    transportByUfrag[ufrag] = TransportHandle(participant, target)
  }

  // MARK: - Streams

  /// A new participant in its room, told over `channel`; one of the same identity leaves.
  @discardableResult
  func join(
    _ admission: Admission, over channel: any ParticipantChannel, at now: Instant,
    into outbox: inout Outbox
  ) -> Participant {
    let participant = participant(admission, over: channel, at: now, into: &outbox)
    if let stream = channel.stream { participantByStream[stream] = participant }
    participant.room.join(participant, at: now, into: &outbox)
    return participant
  }

  /// A new participant who has yet to join its room; one of the same identity leaves.
  func participant(
    _ admission: Admission, over channel: any ParticipantChannel, at now: Instant,
    into outbox: inout Outbox
  ) -> Participant {
    let room = room(named: admission.room, at: now)
    room.participants.first { $0.identity == admission.identity }?
      .leave(reason: .duplicateIdentity, at: now, into: &outbox)
    return Participant(
      admission, over: channel, room: room,
      random: random.child("participant/\(admission.identity)/\(random.next())"), at: now)
  }

  /// Takes up a session on a new stream.
  func resume(
    _ participant: Participant, on stream: StreamID, at now: Instant, into outbox: inout Outbox
  ) {
    if let old = participant.channel.stream {
      participantByStream[old] = nil
      outbox.send(.close(old, code: 1_000))
    }
    participantByStream[stream] = participant
    participant.resume(on: stream, at: now, into: &outbox)
  }

  /// The room of this name, made if there is none.
  func room(named name: String, at now: Instant) -> Room {
    if let room = rooms.first(where: { $0.name == name }) { return room }
    let room = Room(name: name, sfu: self, random: random.child("room/\(name)"), at: now)
    rooms.append(room)
    if nextTick == nil { nextTick = now + SFULimits.tick }
    return room
  }

  /// Sends everybody away, and the room is no more.
  func delete(_ room: Room, at now: Instant, into outbox: inout Outbox) {
    for participant in room.participants {
      participant.leave(reason: .roomDeleted, at: now, into: &outbox)
    }
    rooms.removeAll { $0 === room }
  }

  /// Every stream is gone, as after a restart that kept the rooms: clients may resume their sessions.
  public func streamsLost(at now: Instant) {
    participantByStream = [:]
    for participant in rooms.flatMap(\.participants) where participant.channel.stream != nil {
      participant.streamClosed(at: now)
    }
  }

  /// Messages on this stream reach nobody any more.
  func forget(_ stream: StreamID) { participantByStream[stream] = nil }

  /// Forgets everything that leads to a participant who has gone.
  func forget(_ participant: Participant) {
    if configuration.mutant == .leaksParticipants { kept.append(participant) }
    pastLedger += participant.ledger
    if let stream = participant.channel.stream { participantByStream[stream] = nil }
    for ufrag in participant.ufrags { transportByUfrag[ufrag] = nil }
    for target in [TransportTarget.publisher, .subscriber] {
      for path in participant.checkedRemotes(of: target) {
        if transportByRemote[path]?.participant === participant { transportByRemote[path] = nil }
      }
    }
  }
}

/// One of the two transports of a participant.
struct TransportHandle: Equatable {
  let participant: Participant
  let target: TransportTarget
  var isNew = false

  init(_ participant: Participant, _ target: TransportTarget) {
    self.participant = participant
    self.target = target
  }

  static func == (a: TransportHandle, b: TransportHandle) -> Bool {
    a.participant === b.participant && a.target == b.target
  }
}
