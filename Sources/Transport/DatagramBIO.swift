// An OpenSSL BIO that keeps datagrams apart: one read is one datagram in, one write is one out.

import Basics
import COpenSSL

/// The two queues behind one BIO.
final class DatagramBIO {
  /// Datagrams that OpenSSL wrote and nobody has sent yet.
  var outgoing: [[UInt8]] = []
  /// The datagram that the next read returns.
  var incoming: [UInt8]?
  let mtu: Int
  /// The first retransmission timer of the handshake that runs over this BIO.
  var retransmitMicroseconds: UInt32 = 1_000_000

  init(mtu: Int) { self.mtu = mtu }

  /// A BIO over this object, which must outlive it.
  func makeBIO() -> OpaquePointer {
    let bio = BIO_new(DatagramBIO.method)!
    BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    BIO_set_init(bio, 1)
    return bio
  }

  private static func object(_ bio: OpaquePointer?) -> DatagramBIO? {
    BIO_get_data(bio).map { Unmanaged<DatagramBIO>.fromOpaque($0).takeUnretainedValue() }
  }

  // Written once, before any use, and only read afterwards.
  nonisolated(unsafe) private static let method: OpaquePointer = {
    let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "assay datagrams")!
    BIO_meth_set_write(method) { bio, bytes, count in
      guard let object = object(bio), let bytes, count > 0 else { return -1 }
      object.outgoing.append(Array(UnsafeRawBufferPointer(start: bytes, count: Int(count))))
      return count
    }
    BIO_meth_set_read(method) { bio, out, capacity in
      BIO_clear_flags(bio, retryFlags)
      guard let object = object(bio), let out else { return -1 }
      guard let datagram = object.incoming else {
        BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
        return -1
      }
      object.incoming = nil
      let count = min(Int(capacity), datagram.count)
      datagram.withUnsafeBytes {
        out.update(from: $0.bindMemory(to: CChar.self).baseAddress!, count: count)
      }
      return Int32(count)
    }
    BIO_meth_set_ctrl(method) { bio, command, _, _ in
      switch command {
      case BIO_CTRL_FLUSH: 1
      case BIO_CTRL_DGRAM_QUERY_MTU, BIO_CTRL_DGRAM_GET_FALLBACK_MTU: object(bio)?.mtu ?? 0
      default: 0
      }
    }
    return method
  }()

  private static let retryFlags =
    BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY
}
