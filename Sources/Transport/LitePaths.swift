// The paths of an ICE-lite agent. A lite agent sends no checks (RFC 8445 §2.5) and keeps no consent
// (RFC 7675 §1), so that nothing but what arrives shows that the peer wants what is sent there: a path
// carries media only once it is nominated, at most three times what came from it until the peer has
// proven itself on it (compare RFC 9000 §8.1), and ends with the life of consent.

import Basics

/// The remote ends that passed a check, and what each of them has proven.
struct LitePaths {
  private struct Entry {
    let path: Path
    /// Payload bytes, counted until the path is proven.
    var received = 0
    var sent = 0
    /// The last packet with integrity on this path: STUN, DTLS, SRTP or SRTCP.
    var lastAuthenticated: Instant
    /// The last DTLS, SRTP or SRTCP packet that authenticated. A STUN check can be recorded and sent
    /// again from another address, or from a false one; these cannot.
    var lastProof: Instant?
  }

  /// Newest last.
  private var entries: [Entry] = []
  private var selectedIndex: Int?
  /// Nominated, but not proven while the selected path is alive.
  private var pending: Path?
  /// What may still be sent there to have the peer prove itself.
  private var probes = 0

  /// The nominated path (RFC 8445 §12.1.1); nil before there is one and after its life.
  var selected: Path? { selectedIndex.map { entries[$0].path } }

  /// When the selected path ends unless something authenticated arrives on it.
  var expiry: Instant? {
    selectedIndex.map { entries[$0].lastAuthenticated + TransportLimits.pathLife }
  }

  var isEmpty: Bool { entries.isEmpty }

  func contains(_ path: Path) -> Bool { index(of: path) != nil }

  /// Whether DTLS or SRTP authenticated on `path` within `age`.
  func isProven(_ path: Path, within age: Duration, at now: Instant) -> Bool {
    guard let index = index(of: path), let proof = entries[index].lastProof else { return false }
    return now - proof < age
  }

  private func index(of path: Path) -> Int? {
    if let selectedIndex, entries[selectedIndex].path == path { return selectedIndex }
    return entries.firstIndex { $0.path == path }
  }

  // MARK: - Arrivals

  /// Notes `size` bytes on a path that passed a check before.
  mutating func noteArrival(_ size: Int, on path: Path) {
    guard let index = index(of: path), entries[index].lastProof == nil else { return }
    entries[index].received += size
  }

  /// Notes a check with integrity, of `size` bytes.
  mutating func noteCheck(_ size: Int, nominates: Bool, on path: Path, at now: Instant) {
    let index = self.index(of: path) ?? add(path, at: now)
    entries[index].lastAuthenticated = now
    if entries[index].lastProof == nil { entries[index].received += size }
    if nominates { nominate(index, at: now) }
  }

  /// Notes a packet that only the peer can have sent.
  mutating func noteProof(on path: Path, at now: Instant) {
    guard let index = index(of: path) else { return }
    entries[index].lastAuthenticated = now
    entries[index].lastProof = now
    if pending == path { select(index) }
  }

  private mutating func add(_ path: Path, at now: Instant) -> Int {
    if entries.count >= TransportLimits.checkedPathLimit,
      let oldest = entries.indices.first(where: { $0 != selectedIndex })
    {
      if pending == entries[oldest].path { pending = nil }
      entries.remove(at: oldest)
      if let index = selectedIndex, index > oldest { selectedIndex = index - 1 }
    }
    entries.append(Entry(path: path, lastAuthenticated: now))
    return entries.count - 1
  }

  /// A path that carries media is left for an unproven one only once its life is over: a check sent again
  /// from elsewhere must not take the stream, and what has a number must have somewhere to go.
  private mutating func nominate(_ index: Int, at now: Instant) {
    guard let selectedIndex, selectedIndex != index, entries[index].lastProof == nil,
      entries[selectedIndex].lastProof != nil,
      now - entries[selectedIndex].lastAuthenticated < TransportLimits.pathLife
    else { return select(index) }
    if pending != entries[index].path { probes = TransportLimits.pathProbes }
    pending = entries[index].path
  }

  private mutating func select(_ index: Int) {
    selectedIndex = index
    pending = nil
  }

  // MARK: - Sending

  /// The selected path, if `size` more bytes may go there at `now`; they count as sent.
  mutating func path(sending size: Int, at now: Instant) -> Path? {
    guard let index = selectedIndex,
      now - entries[index].lastAuthenticated < TransportLimits.pathLife
    else { return nil }
    if entries[index].lastProof == nil {
      let limit = entries[index].received * TransportLimits.unprovenFactor
      guard entries[index].sent + size <= limit else { return nil }
      entries[index].sent += size
    }
    return entries[index].path
  }

  /// Whether the peer may be asked to prove itself on a path that it nominated.
  var awaitsProof: Bool { pending != nil && probes > 0 }

  /// The path that awaits its proof, if `size` bytes may go there; they count as sent.
  mutating func unprovenPath(sending size: Int) -> Path? {
    guard awaitsProof, let pending, let index = index(of: pending),
      entries[index].sent + size <= entries[index].received * TransportLimits.unprovenFactor
    else { return nil }
    entries[index].sent += size
    probes -= 1
    return pending
  }

  /// Whether a packet of `size` bytes could be sent. `path(sending:at:)` says so for one that is.
  func hasRoom(for size: Int) -> Bool {
    guard let index = selectedIndex else { return false }
    return entries[index].lastProof != nil
      || entries[index].sent + size <= entries[index].received * TransportLimits.unprovenFactor
  }

  /// Notes an answer to a check, which counts against what may be sent.
  mutating func noteAnswer(_ size: Int, on path: Path) {
    guard let index = index(of: path), entries[index].lastProof == nil else { return }
    entries[index].sent += size
  }

  // MARK: - Ends

  /// New credentials: other paths than the selected one need a new check.
  mutating func restart() {
    entries = selectedIndex.map { [entries[$0]] } ?? []
    if selectedIndex != nil { selectedIndex = 0 }
    pending = nil
  }

  /// Ends the selected path where nothing authenticated came for its life.
  /// - Returns: whether it ended.
  mutating func expire(at now: Instant) -> Bool {
    guard let expiry, expiry <= now else { return false }
    selectedIndex = nil
    pending = nil
    entries.removeAll { now - $0.lastAuthenticated >= TransportLimits.pathLife }
    return true
  }
}

extension ICEAgent {
  /// Where `size` bytes may be sent at `now`, which then count as sent; nil where nothing may. A full
  /// agent has asked for consent on its selected path (RFC 7675).
  mutating func path(sending size: Int, at now: Instant) -> Path? {
    role == .lite ? litePaths.path(sending: size, at: now) : selectedPath
  }

  /// Whether the largest media packet may be sent.
  var hasRoomForMedia: Bool {
    role == .lite
      ? litePaths.hasRoom(for: TransportLimits.dtlsDatagramSize) : selectedPath != nil
  }

  /// Notes a datagram other than STUN on a path that `accepts` allows.
  mutating func noteArrival(_ size: Int, on path: Path) {
    if role == .lite { litePaths.noteArrival(size, on: path) }
  }

  mutating func noteAnswer(_ size: Int, on path: Path) {
    if role == .lite { litePaths.noteAnswer(size, on: path) }
  }

  /// Whether DTLS or SRTP authenticated on `path` so lately that no other transport may take the
  /// address over.
  public func holds(_ path: Path, at now: Instant) -> Bool {
    litePaths.isProven(path, within: TransportLimits.addressHold, at: now)
  }
}
