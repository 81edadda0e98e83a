// usrsctp's state, one for the whole process: its start and end, its clock, its way out.

import Basics
import CUsrSCTP
import Glibc

/// One world at a time: the first association starts the stack for its thread, and associations on
/// other threads wait until the last one is gone. So each world begins with the same fresh state.
enum SCTPStack {
  nonisolated(unsafe) private static let mutex = {
    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    return mutex
  }()
  nonisolated(unsafe) private static let isFree = {
    let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    pthread_cond_init(condition, nil)
    return condition
  }()
  /// Whether threads wait for each other. A server on real sockets is the only world of its
  /// process, and goes on when its work moves to another thread.
  nonisolated(unsafe) static var isExclusive = true
  // All of these belong to the thread that holds the stack.
  nonisolated(unsafe) private static var owner: pthread_t?
  nonisolated(unsafe) private static var count = 0
  nonisolated(unsafe) private static var isRunning = false
  nonisolated(unsafe) private static var clock = Instant.zero
  /// The highest handle that was given out, and those below it that came back. usrsctp knows all of
  /// them as addresses of its own until it ends: taking one away would set its iterator to work, a
  /// thread that walks the other associations at its own pace and may leave them unfreed.
  nonisolated(unsafe) private static var lastHandle = 0
  nonisolated(unsafe) private static var freeHandles: Set<Int> = []
  nonisolated(unsafe) private static var associations: [Int: Unmanaged<SCTPAssociation>] = [:]

  /// Takes the stack for this thread and gives the association its handle: a small number, since
  /// usrsctp writes it into cookies, where an address would differ from run to run.
  static func enter(_ association: SCTPAssociation, at now: Instant) -> Int {
    pthread_mutex_lock(mutex)
    let own = pthread_self()
    while isExclusive, count > 0, owner != own { pthread_cond_wait(isFree, mutex) }
    owner = own
    count += 1
    pthread_mutex_unlock(mutex)
    if !isRunning {
      usrsctp_init_nothreads(0, sendPacket, nil)
      isRunning = true
      (lastHandle, freeHandles) = (0, [])
      clock = now
    }
    let handle = takeHandle()
    associations[handle] = .passUnretained(association)
    return handle
  }

  /// The lowest that is free, so that the order in which they came back does not matter.
  private static func takeHandle() -> Int {
    if let handle = freeHandles.min() {
      freeHandles.remove(handle)
      return handle
    }
    lastHandle += 1
    usrsctp_register_address(UnsafeMutableRawPointer(bitPattern: lastHandle))
    return lastHandle
  }

  /// Gives the stack back; the last one out ends it.
  static func leave(_ handle: Int) {
    associations[handle] = nil
    freeHandles.insert(handle)
    if count == 1 { finish() }
    pthread_mutex_lock(mutex)
    count -= 1
    if count == 0 {
      owner = nil
      pthread_cond_broadcast(isFree)
    }
    pthread_mutex_unlock(mutex)
  }

  /// usrsctp frees its sockets by timers, and ends only when all are gone.
  private static func finish() {
    for _ in 0..<100 {
      if usrsctp_finish() == 0 {
        isRunning = false
        return
      }
      usrsctp_handle_timers(100)
    }
  }

  /// Runs whatever timers of the whole world are due; call it within a scope of virtual time.
  static func advance(to now: Instant) {
    let elapsed = (now - clock).wholeMilliseconds
    guard elapsed > 0 else { return }
    clock += .milliseconds(Int(elapsed))
    usrsctp_handle_timers(UInt32(clamping: elapsed))
  }

  /// The association behind the address or the context that usrsctp hands back.
  static func association(_ address: UnsafeMutableRawPointer?) -> SCTPAssociation? {
    associations[Int(bitPattern: address)]?.takeUnretainedValue()
  }

  private static let sendPacket:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int, UInt8, UInt8
    ) -> Int32 = { address, bytes, count, _, _ in
      guard let bytes else { return 0 }
      association(address)?.outgoing.append(
        Array(UnsafeRawBufferPointer(start: bytes, count: count)))
      return 0
    }
}
