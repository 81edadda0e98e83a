// What went wrong: problems in the order of time, and the one sentence that a report begins with.

import Basics
import Results

struct Findings {
  /// Shorter freezes are counted, not told.
  private static let shortestFreeze = Duration.milliseconds(300)
  private static let longestSilence = Duration.seconds(3)
  private static let burst = 5
  private static let lossShare = 0.01
  private static let remoteLossShare = 0.05
  private static let answerTime = Duration.seconds(2)
  private static let stopTime = Duration.seconds(2)
  /// Packets a second of a stream that is expected to go on: probes and RTX come now and then.
  private static let steadyRate = 5.0

  private let report: CaptureReport

  init(_ report: CaptureReport) { self.report = report }

  /// The gravest within the limit, in the order of time.
  func problems() -> [CaptureProblem] {
    var problems = transportProblems()
    for stream in report.streams where stream.role == .media {
      problems += freezes(stream) + losses(stream) + silences(stream) + requests(stream)
      problems += remoteLosses(stream) + ends(stream)
    }
    problems.sort { $0.gravity > $1.gravity }
    problems = Array(problems.prefix(InspectionLimits.problems))
    return problems.sorted { ($0.time, $0.packetNumber) < ($1.time, $1.packetNumber) }
  }

  private func at(_ time: Instant) -> String { Moments.text(time, since: report.start) }

  private func name(_ stream: CapturedStream) -> String {
    let kind =
      stream.kind == .audio ? "Audio of" : stream.kind == .video ? "Video of" : "Stream with"
    return "\(kind) SSRC \(Moments.ssrc(stream.ssrc))"
  }

  /// Where packets that the capture does not hold were lost.
  private func upstream(_ stream: CapturedStream) -> String {
    "between sender \(stream.source) and the capturing point"
  }

  // MARK: - Transports

  private func transportProblems() -> [CaptureProblem] {
    var problems: [CaptureProblem] = []
    for transport in report.transports {
      for dtls in transport.dtls { problems += handshake(dtls, transport) }
      if transport.srtp.failed > 0, let packet = transport.srtp.firstFailure {
        let all = transport.srtp.failed + transport.srtp.opened
        problems.append(
          CaptureProblem(
            .authenticationFailed, gravity: transport.srtp.opened == 0 ? 50 : 2,
            time: report.start ?? .zero, packetNumber: packet, ssrc: nil,
            text: "\(transport.srtp.failed) of \(all) SRTP packets between "
              + "\(transport.forward.source) and \(transport.forward.destination) do not "
              + "authenticate, the first is packet \(packet): the key log belongs to another "
              + "handshake, or packets were altered."))
      }
    }
    return problems + failedChecks()
  }

  private func handshake(
    _ dtls: CapturedTransport.DTLS, _ transport: CapturedTransport
  ) -> [CaptureProblem] {
    let hasMedia = transport.forward.rtp + transport.backward.rtp > 0
    guard dtls.completed == nil, !hasMedia || !dtls.alerts.isEmpty,
      let end = report.end, end - dtls.started > .seconds(1) || !dtls.alerts.isEmpty
    else { return [] }
    let alerts = dtls.alerts.isEmpty ? "" : "; alert \(dtls.alerts.joined(separator: ", "))"
    let text =
      "DTLS between \(transport.forward.source) and \(transport.forward.destination) began at "
      + "\(at(dtls.started)) and never completed "
      + "(\(dtls.retransmissions) retransmissions\(alerts))."
    return [
      CaptureProblem(
        .dtlsFailed, gravity: 100, time: dtls.started, packetNumber: 0, ssrc: nil, text: text)
    ]
  }

  /// Pairs fail in every call; only that none works is a problem.
  private func failedChecks() -> [CaptureProblem] {
    let checked = report.transports.compactMap(\.ice).filter { $0.requests > 0 }
    let requests = checked.reduce(0) { $0 + $1.requests }
    guard requests >= 5, checked.allSatisfy({ $0.responses == 0 }),
      let first = checked.compactMap(\.firstCheck).min(),
      !report.transports.contains(where: { $0.forward.rtp + $0.backward.rtp > 0 })
    else { return [] }
    return [
      CaptureProblem(
        .iceFailed, gravity: 100, time: first, packetNumber: 0, ssrc: nil,
        text: "ICE failed: none of \(requests) connectivity checks on \(checked.count) pairs was "
          + "answered, from \(at(first)) on.")
    ]
  }

  // MARK: - Streams

