// How well the harness kept up with a run on the wall clock.

import Basics

public struct HarnessHealth: Sendable, Equatable {
  /// How late what was due was done, in milliseconds.
  public var lagP99Ms = 0.0
  public var lagMaxMs = 0.0
  /// Datagrams that found a bot's socket buffer full.
  public var socketDrops: Int64 = 0
  /// Datagrams that the kernel would not send, addresses without a route among the reasons.
  public var sendErrors: Int64 = 0
  /// Processor time per time, 1 being one core.
  public var processorShare = 0.0
  /// How busy all cores of the machine were, whoever kept them so, 0...1.
  public var machineShare = 0.0
  /// UDP sockets.
  public var sockets: Int64 = 0

  public init() {}
}

extension HarnessHealth {
  var json: JSON {
    [
      "lagP99Ms": .number(lagP99Ms), "lagMaxMs": .number(lagMaxMs),
      "socketDrops": .integer(socketDrops), "sendErrors": .integer(sendErrors),
      "processorShare": .number(processorShare), "machineShare": .number(machineShare),
      "sockets": .integer(sockets),
    ]
  }

  init(_ reader: ResultReader) throws(ResultError) {
    lagP99Ms = try reader["lagP99Ms"].number
    lagMaxMs = try reader["lagMaxMs"].number
    socketDrops = try reader["socketDrops"].integer
    sendErrors = try reader["sendErrors"].integer
    processorShare = try reader["processorShare"].number
    machineShare = try reader["machineShare"].number
    sockets = try reader["sockets"].integer
  }
}
