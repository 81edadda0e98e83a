import Testing
@testable import RefSFU
