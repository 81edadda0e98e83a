// ICE (RFC 8445) for one bundled component: full at the bots, lite at the SFU, with consent freshness
// (RFC 7675) and restart. Timing after libwebrtc's p2p/base/p2p_transport_channel.cc.

import Basics
import Wire

/// A username fragment and password (RFC 8839 §5.4).
public struct ICECredentials: Equatable, Sendable {
  public var ufrag: String
  public var password: String

  public init(ufrag: String, password: String) {
    self.ufrag = ufrag
    self.password = password
  }

  private static let alphabet: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  /// 8 and 24 characters, as much randomness as RFC 8445 §5.3 asks for and more.
  public init(random: inout RandomStream) {
    ufrag = random.string(8, from: ICECredentials.alphabet)
    password = random.string(24, from: ICECredentials.alphabet)
  }
}

/// How an end takes part in connectivity checks.
public enum ICERole: Sendable, Equatable {
  case controlling, controlled
  /// Answers checks and never sends one (RFC 8445 §2.5).
  case lite
}

/// A UDP candidate of the other end.
public struct RemoteCandidate: Equatable, Sendable {
  public var address: Address
  public var priority: UInt32

  public init(address: Address, priority: UInt32) {
    self.address = address
    self.priority = priority
  }
}

/// The candidates, checks and selected path of one transport.
public struct ICEAgent {
  public enum State: Sendable, Equatable {
    case new, checking, connected
    /// Nothing has come back lately; checks go on.
    case disconnected
    /// Consent expired (RFC 7675 §5.1) or no check ever succeeded in that time.
    case failed
  }

  public private(set) var state = State.new
  public let role: ICERole
  public private(set) var localCredentials: ICECredentials
  private(set) var remoteCredentials: ICECredentials?
  /// The path that media takes; nil before the first success.
  public private(set) var selectedPath: Path?
  /// Smoothed round-trip time of checks on the selected path.
  public private(set) var roundTrip: Duration?
  /// When anything authenticated last arrived.
  private(set) var lastReceived: Instant?

  public private(set) var localAddresses: [(address: Address, networkCost: UInt16)] = []
  private var remoteCandidates: [RemoteCandidate] = []
  private var pairs: [CandidatePair] = []
  private var outstanding: [OutstandingCheck] = []
  /// Lite: remote ends that proved they know our password, newest last.
  private var checkedPaths: [Path] = []
  private var nextCheck: Instant?
  private var checkingSince: Instant?
  private var lastConsent: Instant?
  private var random: RandomStream
  private let tieBreaker: UInt64

  public init(role: ICERole, random: RandomStream) {
    self.role = role
    self.random = random
    tieBreaker = self.random.next()
    localCredentials = ICECredentials(random: &self.random)
  }

  // MARK: - Configuration

  /// The addresses this end can send from. Pairs of vanished addresses end at once.
  public mutating func setLocalAddresses(
    _ addresses: [(address: Address, networkCost: UInt16)], at now: Instant
  ) {
    localAddresses = addresses
    let present = addresses.map(\.address)
    pairs.removeAll { !present.contains($0.path.local) }
    if let selected = selectedPath, !present.contains(selected.local), role != .lite {
      selectedPath = nil
      if state == .connected { state = .disconnected }
    }
    formPairs(at: now)
  }

  /// The other end's credentials and candidates. New credentials restart the checks (RFC 8445 §9);
  /// media keeps the old path until a new one is selected.
  public mutating func setRemote(
    credentials: ICECredentials, candidates: [RemoteCandidate], at now: Instant
  ) {
    if remoteCredentials != credentials {
      remoteCredentials = credentials
      remoteCandidates = []
      pairs = []
      outstanding = []
      checkedPaths = []
      checkingSince = now
      lastConsent = nil
      if state == .failed || state == .new { state = .checking }
    }
    for candidate in candidates { addRemoteCandidate(candidate, at: now) }
  }

  /// A trickled candidate (RFC 8838); known ones and those over the limit are ignored.
  public mutating func addRemoteCandidate(_ candidate: RemoteCandidate, at now: Instant) {
    guard role != .lite, remoteCandidates.count < TransportLimits.remoteCandidateLimit,
      !remoteCandidates.contains(where: { $0.address == candidate.address })
    else { return }
    remoteCandidates.append(candidate)
    formPairs(at: now)
  }

