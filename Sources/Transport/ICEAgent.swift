// ICE (RFC 8445) for one bundled component: full at the bots, lite at the SFU, with consent
// freshness (RFC 7675) and restart. Timing after libwebrtc's p2p/base/p2p_transport_channel.cc.

import Basics
import Wire

/// The candidates, checks and selected path of one transport.
public struct ICEAgent {
  public enum State: Sendable, Equatable {
    case new, checking, connected
    /// Nothing has come back lately; checks go on.
    case disconnected
    /// No check was answered for `TransportLimits.writeTimeout`.
    case failed
  }

  public private(set) var state = State.new
  /// Changes only between controlling and controlled, by a role conflict (RFC 8445 §7.3.1.1).
  public private(set) var role: ICERole
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
  /// Lite only.
  var litePaths = LitePaths()
  private var nextCheck: Instant?
  private var checkingSince: Instant?
  private var lastConsent: Instant?
  /// When the first check was sent since one was answered.
  private var unansweredSince: Instant?
  private var random: RandomStream
  /// Pairs to be checked before all others (RFC 8445 §6.1.4.1).
  private var triggered: [Path] = []
  private var lastCheck: Instant?
  private var tieBreaker: UInt64

  public init(role: ICERole, random: RandomStream) {
    self.role = role
    self.random = random
    tieBreaker = self.random.next()
    localCredentials = ICECredentials(random: &self.random)
  }

  // MARK: - Configuration

  /// Takes the role that the descriptions give (RFC 8445 §6.1.1): of two full agents the offerer
  /// controls, towards a lite one the full one does. Roles persist: this holds until the other end's
  /// credentials are known, and never for a lite agent.
  public mutating func setRole(_ role: ICERole) {
    guard remoteCredentials == nil, self.role != .lite, role != .lite, role != self.role
    else { return }
    takeRole(role)
  }

  /// The addresses this end can send from. Pairs of vanished addresses end at once.
  public mutating func setLocalAddresses(
    _ addresses: [(address: Address, networkCost: UInt16)], at now: Instant
  ) {
    localAddresses = addresses
    let present = addresses.map(\.address)
    pairs.removeAll { !present.contains($0.path.local) }
    if let selected = selectedPath, !present.contains(selected.local), role != .lite {
      selectedPath = nil
      if let other = pairs.firstIndex(where: { $0.isAlive(at: now) }) {
        select(other)
        // The other end learns of it by the nomination.
        trigger(pairs[other].path, at: now)
      } else if state == .connected {
        state = .disconnected
      }
      if !pairs.isEmpty { checkSoon(at: now) }
    }
    formPairs(at: now)
  }

