// A run read back from result.json (assay.result.v1) and series.json (assay.series.v1).

import Basics

extension RunResult {
  /// Reads the text of result.json and, where there is one, of series.json.
  public init(parsing result: String, series: String? = nil) throws(ResultError) {
    let json = try ResultReader.parse(result)
    if let series {
      try self.init(json: json, series: try ResultReader.parse(series))
    } else {
      try self.init(json: json)
    }
  }

  /// - Throws: the first member that is missing or not what the schema says. Members that the
  ///   schema does not name are ignored.
  public init(json: JSON, series: JSON? = nil) throws(ResultError) {
    let root = try ResultReader(json, schema: RunResult.schema)
    self.init(
      scenario: try Scenario(root["scenario"]), seed: try SeedJSON.read(root),
      build: try root["build"].text)
    verdict = try root["verdict"].word(Verdict.self)
    exitCode = try root["exitCode"].exitCode()
    variant = try VariantJSON.read(root.optional("variant"))
    clock = try root["clock"].word(Clock.self)
    harness = try root.optional("harness").map(HarnessHealth.init)
    target = try root.optional("target")?.text
    traceHash = try root["traceHash"].text
    simulatedSeconds = try root["simulatedSeconds"].number
    wallSeconds = try root["wallSeconds"].number
    memory = try root.optional("memory")?.list(Memory.init) ?? []
    packets = try root["packets"].integer
    partial = try root.optional("partial")?.text
    command = try root.optional("command")?.text ?? ""
    assertions = try root["assertions"].list(Assertion.init)
    // Counted again from the assertions; here only its form is held.
    _ = try root.optional("checks").map(CheckCount.init)
    evidence = try root.optional("evidence")?.list(Assertion.init) ?? []
    participants = try root["participants"].list(Participant.init)
    links = try root.optional("links")?.list(Link.init) ?? []
    flows = try root.optional("flows")?.list(FlowSummary.init) ?? []
    phases = try root.optional("phases")?.list(LinkPhase.init) ?? []
    reconnections =
      try root.optional("reconnections")?.list(ReconnectionSummary.init) ?? []
    recoveries = try root.optional("recoveries")?.list(MediaRecovery.init) ?? []
    marks = try root.optional("marks")?.list(TimelineMark.init) ?? []
    pictures = try root.optional("pictures")?.list(PictureQuality.init) ?? []
    if let series {
      let root = try ResultReader(series, schema: RunResult.seriesSchema)
      self.series = try root["series"].list(Series.init)
    }
  }
}

extension RunResult.Memory {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(at: try reader["at"].number, bytes: try reader["bytes"].integer)
  }
}

extension RunResult.Scenario {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      name: try reader["name"].text, about: try reader.optional("about")?.text ?? "",
      file: try reader["file"].text, sha256: try reader["sha256"].text)
  }
}

extension Assertion {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      id: try reader["id"].text, verdict: try reader["verdict"].word(Verdict.self),
      of: try reader["of"].text, metric: try reader["metric"].text,
      stat: try reader["stat"].text, comparison: try reader["comparison"].word(Comparison.self),
      observed: try reader.optional("observed")?.number, limit: try reader["limit"].number,
      unit: try reader["unit"].text)
    samples = try reader["samples"].count
    expected = try reader.optional("expected")?.count
    origin = try reader.optional("origin")?.word(Origin.self) ?? .expectation
    isAllowed = try reader.optional("allowed")?.flag ?? false
    reason = try reader.optional("reason")?.text ?? ""
    across = try reader.optional("across")?.text ?? "each"
    share = try reader.optional("share")?.number
    window = try reader.optional("window")?.range
    source = try reader.optional("source")?.word(MediaSource.self)
    if let worst = reader.optional("worst") {
      self.worst = Worst(
        participant: try worst["participant"].text, window: try worst.optional("window")?.range)
    }
    perParticipant = try reader.optional("perParticipant")?.list(Individual.init) ?? []
    criteria =
      try reader.optional("criteria")?.list { item throws(ResultError) in try item.text } ?? []
  }
}

extension Assertion.Individual {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      participant: try reader["participant"].text,
      observed: try reader.optional("observed")?.number, samples: try reader["samples"].count,
      verdict: try reader["verdict"].word(Verdict.self))
    expected = try reader.optional("expected")?.count
  }
}

extension Participant {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      identity: try reader["identity"].text, group: try reader.optional("group")?.text ?? "",
      room: try reader.optional("room")?.text ?? "")
    joined = try reader["joined"].flag
    connectMs = try reader.optional("connectMs")?.number
    timeToFirstFrameMs = try reader.optional("timeToFirstFrameMs")?.number
    reconnects = try reader["reconnects"].count
    left = try reader.optional("left")?.text
    succeeded = try reader.optional("succeeded")?.flag
    inbound = try reader["inbound"].list(TrackStatistics.init)
    outbound = try reader["outbound"].list(TrackStatistics.init)
  }
}

extension TrackStatistics {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      peer: try reader["peer"].text, source: try reader["source"].text,
      kind: try reader["kind"].text)
    for (key, member) in try reader.members() where !["peer", "source", "kind"].contains(key) {
      values.append(Value(key, try member.number))
    }
  }
}

extension Link {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      name: try reader["name"].text, from: try reader["from"].text, to: try reader["to"].text,
      configuration: try reader["configuration"].text)
    sentPackets = try reader["sentPackets"].integer
    sentBytes = try reader["sentBytes"].integer
    deliveredPackets = try reader["deliveredPackets"].integer
    deliveredBytes = try reader["deliveredBytes"].integer
    dropped = try reader["dropped"].list { item throws(ResultError) in
      Dropped(reason: try item["reason"].text, packets: try item["packets"].integer)
    }
    maximumQueueMs = try reader["maximumQueueMs"].number
  }
}

extension PictureQuality {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      height: try reader["height"].count, pictures: try reader["pictures"].count,
      psnr: try reader["psnr"].number, ssim: try reader["ssim"].number)
  }
}

extension TimelineMark {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      kind: try reader["kind"].word(Kind.self), at: try reader["at"].number,
      until: try reader.optional("until")?.number, label: try reader["label"].text,
      subject: try reader["subject"].text)
  }
}

extension Series {
  fileprivate init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      participant: try reader["participant"].text, metric: try reader["metric"].text,
      subject: try reader["subject"].text, unit: try reader["unit"].text,
      start: try reader["start"].number, step: try reader["step"].number,
      values: try reader["values"].list { item throws(ResultError) in
        item.value == .null ? nil : try item.number
      })
    source = try reader.optional("source")?.text ?? ""
    guard step > 0 else { throw ResultError(.unknownValue, at: "\(reader.path).step") }
  }
}