  /// New local credentials; the other end's new ones come with its next description.
  public mutating func restart() { localCredentials = ICECredentials(random: &random) }

  private mutating func formPairs(at now: Instant) {
    guard role != .lite, remoteCredentials != nil else { return }
    for (index, local) in localAddresses.enumerated() {
      for remote in remoteCandidates where remote.address.ip.family == local.address.ip.family {
        let path = Path(local: local.address, remote: remote.address)
        guard pairs.count < TransportLimits.candidatePairLimit,
          !pairs.contains(where: { $0.path == path })
        else { continue }
        let localPriority = ICEAgent.hostPriority(
          networkCost: local.networkCost, index: index)
        pairs.append(
          CandidatePair(
            path: path, localPriority: localPriority,
            priority: pairPriority(local: localPriority, remote: remote.priority)))
      }
    }
    pairs.sort { $0.priority > $1.priority }
    if !pairs.isEmpty, nextCheck == nil { nextCheck = now }
  }

  /// RFC 8445 §5.1.2.1 with type preference 126; cheaper networks first.
  public static func hostPriority(networkCost: UInt16, index: Int) -> UInt32 {
    let localPreference =
      UInt32(65_535) - UInt32(min(networkCost, 999)) * 16 - UInt32(min(index, 15))
    return 126 << 24 | localPreference << 8 | 255
  }

  /// RFC 8445 §6.1.2.3.
  private func pairPriority(local: UInt32, remote: UInt32) -> UInt64 {
    let (g, d) = role == .controlled ? (remote, local) : (local, remote)
    return UInt64(min(g, d)) << 32 + 2 * UInt64(max(g, d)) + (g > d ? 1 : 0)
  }

  // MARK: - Arrivals

  /// Whether datagrams other than STUN are listened to on `path`: it was checked with our password.
  public func accepts(_ path: Path) -> Bool {
    if path == selectedPath { return true }
    if role == .lite { return checkedPaths.contains(path) }
    return pairs.contains { $0.path == path }
  }

  /// Notes that something authenticated came, which is a sign of life.
  public mutating func noteReceived(at now: Instant) { lastReceived = now }

  /// Takes in a STUN message that came on `path` and answers it. Strangers are ignored in silence.
  public mutating func receive(
    _ bytes: RawSpan, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    guard let message = try? STUNMessage(bytes), message.method == STUNMessage.binding,
      message.unknownRequiredAttributes.isEmpty
    else { return }
    switch message.messageClass {
    case .request: receiveRequest(message, bytes, on: path, at: now, into: &outbox)
    case .success: receiveSuccess(message, bytes, on: path, at: now, into: &outbox)
    case .error: receiveError(message)
    case .indication: break
    }
  }

  private mutating func receiveRequest(
    _ message: STUNMessage, _ bytes: RawSpan, on path: Path, at now: Instant,
    into outbox: inout Outbox
  ) {
    guard let username = message.username, isOurs(username),
      message.hasValidIntegrity(
        in: bytes, key: Array(localCredentials.password.utf8), hmacSHA1: hmacSHA1)
    else { return }
    if role != .lite, hasRoleConflict(message) {
      respond(to: message, error: 487, on: path, into: &outbox)
      return
    }
    lastReceived = now
    respond(to: message, error: nil, on: path, into: &outbox)
    if role == .lite {
      checkedPaths.removeAll { $0 == path }
      checkedPaths.append(path)
      if checkedPaths.count > TransportLimits.checkedPathLimit { checkedPaths.removeFirst() }
      if message.usesCandidate || selectedPath == nil { selectedPath = path }
      state = .connected
    } else {
      noteTriggered(message, on: path, at: now)
    }
  }

  /// RFC 8445 §7.3: `<our fragment>:<theirs>`.
  private func isOurs(_ username: String) -> Bool {
    guard let colon = username.firstIndex(of: ":") else { return false }
    guard username[..<colon] == localCredentials.ufrag else { return false }
    guard let remoteCredentials else { return true }
    return username[username.index(after: colon)...] == remoteCredentials.ufrag
  }

