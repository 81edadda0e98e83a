// DTLS 1.2 with the SRTP extension (RFC 6347, RFC 5764) on OpenSSL, sans I/O, in the caller's time.

import Basics
import CDeterminism
import COpenSSL
import Wire

/// Which end speaks first (RFC 5763 §5, the `setup` attribute's active and passive).
public enum DTLSRole: Sendable { case client, server }

/// Why a DTLS association ended.
public enum DTLSFailure: Error, Sendable, Equatable {
  case handshakeFailed
  /// The peer's certificate is not the one its description promised (RFC 5763 §5).
  case fingerprintMismatch
  case noCommonProtectionProfile
  /// The peer sent close_notify.
  case closedByPeer
}

/// One DTLS association: feed it datagrams and time, take datagrams from it.
public final class DTLS {
  public enum State: Equatable, Sendable {
    case new, handshaking, connected
    case failed(DTLSFailure)
  }

  public private(set) var state = State.new
  private let ssl: OpaquePointer
  private let bio: DatagramBIO
  private let identity: DTLSIdentity
  private var random: OpenSSLRandom
  private let remoteFingerprints: [Fingerprint]
  /// What the peer sent under the association, one element a record, oldest first.
  private(set) var received: [[UInt8]] = []
  /// The next moment at which a flight is retransmitted.
  public private(set) var nextTimeout: Instant?

  /// - Parameters:
  ///   - remoteFingerprints: what the peer's description promised; checked at the handshake's end.
  ///     Of those by known hash functions one has to fit, by SHA-1 only where there is no other.
  ///   - random: the association's own stream.
  public init(
    role: DTLSRole, identity: DTLSIdentity, remoteFingerprints: [Fingerprint],
    random: RandomStream
  ) {
    self.identity = identity
    self.remoteFingerprints = remoteFingerprints
    self.random = OpenSSLRandom(random)
    bio = DatagramBIO(mtu: TransportLimits.dtlsDatagramSize)
    ssl = SSL_new(DTLS.context)
    SSL_use_certificate(ssl, identity.certificate)
    SSL_use_PrivateKey(ssl, identity.privateKey)
    let datagrams = bio.makeBIO()
    SSL_set_bio(ssl, datagrams, datagrams)
    SSL_set_options(ssl, UInt64(1) << 12)  // SSL_OP_NO_QUERY_MTU
    SSL_ctrl(ssl, SSL_CTRL_SET_MTU, TransportLimits.dtlsDatagramSize, nil)
    switch role {
    case .client: SSL_set_connect_state(ssl)
    case .server: SSL_set_accept_state(ssl)
    }
  }

  public convenience init(
    role: DTLSRole, identity: DTLSIdentity, remoteFingerprint: Fingerprint, random: RandomStream
  ) {
    self.init(
      role: role, identity: identity, remoteFingerprints: [remoteFingerprint], random: random)
  }

  deinit { SSL_free(ssl) }

