// One bundled transport between two ends: ICE finds the path, DTLS makes the keys, SRTP carries the
// media. It knows nothing of what the packets mean.

import Basics
import Wire

/// What the other end's description says about its transport.
public struct RemoteTransportDescription: Sendable {
  public var credentials: ICECredentials
  /// Of the certificate; one that fits is enough (RFC 8122 §5).
  public var fingerprints: [Fingerprint]
  public var candidates: [RemoteCandidate]
  /// Which end opens the DTLS handshake (RFC 8842 §5), where the description says so.
  public var setup: DTLSSetup?
  /// Whether the other end is an ICE lite agent (RFC 8839 §5.3).
  public var isLite: Bool

  public init(
    credentials: ICECredentials, fingerprints: [Fingerprint], candidates: [RemoteCandidate],
    setup: DTLSSetup? = nil, isLite: Bool = false
  ) {
    self.setup = setup
    self.isLite = isLite
    self.credentials = credentials
    self.fingerprints = fingerprints
    self.candidates = candidates
  }

  public init(
    credentials: ICECredentials, fingerprint: Fingerprint, candidates: [RemoteCandidate],
    setup: DTLSSetup? = nil, isLite: Bool = false
  ) {
    self.init(
      credentials: credentials, fingerprints: [fingerprint], candidates: candidates, setup: setup,
      isLite: isLite)
  }
}

/// Sees every media packet of a transport in clear, before protection or after it is taken off.
public protocol MediaTap: AnyObject {
  func sent(_ packet: RawSpan, on path: Path, at now: Instant)
  func received(_ packet: RawSpan, on path: Path, at now: Instant)
  /// DTLS has agreed on its secrets: a line in NSS key log format.
  func agreed(keyLog: String)
}

extension MediaTap {
  public func agreed(keyLog: String) {}
}

public struct PeerTransport: ~Copyable {
  /// What a datagram turned out to be.
  public enum Received: Sendable {
    /// STUN, DTLS, or something to be dropped: dealt with here.
    case handled
    /// The packet now holds RTP, or RTCP, in clear.
    case rtp, rtcp
  }

  public enum State: Sendable, Equatable {
    case new, connecting, connected
    /// Connected once; ICE hears nothing at present.
    case interrupted
    case failed
  }

  /// Datagrams dropped, by reason.
  public struct Dropped: Sendable, Equatable {
    public var fromStranger: UInt64 = 0
    public var beforeKeys: UInt64 = 0
    public var unauthentic: UInt64 = 0
    public var replayed: UInt64 = 0
    public var unknownProtocol: UInt64 = 0

    public init() {}

    public var total: UInt64 {
      fromStranger + beforeKeys + unauthentic + replayed + unknownProtocol
    }

    public static func += (a: inout Dropped, b: Dropped) {
      a.fromStranger += b.fromStranger
      a.beforeKeys += b.beforeKeys
      a.unauthentic += b.unauthentic
      a.replayed += b.replayed
      a.unknownProtocol += b.unknownProtocol
    }
  }

  /// Datagrams taken, by what they were.
  public struct Arrivals: Sendable, Equatable {
    /// STUN and DTLS.
    public var control = 0
    public var rtp = 0
    public var rtcp = 0

    public init() {}

    public var total: Int { control + rtp + rtcp }

    public static func += (a: inout Arrivals, b: Arrivals) {
      a.control += b.control
      a.rtp += b.rtp
      a.rtcp += b.rtcp
    }
  }

  public private(set) var ice: ICEAgent
  public private(set) var dropped = Dropped()
  public private(set) var arrivals = Arrivals()
  /// Datagrams that only the peer can have sent: STUN with integrity, DTLS records, SRTP, SRTCP. Nothing
  /// else is a sign of its life.
  public private(set) var authenticated = 0
  /// RTP packets that went out, and those that could not.
  public private(set) var rtpSent = 0
  public private(set) var rtpUnsent = 0
  public private(set) var bytesSent: UInt64 = 0
  public private(set) var bytesReceived: UInt64 = 0
  /// Why the transport failed, once DTLS has.
  public private(set) var failure: DTLSFailure?
  /// Whether the descriptions have agreed on data channels.
  public private(set) var negotiatesData = false
  public weak var tap: (any MediaTap)?

