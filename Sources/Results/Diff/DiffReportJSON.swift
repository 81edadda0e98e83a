// `assay.diff.v1`: what tells two runs or two captures apart, as JSON.

import Basics

extension DiffReport {
  public static let schema = "assay.diff.v1"

  public var json: JSON {
    [
      "schema": .string(DiffReport.schema), "kind": .string(kind.rawValue),
      "sentence": .string(sentence), "exitCode": .integer(Int64(exitCode.rawValue)),
      "identical": .bool(isIdentical), "a": json(a), "b": json(b),
      "counts": .object(counts), "firstDivergence": divergence.map(json) ?? .null,
      "streams": .array(streams.map(json)), "verdicts": .array(verdicts.map(json)),
      "metrics": .array(rows.map(json)), "curves": .array(curves.map(json)),
      "notes": .array(notes.map { .string($0) }),
    ]
  }

  private var counts: JSONObject {
    var object = JSONObject()
    for change in Change.allCases { object[change.rawValue] = .integer(Int64(count(change))) }
    return object
  }

  private func number(_ value: Double?) -> JSON {
    value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
  }

  private func json(_ side: Side) -> JSON {
    [
      "file": .string(side.file), "title": .string(side.title),
      "details": .array(side.details.map { .string($0) }),
    ]
  }

  private func json(_ divergence: Divergence) -> JSON {
    [
      "packetA": divergence.packetA.map { .integer(Int64($0)) } ?? .null,
      "packetB": divergence.packetB.map { .integer(Int64($0)) } ?? .null,
      "offset": number(divergence.offset), "text": .string(divergence.text),
    ]
  }

  private func json(_ stream: StreamPair) -> JSON {
    [
      "ssrc": .integer(Int64(stream.ssrc)), "ssrcHex": .string(Moments.ssrc(stream.ssrc)),
      "label": .string(stream.label), "place": .string(stream.place),
      "packetsA": .integer(Int64(stream.packetsA)), "packetsB": .integer(Int64(stream.packetsB)),
      "onlyInA": .integer(Int64(stream.onlyInA)), "onlyInB": .integer(Int64(stream.onlyInB)),
      "different": .integer(Int64(stream.different)),
      "outside": .integer(Int64(stream.outside)),
    ]
  }

  private func json(_ row: VerdictRow) -> JSON {
    [
      "id": .string(row.id), "a": .optional(row.a?.rawValue), "b": .optional(row.b?.rawValue),
      "change": .string(row.change.rawValue),
    ]
  }

  private func json(_ row: Row) -> JSON {
    [
      "subject": .string(row.subject), "metric": .string(row.metric), "unit": .string(row.unit),
      "a": number(row.a), "b": number(row.b), "change": .string(row.change.rawValue),
      "noise": number(row.noise),
    ]
  }

  private func json(_ curves: Curves) -> JSON {
    func line(_ line: Curves.Line) -> JSON {
      [
        "start": number(line.start), "step": number(line.step),
        "values": .array(line.values.map { number($0) }),
      ]
    }
    return [
      "title": .string(curves.title), "unit": .string(curves.unit), "a": line(curves.a),
      "b": line(curves.b),
    ]
  }
}
