// The JSON Schema (draft 2020-12) of the scenario language, from the tables that check files.

import Basics

public enum ScenarioSchema {
  /// The whole schema; `$defs` are not used, since no shape recurs.
  public static func json() -> JSON {
    var schema: JSONObject = [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "Assay scenario",
    ]
    guard let body = Shape.object(Grammar.scenario).schema.object else { return .null }
    for member in body.members { schema[member.key] = member.value }
    return .object(schema)
  }
}

extension Shape {
  fileprivate static let namePattern = "^[A-Za-z][A-Za-z0-9_-]{0,63}$"

  /// What an editor may accept here: never stricter than `check`.
  var schema: JSON {
    switch self {
    case .text: return ["type": ["string", "number", "boolean"]]
    case .scalar: return ["type": ["string", "number", "boolean"]]
    case .identity: return ["type": "string"]
    case .name: return ["type": "string", "pattern": .string(Shape.namePattern)]
    case .boolean: return ["type": "boolean"]
    case .integer(let range):
      var object: JSONObject = ["type": "integer", "minimum": .integer(Int64(range.lowerBound))]
      if range.upperBound != .max { object["maximum"] = .integer(Int64(range.upperBound)) }
      return .object(object)
    case .number: return ["type": "number"]
    case .word(let words, _): return ["enum": .array(words.map { .string($0) })]
    case .quantity(let dimensions): return Shape.quantitySchema(dimensions)
    case .wordOr(let words, let dimensions):
      return [
        "anyOf": [
          ["enum": .array(words.map { .string($0) })], Shape.quantitySchema(dimensions),
        ]
      ]
    case .limit:
      return ["anyOf": [["type": "number"], Shape.quantitySchema(Dimension.allCases)]]
    case .window:
      let time = Shape.pattern([.duration])
      return ["type": "string", "pattern": .string("^\(time)\\.\\.\(time)$")]
    case .statistic:
      return [
        "type": "string",
        "pattern": .string(
          "^(p[0-9]+(\\.[0-9]+)?|"
            + Scenario.Statistic.words.map(\.0).joined(separator: "|") + ")$"),
      ]
    case .list(let item): return ["type": "array", "items": item.schema]
    case .named(let shape, _):
      return [
        "type": "object", "propertyNames": ["pattern": .string(Shape.namePattern)],
        "additionalProperties": shape.schema,
      ]
    case .paths:
      return ["type": "object", "additionalProperties": Shape.list(.scalar).schema]
    case .object(let object): return object.schema
    case .form(let scalar, let list, let mapping):
      let forms = [scalar, list, mapping].compactMap { $0?.schema }
      return forms.count == 1 ? forms[0] : ["anyOf": .array(forms)]
    }
  }

  private static func quantitySchema(_ dimensions: [Dimension]) -> JSON {
    [
      "type": "string", "pattern": .string("^\(pattern(dimensions))$"),
      "examples": .array(dimensions.map { .string($0.example) }),
    ]
  }

  private static func pattern(_ dimensions: [Dimension]) -> String {
    let units = dimensions.flatMap { $0.units.map(\.suffix) }
    return "\\+?[0-9]+(\\.[0-9]+)? *(\(units.joined(separator: "|")))"
  }
}

extension ObjectShape {
  var schema: JSON {
    var properties = JSONObject()
    for key in keys {
      guard var property = key.shape.schema.object else { continue }
      property["description"] = .string(key.about)
      properties[key.name] = .object(property)
    }
    var object: JSONObject = [
      "type": "object", "additionalProperties": false, "properties": .object(properties),
    ]
    let required = keys.filter(\.isRequired).map { JSON.string($0.name) }
    if !required.isEmpty { object["required"] = .array(required) }
    var rules: [JSON] = exactlyOne.map { set in
      ["oneOf": .array(set.map { ["required": [.string($0)]] })]
    }
    for set in atLeastOne {
      rules.append(["anyOf": .array(set.map { ["required": [.string($0)]] })])
    }
    for set in atMostOne {
      for (index, first) in set.enumerated() {
        rules += set[(index + 1)...].map { ["not": ["required": [.string(first), .string($0)]]] }
      }
    }
    if key("do") != nil { rules += EventVerb.all.map(\.rule) }
    if !rules.isEmpty { object["allOf"] = .array(rules) }
    return .object(object)
  }
}

extension EventVerb {
  /// Which keys stand beside `do: NAME`.
  fileprivate var rule: JSON {
    var properties = JSONObject()
    let arguments = Grammar.verbArguments.map(\.name)
    let foreign = arguments.filter { !(required + optional).contains($0) }
    let targets = Grammar.targets.filter { !self.targets.contains($0) }
    for key in foreign + targets + (span == .never ? ["for"] : []) {
      properties[key] = .bool(false)
    }
    var then: JSONObject = ["properties": .object(properties)]
    let needed = required + (span == .required ? ["for"] : [])
    if !needed.isEmpty { then["required"] = .array(needed.map { .string($0) }) }
    return [
      "if": ["properties": ["do": ["const": .string(name)]], "required": ["do"]],
      "then": .object(then),
    ]
  }
}