  private var dtls: DTLS?
  private var srtp: SRTP?
  private var data: DataTransport?
  /// Channels to open once there is an association.
  private var channels: [DataChannelParameters] = []
  private let identity: DTLSIdentity
  private let protection: MediaProtection
  private let random: RandomStream
  /// This end's part in the DTLS handshake.
  public private(set) var dtlsRole: DTLSRole = .server
  private var remoteFingerprints: [Fingerprint] = []
  private var wasConnected = false

  public init(
    role: ICERole, identity: DTLSIdentity, protection: MediaProtection, random: RandomStream
  ) {
    self.identity = identity
    self.protection = protection
    self.random = random
    ice = ICEAgent(role: role, random: random.child("ice"))
  }

  /// Whether ICE or DTLS has failed. A peer that closes its end is no failure of the transport (W3C
  /// WebRTC, RTCDtlsTransportState): it says over signalling what is to become of the session.
  public var hasFailed: Bool {
    ice.state == .failed || (failure != nil && failure != .closedByPeer)
  }

  public var localFingerprint: Fingerprint { identity.fingerprint }

  /// This end's role in DTLS; nil before `setRemote`.
  public var negotiatedRole: DTLSRole? { remoteFingerprints.isEmpty ? nil : dtlsRole }

  public var state: State {
    if failure != nil || ice.state == .failed { return .failed }
    if srtp == nil { return remoteFingerprints.isEmpty ? .new : .connecting }
    return ice.state == .connected ? .connected : .interrupted
  }

  /// Whether there are keys, and a path on which the largest packet may be sent.
  public var canSendMedia: Bool { srtp != nil && ice.hasRoomForMedia }

  /// How often SRTP's rollover counters have gone up, of streams both ways (RFC 3711 §3.3.1).
  public var rollovers: Int {
    switch srtp {
    case .none: 0
    case .some(let srtp): srtp.rollovers
    }
  }

  // MARK: - Configuration

  public mutating func setLocalAddresses(
    _ addresses: [(address: Address, networkCost: UInt16)], at now: Instant
  ) {
    ice.setLocalAddresses(addresses, at: now)
  }

  /// Applies the other end's description; the DTLS role is kept once it is set.
  public mutating func setRemote(
    _ remote: RemoteTransportDescription, dtlsRole: DTLSRole, at now: Instant
  ) {
    if remoteFingerprints.isEmpty {
      remoteFingerprints = remote.fingerprints
      self.dtlsRole = dtlsRole
    }
    ice.setRemote(credentials: remote.credentials, candidates: remote.candidates, at: now)
  }

  /// See `ICEAgent.setRole`.
  public mutating func setICERole(_ role: ICERole) { ice.setRole(role) }

  public mutating func addRemoteCandidate(_ candidate: RemoteCandidate, at now: Instant) {
    ice.addRemoteCandidate(candidate, at: now)
  }

  /// New ICE credentials for the next local description; DTLS and SRTP go on (RFC 8842 §4).
  public mutating func restartICE() { ice.restart() }

  // MARK: - Datagrams

  /// Takes a datagram in. On `.rtp` and `.rtcp` the packet has been decrypted in place.
  public mutating func receive(
    _ packet: inout Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) -> Received {
    let kind = PacketKind(packet.bytes)
    if kind == .stun {
      if ice.receive(packet.bytes, on: path, at: now, into: &outbox) { authenticated += 1 }
      startDTLSIfPossible(at: now, into: &outbox)
      if holdsDTLS { flushDTLS(on: nil, at: now, into: &outbox) }
      arrivals.control += 1
      return .handled
    }
    guard ice.accepts(path) else {
      dropped.fromStranger += 1
      return .handled
    }
    ice.noteArrival(packet.count, on: path)
    switch kind {
    case .dtls:
      arrivals.control += 1
      receiveDTLS(packet.bytes, on: path, at: now, into: &outbox)
      return .handled
    case .rtp, .rtcp:
      return receiveMedia(&packet, isRTCP: kind == .rtcp, on: path, at: now)
    default:
      dropped.unknownProtocol += 1
      return .handled
    }
  }

  private mutating func receiveMedia(
    _ packet: inout Packet, isRTCP: Bool, on path: Path, at now: Instant
  ) -> Received {
    guard srtp != nil else {
      dropped.beforeKeys += 1
      return .handled
    }
    let size = UInt64(packet.count)
    do throws(SRTPError) {
      if isRTCP {
        try srtp!.unprotectRTCP(&packet)
      } else {
        try srtp!.unprotectRTP(&packet)
      }
    } catch .replayed {
      dropped.replayed += 1
      return .handled
    } catch {
      dropped.unauthentic += 1
      return .handled
    }
    bytesReceived += size
    authenticated += 1
    ice.noteReceived(on: path, at: now)
    tap?.received(packet.bytes, on: path, at: now)
    if isRTCP { arrivals.rtcp += 1 } else { arrivals.rtp += 1 }
    return isRTCP ? .rtcp : .rtp
  }

