// Where OpenSSL's keys and nonces come from.

import CDeterminism

public enum Randomness {
  /// From now on, in the whole process: keys and nonces from the system, timers by its clock. A
  /// server on real sockets calls this first; a simulation never does.
  public static func useSystem() {
    assay_determinism_disable()
    SCTPStack.isExclusive = false
  }
}
