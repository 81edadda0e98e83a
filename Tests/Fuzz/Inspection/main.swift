// libFuzzer's way into the inspection of a capture.

import FuzzInvariants

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: bytes, count: count))
  precondition(FuzzTarget.inspection.holds(input), "the invariant is broken")
  return 0
}