  /// RFC 8445 §7.3.1.1, without switching roles: ours are fixed by who offers.
  private func hasRoleConflict(_ message: STUNMessage) -> Bool {
    if role == .controlling, let theirs = message.iceControlling { return tieBreaker >= theirs }
    if role == .controlled, let theirs = message.iceControlled { return tieBreaker < theirs }
    return false
  }

  /// A full agent learns peer-reflexive candidates, checks back, and as the controlled end follows the
  /// nomination (RFC 8445 §7.3.1.3-5).
  private mutating func noteTriggered(_ message: STUNMessage, on path: Path, at now: Instant) {
    if !pairs.contains(where: { $0.path == path }) {
      addRemoteCandidate(
        RemoteCandidate(address: path.remote, priority: message.priority ?? 0), at: now)
    }
    guard let index = pairs.firstIndex(where: { $0.path == path }) else { return }
    if message.usesCandidate, role == .controlled {
      pairs[index].nominatedByPeer = true
      if pairs[index].lastResponse != nil { select(index) }
    }
    if pairs[index].lastResponse == nil { nextCheck = now }
  }

  private mutating func receiveSuccess(
    _ message: STUNMessage, _ bytes: RawSpan, on path: Path, at now: Instant,
    into outbox: inout Outbox
  ) {
    guard let position = outstanding.firstIndex(where: { $0.transaction == message.transactionID }),
      let remoteCredentials,
      message.hasValidIntegrity(
        in: bytes, key: Array(remoteCredentials.password.utf8), hmacSHA1: hmacSHA1)
    else { return }
    let check = outstanding.remove(at: position)
    // RFC 8445 §7.2.5.2.1: an answer from elsewhere proves nothing about the pair.
    guard check.path == path, let index = pairs.firstIndex(where: { $0.path == path }) else {
      return
    }
    lastReceived = now
    lastConsent = now
    pairs[index].noteResponse(at: now, roundTrip: now - check.sentAt)
    if path == selectedPath { roundTrip = pairs[index].roundTrip }
    if role == .controlling {
      nominateBest(at: now, into: &outbox)
    } else if pairs[index].nominatedByPeer || selectedPath == nil {
      select(index)
    }
    if selectedPath != nil { state = .connected }
  }

  private mutating func receiveError(_ message: STUNMessage) {
    outstanding.removeAll { $0.transaction == message.transactionID }
  }

  // MARK: - Selection

  private mutating func nominateBest(at now: Instant, into outbox: inout Outbox) {
    let isAlive = { (pair: CandidatePair) in pair.isAlive(at: now) }
    guard let best = pairs.firstIndex(where: isAlive), pairs[best].path != selectedPath else {
      return
    }
    select(best)
    sendCheck(best, at: now, into: &outbox)
  }

  private mutating func select(_ index: Int) {
    selectedPath = pairs[index].path
    roundTrip = pairs[index].roundTrip
    state = .connected
  }

  // MARK: - Time

  public var nextTimeout: Instant? {
    if role == .lite {
      return state == .connected
        ? lastReceived.map { $0 + TransportLimits.liteDisconnectTimeout } : nil
    }
    return state == .failed ? nil : nextCheck
  }

