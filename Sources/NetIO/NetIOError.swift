// Why a socket could not be had.

import Basics
import CLinux
import Glibc

public enum NetIOError: Error, Sendable {
  /// Somebody else listens there.
  case addressInUse
  /// No interface has this address.
  case addressUnavailable
  /// Ports below 1024 belong to root.
  case permissionDenied
  /// The process or the system has no descriptor left.
  case tooManyFiles
  case systemCall
  /// No certificate in PEM.
  case certificateUnreadable
  /// No key in PEM, or another certificate's.
  case keyUnreadable

  /// - Parameter code: an errno, as `CLinux` returns it: below zero.
  init(code: Int32) {
    switch -code {
    case EADDRINUSE: self = .addressInUse
    case EADDRNOTAVAIL, EAFNOSUPPORT: self = .addressUnavailable
    case EACCES, EPERM: self = .permissionDenied
    case EMFILE, ENFILE: self = .tooManyFiles
    default: self = .systemCall
    }
  }
}

/// A descriptor or a count; below zero it is an error.
func checked(_ result: Int32) throws(NetIOError) -> Int32 {
  guard result >= 0 else { throw NetIOError(code: result) }
  return result
}