  // Made outside any scope of virtual time: what OpenSSL draws here reaches no wire.
  nonisolated(unsafe) private static let context: OpaquePointer = {
    let context = SSL_CTX_new(DTLS_method())!
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(DTLS1_2_VERSION), nil)
    SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, 0, nil)
    // SSL_OP_NO_TICKET and SSL_OP_NO_RENEGOTIATION, macros that Swift does not see.
    SSL_CTX_set_options(context, (UInt64(1) << 14) | (UInt64(1) << 30))
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT) { _, _ in 1 }
    SSL_CTX_set_tlsext_use_srtp(context, SRTPProfile.offered)
    SSL_CTX_set_cipher_list(
      context, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE+CHACHA20")
    return context
  }()

  /// Starts the handshake: a client sends its first flight.
  /// - Parameter roundTrip: the path's round-trip time as ICE measured it; sets the retransmission
  ///   timer as libwebrtc does (twice that, within 50 ms and 3 s).
  public func start(at now: Instant, roundTrip: Duration) {
    guard state == .new else { return }
    state = .handshaking
    let initial = min(
      max(roundTrip * 2, TransportLimits.dtlsTimerMinimum), TransportLimits.dtlsTimerMaximum)
    bio.retransmitMicroseconds = UInt32(clamping: initial.wholeMicroseconds)
    SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(bio).toOpaque())
    DTLS_set_timer_cb(ssl) { ssl, previous in
      let bio = Unmanaged<DatagramBIO>.fromOpaque(SSL_get_ex_data(ssl, 0)).takeUnretainedValue()
      return previous == 0
        ? bio.retransmitMicroseconds
        : min(previous * 2, TransportLimits.dtlsTimerMaximumMicroseconds)
    }
    advance(at: now)
  }

  /// Takes in one datagram that RFC 7983 §7 calls DTLS.
  public func receive(_ bytes: RawSpan, at now: Instant) {
    switch state {
    case .new, .failed: return
    case .handshaking, .connected: break
    }
    bio.incoming = bytes.withUnsafeBytes { Array($0) }
    advance(at: now)
    bio.incoming = nil
  }

  /// Retransmits what is due.
  public func handleTimeout(at now: Instant) {
    guard let nextTimeout, nextTimeout <= now, state == .handshaking || state == .connected else {
      return
    }
    let outcome = random.scope(at: now) { [ssl] in
      SSL_ctrl(ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, nil)
    }
    // After twelve retransmissions OpenSSL gives up, and leaves its timer expired for ever.
    if outcome < 0 { state = .failed(.handshakeFailed) }
    readTimer(at: now)
  }

  /// Tells the peer that the association is over (close_notify).
  public func close(at now: Instant) {
    guard state == .connected else { return }
    random.scope(at: now) { [ssl] in _ = SSL_shutdown(ssl) }
  }

  /// Hands every datagram that waits to be sent to `send`, oldest first.
  public func drain(_ send: ([UInt8]) -> Void) {
    while waitingSize != nil { send(takeWaiting()) }
  }

  /// Bytes of the oldest datagram that waits to be sent; nil where none does.
  var waitingSize: Int? { bio.outgoing.first?.count }

  /// The oldest datagram that waits to be sent, of which there has to be one.
  func takeWaiting() -> [UInt8] { bio.outgoing.removeFirst() }

  /// Forgets the oldest datagrams beyond what may wait: both ends retransmit.
  func trimWaiting() {
    let surplus = bio.outgoing.count - TransportLimits.heldDatagrams
    if surplus > 0 { bio.outgoing.removeFirst(surplus) }
  }

  /// Whether what arrived since the association was in state `before` proves that the peer has the keys:
  /// its Finished, or its close_notify.
  func hasAuthenticated(since before: State) -> Bool {
    switch (before, state) {
    case (.handshaking, .connected), (.connected, .failed(.closedByPeer)): true
    default: false
    }
  }

  /// Sends application data as one record; `bytes` fit a datagram.
  func send(_ bytes: [UInt8], at now: Instant) {
    guard state == .connected, !bytes.isEmpty else { return }
    ERR_clear_error()
    random.scope(at: now) { [ssl] in _ = SSL_write(ssl, bytes, Int32(clamping: bytes.count)) }
  }

  /// Hands over what has been received since the last call.
  func takeReceived() -> [[UInt8]] {
    guard !received.isEmpty else { return [] }
    defer { received = [] }
    return received
  }

  /// The keys of both directions (RFC 5764 §4.2); nil before the handshake is over.
  public func exportKeys() -> SRTPKeys? {
    guard state == .connected, let profile = negotiatedProfile else { return nil }
    let keySize = profile.keySize
    let saltSize = profile.saltSize
    var material = [UInt8](repeating: 0, count: 2 * (keySize + saltSize))
    let label = "EXTRACTOR-dtls_srtp"
    guard
      SSL_export_keying_material(ssl, &material, material.count, label, label.utf8.count, nil, 0, 0)
        == 1
    else { return nil }
    let clientKey = material[0..<keySize]
    let serverKey = material[keySize..<(2 * keySize)]
    let clientSalt = material[(2 * keySize)..<(2 * keySize + saltSize)]
    let serverSalt = material[(2 * keySize + saltSize)...]
    let client = Array(clientKey + clientSalt)
    let server = Array(serverKey + serverSalt)
    let isClient = SSL_is_server(ssl) == 0
    return SRTPKeys(
      profile: profile, local: isClient ? client : server, remote: isClient ? server : client)
  }

  /// The association's secrets as a line in NSS key log format; nil before the handshake is over.
  var keyLog: String? {
    guard state == .connected, let session = SSL_get_session(ssl) else { return nil }
    var random = [UInt8](repeating: 0, count: 32)
    var secret = [UInt8](repeating: 0, count: 48)
    guard SSL_get_client_random(ssl, &random, random.count) == random.count,
      SSL_SESSION_get_master_key(session, &secret, secret.count) == secret.count
    else { return nil }
    func hex(_ bytes: [UInt8]) -> String {
      bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    return "CLIENT_RANDOM \(hex(random)) \(hex(secret))\n"
  }

  private var negotiatedProfile: SRTPProfile? {
    SSL_get_selected_srtp_profile(ssl).flatMap { SRTPProfile(identifier: $0.pointee.id) }
  }

  private func advance(at now: Instant) {
    if state == .handshaking { handshake(at: now) }
    if state == .connected { read(at: now) }
    readTimer(at: now)
  }

  private func handshake(at now: Instant) {
    ERR_clear_error()
    let (result, error) = random.scope(at: now) { [ssl] () -> (Int32, Int32) in
      let result = SSL_do_handshake(ssl)
      return (result, SSL_get_error(ssl, result))
    }
    if result == 1 {
      finishHandshake()
    } else if error == SSL_ERROR_ZERO_RETURN {
      state = .failed(.closedByPeer)
    } else if error == SSL_ERROR_SSL {
      state = .failed(.handshakeFailed)
    }
  }

  /// Reading also drives alerts and retransmitted flights.
  private func read(at now: Instant) {
    let (records, error) = random.scope(at: now) { [ssl] () -> ([[UInt8]], Int32) in
      var records: [[UInt8]] = []
      while true {
        ERR_clear_error()
        var count: Int32 = 0
        let record = [UInt8](unsafeUninitializedCapacity: TransportLimits.dtlsRecordSize) {
          count = SSL_read(ssl, $0.baseAddress, Int32($0.count))
          $1 = max(0, Int(count))
        }
        guard count > 0 else { return (records, SSL_get_error(ssl, count)) }
        records.append(record)
      }
    }
    received += records
    if error == SSL_ERROR_ZERO_RETURN { state = .failed(.closedByPeer) }
  }

  private func finishHandshake() {
    guard let certificate = SSL_get1_peer_certificate(ssl) else {
      state = .failed(.handshakeFailed)
      return
    }
    defer { X509_free(certificate) }
    guard isPromised(certificate) else {
      state = .failed(.fingerprintMismatch)
      return
    }
    state = negotiatedProfile == nil ? .failed(.noCommonProtectionProfile) : .connected
  }

  /// RFC 8122 §5: the peer may list several hash functions, and several certificates by each. What
  /// SHA-1 says counts only where nothing stronger is said.
  private func isPromised(_ certificate: OpaquePointer) -> Bool {
    let known = remoteFingerprints.filter { DTLSIdentity.knows($0.algorithm) }
    let strong = known.filter { $0.algorithm != "sha-1" }
    return (strong.isEmpty ? known : strong).contains { promised in
      DTLSIdentity.fingerprint(of: certificate, algorithm: promised.algorithm) == promised
    }
  }

  private func readTimer(at now: Instant) {
    guard state == .handshaking || state == .connected else {
      nextTimeout = nil
      return
    }
    var left = timeval()
    let armed = random.scope(at: now) { [ssl] in
      SSL_ctrl(ssl, DTLS_CTRL_GET_TIMEOUT, 0, &left)
    }
    nextTimeout =
      armed == 1
      ? now + .seconds(left.tv_sec) + .microseconds(left.tv_usec) : nil
  }
}
