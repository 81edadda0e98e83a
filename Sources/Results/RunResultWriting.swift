// A run as JSON: result.json (assay.result.v1) and, apart because it is large, series.json.

import Basics

extension RunResult {
  public static let schema = "assay.result.v1"
  public static let seriesSchema = "assay.series.v1"

  /// What result.json holds: everything but the series. Numbers that are not finite become null,
  /// and among a track's values they are left out.
  public var json: JSON {
    var object: JSONObject = [
      "schema": .string(RunResult.schema), "verdict": .string(verdict.rawValue),
      "exitCode": .integer(Int64(exitCode.rawValue)), "scenario": scenario.json,
    ]
    SeedJSON.write(seed, to: &object)
    object["variant"] = VariantJSON.write(variant)
    object["build"] = .string(build)
    object["clock"] = .string(clock.rawValue)
    if let harness { object["harness"] = harness.json }
    if let target { object["target"] = .string(target) }
    object["traceHash"] = .string(traceHash)
    object["simulatedSeconds"] = .number(simulatedSeconds)
    object["wallSeconds"] = .number(wallSeconds)
    if !memory.isEmpty {
      object["memory"] = .array(memory.map { ["at": .number($0.at), "bytes": .integer($0.bytes)] })
    }
    object["packets"] = .integer(packets)
    object["partial"] = .optional(partial)
    object["command"] = .string(command)
    object["checks"] = CheckCount(self).json
    object["assertions"] = .array(assertions.map(\.json))
    if !evidence.isEmpty { object["evidence"] = .array(evidence.map(\.json)) }
    object["participants"] = .array(participants.map(\.json))
    object["links"] = .array(links.map(\.json))
    if !flows.isEmpty {
      object["flows"] = .array(flows.map(\.json))
      object["phases"] = .array(phases.map(\.json))
    }
    object["marks"] = .array(marks.map(\.json))
    if !reconnections.isEmpty { object["reconnections"] = .array(reconnections.map(\.json)) }
    if !recoveries.isEmpty { object["recoveries"] = .array(recoveries.map(\.json)) }
    object["pictures"] = .array(pictures.map(\.json))
    return .object(object)
  }

  /// What series.json holds. Values are rounded as `Series.rounded` says.
  public var seriesJSON: JSON {
    ["schema": .string(RunResult.seriesSchema), "series": .array(series.map(\.json))]
  }
}

extension RunResult.Scenario {
  fileprivate var json: JSON {
    [
      "name": .string(name), "about": .string(about), "file": .string(file),
      "sha256": .string(sha256),
    ]
  }
}

extension Assertion {
  fileprivate var json: JSON {
    var object: JSONObject = [
      "id": .string(id), "verdict": .string(verdict.rawValue), "of": .string(of),
      "metric": .string(metric), "stat": .string(stat), "observed": .optional(observed),
      "limit": .optional(limit), "unit": .string(unit), "samples": .integer(Int64(samples)),
    ]
    if let expected { object["expected"] = .integer(Int64(expected)) }
    object["comparison"] = .string(comparison.rawValue)
    object["origin"] = .string(origin.rawValue)
    if isAllowed { object["allowed"] = .bool(true) }
    object["reason"] = .string(reason)
    object["across"] = .string(across)
    object["share"] = .optional(share)
    object["window"] = .range(window)
    if let source { object["source"] = .string(source.rawValue) }
    object["worst"] =
      worst.map {
        ["participant": .string($0.participant), "window": .range($0.window)]
      } ?? .null
    object["perParticipant"] = .array(perParticipant.map(\.json))
    object["criteria"] = .array(criteria.map { .string($0) })
    return .object(object)
  }
}

extension Assertion.Individual {
  fileprivate var json: JSON {
    var object: JSONObject = [
      "participant": .string(participant), "observed": .optional(observed),
      "samples": .integer(Int64(samples)),
    ]
    if let expected { object["expected"] = .integer(Int64(expected)) }
    object["verdict"] = .string(verdict.rawValue)
    return .object(object)
  }
}

extension Participant {
  fileprivate var json: JSON {
    [
      "identity": .string(identity), "group": .string(group), "room": .string(room),
      "joined": .bool(joined), "connectMs": .optional(connectMs),
      "timeToFirstFrameMs": .optional(timeToFirstFrameMs),
      "reconnects": .integer(Int64(reconnects)), "left": .optional(left),
      "succeeded": succeeded.map { .bool($0) } ?? .null,
      "inbound": .array(inbound.map(\.json)), "outbound": .array(outbound.map(\.json)),
    ]
  }
}

extension TrackStatistics {
  fileprivate var json: JSON {
    var object: JSONObject = [
      "peer": .string(peer), "source": .string(source), "kind": .string(kind),
    ]
    for value in values where value.value.isFinite && object[value.metric] == nil {
      object[value.metric] = .number(value.value)
    }
    return .object(object)
  }
}

extension Link {
  fileprivate var json: JSON {
    [
      "name": .string(name), "from": .string(from), "to": .string(to),
      "configuration": .string(configuration), "sentPackets": .integer(sentPackets),
      "sentBytes": .integer(sentBytes), "deliveredPackets": .integer(deliveredPackets),
      "deliveredBytes": .integer(deliveredBytes),
      "dropped": .array(
        dropped.map { ["reason": .string($0.reason), "packets": .integer($0.packets)] }),
      "maximumQueueMs": .number(maximumQueueMs),
    ]
  }
}

extension PictureQuality {
  fileprivate var json: JSON {
    [
      "height": .integer(Int64(height)), "pictures": .integer(Int64(pictures)),
      "psnr": .number(psnr), "ssim": .number(ssim),
    ]
  }
}

extension TimelineMark {
  fileprivate var json: JSON {
    [
      "kind": .string(kind.rawValue), "at": .number(at), "until": .optional(until),
      "label": .string(label), "subject": .string(subject),
    ]
  }
}

extension Series {
  /// Whole numbers from 1,000 on, else three decimals: what a chart can show, in few characters.
  public static func rounded(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    return abs(value) >= 1000 ? value.rounded() : (value * 1000).rounded() / 1000
  }

  /// The series as series.json keeps it.
  public var rounded: Series {
    var copy = self
    copy.values = values.map { $0.flatMap(Series.rounded) }
    return copy
  }

  private static func json(_ value: Double?) -> JSON {
    guard let value = value.flatMap(Series.rounded) else { return .null }
    return Int64(exactly: value).map { .integer($0) } ?? .number(value)
  }

  fileprivate var json: JSON {
    var object: JSONObject = [
      "participant": .string(participant), "metric": .string(metric),
      "subject": .string(subject), "unit": .string(unit), "start": .number(start),
      "step": .number(step),
    ]
    if !source.isEmpty { object["source"] = .string(source) }
    object["values"] = .array(values.map(Series.json))
    return .object(object)
  }
}