  private func freezes(_ stream: CapturedStream) -> [CaptureProblem] {
    guard let frames = stream.frames else { return [] }
    return frames.freezes.filter { $0.duration >= Findings.shortestFreeze }.map { freeze in
      let begin = freeze.time - freeze.duration
      var text =
        "\(name(stream)) froze \(Moments.text(freeze.duration)) at \(at(begin)): "
      if freeze.missing > 0 {
        text += "\(plural(freeze.missing, "packet")) lost \(upstream(stream))"
      } else if let gap = stream.gaps.first(where: {
        $0.time >= begin && $0.time - $0.duration <= freeze.time
          && $0.duration * 2 > freeze.duration
      }), gap.missing == 0 {
        text += "the sender sent nothing for \(Moments.text(gap.duration))"
      } else {
        text += "packets came late or frames stayed incomplete"
      }
      text += answer(stream, begin, freeze.time) + "."
      return CaptureProblem(
        .freeze, gravity: 10 * freeze.duration.seconds, time: begin,
        packetNumber: freeze.packetNumber, ssrc: stream.ssrc, text: text)
    }
  }

  /// How the keyframe that ended a freeze had been asked for.
  private func answer(_ stream: CapturedStream, _ begin: Instant, _ end: Instant) -> String {
    let request = stream.keyframeRequests.first { $0.time >= begin && $0.time <= end }
    guard let request else { return "" }
    let kind = request.kind.rawValue
    guard let after = request.answeredAfter, let packet = request.answerPacket else {
      return "; no keyframe answered the \(kind) in packet \(request.packetNumber)"
    }
    return "; the keyframe came \(Moments.text(after)) after the first \(kind) (packet \(packet))"
  }

  private func losses(_ stream: CapturedStream) -> [CaptureProblem] {
    var problems: [CaptureProblem] = []
    let covered = stream.frames?.freezes.filter { $0.duration >= Findings.shortestFreeze } ?? []
    for event in stream.bursts where event.missing - event.repaired >= Findings.burst {
      // A freeze tells of the same packets.
      if covered.contains(where: {
        $0.time >= event.time && $0.time - $0.duration <= event.time && $0.missing > 0
      }) {
        continue
      }
      problems.append(
        CaptureProblem(
          .lossBurst, gravity: Double(event.missing - event.repaired) / 10 + 0.5,
          time: event.time, packetNumber: event.packetNumber, ssrc: stream.ssrc,
          text: "\(name(stream)) lost \(event.missing) packets in a row before packet "
            + "\(event.packetNumber) at \(at(event.time)), \(event.repaired) of them repaired, "
            + "\(upstream(stream)) (\(Moments.text(event.silence)) without a packet)."))
    }
    let residual = stream.missing - stream.repaired
    let share = stream.expected > 0 ? Double(residual) / Double(stream.expected) : 0
    // One burst that is told already is not told again as a share.
    let worst = stream.bursts.map { $0.missing - $0.repaired }.max() ?? 0
    if share >= Findings.lossShare, residual > 0, let first = stream.bursts.first,
      worst < Findings.burst || 2 * worst < residual
    {
      problems.append(
        CaptureProblem(
          .loss, gravity: 100 * share, time: first.time, packetNumber: first.packetNumber,
          ssrc: stream.ssrc,
          text: "\(name(stream)) lost \(plural(residual, "packet")) of \(stream.expected) "
            + "(\(Moments.number(100 * share, 1)) %) \(upstream(stream)), the first before packet "
            + "\(first.packetNumber) at \(at(first.time))"
            + (stream.repairIsHidden
              ? "; retransmissions are encrypted and may have repaired it."
              : ".")))
    }
    if stream.sequenceJumps > 0 {
      problems.append(
        CaptureProblem(
          .sequenceJump, gravity: 1, time: stream.start, packetNumber: stream.firstPacket,
          ssrc: stream.ssrc,
          text: "\(name(stream)) jumped in its sequence numbers "
            + "\(plural(stream.sequenceJumps, "time")): the sender began anew under one SSRC."))
    }
    return problems
  }

  private func isSteady(_ stream: CapturedStream) -> Bool {
    Double(stream.packets) >= Findings.steadyRate * stream.duration.seconds
  }

