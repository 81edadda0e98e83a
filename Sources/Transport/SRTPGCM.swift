// AEAD_AES_128_GCM for SRTP and SRTCP (RFC 7714) on OpenSSL, one reused context for each key.
// Budget: 0.7 us to protect 1,200 bytes. Debian's libsrtp2 is built on NSS, whose token searches all
// keys of the process for every packet: 60 us a packet in a room of 100 (measured), so it serves the
// other profile and, in the tests, as the witness of this one.
//
//   RTP nonce:  00 00 | SSRC | ROC | SEQ            xor salt     associated: the header
//   RTCP nonce: 00 00 | SSRC | 00 00 | 0 + index    xor salt     associated: 8 bytes, then E + index

import Basics
import COpenSSL
import Wire

/// One direction of a transport: its keys and the state of every stream.
final class SRTPGCM {
  private static let tagSize = 16
  private static let fixedRTCPSize = 8
  private static let indexSize = 4

  private let rtpContext: OpaquePointer
  private let rtcpContext: OpaquePointer
  private let rtpSalt: Nonce
  private let rtcpSalt: Nonce
  private let encrypts: Bool
  private var streams: [UInt32: Int] = [:]
  private var indices: [PacketIndex] = []
  /// Places in `indices` of streams that are over, and the rollovers those had.
  private var free: [Int] = []
  private var pastRollovers = 0
  /// SRTCP: the next index to send, and the replay window of each sender.
  private var nextRTCPIndex: [UInt32: UInt32] = [:]
  private var rtcpWindows: [UInt32: ReplayWindow] = [:]

  /// - Parameter masterKey: 16 bytes of key and 12 of salt.
  init?(masterKey: [UInt8], encrypts: Bool) {
    guard masterKey.count == 28, let keys = SessionKeys(masterKey),
      let rtp = SRTPGCM.context(keys.rtpKey, encrypts: encrypts),
      let rtcp = SRTPGCM.context(keys.rtcpKey, encrypts: encrypts)
    else { return nil }
    rtpContext = rtp
    rtcpContext = rtcp
    rtpSalt = Nonce(keys.rtpSalt)
    rtcpSalt = Nonce(keys.rtcpSalt)
    self.encrypts = encrypts
  }

  deinit {
    EVP_CIPHER_CTX_free(rtpContext)
    EVP_CIPHER_CTX_free(rtcpContext)
  }

  private static func context(_ key: [UInt8], encrypts: Bool) -> OpaquePointer? {
    guard let context = EVP_CIPHER_CTX_new() else { return nil }
    guard EVP_CipherInit_ex(context, EVP_aes_128_gcm(), nil, key, nil, encrypts ? 1 : 0) == 1
    else {
      EVP_CIPHER_CTX_free(context)
      return nil
    }
    return context
  }

  // MARK: - RTP

  /// Rollover counters of all streams, summed.
  var rollovers: Int { indices.reduce(pastRollovers) { $0 + $1.rollover } }

  /// Gives back what is kept of a stream that is over; its SSRC must not come again.
  func forget(_ ssrc: UInt32) {
    nextRTCPIndex[ssrc] = nil
    rtcpWindows[ssrc] = nil
    guard let stream = streams.removeValue(forKey: ssrc) else { return }
    pastRollovers += indices[stream].rollover
    indices[stream] = PacketIndex()
    free.append(stream)
  }

  func protectRTP(_ packet: inout Packet) throws(SRTPError) {
    guard let header = try? RTPHeader(packet.bytes), packet.tailroom >= SRTPGCM.tagSize else {
      throw .malformed
    }
    let stream = stream(of: header.ssrc)
    let index = indices[stream].estimate(header.sequenceNumber)
    indices[stream].advance(to: index)
    var nonce = rtpSalt
    nonce.mix(
      ssrc: header.ssrc, rollover: UInt32(truncatingIfNeeded: index >> 16),
      sequenceNumber: header.sequenceNumber)
    let size = packet.count
    var isSealed = false
    packet.withTailroom { bytes in
      isSealed = seal(
        rtpContext, nonce, bytes, headerSize: header.headerSize, size: size, trailer: nil)
      return isSealed ? size + SRTPGCM.tagSize : size
    }
    guard isSealed else { throw .malformed }
  }