  /// The other end's credentials and candidates. New credentials restart the checks (RFC 8445 §9);
  /// media keeps the old path until a new one is selected, and a full agent is connected again once
  /// one of them is answered.
  public mutating func setRemote(
    credentials: ICECredentials, candidates: [RemoteCandidate], at now: Instant
  ) {
    if remoteCredentials != credentials {
      remoteCredentials = credentials
      remoteCandidates = []
      pairs = []
      outstanding = []
      triggered = []
      litePaths.restart()
      checkingSince = now
      lastConsent = nil
      unansweredSince = nil
      if role != .lite || state == .failed || state == .new { state = .checking }
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
    var isNew = false
    for (index, local) in localAddresses.enumerated() {
      for remote in remoteCandidates where remote.address.ip.family == local.address.ip.family {
        let path = Path(local: local.address, remote: remote.address)
        guard !pairs.contains(where: { $0.path == path }) else { continue }
        addPair(path, localIndex: index, remotePriority: remote.priority)
        isNew = true
      }
    }
    guard isNew else { return }
    sortPairs()
    checkSoon(at: now)
  }

  private mutating func addPair(_ path: Path, localIndex: Int, remotePriority: UInt32) {
    let localPriority = ICEAgent.hostPriority(
      networkCost: localAddresses[localIndex].networkCost, index: localIndex)
    pairs.append(
      CandidatePair(
        path: path, localPriority: localPriority, remotePriority: remotePriority, role: role))
  }

  /// Highest priority first; those over the limit go (RFC 8445 §6.1.2.5), what works the last.
  private mutating func sortPairs() {
    pairs.sort { $0.priority > $1.priority }
    while pairs.count > TransportLimits.candidatePairLimit,
      let last = pairs.lastIndex(where: { $0.lastReceived == nil && $0.path != selectedPath })
        ?? pairs.lastIndex(where: { $0.path != selectedPath })
    {
      pairs.remove(at: last)
    }
  }

  /// Brings the next check forward, as far as the pace of checks allows.
  private mutating func checkSoon(at now: Instant) {
    let earliest = lastCheck.map { max(now, $0 + TransportLimits.checkPace) } ?? now
    nextCheck = nextCheck.map { min($0, earliest) } ?? earliest
  }

  /// RFC 8445 §5.1.2.1 with type preference 126; cheaper networks first.
  public static func hostPriority(networkCost: UInt16, index: Int) -> UInt32 {
    let localPreference =
      UInt32(65_535) - UInt32(min(networkCost, 999)) * 16 - UInt32(min(index, 15))
    return 126 << 24 | localPreference << 8 | 255
  }

  // MARK: - Arrivals

  /// Whether datagrams other than STUN are listened to on `path`: it was checked with our password.
  public func accepts(_ path: Path) -> Bool {
    if path == selectedPath { return true }
    if role == .lite { return litePaths.contains(path) }
    return pairs.contains { $0.path == path }
  }

  /// Notes that a DTLS or SRTP packet authenticated on `path`, which is a sign of life.
  public mutating func noteReceived(on path: Path, at now: Instant) {
    lastReceived = now
    if role == .lite {
      litePaths.noteProof(on: path, at: now)
      selectedPath = litePaths.selected
      return
    }
    if let index = pairs.firstIndex(where: { $0.path == path }) { pairs[index].lastReceived = now }
  }

  /// Takes in a STUN message that came on `path` and answers it. Strangers are ignored in silence.
  /// - Returns: whether it authenticated a sign of life: a check or its answer, with integrity.
  @discardableResult
  public mutating func receive(
    _ bytes: RawSpan, on path: Path, at now: Instant, into outbox: inout Outbox
  ) -> Bool {
    guard let message = try? STUNMessage(bytes), message.method == STUNMessage.binding,
      message.hasValidFingerprint(in: bytes)
    else { return false }
    switch message.messageClass {
    case .request: return receiveRequest(message, bytes, on: path, at: now, into: &outbox)
    case .success: return receiveSuccess(message, bytes, on: path, at: now, into: &outbox)
    case .error: receiveError(message, bytes, on: path, at: now)
    case .indication: break
    }
    return false
  }

  private mutating func receiveRequest(
    _ message: STUNMessage, _ bytes: RawSpan, on path: Path, at now: Instant,
    into outbox: inout Outbox
  ) -> Bool {
    guard let username = message.username, isOurs(username),
      message.hasValidIntegrity(
        in: bytes, key: Array(localCredentials.password.utf8), hmacSHA1: hmacSHA1)
    else { return false }
    let unknown = message.unknownRequiredAttributes
    guard unknown.isEmpty else {
      let attributes: [STUNAttribute] = [
        .errorCode(420, reason: "Unknown Attribute"), .unknownAttributes(unknown),
      ]
      respond(to: message, .error, attributes, on: path, into: &outbox)
      return false
    }
    guard resolvesRoleConflict(message) else {
      let attributes: [STUNAttribute] = [.errorCode(487, reason: "Role Conflict")]
      respond(to: message, .error, attributes, on: path, into: &outbox)
      return false
    }
    if role == .lite {
      lastReceived = now
      litePaths.noteCheck(
        bytes.byteCount, nominates: message.usesCandidate, on: path, at: now)
      selectedPath = litePaths.selected
      if selectedPath != nil { state = .connected }
    } else {
      noteReceived(on: path, at: now)
    }
    respond(to: message, .success, [.xorMappedAddress(path.remote)], on: path, into: &outbox)
    if role != .lite { noteTriggered(message, on: path, at: now) }
    return true
  }

  /// RFC 8445 §7.3: `<our fragment>:<theirs>`.
  private func isOurs(_ username: String) -> Bool {
    guard let colon = username.firstIndex(of: ":") else { return false }
    guard username[..<colon] == localCredentials.ufrag else { return false }
    guard let remoteCredentials else { return true }
    return username[username.index(after: colon)...] == remoteCredentials.ufrag
  }

  /// RFC 8445 §7.3.1.1: of two agents in one role, the one of the larger tiebreaker controls. False
  /// where the other one has to yield: always to a lite agent, which is controlled (§6.1.1).
  private mutating func resolvesRoleConflict(_ message: STUNMessage) -> Bool {
    if role == .lite { return message.iceControlled == nil }
    if role == .controlling, let theirs = message.iceControlling {
      if tieBreaker >= theirs { return false }
      takeRole(.controlled)
    } else if role == .controlled, let theirs = message.iceControlled {
      if tieBreaker < theirs { return false }
      takeRole(.controlling)
    }
    return true
  }

  /// Goes on in the other role; pair priorities depend on it.
  private mutating func takeRole(_ role: ICERole) {
    self.role = role
    for index in pairs.indices { pairs[index].takeRole(role) }
    sortPairs()
  }

  /// A full agent learns peer-reflexive candidates, checks back, and as the controlled end follows
  /// the nomination (RFC 8445 §7.3.1.3-5).
  private mutating func noteTriggered(_ message: STUNMessage, on path: Path, at now: Instant) {
    if !pairs.contains(where: { $0.path == path }) {
      addRemoteCandidate(
        RemoteCandidate(address: path.remote, priority: message.priority ?? 0), at: now)
    }
    if !pairs.contains(where: { $0.path == path }),
      let local = localAddresses.firstIndex(where: { $0.address == path.local }),
      remoteCredentials != nil
    {
      // Over the limits, but what comes through is worth more than what may.
      addPair(path, localIndex: local, remotePriority: message.priority ?? 0)
      pairs[pairs.count - 1].lastReceived = now
      sortPairs()
    }
    guard let index = pairs.firstIndex(where: { $0.path == path }) else { return }
    if message.usesCandidate, role == .controlled {
      // The last nomination holds, as the other end sends it on with every check.
      for other in pairs.indices { pairs[other].nominatedByPeer = other == index }
      if pairs[index].lastResponse != nil { select(index) }
    }
    pairs[index].lastReceived = now
    if pairs[index].lastResponse == nil { trigger(path, at: now) }
  }

  private mutating func trigger(_ path: Path, at now: Instant) {
    if !triggered.contains(path) { triggered.append(path) }
    checkSoon(at: now)
  }

  private mutating func receiveSuccess(
    _ message: STUNMessage, _ bytes: RawSpan, on path: Path, at now: Instant,
    into outbox: inout Outbox
  ) -> Bool {
    guard let position = outstanding.firstIndex(where: { $0.transaction == message.transactionID }),
      let remoteCredentials,
      message.hasValidIntegrity(
        in: bytes, key: Array(remoteCredentials.password.utf8), hmacSHA1: hmacSHA1),
      message.unknownRequiredAttributes.isEmpty
    else { return false }
    let check = outstanding.remove(at: position)
    // RFC 8445 §7.2.5.2.1: an answer from elsewhere proves nothing about the pair.
    guard check.path == path, let index = pairs.firstIndex(where: { $0.path == path }) else {
      return false
    }
    lastReceived = now
    lastConsent = now
    unansweredSince = nil
    pairs[index].noteResponse(at: now, roundTrip: now - check.sentAt)
    if path == selectedPath { roundTrip = pairs[index].roundTrip }
    if role == .controlling {
      nominateBest(at: now, into: &outbox)
    } else if pairs[index].nominatedByPeer || selectedPath == nil {
      select(index)
    }
    if path == selectedPath { state = .connected }
    return true
  }

  /// RFC 8445 §7.2.5.1: after a role conflict the check is made again in the other role.
  private mutating func receiveError(
    _ message: STUNMessage, _ bytes: RawSpan, on path: Path, at now: Instant
  ) {
    guard let position = outstanding.firstIndex(where: { $0.transaction == message.transactionID }),
      let remoteCredentials,
      message.hasValidIntegrity(
        in: bytes, key: Array(remoteCredentials.password.utf8), hmacSHA1: hmacSHA1)
    else { return }
    let check = outstanding.remove(at: position)
    guard message.errorCode == 487, check.path == path else { return }
    if check.role == role {
      takeRole(role == .controlling ? .controlled : .controlling)
      tieBreaker = random.next()
    }
    trigger(path, at: now)
  }

  // MARK: - Selection

  /// The best pair that something came on lately; else the best that answered.
  private mutating func nominateBest(at now: Instant, into outbox: inout Outbox) {
    guard
      let best = pairs.firstIndex(where: { $0.isReceiving(at: now) })
        ?? pairs.firstIndex(where: { $0.isAlive(at: now) }),
      pairs[best].path != selectedPath
    else { return }
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
      let silence = lastReceived.map { $0 + TransportLimits.liteDisconnectTimeout }
      return earlier(state == .connected ? silence : nil, litePaths.expiry)
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
      if litePaths.expire(at: now) {
        selectedPath = nil
        state = .disconnected
      }
      return
    }
    guard let due = nextCheck, due <= now, state != .failed else { return }
    if let since = silentSince, now - since >= TransportLimits.writeTimeout {
      state = .failed
      nextCheck = nil
      return
    }
    if state == .new { state = .checking }
    if let lastCheck, checkInterval(at: now) == TransportLimits.stablePingInterval,
      now - lastCheck < TransportLimits.stablePingInterval
    {
      nextCheck = nextLook(after: lastCheck)
      return
    }
    guard let index = nextPair(at: now) else {
      // Without a pair there is nothing to check, and time runs out all the same.
      nextCheck = silentSince.map { $0 + TransportLimits.writeTimeout }
      return
    }
    sendCheck(index, at: now, into: &outbox)
    noteSilence(at: now)
    nextCheck = nextLook(after: now)
  }

