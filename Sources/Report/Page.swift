// The frame of every HTML page: one file, no script, nothing fetched, so it opens from anywhere.

enum Page {
  /// - Parameters:
  ///   - title: for the browser's tab.
  ///   - body: what stands in the page, from header to footer.
  static func render(title: String, body: Markup) -> String {
    let page: Markup = """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"/>
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
      style-src 'unsafe-inline'"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="color-scheme" content="light dark"/>
      <title>\(title)</title>
      <style>\(Markup(trusted: StyleSheet.text))</style></head><body>
      \(body)
      </body></html>

      """
    return page.text
  }

  /// The verdict, large, with its sentence.
  static func banner(_ look: VerdictLook, _ sentence: String, stamp: String? = nil) -> Markup {
    let mark: Markup = stamp.map { "<span class=\"stamp\" aria-hidden=\"true\">\($0)</span>" } ?? ""
    return """
      <div class="banner \(look.tone)" role="status"><span class="symbol" aria-hidden="true">\
      \(look.symbol)</span><div><div class="word">\(look.word)</div><p>\(sentence)</p></div>\(mark)\
      </div>

      """
  }

  private static let longFact = 30

  /// A list of terms; pairs with an empty value are left out, long values get twice the room.
  static func facts(_ pairs: [(String, String)]) -> Markup {
    let items = pairs.filter { !$0.1.isEmpty }.map { pair -> Markup in
      let isHash = pair.1.count > longFact && !pair.1.contains(" ") && !pair.1.contains("/")
      let room: Markup =
        pair.1.count > longFact ? isHash ? " class=\"long mono\"" : " class=\"long\"" : ""
      return "<div\(room)><dt>\(pair.0)</dt><dd>\(pair.1)</dd></div>\n"
    }
    return "<dl class=\"facts\">\(items)</dl>\n"
  }

  /// A table that scrolls inside its box. `heads` that start with `#` are columns of numbers;
  /// `kind` is a class of its own, such as `checks`, whose rows become cards on a phone.
  static func table(
    _ label: String, kind: Markup? = nil, heads: [String], rows: [Markup]
  ) -> Markup {
    let look: Markup = kind.map { " class=\"\($0)\"" } ?? ""
    let cells = heads.map { head -> Markup in
      let isNumber = head.hasPrefix("#")
      return
        isNumber
        ? "<th scope=\"col\"\(number)>\(String(head.dropFirst()))</th>"
        : "<th scope=\"col\">\(head)</th>"
    }
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="\(label)"><table\(look)>
      <thead><tr>\(cells)</tr></thead><tbody>
      \(rows)</tbody></table></div>

      """
  }

  static let number: Markup = " class=\"number\""

  static func cell(_ text: String) -> Markup { "<td>\(text)</td>" }
  static func numberCell(_ text: String) -> Markup { "<td class=\"number\">\(text)</td>" }

  /// What was left out of a list, or nothing.
  static func more(_ count: Int, _ noun: String) -> Markup {
    count > 0 ? "<p class=\"note\">\(Figure.count(count, noun)) more in result.json.</p>\n" : ""
  }
}