  public mutating func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    if role == .lite {
      if state == .connected, let lastReceived,
        now - lastReceived >= TransportLimits.liteDisconnectTimeout
      {
        state = .disconnected
      }
      return
    }
    guard let due = nextCheck, due <= now, state != .failed else { return }
    if let since = lastConsent ?? checkingSince, now - since >= TransportLimits.consentTimeout {
      state = .failed
      nextCheck = nil
      return
    }
    if state == .new { state = .checking }
    guard let index = nextPair(at: now) else {
      nextCheck = nil
      return
    }
    sendCheck(index, at: now, into: &outbox)
    noteSilence(at: now)
    nextCheck = now + checkInterval(at: now)
  }

  /// The selected pair while it lives; else every pair in turn, the longest waiting first.
  private func nextPair(at now: Instant) -> Int? {
    if let selectedPath, let index = pairs.firstIndex(where: { $0.path == selectedPath }),
      isReceiving(at: now) || pairs.count == 1
    {
      return index
    }
    return pairs.indices.min { a, b in
      (pairs[a].lastSent ?? Instant(nanoseconds: .min), a)
        < (pairs[b].lastSent ?? Instant(nanoseconds: .min), b)
    }
  }

  private func isReceiving(at now: Instant) -> Bool {
    lastReceived.map { now - $0 < TransportLimits.receivingTimeout } ?? false
  }

  private func checkInterval(at now: Instant) -> Duration {
    guard state == .connected, let selectedPath else { return TransportLimits.weakPingInterval }
    let answered = pairs.first { $0.path == selectedPath }?.answeredChecks ?? 0
    // The pair is stable once a few checks came back (libwebrtc: stable RTT after five).
    if answered < 3 { return TransportLimits.silentPingInterval }
    return isReceiving(at: now)
      ? TransportLimits.stablePingInterval : TransportLimits.silentPingInterval
  }

  private mutating func noteSilence(at now: Instant) {
    guard state == .connected, let selectedPath,
      let pair = pairs.first(where: { $0.path == selectedPath })
    else { return }
    if pair.unansweredChecks >= TransportLimits.disconnectChecks, let last = pair.lastResponse,
      now - last >= TransportLimits.disconnectTimeout
    {
      state = .disconnected
    }
  }

  // MARK: - Messages

  private mutating func sendCheck(_ index: Int, at now: Instant, into outbox: inout Outbox) {
    guard let remoteCredentials else { return }
    let id = STUNTransactionID(from: &random)
    let path = pairs[index].path
    var request = STUNMessage(.request, transactionID: id)
    request.attributes = [
      .username("\(remoteCredentials.ufrag):\(localCredentials.ufrag)"),
      .priority(pairs[index].localPriority & 0x00FF_FFFF | 110 << 24),
    ]
    if role == .controlling {
      request.attributes.append(.iceControlling(tiebreaker: tieBreaker))
      if path == selectedPath { request.attributes.append(.useCandidate) }
    } else {
      request.attributes.append(.iceControlled(tiebreaker: tieBreaker))
    }
    send(request, key: remoteCredentials.password, on: path, into: &outbox)
    pairs[index].noteSent(at: now)
    if outstanding.count >= TransportLimits.outstandingCheckLimit { outstanding.removeFirst() }
    outstanding.append(OutstandingCheck(transaction: id, path: path, sentAt: now))
  }

  private func respond(
    to request: STUNMessage, error: Int?, on path: Path, into outbox: inout Outbox
  ) {
    let response =
      if let error {
        STUNMessage(
          .error, transactionID: request.transactionID,
          attributes: [.errorCode(error, reason: "Role Conflict")])
      } else {
        STUNMessage(
          .success, transactionID: request.transactionID,
          attributes: [.xorMappedAddress(path.remote)])
      }
    send(response, key: localCredentials.password, on: path, into: &outbox)
  }

  private func send(
    _ message: STUNMessage, key: String, on path: Path, into outbox: inout Outbox
  ) {
    let bytes = message.bytes(integrityKey: Array(key.utf8), hmacSHA1: hmacSHA1)
    outbox.send(outbox.pool.makePacket(bytes), on: path)
  }
}

/// A local and a remote candidate and what checks between them have shown.
private struct CandidatePair {
  let path: Path
  let localPriority: UInt32
  let priority: UInt64
  var lastSent: Instant?
  var lastResponse: Instant?
  var roundTrip: Duration?
  var unansweredChecks = 0
  var answeredChecks = 0
  var nominatedByPeer = false

  init(path: Path, localPriority: UInt32, priority: UInt64) {
    self.path = path
    self.localPriority = localPriority
    self.priority = priority
  }

  func isAlive(at now: Instant) -> Bool {
    guard let lastResponse else { return false }
    return unansweredChecks < TransportLimits.disconnectChecks
      || now - lastResponse < TransportLimits.disconnectTimeout
  }

  mutating func noteSent(at now: Instant) {
    lastSent = now
    unansweredChecks += 1
  }

  mutating func noteResponse(at now: Instant, roundTrip sample: Duration) {
    lastResponse = now
    unansweredChecks = 0
    answeredChecks += 1
    // libwebrtc `Connection::UpdateReceiving`: smoothed 3:1.
    roundTrip = roundTrip.map { ($0 * 3 + sample) / 4 } ?? sample
  }
}

private struct OutstandingCheck {
  let transaction: STUNTransactionID
  let path: Path
  let sentAt: Instant
}
