// What a scenario exercises, in words, so that worlds without a violation say what they covered.

import Basics
import Scenario

extension Scenario {
  /// How many faults it has: events that impair a link, a stream or the SFU.
  public var faults: Int { events.count { $0.action.isImpairment } }

  /// Everything in the scenario that a reader might ask for, each once, in order. `fault/blackout`,
  /// `loss/gilbertElliott`, `act/mute`, `people/4`.
  public var features: [String] {
    var found: [String] = ["people/\(members.count)", "seconds/\(Int(duration.seconds) / 5 * 5)+"]
    if rooms.count > 1 { found.append("room/several") }
    if startValues == .beforeWrap { found.append("numbers/before their wrap") }
    if !sfu.dynacast { found.append("sfu/no dynacast") }
    if sfu.subscriberLimit != nil { found.append("sfu/subscriber limit") }
    if sfu.link != nil { found.append("sfu/own link") }
    for group in participants { found += group.features }
    for link in links { found += link.up.features + link.down.features }
    for event in events {
      let kind = event.action.isImpairment ? "fault" : "act"
      found.append("\(kind)/\(event.action.feature)")
    }
    if faults == 0 { found.append("fault/none") }
    return Array(Set(found)).sorted()
  }
}

extension Scenario.Group {
  fileprivate var features: [String] {
    var found = publish.map { "publish/\($0.rawValue)" }
    if publish.contains(.camera) {
      found.append("camera/\(camera.layers.count) layers")
      if camera.temporalLayers > 1 { found.append("camera/temporal layers") }
    }
    if !grants.canPublish { found.append("rights/may not publish") }
    if !grants.canSubscribe { found.append("rights/may not subscribe") }
    if grants.canPublishSources != nil { found.append("rights/some sources") }
    if grants.hidden { found.append("rights/hidden") }
    if grants.roomAdmin { found.append("rights/admin") }
    if !hasDevices { found.append("publish/no devices") }
    if subscribe != .all { found.append("subscribe/not everything") }
    if view != Scenario.View() { found.append("view/sizes") }
    if nat != nil { found.append("link/NAT") }
    if hasIPv6 { found.append("link/IPv6 too") }
    if !via.isEmpty { found.append("link/shared") }
    if link == nil, via.isEmpty { found.append("link/none") }
    if joinAt > .zero { found.append("join/late") }
    if let data { found.append(data.isReliable ? "data/reliable" : "data/lossy") }
    switch talk {
    case .always: found.append("talk/always")
    case .never: found.append("talk/never")
    case .spells, .turns: found.append("talk/spells")
    }
    found.append("reconnect/\(reconnect ?? "as usual")")
    return found
  }
}

extension Scenario.LinkDirection {
  fileprivate var features: [String] {
    var found: [String] = []
    switch loss {
    case .none: found.append("loss/none")
    case .random: found.append("loss/random")
    case .gilbertElliott: found.append("loss/gilbertElliott")
    case .markov4: found.append("loss/markov4")
    case .packets: found.append("loss/packets")
    }
    switch jitter {
    case .none: break
    case .uniform: found.append("jitter/uniform")
    case .normal: found.append("jitter/normal")
    case .nrBPDV: found.append("jitter/nrBPDV")
    }
    if capacity != .unlimited { found.append("link/limited rate") }
    if delay >= .milliseconds(75) { found.append("link/75 ms or more") }
    if aqm == .codel { found.append("link/codel") }
    if reorder != nil { found.append("link/reorder") }
    if duplicate > 0 { found.append("link/duplicate") }
    if corrupt > 0 { found.append("link/corrupt") }
    return found
  }
}

extension Scenario.Event.Action {
  /// The verb; of a link's settings, which ones.
  fileprivate var feature: String {
    if case .blackout(let blackout) = self {
      return "blackout of \(blackout.only?.rawValue ?? "everything")"
    }
    guard case .setLink(let fields) = self else { return word }
    return "link " + fields.writtenKeys.joined(separator: "+")
  }

}