  func unprotectRTP(_ packet: inout Packet) throws(SRTPError) {
    let size = packet.count - SRTPGCM.tagSize
    // The padding bit speaks of what is encrypted, so only the header's own length is read.
    guard size >= RTPHeader.fixedSize, let headerSize = SRTPGCM.headerSize(packet.bytes),
      headerSize <= size
    else { throw .malformed }
    var reader = ByteReader(packet.bytes, 2..<12)
    guard let sequenceNumber = try? reader.u16(), (try? reader.u32()) != nil,
      let ssrc = try? reader.u32()
    else { throw .malformed }
    let known = streams[ssrc]
    guard known != nil || streams.count < TransportLimits.receivedStreams else {
      throw .malformed
    }
    let estimate = known.map { indices[$0] } ?? PacketIndex()
    let index = estimate.estimate(sequenceNumber)
    guard estimate.accepts(index) else { throw .replayed }
    var nonce = rtpSalt
    nonce.mix(
      ssrc: ssrc, rollover: UInt32(truncatingIfNeeded: index >> 16),
      sequenceNumber: sequenceNumber)
    var isAuthentic = false
    packet.withTailroom { bytes in
      isAuthentic = open(
        rtpContext, nonce, bytes, headerSize: headerSize, size: size, trailer: nil)
      return isAuthentic ? size : size + SRTPGCM.tagSize
    }
    guard isAuthentic else { throw .authenticationFailed }
    // State is kept only for streams that proved to be the peer's.
    let stream = stream(of: ssrc)
    indices[stream].accept(index)
  }

  private func stream(of ssrc: UInt32) -> Int {
    if let stream = streams[ssrc] { return stream }
    let stream = free.popLast() ?? indices.count
    streams[ssrc] = stream
    if stream == indices.count { indices.append(PacketIndex()) }
    return stream
  }

  /// Bytes before the payload by the header's own fields; nil for what is no RTP.
  private static func headerSize(_ bytes: RawSpan) -> Int? {
    guard let first = bytes.byte(at: 0), first >> 6 == 2 else { return nil }
    let fixed = RTPHeader.fixedSize + 4 * Int(first & 0x0F)
    guard first & 0x10 != 0 else { return fixed }
    var reader = ByteReader(bytes, (fixed + 2)..<(fixed + 4))
    guard let words = try? reader.u16() else { return nil }
    return fixed + 4 + 4 * Int(words)
  }

  // MARK: - RTCP

  func protectRTCP(_ packet: inout Packet) throws(SRTPError) {
    let size = packet.count
    guard size >= SRTPGCM.fixedRTCPSize,
      packet.tailroom >= SRTPGCM.tagSize + SRTPGCM.indexSize, let ssrc = packet.senderSSRC
    else { throw .malformed }
    let index = nextRTCPIndex[ssrc, default: 0] & 0x7FFF_FFFF
    nextRTCPIndex[ssrc] = index &+ 1
    var nonce = rtcpSalt
    nonce.mix(ssrc: ssrc, rtcpIndex: index)
    let trailer = index | 0x8000_0000
    var isSealed = false
    packet.withTailroom { bytes in
      isSealed = seal(
        rtcpContext, nonce, bytes, headerSize: SRTPGCM.fixedRTCPSize, size: size,
        trailer: trailer)
      guard isSealed else { return size }
      bytes.storeBytes(
        of: trailer.bigEndian, toByteOffset: size + SRTPGCM.tagSize, as: UInt32.self)
      return size + SRTPGCM.tagSize + SRTPGCM.indexSize
    }
    guard isSealed else { throw .malformed }
  }

  func unprotectRTCP(_ packet: inout Packet) throws(SRTPError) {
    let whole = packet.count
    let size = whole - SRTPGCM.tagSize - SRTPGCM.indexSize
    guard size >= SRTPGCM.fixedRTCPSize, let ssrc = packet.senderSSRC else { throw .malformed }
    var reader = ByteReader(packet.bytes, (whole - SRTPGCM.indexSize)..<whole)
    // We never send unencrypted RTCP under these keys, and take none.
    guard let trailer = try? reader.u32(), trailer & 0x8000_0000 != 0 else { throw .malformed }
    let index = trailer & 0x7FFF_FFFF
    let window = rtcpWindows[ssrc] ?? ReplayWindow()
    guard window.accepts(Int64(index)) else { throw .replayed }
    var nonce = rtcpSalt
    nonce.mix(ssrc: ssrc, rtcpIndex: index)
    var isAuthentic = false
    packet.withTailroom { bytes in
      isAuthentic = open(
        rtcpContext, nonce, bytes, headerSize: SRTPGCM.fixedRTCPSize, size: size,
        trailer: trailer)
      return isAuthentic ? size : whole
    }
    guard isAuthentic else { throw .authenticationFailed }
    rtcpWindows[ssrc, default: ReplayWindow()].accept(Int64(index))
  }

  // MARK: - OpenSSL

  /// Encrypts `bytes[headerSize..<size]` in place and puts the tag behind.
  private func seal(
    _ context: OpaquePointer, _ nonce: Nonce, _ bytes: UnsafeMutableRawBufferPointer,
    headerSize: Int, size: Int, trailer: UInt32?
  ) -> Bool {
    guard start(context, nonce, bytes, headerSize, trailer) else { return false }
    let data = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
    var written: Int32 = 0
    let payload = data + headerSize
    guard EVP_CipherUpdate(context, payload, &written, payload, Int32(size - headerSize)) == 1,
      EVP_CipherFinal_ex(context, data + size, &written) == 1
    else { return false }
    return EVP_CIPHER_CTX_ctrl(
      context, EVP_CTRL_AEAD_GET_TAG, Int32(SRTPGCM.tagSize), data + size) == 1
  }

