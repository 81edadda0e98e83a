// What a verdict looks like: a symbol and a word everywhere, so that colour never carries it alone.

import Results

/// How a verdict is shown.
struct VerdictLook: Equatable {
  /// One character.
  var symbol: String
  var word: String
  /// The CSS class that colours it, one of `pass`, `fail`, `unsure`, `partial`, `idle`.
  var tone: String

  static let partial = VerdictLook(symbol: "◐", word: "partial", tone: "partial")

  init(symbol: String, word: String, tone: String) {
    self.symbol = symbol
    self.word = word
    self.tone = tone
  }

  init(_ verdict: Verdict) {
    switch verdict {
    case .pass: self.init(symbol: "✓", word: "pass", tone: "pass")
    case .fail: self.init(symbol: "✗", word: "fail", tone: "fail")
    case .inconclusive: self.init(symbol: "?", word: "inconclusive", tone: "unsure")
    case .unsupported: self.init(symbol: "○", word: "unsupported", tone: "idle")
    case .skipped: self.init(symbol: "–", word: "skipped", tone: "idle")
    case .waived: self.init(symbol: "–", word: "waived", tone: "idle")
    case .expectedFailure: self.init(symbol: "≈", word: "expected failure", tone: "idle")
    case .unexpectedPass: self.init(symbol: "!", word: "unexpected pass", tone: "fail")
    }
  }

  /// Symbol and word in one chip.
  var chip: Markup {
    """
    <span class="chip \(tone)"><span aria-hidden="true">\(symbol)</span> \(word)</span>
    """
  }
}

extension Assertion {
  /// Whether somebody has to look at it.
  var needsAttention: Bool { counted.needsAttention }
}

extension Verdict {
  /// Whether somebody has to look at it.
  var needsAttention: Bool {
    switch self {
    case .fail, .unexpectedPass, .inconclusive: true
    case .pass, .unsupported, .skipped, .waived, .expectedFailure: false
    }
  }
}