  private func silences(_ stream: CapturedStream) -> [CaptureProblem] {
    guard isSteady(stream) else { return [] }
    return stream.gaps.filter { gap in
      gap.duration >= Findings.longestSilence && gap.missing == 0
        && !(stream.frames?.freezes.contains {
          $0.time >= gap.time - gap.duration && $0.time - $0.duration <= gap.time
        } ?? false)
    }.map { gap in
      CaptureProblem(
        .mediaGap, gravity: 0.5, time: gap.time - gap.duration, packetNumber: gap.packetNumber,
        ssrc: stream.ssrc,
        text: "\(name(stream)) has no packet for \(Moments.text(gap.duration)) from "
          + "\(at(gap.time - gap.duration)) on, and none is missing: the sender was silent.")
    }
  }

  private func requests(_ stream: CapturedStream) -> [CaptureProblem] {
    guard stream.frames?.keyframes != nil else { return [] }
    return stream.keyframeRequests.filter { request in
      if let after = request.answeredAfter { return after >= Findings.answerTime }
      return stream.end - request.time >= Findings.answerTime
    }.map { request in
      let outcome =
        request.answeredAfter.map { "was answered by a keyframe only after \(Moments.text($0))" }
        ?? "was not answered by a keyframe in the \(Moments.text(stream.end - request.time)) left"
      return CaptureProblem(
        .keyframeRequestUnanswered, gravity: 5, time: request.time,
        packetNumber: request.packetNumber, ssrc: stream.ssrc,
        text: "\(request.kind.rawValue) for \(name(stream).lowercasedFirst) in packet "
          + "\(request.packetNumber) at \(at(request.time)) \(outcome), with "
          + "\(plural(request.repeats, "repeat")).")
    }
  }

  /// Receivers that report more loss than the capture shows lost it behind the capturing point.
  private func remoteLosses(_ stream: CapturedStream) -> [CaptureProblem] {
    guard let reports = stream.reports,
      reports.maximumFractionLost >= Findings.remoteLossShare,
      reports.cumulativeLost > stream.missing + 5
    else { return [] }
    return [
      CaptureProblem(
        .remoteLoss, gravity: 20 * reports.maximumFractionLost, time: reports.maximumFractionTime,
        packetNumber: reports.maximumFractionPacket, ssrc: stream.ssrc,
        text:
          "\(name(stream)) lost \(reports.cumulativeLost) packets by its receiver's reports and "
          + "\(stream.missing) before the capturing point: the rest was lost between the capturing "
          + "point and receiver \(stream.destination), worst "
          + "\(Moments.number(100 * reports.maximumFractionLost, 0)) % in packet "
          + "\(reports.maximumFractionPacket) at \(at(reports.maximumFractionTime)).")
    ]
  }

  private func ends(_ stream: CapturedStream) -> [CaptureProblem] {
    guard report.clock == .capture, !stream.hasGoodbye, isSteady(stream), !moves(stream),
      let end = report.end,
      end - stream.end > Findings.stopTime, stream.duration > Findings.stopTime
    else { return [] }
    return [
      CaptureProblem(
        .streamStops, gravity: 0.4, time: stream.end, packetNumber: stream.lastPacket,
        ssrc: stream.ssrc,
        text: "\(name(stream)) stops at \(at(stream.end)) (packet \(stream.lastPacket)), "
          + "\(Moments.text(end - stream.end)) before the capture ends, without an RTCP BYE that "
          + "the capture shows.")
    ]
  }

  /// Whether the SSRC goes on between other addresses.
  private func moves(_ stream: CapturedStream) -> Bool {
    report.streams.contains { $0.ssrc == stream.ssrc && $0.end > stream.end }
  }

  private func plural(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
  }

  // MARK: - The sentence

  /// The first grave problem; else the first one; else that nothing went wrong.
  static func sentence(_ report: CaptureReport) -> String {
    if let first = report.problems.first(where: { $0.gravity >= 1 }) ?? report.problems.first {
      return first.text
    }
    let media = report.streams.filter { $0.role == .media }
    let packets = media.reduce(0) { $0 + $1.packets }
    let closed = report.transports.contains { $0.media == .closed }
    let missing = media.reduce(0) { $0 + $1.missing }
    let repaired = media.reduce(0) { $0 + $1.repaired }
    let loss =
      missing == 0
      ? "no packet is missing" : "\(missing) missing, \(repaired) of them repaired"
    let streams = media.count == 1 ? "1 stream" : "\(media.count) streams"
    return "Nothing went wrong that \(closed ? "headers" : "this capture") can show: \(streams), "
      + "\(packets) packets, \(loss), no freeze."
  }
}

extension String {
  fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