  /// Checks the tag at `size` and decrypts `bytes[headerSize..<size]` in place.
  private func open(
    _ context: OpaquePointer, _ nonce: Nonce, _ bytes: UnsafeMutableRawBufferPointer,
    headerSize: Int, size: Int, trailer: UInt32?
  ) -> Bool {
    guard start(context, nonce, bytes, headerSize, trailer) else { return false }
    let data = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
    var written: Int32 = 0
    let payload = data + headerSize
    guard
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(SRTPGCM.tagSize), data + size)
        == 1,
      EVP_CipherUpdate(context, payload, &written, payload, Int32(size - headerSize)) == 1
    else { return false }
    return EVP_CipherFinal_ex(context, data + size, &written) == 1
  }

  /// Sets the nonce and feeds the associated data.
  private func start(
    _ context: OpaquePointer, _ nonce: Nonce, _ bytes: UnsafeMutableRawBufferPointer,
    _ headerSize: Int, _ trailer: UInt32?
  ) -> Bool {
    var written: Int32 = 0
    let data = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
    let isSet = nonce.withBytes { EVP_CipherInit_ex(context, nil, nil, nil, $0, -1) == 1 }
    guard isSet, EVP_CipherUpdate(context, nil, &written, data, Int32(headerSize)) == 1 else {
      return false
    }
    guard let trailer else { return true }
    return withUnsafeBytes(of: trailer.bigEndian) {
      EVP_CipherUpdate(
        context, nil, &written, $0.baseAddress!.assumingMemoryBound(to: UInt8.self), 4) == 1
    }
  }
}

/// A 96-bit nonce, first the salt and then the salt mixed with a packet's place.
private struct Nonce {
  /// Bytes 0..<4, 4..<8 and 8..<12, big-endian.
  private var words: (UInt32, UInt32, UInt32)

  init(_ salt: [UInt8]) {
    func word(_ offset: Int) -> UInt32 {
      salt[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }
    words = (word(0), word(4), word(8))
  }

  mutating func mix(ssrc: UInt32, rollover: UInt32, sequenceNumber: UInt16) {
    words.0 ^= ssrc >> 16
    words.1 ^= ssrc << 16 | rollover >> 16
    words.2 ^= rollover << 16 | UInt32(sequenceNumber)
  }

  mutating func mix(ssrc: UInt32, rtcpIndex: UInt32) {
    words.0 ^= ssrc >> 16
    words.1 ^= ssrc << 16
    words.2 ^= rtcpIndex
  }

  func withBytes<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R {
    let bytes = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian)
    return withUnsafeBytes(of: bytes) {
      body($0.baseAddress!.assumingMemoryBound(to: UInt8.self))
    }
  }
}

/// The session keys of RFC 3711 §4.3 for one master key, with a key derivation rate of zero.
private struct SessionKeys {
  let rtpKey: [UInt8]
  let rtpSalt: [UInt8]
  let rtcpKey: [UInt8]
  let rtcpSalt: [UInt8]

  init?(_ master: [UInt8]) {
    let key = Array(master[0..<16])
    // RFC 7714 §11: a 96-bit salt is used as 112 bits with zeros behind it.
    let salt = Array(master[16..<28]) + [0, 0]
    func derive(_ label: UInt8, _ count: Int) -> [UInt8]? {
      var block = salt + [0, 0]
      block[7] ^= label
      return SessionKeys.encrypted(block, key: key).map { Array($0.prefix(count)) }
    }
    guard let rtpKey = derive(0, 16), let rtpSalt = derive(2, 12), let rtcpKey = derive(3, 16),
      let rtcpSalt = derive(5, 12)
    else { return nil }
    self.rtpKey = rtpKey
    self.rtpSalt = rtpSalt
    self.rtcpKey = rtcpKey
    self.rtcpSalt = rtcpSalt
  }

  /// One AES block; the first of AES-CM's key stream is all that is needed here.
  private static func encrypted(_ block: [UInt8], key: [UInt8]) -> [UInt8]? {
    guard let context = EVP_CIPHER_CTX_new() else { return nil }
    defer { EVP_CIPHER_CTX_free(context) }
    var out = [UInt8](repeating: 0, count: 32)
    var written: Int32 = 0
    guard EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), nil, key, nil) == 1,
      EVP_CIPHER_CTX_set_padding(context, 0) == 1,
      EVP_EncryptUpdate(context, &out, &written, block, 16) == 1, written == 16
    else { return nil }
    return Array(out[0..<16])
  }
}

extension Packet {
  /// The SSRC of an RTCP packet's sender.
  fileprivate var senderSSRC: UInt32? {
    var reader = ByteReader(bytes, 4..<8)
    return try? reader.u32()
  }
}