  /// Since when nothing has come back; nil while nothing is waited for.
  private var silentSince: Instant? {
    unansweredSince ?? (lastConsent == nil ? checkingSince : pairs.isEmpty ? lastConsent : nil)
  }

  /// When the next check is due if nothing comes until then.
  private func nextLook(after check: Instant) -> Instant {
    let stable = TransportLimits.stablePingInterval
    let interval = checkInterval(at: check)
    guard interval == stable, let index = selectedIndex, let last = pairs[index].lastReceived
    else { return check + interval }
    let silence = last + TransportLimits.receivingTimeout
    return min(check + stable, max(check + TransportLimits.silentPingInterval, silence))
  }

  /// A triggered pair first, then one never checked, then the selected pair while it lives; else
  /// every pair in turn, the longest waiting first.
  private mutating func nextPair(at now: Instant) -> Int? {
    while !triggered.isEmpty {
      let path = triggered.removeFirst()
      if let index = pairs.firstIndex(where: { $0.path == path }) { return index }
    }
    if let index = pairs.firstIndex(where: { $0.lastSent == nil }) { return index }
    if let selected = selectedIndex, isReceiving(at: now) || pairs.count == 1 { return selected }
    return pairs.indices.min { a, b in
      (pairs[a].lastSent ?? Instant(nanoseconds: .min), a)
        < (pairs[b].lastSent ?? Instant(nanoseconds: .min), b)
    }
  }

  private var selectedIndex: Int? { pairs.firstIndex { $0.path == selectedPath } }

  private func isReceiving(at now: Instant) -> Bool {
    guard let selectedIndex, let last = pairs[selectedIndex].lastReceived else { return false }
    return now - last < TransportLimits.receivingTimeout
  }

  private func checkInterval(at now: Instant) -> Duration {
    guard state == .connected, let selectedIndex, pairs.allSatisfy({ $0.lastSent != nil }),
      triggered.isEmpty
    else { return TransportLimits.weakPingInterval }
    let answered = pairs[selectedIndex].answeredChecks
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
    lastCheck = now
    unansweredSince = unansweredSince ?? now
    if outstanding.count >= TransportLimits.outstandingCheckLimit { outstanding.removeFirst() }
    outstanding.append(OutstandingCheck(transaction: id, path: path, role: role, sentAt: now))
  }
}