  /// Protects and sends an RTP packet; drops it when there is no path or key yet.
  public mutating func sendRTP(
    _ packet: consuming Packet, at now: Instant, into outbox: inout Outbox
  ) {
    send(packet, isRTCP: false, at: now, into: &outbox)
  }

  /// Whether the peer moved to a path on which it has yet to prove itself: media goes on over the old one.
  /// A packet that it answers with feedback ends that sooner than its next report.
  public var awaitsProof: Bool { srtp != nil && ice.litePaths.awaitsProof }

  /// Sends an RTP packet on the path that awaits its proof, as far as that may carry one.
  public mutating func sendProbe(
    _ packet: consuming Packet, at now: Instant, into outbox: inout Outbox
  ) {
    guard
      let path = ice.litePaths.unprovenPath(
        sending: packet.count + TransportLimits.protectionOverhead)
    else {
      rtpUnsent += 1
      return
    }
    protect(packet, isRTCP: false, on: path, into: &outbox, at: now)
  }

  public mutating func sendRTCP(
    _ packet: consuming Packet, at now: Instant, into outbox: inout Outbox
  ) {
    send(packet, isRTCP: true, at: now, into: &outbox)
  }

  /// Streams that are over, of ours or of the peer's, need no state any more; their SSRCs must not
  /// come again, or numbers would come again under one key.
  /// - Parameter ssrcs: nil for the RTX stream of what has none.
  public func forgetStreams(_ ssrcs: [UInt32?], areOurs: Bool) {
    switch srtp {
    case .none: break
    case .some(let srtp): srtp.forget(ssrcs.compactMap { $0 }, areOurs: areOurs)
    }
  }

  private mutating func send(
    _ packet: consuming Packet, isRTCP: Bool, at now: Instant, into outbox: inout Outbox
  ) {
    guard srtp != nil,
      let path = ice.path(
        sending: packet.count + TransportLimits.protectionOverhead, at: now)
    else {
      if !isRTCP { rtpUnsent += 1 }
      return
    }
    protect(packet, isRTCP: isRTCP, on: path, into: &outbox, at: now)
  }

  private mutating func protect(
    _ packet: consuming Packet, isRTCP: Bool, on path: Path, into outbox: inout Outbox,
    at now: Instant
  ) {
    var packet = packet
    tap?.sent(packet.bytes, on: path, at: now)
    do throws(SRTPError) {
      if isRTCP {
        try srtp!.protectRTCP(&packet)
      } else {
        try srtp!.protectRTP(&packet)
      }
    } catch {
      if !isRTCP { rtpUnsent += 1 }
      return
    }
    if !isRTCP { rtpSent += 1 }
    bytesSent += UInt64(packet.count)
    outbox.send(packet, on: path)
  }

  // MARK: - DTLS

  private mutating func startDTLSIfPossible(at now: Instant, into outbox: inout Outbox) {
    // A server answers only; what it has to say waits for a path it may be sent on.
    guard dtls == nil, !remoteFingerprints.isEmpty,
      ice.selectedPath != nil || dtlsRole == .server && !ice.litePaths.isEmpty
    else { return }
    let dtls = DTLS(
      role: dtlsRole, identity: identity, remoteFingerprints: remoteFingerprints,
      random: random.child("dtls"))
    self.dtls = dtls
    dtls.start(at: now, roundTrip: ice.roundTrip ?? .milliseconds(100))
    flushDTLS(on: nil, at: now, into: &outbox)
  }

  private mutating func receiveDTLS(
    _ bytes: RawSpan, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    startDTLSIfPossible(at: now, into: &outbox)
    guard let dtls else { return }
    let before = dtls.state
    dtls.receive(bytes, at: now)
    startDataIfPossible(at: now)
    let records = dtls.takeReceived()
    if !records.isEmpty || dtls.hasAuthenticated(since: before) {
      authenticated += 1
      ice.noteReceived(on: path, at: now)
    }
    for packet in records { data?.receive(packet, at: now) }
    flushData(at: now)
    flushDTLS(on: path, at: now, into: &outbox)
  }

