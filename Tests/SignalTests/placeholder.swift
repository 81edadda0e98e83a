import Testing
@testable import Signal
