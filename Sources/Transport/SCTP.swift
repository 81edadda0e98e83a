// One SCTP association over DTLS (RFC 9260, RFC 8261) on usrsctp, sans I/O, in the caller's time.

import Basics
import CUsrSCTP
import Glibc

/// How hard a message is tried (RFC 3758, RFC 7496).
public enum DataReliability: Sendable, Equatable {
  case reliable
  /// Sent again at most this often.
  case retransmits(UInt32)
  /// Sent again for at most this many milliseconds.
  case lifetime(UInt32)
}

enum SCTPEvent: Equatable {
  case connected
  case message(stream: UInt16, protocolID: UInt32, [UInt8])
  /// The peer will send no more on these streams (RFC 6525).
  case reset([UInt16])
  case closed
}

/// A message that waits for room in the send buffer.
struct SCTPMessage {
  var stream: UInt16
  var protocolID: UInt32
  var isOrdered = true
  var reliability = DataReliability.reliable
  var bytes: [UInt8]
}

/// Feed it packets and time, take packets and events from it.
final class SCTPAssociation {
  /// Packets to be sent, oldest first.
  var outgoing: [[UInt8]] = []
  var events: [SCTPEvent] = []
  /// Messages of the peer above the size we announce, dropped.
  private(set) var oversized: UInt64 = 0
  private(set) var nextTimeout: Instant
  /// Bytes that wait for room in the send buffer.
  private(set) var bufferedBytes = 0
  private var random: OpenSSLRandom
  private var handle = 0
  private var socket: OpaquePointer?
  private var isOpen = false
  private var waiting: [SCTPMessage] = []
  /// The message whose parts arrive; nil while an oversized one passes.
  private var assembled: [UInt8]? = []
  /// Its first TSN.
  private var assembledTSN: UInt32?

  /// Both ends call at once, as WebRTC does; usrsctp makes one association of the two.
  init(random: RandomStream, at now: Instant) {
    self.random = OpenSSLRandom(random)
    nextTimeout = now + TransportLimits.sctpTick
    let handle = SCTPStack.enter(self, at: now)
    self.handle = handle
    let address = UnsafeMutableRawPointer(bitPattern: handle)
    socket = self.random.scope(at: now) {
      SCTPStack.advance(to: now)
      let socket = usrsctp_socket(
        AF_CONN, Int32(SOCK_STREAM.rawValue), Int32(IPPROTO_SCTP), SCTPAssociation.receiveMessage,
        nil, 0, address)
      if let socket { SCTPAssociation.connect(socket, to: address) }
      return socket
    }
  }

  deinit {
    if let socket { random.scope(at: nextTimeout) { usrsctp_close(socket) } }
    SCTPStack.leave(handle)
  }

  /// Takes in one SCTP packet, checked by nobody yet.
  func receive(_ packet: [UInt8], at now: Instant) {
    random.scope(at: now) { [handle] in
      SCTPStack.advance(to: now)
      packet.withUnsafeBytes {
        usrsctp_conninput(UnsafeMutableRawPointer(bitPattern: handle), $0.baseAddress, $0.count, 0)
      }
    }
    sendWaiting(at: now)
  }

  func handleTimeout(at now: Instant) {
    guard nextTimeout <= now else { return }
    nextTimeout = now + TransportLimits.sctpTick
    random.scope(at: now) { SCTPStack.advance(to: now) }
    sendWaiting(at: now)
  }

  /// Queues a message; it leaves once the association is up and its buffer has room.
  func send(_ message: SCTPMessage, at now: Instant) {
    waiting.append(message)
    bufferedBytes += message.bytes.count
    sendWaiting(at: now)
  }

  private func sendWaiting(at now: Instant) {
    guard isOpen, let socket, !waiting.isEmpty else { return }
    var sent = 0
    random.scope(at: now) { [waiting] in
      SCTPStack.advance(to: now)
      for message in waiting {
        guard SCTPAssociation.send(message, on: socket) else { break }
        sent += 1
      }
    }
    for message in waiting.prefix(sent) { bufferedBytes -= message.bytes.count }
    waiting.removeFirst(sent)
  }