  private mutating func flushDTLS(on path: Path?, at now: Instant, into outbox: inout Outbox) {
    guard let dtls else { return }
    while let size = dtls.waitingSize {
      let fallback = ice.role == .lite ? nil : path
      guard let path = ice.path(sending: size, at: now) ?? fallback else { break }
      outbox.send(outbox.pool.makePacket(dtls.takeWaiting()), on: path)
    }
    dtls.trimWaiting()
    switch dtls.state {
    case .connected where srtp == nil:
      if let tap, let line = dtls.keyLog { tap.agreed(keyLog: line) }
      if let keys = dtls.exportKeys() { srtp = SRTP(keys, protection: protection) }
      if srtp == nil { failure = .handshakeFailed }
    case .failed(let reason): failure = reason
    default: break
    }
  }

  /// Whether datagrams of DTLS wait for a path they may be sent on: then its timer waits, too.
  private var holdsDTLS: Bool { ice.role == .lite && dtls?.waitingSize != nil }

  /// Says goodbye to the peer (DTLS close_notify).
  public mutating func close(at now: Instant, into outbox: inout Outbox) {
    guard let dtls else { return }
    dtls.close(at: now)
    flushDTLS(on: nil, at: now, into: &outbox)
  }

  // MARK: - Data channels

  /// The descriptions have agreed on an SCTP association (RFC 8841 §9); it starts under DTLS, at once
  /// where DTLS already runs.
  public mutating func negotiateData(at now: Instant, into outbox: inout Outbox) {
    negotiatesData = true
    startDataIfPossible(at: now)
    flushData(at: now)
    flushDTLS(on: nil, at: now, into: &outbox)
  }

  /// Opens a channel as soon as there is an association to open it on.
  public mutating func openChannel(
    _ parameters: DataChannelParameters, at now: Instant, into outbox: inout Outbox
  ) {
    guard let data else {
      channels.append(parameters)
      return
    }
    data.open(parameters, at: now)
    flushData(at: now)
    flushDTLS(on: nil, at: now, into: &outbox)
  }

  /// Sends one message on the channel named `label`.
  /// - Returns: false where there is no such channel yet, or the message is larger than
  ///   `TransportLimits.dataMessageSize`.
  @discardableResult
  public mutating func sendData(
    _ bytes: [UInt8], isText: Bool = false, on label: String, at now: Instant,
    into outbox: inout Outbox
  ) -> Bool {
    guard let data, data.send(bytes, isText: isText, on: label, at: now) else { return false }
    flushData(at: now)
    flushDTLS(on: nil, at: now, into: &outbox)
    return true
  }

  public mutating func closeChannel(
    _ label: String, at now: Instant, into outbox: inout Outbox
  ) {
    data?.close(label, at: now)
    flushData(at: now)
    flushDTLS(on: nil, at: now, into: &outbox)
  }

  /// What has happened on the data channels since the last call, oldest first.
  public mutating func takeDataEvents() -> [DataChannelEvent] { data?.takeEvents() ?? [] }

  /// Bytes of messages that the association's buffer has no room for yet.
  public var bufferedData: Int { data?.bufferedBytes ?? 0 }

  private mutating func startDataIfPossible(at now: Instant) {
    guard negotiatesData, data == nil, dtls?.state == .connected else { return }
    let data = DataTransport(role: dtlsRole, random: random.child("sctp"), at: now)
    self.data = data
    for channel in channels { data.open(channel, at: now) }
    channels = []
  }

  private func flushData(at now: Instant) {
    guard let data, let dtls else { return }
    data.drain { dtls.send($0, at: now) }
  }

  // MARK: - Time

  public var nextTimeout: Instant? {
    let handshake = holdsDTLS ? nil : dtls?.nextTimeout
    return earlier(earlier(ice.nextTimeout, handshake), data?.nextTimeout)
  }

  public mutating func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    ice.handleTimeout(at: now, into: &outbox)
    startDTLSIfPossible(at: now, into: &outbox)
    if let dtls, !holdsDTLS, let due = dtls.nextTimeout, due <= now {
      dtls.handleTimeout(at: now)
      flushDTLS(on: nil, at: now, into: &outbox)
    }
    if let data, data.nextTimeout <= now {
      data.handleTimeout(at: now)
      flushData(at: now)
      flushDTLS(on: nil, at: now, into: &outbox)
    }
  }
}
