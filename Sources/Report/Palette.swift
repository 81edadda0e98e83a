// The colours of the reports. Text keeps WCAG 2.1 AA contrast (4.5:1), lines and marks 3:1.

/// Named colours for one scheme, each `#rrggbb`.
struct Palette {
  struct Colour {
    var name: String
    var light: String
    var dark: String
  }

  static let all: [Colour] = [
    Colour(name: "page", light: "#f4f5f7", dark: "#0f1216"),
    Colour(name: "card", light: "#ffffff", dark: "#171b21"),
    Colour(name: "ink", light: "#15181c", dark: "#e8eaed"),
    Colour(name: "quiet", light: "#555d67", dark: "#a6aeb9"),
    Colour(name: "rule", light: "#dde1e6", dark: "#2f3640"),
    Colour(name: "link", light: "#0b57a8", dark: "#82bbff"),
    Colour(name: "pass", light: "#0f6636", dark: "#74d99b"),
    Colour(name: "pass-tint", light: "#e4f4ea", dark: "#12281c"),
    Colour(name: "fail", light: "#b01c1c", dark: "#ff9d95"),
    Colour(name: "fail-tint", light: "#fdecea", dark: "#35191a"),
    Colour(name: "unsure", light: "#7a5000", dark: "#f2c462"),
    Colour(name: "unsure-tint", light: "#fdf2da", dark: "#2d240f"),
    Colour(name: "partial", light: "#5a389c", dark: "#c9b0ff"),
    Colour(name: "partial-tint", light: "#f0eafb", dark: "#241d38"),
    Colour(name: "idle", light: "#555d67", dark: "#a6aeb9"),
    Colour(name: "idle-tint", light: "#eceef1", dark: "#242a32"),
    Colour(name: "s0", light: "#0b5cb8", dark: "#6fb4ff"),
    Colour(name: "s1", light: "#b04a00", dark: "#ffb074"),
    Colour(name: "s2", light: "#00705a", dark: "#52d4ab"),
    Colour(name: "s3", light: "#7a3ec0", dark: "#caa9ff"),
    Colour(name: "capacity", light: "#6a727d", dark: "#9aa3af"),
    Colour(name: "limit", light: "#b01c1c", dark: "#ff9d95"),
    Colour(name: "impairment", light: "#9a6400", dark: "#e0a93e"),
  ]

  static func variables(dark: Bool) -> String {
    all.map { "--\($0.name):\(dark ? $0.dark : $0.light)" }.joined(separator: ";")
  }
}