  /// False where the buffer is full; a message that can never be sent counts as sent.
  private static func send(_ message: SCTPMessage, on socket: OpaquePointer) -> Bool {
    var info = sctp_sendv_spa()
    info.sendv_flags = UInt32(SCTP_SEND_SNDINFO_VALID)
    info.sendv_sndinfo.snd_sid = message.stream
    info.sendv_sndinfo.snd_ppid = message.protocolID.bigEndian
    info.sendv_sndinfo.snd_flags = message.isOrdered ? 0 : UInt16(SCTP_UNORDERED)
    switch message.reliability {
    case .reliable: break
    case .retransmits(let count):
      info.sendv_flags |= UInt32(SCTP_SEND_PRINFO_VALID)
      info.sendv_prinfo = sctp_prinfo(pr_policy: UInt16(SCTP_PR_SCTP_RTX), pr_value: count)
    case .lifetime(let milliseconds):
      info.sendv_flags |= UInt32(SCTP_SEND_PRINFO_VALID)
      info.sendv_prinfo = sctp_prinfo(pr_policy: UInt16(SCTP_PR_SCTP_TTL), pr_value: milliseconds)
    }
    let result = message.bytes.withUnsafeBytes {
      usrsctp_sendv(
        socket, $0.baseAddress, $0.count, nil, 0, &info,
        socklen_t(MemoryLayout<sctp_sendv_spa>.size), UInt32(SCTP_SENDV_SPA), 0)
    }
    return result >= 0 || errno != EWOULDBLOCK
  }

  /// Ends our direction of a stream (RFC 6525 §4.1).
  func reset(_ stream: UInt16, at now: Instant) {
    guard let socket, isOpen else { return }
    random.scope(at: now) {
      SCTPStack.advance(to: now)
      // struct sctp_reset_streams: the association, flags, a count, the streams.
      var request: [UInt16] = [0, 0, UInt16(SCTP_STREAM_RESET_OUTGOING), 1, stream]
      usrsctp_setsockopt(
        socket, Int32(IPPROTO_SCTP), SCTP_RESET_STREAMS, &request, socklen_t(request.count * 2))
    }
  }

  // MARK: - What usrsctp hands back

  private static let receiveMessage:
    @convention(c) (
      OpaquePointer?, sctp_sockstore, UnsafeMutableRawPointer?, Int, sctp_rcvinfo, Int32,
      UnsafeMutableRawPointer?
    ) -> Int32 = { _, _, data, count, info, flags, context in
      guard let data else { return 1 }
      defer { free(data) }
      guard let association = SCTPStack.association(context) else { return 1 }
      let bytes = UnsafeRawBufferPointer(start: data, count: count)
      if flags & Int32(MSG_NOTIFICATION) != 0 {
        association.receive(notification: bytes)
      } else {
        association.receive(bytes, info, isLast: flags & Int32(MSG_EOR) != 0)
      }
      return 1
    }

  private func receive(_ bytes: UnsafeRawBufferPointer, _ info: sctp_rcvinfo, isLast: Bool) {
    // The sender may have abandoned the rest of the one before, of which nobody tells us.
    if assembledTSN != info.rcv_tsn { assembled = [] }
    assembledTSN = info.rcv_tsn
    if let sofar = assembled, sofar.count + bytes.count > TransportLimits.dataMessageSize {
      assembled = nil
      oversized += 1
    }
    assembled?.append(contentsOf: bytes)
    guard isLast else { return }
    if let message = assembled {
      events.append(
        .message(
          stream: info.rcv_sid, protocolID: UInt32(bigEndian: info.rcv_ppid), message))
    }
    assembled = []
    assembledTSN = nil
  }

