// libFuzzer's way into the text of captured streams.

import FuzzInvariants

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Array(UnsafeBufferPointer(start: bytes, count: count))
  precondition(FuzzTarget.media.holds(input), "the invariant is broken")
  return 0
}
