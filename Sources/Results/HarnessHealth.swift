// How well the harness kept up with a run on the wall clock, and what the machine left it and the SFU.

import Basics

public struct HarnessHealth: Sendable, Equatable {
  /// A share of time, over the run and in its worst second, 0...1.
  public struct Share: Sendable, Equatable {
    public var mean = 0.0
    /// In the second (or the spell between two readings, where that is longer) in which it was highest.
    public var worst = 0.0

    public init(mean: Double = 0, worst: Double = 0) {
      self.mean = mean
      self.worst = worst
    }
  }

  /// The SFU's processes, where they run on this machine.
  public struct LocalSFU: Sendable, Equatable {
    /// Process ids, in ascending order.
    public var processes: [Int64]
    /// Time its threads were runnable and had no core (schedstat), per time.
    public var waited = Share()
    /// Processor time per time, 1 being one core.
    public var processorShare = 0.0

    public init(processes: [Int64]) { self.processes = processes }
  }

  /// How late what was due was done, in milliseconds: 99 % of the *time* the harness was no further
  /// behind. A stall of 3 s is 3,000 ms of lag, not one sample.
  public var lagP99Ms = 0.0
  /// The longest stall: the time for which something was due and nothing was done.
  public var lagMaxMs = 0.0
  /// When the longest stall began, in seconds from the start of the run.
  public var longestStallAt = 0.0
  /// All stalls longer than the lag limit together.
  public var missedMs = 0.0
  /// Datagrams that found a bot's socket buffer full.
  public var socketDrops: Int64 = 0
  /// Datagrams that the kernel would not send, addresses without a route among the reasons.
  public var sendErrors: Int64 = 0
  /// Processor time of the harness per time, 1 being one core.
  public var processorShare = 0.0
  /// How busy all cores of the machine were, whoever kept them so, 0...1.
  public var machineShare = 0.0
  /// Cores of the machine.
  public var cores: Int64 = 1
  /// Time the harness's threads were runnable and had no core (/proc/self/task/*/schedstat), per time;
  /// nil where the kernel does not say.
  public var waited: Share?
  /// Time in which some task of the machine waited for a core (`some` of /proc/pressure/cpu), per time;
  /// nil where the kernel does not say.
  public var pressure: Share?
  /// Time that the hypervisor took from all cores (`steal` of /proc/stat), per time of them all.
  public var steal = Share()
  /// Whether the SFU's address is one of this machine.
  public var isSFULocal = false
  /// Nil for an SFU elsewhere, and where its process is not known.
  public var sfu: LocalSFU?
  /// UDP sockets.
  public var sockets: Int64 = 0

  public init() {}
}

extension HarnessHealth {
  var json: JSON {
    var object: JSONObject = [
      "lagP99Ms": .number(lagP99Ms), "lagMaxMs": .number(lagMaxMs),
      "longestStallAt": .number(longestStallAt), "missedMs": .number(missedMs),
      "socketDrops": .integer(socketDrops), "sendErrors": .integer(sendErrors),
      "processorShare": .number(processorShare), "machineShare": .number(machineShare),
      "cores": .integer(cores), "sockets": .integer(sockets), "steal": steal.json,
      "isSFULocal": .bool(isSFULocal),
    ]
    if let waited { object["waited"] = waited.json }
    if let pressure { object["pressure"] = pressure.json }
    if let sfu { object["sfu"] = sfu.json }
    return .object(object)
  }

  /// Results of older builds have the first figures only.
  init(_ reader: ResultReader) throws(ResultError) {
    lagP99Ms = try reader["lagP99Ms"].number
    lagMaxMs = try reader["lagMaxMs"].number
    longestStallAt = try reader.optional("longestStallAt")?.number ?? 0
    missedMs = try reader.optional("missedMs")?.number ?? 0
    socketDrops = try reader["socketDrops"].integer
    sendErrors = try reader["sendErrors"].integer
    processorShare = try reader["processorShare"].number
    machineShare = try reader["machineShare"].number
    cores = try reader.optional("cores")?.integer ?? 1
    sockets = try reader["sockets"].integer
    steal = try reader.optional("steal").map(Share.init) ?? Share()
    isSFULocal = try reader.optional("isSFULocal")?.flag ?? false
    waited = try reader.optional("waited").map(Share.init)
    pressure = try reader.optional("pressure").map(Share.init)
    sfu = try reader.optional("sfu").map(LocalSFU.init)
  }
}

extension HarnessHealth.Share {
  var json: JSON { ["mean": .number(mean), "worst": .number(worst)] }

  init(_ reader: ResultReader) throws(ResultError) {
    mean = try reader["mean"].number
    worst = try reader["worst"].number
  }
}

extension HarnessHealth.LocalSFU {
  var json: JSON {
    [
      "processes": .array(processes.map { .integer($0) }), "waited": waited.json,
      "processorShare": .number(processorShare),
    ]
  }

  init(_ reader: ResultReader) throws(ResultError) {
    processes = try reader["processes"].list { item throws(ResultError) in try item.integer }
    waited = try HarnessHealth.Share(reader["waited"])
    processorShare = try reader["processorShare"].number
  }
}