  private func receive(notification bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 12 else { return }
    switch Int32(bytes.loadUnaligned(as: UInt16.self)) {
    case SCTP_ASSOC_CHANGE:
      switch Int32(bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)) {
      case SCTP_COMM_UP:
        isOpen = true
        events.append(.connected)
      case SCTP_COMM_LOST, SCTP_CANT_STR_ASSOC, SCTP_SHUTDOWN_COMP:
        isOpen = false
        events.append(.closed)
      default: break
      }
    case SCTP_STREAM_RESET_EVENT:
      let flags = Int32(bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
      guard flags & SCTP_STREAM_RESET_INCOMING_SSN != 0 else { return }
      events.append(
        .reset(
          stride(from: 12, to: bytes.count - 1, by: 2).map {
            bytes.loadUnaligned(fromByteOffset: $0, as: UInt16.self)
          }))
    default: break
    }
  }

  // MARK: - Options

  private static func connect(_ socket: OpaquePointer, to handle: UnsafeMutableRawPointer?) {
    usrsctp_set_non_blocking(socket, 1)
    let level = Int32(IPPROTO_SCTP)
    set(linger(l_onoff: 1, l_linger: 0), SO_LINGER, at: SOL_SOCKET, of: socket)
    set(TransportLimits.sctpBuffer, SO_SNDBUF, at: SOL_SOCKET, of: socket)
    set(TransportLimits.sctpBuffer, SO_RCVBUF, at: SOL_SOCKET, of: socket)
    set(Int32(1), SCTP_NODELAY, at: level, of: socket)
    for option in [SCTP_ECN_SUPPORTED, SCTP_ASCONF_SUPPORTED, SCTP_AUTH_SUPPORTED] {
      set(sctp_assoc_value(assoc_id: 0, assoc_value: 0), option, at: level, of: socket)
    }
    set(
      sctp_assoc_value(assoc_id: 0, assoc_value: 1), SCTP_ENABLE_STREAM_RESET, at: level,
      of: socket)
    set(
      sctp_initmsg(
        sinit_num_ostreams: TransportLimits.sctpStreams,
        sinit_max_instreams: TransportLimits.sctpStreams, sinit_max_attempts: 0,
        sinit_max_init_timeo: 0), SCTP_INITMSG, at: level, of: socket)
    set(
      sctp_rtoinfo(
        srto_assoc_id: 0, srto_initial: TransportLimits.sctpInitialTimeout,
        srto_max: TransportLimits.sctpMaximumTimeout, srto_min: TransportLimits.sctpMinimumTimeout),
      SCTP_RTOINFO, at: level, of: socket)
    var association = sctp_assocparams()
    association.sasoc_asocmaxrxt = TransportLimits.sctpMaximumRetransmissions
    set(association, SCTP_ASSOCINFO, at: level, of: socket)
    for event in [SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT] {
      set(
        sctp_event(se_assoc_id: UInt32(SCTP_ALL_ASSOC), se_type: UInt16(event), se_on: 1),
        SCTP_EVENT, at: level, of: socket)
    }
    var address = sockaddr_conn(
      sconn_family: UInt16(AF_CONN), sconn_port: TransportLimits.sctpPort.bigEndian,
      sconn_addr: handle)
    let size = socklen_t(MemoryLayout<sockaddr_conn>.size)
    withUnsafeMutableBytes(of: &address) {
      let address = $0.baseAddress!.assumingMemoryBound(to: sockaddr.self)
      usrsctp_bind(socket, address, size)
      usrsctp_connect(socket, address, size)
    }
    var path = sctp_paddrparams()
    withUnsafeMutableBytes(of: &path.spp_address) { there in
      withUnsafeBytes(of: &address) { there.copyMemory(from: $0) }
    }
    path.spp_flags = UInt32(SPP_PMTUD_DISABLE)
    path.spp_pathmtu = TransportLimits.sctpPacketSize
    path.spp_pathmaxrxt = TransportLimits.sctpMaximumRetransmissions
    set(path, SCTP_PEER_ADDR_PARAMS, at: level, of: socket)
  }

  private static func set<T: BitwiseCopyable>(
    _ value: T, _ option: Int32, at level: Int32, of socket: OpaquePointer
  ) {
    var value = value
    let result = usrsctp_setsockopt(
      socket, level, option, &value, socklen_t(MemoryLayout<T>.size))
    precondition(result == 0, "usrsctp refuses an option")
  }
}
