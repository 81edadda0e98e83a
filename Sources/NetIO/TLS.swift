// TLS 1.2 and 1.3 of a listener (RFC 8446) on OpenSSL, sans I/O: bytes of the socket in and out on one
// side, bytes of HTTP on the other.

import COpenSSL

/// The certificate and key that a listener shows its clients.
public final class TLSIdentity {
  let context: OpaquePointer

  /// Reads PEM files: the certificate with its chain, and its key.
  /// - Throws: `certificateUnreadable`, `keyUnreadable` for a key that cannot be read or is another
  ///   certificate's.
  public init(certificate: String, key: String) throws(NetIOError) {
    guard let context = SSL_CTX_new(TLS_server_method()) else { throw .systemCall }
    self.context = context
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    // SSL_OP_NO_RENEGOTIATION, SSL_MODE_ENABLE_PARTIAL_WRITE | ACCEPT_MOVING_WRITE_BUFFER |
    // RELEASE_BUFFERS, macros that Swift does not see.
    SSL_CTX_set_options(context, UInt64(1) << 30)
    SSL_CTX_ctrl(context, SSL_CTRL_MODE, 0x13, nil)
    ERR_clear_error()
    guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
      throw .certificateUnreadable
    }
    guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1,
      SSL_CTX_check_private_key(context) == 1
    else { throw .keyUnreadable }
  }

  deinit { SSL_CTX_free(context) }
}

/// One connection's TLS, from the handshake on.
final class TLSSession {
  private let ssl: OpaquePointer
  private let input: OpaquePointer
  private let produced: OpaquePointer
  /// For the socket, oldest first.
  private(set) var output = OutputQueue()

  init(_ identity: TLSIdentity) {
    guard let ssl = SSL_new(identity.context), let input = BIO_new(BIO_s_mem()),
      let produced = BIO_new(BIO_s_mem())
    else { preconditionFailure("OpenSSL has no memory") }
    (self.ssl, self.input, self.produced) = (ssl, input, produced)
    SSL_set_bio(ssl, input, produced)
    SSL_set_accept_state(ssl)
  }

  deinit { SSL_free(ssl) }

  /// Takes in bytes of the socket and hands what they say to `body`, piece by piece.
  /// - Returns: false once the client has ended its side, or broken the protocol.
  func read(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
  ) -> Bool {
    guard BIO_write(input, bytes.baseAddress, Int32(bytes.count)) == Int32(bytes.count) else {
      return false
    }
    defer { collect() }
    return withUnsafeTemporaryAllocation(byteCount: TLSSession.recordSize, alignment: 16) { room in
      while true {
        ERR_clear_error()
        let count = SSL_read(ssl, room.baseAddress, Int32(room.count))
        guard count > 0 else { return SSL_get_error(ssl, count) == SSL_ERROR_WANT_READ }
        body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<Int(count)]))
      }
    }
  }

  /// Encrypts the beginning of `bytes`.
  /// - Returns: how many were taken; 0 before the handshake is over.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard SSL_is_init_finished(ssl) == 1, !bytes.isEmpty else { return 0 }
    ERR_clear_error()
    let count = SSL_write(ssl, bytes.baseAddress, Int32(min(bytes.count, TLSSession.recordSize)))
    collect()
    return max(0, Int(count))
  }

  /// Says that nothing more follows (close_notify).
  func close() {
    ERR_clear_error()
    SSL_shutdown(ssl)
    collect()
  }

  func wrote(_ count: Int) { output.removeFirst(count) }

  private func collect() {
    while BIO_ctrl_pending(produced) > 0 {
      let room = Int(BIO_ctrl_pending(produced))
      let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        count = max(0, Int(BIO_read(produced, buffer.baseAddress, Int32(buffer.count))))
      }
      guard !bytes.isEmpty else { return }
      output.append(bytes)
    }
  }

  /// RFC 8446 §5.1.
  private static let recordSize = 16_384
}
