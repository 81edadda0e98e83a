// What keeps a run from starting, with its remedy.

/// Bad input found when the world is built.
public enum RunError: Error, CustomStringConvertible {
  case unreadableTrace(String)
  case badTrace(String, String)

  public var description: String {
    switch self {
    case .unreadableTrace(let file): "\(file): cannot be read; check the path in `trace`"
    case .badTrace(let file, let reason):
      "\(file): not a capacity trace (\(reason)); a line is a millisecond, in ascending order"
    }
  }
}
