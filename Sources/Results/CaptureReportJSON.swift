// `assay.inspect.v1`: a capture's report as JSON. Times are seconds since 1970 (`time`) and since
// the capture's first packet (`offset`); a duration's unit stands in its key.

import Basics

extension CaptureReport {
  public static let schema = "assay.inspect.v1"

  public var json: JSON {
    var object: JSONObject = [
      "schema": .string(CaptureReport.schema), "sentence": .string(sentence),
      "file": .string(file), "format": .string(format), "clock": .string(clock.rawValue),
      "start": start.map { .number($0.seconds) } ?? .null,
      "durationSeconds": .number(duration.seconds),
    ]
    object["records"] = records.json
    object["problems"] = .array(problems.map(json))
    object["streams"] = .array(streams.map(json))
    object["transports"] = .array(transports.map(json))
    object["timeline"] = .array(
      timeline.map { event in
        moment(event.time, event.packetNumber, ["text": .string(event.text)])
      })
    object["hidden"] = .array(hidden.map { .string($0) })
    object["notes"] = .array(notes.map { .string($0) })
    object["comments"] = .array(
      comments.map {
        ["packet": $0.packetNumber.map { .integer(Int64($0)) } ?? .null, "text": .string($0.text)]
      })
    return .object(object)
  }

  /// From the first record to the last.
  public var duration: Duration {
    guard let start, let end else { return .zero }
    return end - start
  }

  private func moment(_ time: Instant, _ packetNumber: Int, _ more: JSONObject) -> JSON {
    var object: JSONObject = [
      "time": .number(time.seconds), "offset": .number((time - (start ?? .zero)).seconds),
      "packet": .integer(Int64(packetNumber)),
    ]
    for (key, value) in more.members { object[key] = value }
    return .object(object)
  }

  private func json(_ problem: CaptureProblem) -> JSON {
    moment(
      problem.time, problem.packetNumber,
      [
        "kind": .string(problem.kind.rawValue), "gravity": .number(problem.gravity),
        "ssrc": problem.ssrc.map { .integer(Int64($0)) } ?? .null, "text": .string(problem.text),
      ])
  }

  // MARK: - Streams

  private func json(_ stream: CapturedStream) -> JSON {
    var object: JSONObject = [
      "ssrc": .integer(Int64(stream.ssrc)), "ssrcHex": .string(Moments.ssrc(stream.ssrc)),
      "source": .string(stream.source.description),
      "destination": .string(stream.destination.description),
      "relayedPeer": stream.relayedPeer.map { .string($0.description) } ?? .null,
      "label": .string(stream.label), "kind": .string(stream.kind.rawValue),
      "role": role(stream.role), "payload": .string(stream.payload.rawValue),
      "codec": stream.codec.map { .string($0) } ?? .null,
      "codecOrigin": stream.codecOrigin.map { .string($0.rawValue) } ?? .null,
      "clockRate": stream.clockRate.map { .integer(Int64($0)) } ?? .null,
      "clockOrigin": stream.clockOrigin.map { .string($0.rawValue) } ?? .null,
      "payloadTypes": .array(
        stream.payloadTypes.map {
          [
            "number": .integer(Int64($0.number)), "packets": .integer(Int64($0.packets)),
            "codec": $0.codec.map { .string($0) } ?? .null,
            "origin": $0.origin.map { .string($0.rawValue) } ?? .null,
          ]
        }),
      "mid": stream.mid.map { .string($0) } ?? .null,
      "rid": stream.rid.map { .string($0) } ?? .null,
      "cname": stream.cname.map { .string($0) } ?? .null,
    ]
    for (key, value) in figures(stream).members { object[key] = value }
    object["analysis"] = json(stream.analysis)
    object["bursts"] = .array(stream.bursts.map(json))
    object["gaps"] = .array(
      stream.gaps.map {
        moment(
          $0.time, $0.packetNumber,
          ["durationMs": .number($0.duration.milliseconds), "missing": .integer(Int64($0.missing))])
      })
    object["frames"] = stream.frames.map(json) ?? .null
    object["keyframeRequests"] = .array(stream.keyframeRequests.map(json))
    object["reports"] = stream.reports.map(json) ?? .null
    object["bitrate"] = [
      "binSeconds": .number(stream.bitrate.binWidth.seconds),
      "bitsPerSecond": .array(stream.bitrate.perSecond.map { .number($0.rounded()) }),
    ]
    return .object(object)
  }

  private func role(_ role: CapturedStream.Role) -> JSON {
    func object(_ name: String, _ ssrc: UInt32?) -> JSON {
      ["name": .string(name), "of": ssrc.map { .integer(Int64($0)) } ?? .null]
    }
    return switch role {
    case .media: object("media", nil)
    case .retransmission(let ssrc): object("retransmission", ssrc)
    case .forwardErrorCorrection(let ssrc): object("forwardErrorCorrection", ssrc)
    }
  }

  private func figures(_ stream: CapturedStream) -> JSONObject {
    func count(_ value: Int) -> JSON { .integer(Int64(value)) }
    return [
      "firstPacket": count(stream.firstPacket), "lastPacket": count(stream.lastPacket),
      "startOffset": .number((stream.start - (start ?? .zero)).seconds),
      "durationSeconds": .number(stream.duration.seconds), "packets": count(stream.packets),
      "bytes": count(stream.bytes),
      "meanBitrate": stream.meanBitrate.map { .number($0.rounded()) } ?? .null,
      "packetSize": stream.packetSize.json, "expected": count(stream.expected),
      "lost": count(stream.lost), "missing": count(stream.missing),
      "repaired": stream.repairIsHidden ? .null : count(stream.repaired),
      "residualLoss": stream.repairIsHidden ? .null : count(stream.residualLoss),
      "lossEvents": count(stream.burstCount), "longestBurst": count(stream.longestBurst),
      "duplicates": count(stream.duplicates), "reordered": count(stream.reordered),
      "sequenceJumps": count(stream.sequenceJumps),
      "timestampJumps": count(stream.timestampJumps),
      "jitterMs": stream.jitter.map { .number($0) } ?? .null,
      "maximumJitterMs": stream.maximumJitter.map { .number($0) } ?? .null,
      "markers": count(stream.markers), "paddingOnly": count(stream.paddingOnly),
      "ecn": [
        "notCapable": count(stream.ecn[0]), "ect1": count(stream.ecn[1]),
        "ect0": count(stream.ecn[2]), "congestionExperienced": count(stream.ecn[3]),
      ],
      "senderReports": count(stream.senderReports), "nackMessages": count(stream.nacks.messages),
      "nackedPackets": count(stream.nacks.requested), "goodbye": .bool(stream.hasGoodbye),
      "keyframeRequestCount": count(stream.keyframeRequestCount),
    ]
  }

  private func json(_ analysis: StreamAnalysis) -> JSON {
    [
      "minimumDeltaMs": .number(analysis.minimumDelta), "meanDeltaMs": .number(analysis.meanDelta),
      "maximumDeltaMs": .number(analysis.maximumDelta),
      "maximumDeltaPacket": .integer(Int64(analysis.maximumDeltaPacket)),
      "minimumJitterMs": .number(analysis.minimumJitter),
      "meanJitterMs": .number(analysis.meanJitter),
      "maximumJitterMs": .number(analysis.maximumJitter),
      "maximumSkewMs": .number(analysis.maximumSkew),
      "clockDriftPPM": analysis.clockDrift.map { .number($0) } ?? .null,
      "expected": .integer(Int64(analysis.expected)), "lost": .integer(Int64(analysis.lost)),
      "sequenceErrors": .integer(Int64(analysis.sequenceErrors)),
      "problem": .bool(analysis.hasProblem),
    ]
  }

  private func json(_ event: LossEvent) -> JSON {
    moment(
      event.time, event.packetNumber,
      [
        "count": .integer(Int64(event.count)), "missing": .integer(Int64(event.missing)),
        "repaired": .integer(Int64(event.repaired)),
        "silenceMs": .number(event.silence.milliseconds),
      ])
  }

  private func json(_ frames: CapturedFrames) -> JSON {
    [
      "count": .integer(Int64(frames.count)), "complete": .integer(Int64(frames.complete)),
      "incomplete": .integer(Int64(frames.incomplete)),
      "undecodable": .integer(Int64(frames.undecodable)),
      "keyframes": frames.keyframes.map { .integer(Int64($0)) } ?? .null,
      "keyframeIntervalSeconds": frames.keyframeInterval.json,
      "intervalMs": frames.interval.json,
      "freezeCount": .integer(Int64(frames.freezeCount)),
      "totalFreezesDuration": .number(frames.totalFreezesDuration.seconds),
      "freezes": .array(
        frames.freezes.map {
          moment(
            $0.time, $0.packetNumber,
            [
              "durationMs": .number($0.duration.milliseconds),
              "missing": .integer(Int64($0.missing)),
            ])
        }),
      "resolutions": .array(frames.resolutions.map { .string($0) }),
      "rate": [
        "binSeconds": .number(frames.rate.binWidth.seconds),
        "framesPerSecond": .array(frames.rate.perSecond.map { .number($0) }),
      ],
    ]
  }

  private func json(_ request: KeyframeRequest) -> JSON {
    moment(
      request.time, request.packetNumber,
      [
        "kind": .string(request.kind.rawValue), "repeats": .integer(Int64(request.repeats)),
        "answeredAfterMs": request.answeredAfter.map { .number($0.milliseconds) } ?? .null,
        "answerPacket": request.answerPacket.map { .integer(Int64($0)) } ?? .null,
      ])
  }

  private func json(_ reports: ReceivedReports) -> JSON {
    [
      "count": .integer(Int64(reports.count)),
      "cumulativeLost": .integer(Int64(reports.cumulativeLost)),
      "maximumFractionLost": .number(reports.maximumFractionLost),
      "jitterMs": reports.jitter.json, "roundTripMs": reports.roundTrip.json,
    ]
  }
}

// MARK: - Transports

extension CaptureReport {
  private func json(_ transport: CapturedTransport) -> JSON {
    var object: JSONObject = [
      "protocol": .string(transport.protocolName),
      "relayedPeer": transport.relayedPeer.map { .string($0.description) } ?? .null,
      "media": .string(transport.media.rawValue),
      "directions": .array([json(transport.forward), json(transport.backward)]),
    ]
    if let ice = transport.ice {
      func offset(_ time: Instant?) -> JSON {
        time.map { .number(($0 - (start ?? .zero)).seconds) } ?? .null
      }
      object["ice"] = [
        "requests": .integer(Int64(ice.requests)), "responses": .integer(Int64(ice.responses)),
        "errors": .integer(Int64(ice.errors)), "unanswered": .integer(Int64(ice.unanswered)),
        "firstCheckOffset": offset(ice.firstCheck),
        "firstResponseOffset": offset(ice.firstResponse),
        "nominatedOffset": offset(ice.nominated), "roundTripMs": ice.roundTrip.json,
      ]
    }
    object["dtls"] = .array(
      transport.dtls.map { dtls in
        [
          "version": .string(dtls.version), "profile": .string(dtls.profile),
          "cipherSuite": dtls.cipherSuite.map { .integer(Int64($0)) } ?? .null,
          "client": .string(dtls.client.description),
          "startOffset": .number((dtls.started - (start ?? .zero)).seconds),
          "handshakeMs": dtls.completed.map { .number(($0 - dtls.started).milliseconds) } ?? .null,
          "retransmissions": .integer(Int64(dtls.retransmissions)),
          "alerts": .array(dtls.alerts.map { .string($0) }),
        ]
      })
    object["srtp"] = [
      "opened": .integer(Int64(transport.srtp.opened)),
      "failed": .integer(Int64(transport.srtp.failed)),
      "firstFailure": transport.srtp.firstFailure.map { .integer(Int64($0)) } ?? .null,
      "repeated": .integer(Int64(transport.srtp.repeated)),
      "cut": .integer(Int64(transport.srtp.cut)),
    ]
    return .object(object)
  }

  private func json(_ direction: CapturedTransport.Direction) -> JSON {
    var rtcp = JSONObject()
    for count in direction.rtcp { rtcp[count.type] = .integer(Int64(count.count)) }
    return [
      "source": .string(direction.source.description),
      "destination": .string(direction.destination.description),
      "packets": .integer(Int64(direction.packets)), "bytes": .integer(Int64(direction.bytes)),
      "rtp": .integer(Int64(direction.rtp)), "stun": .integer(Int64(direction.stun)),
      "dtls": .integer(Int64(direction.dtls)), "rtcp": .object(rtcp),
      "encryptedCompounds": .integer(Int64(direction.encryptedCompounds)),
      "transportFeedback": [
        "messages": .integer(Int64(direction.transportFeedback.messages)),
        "packets": .integer(Int64(direction.transportFeedback.packets)),
        "lost": .integer(Int64(direction.transportFeedback.lost)),
        "missingMessages": .integer(Int64(direction.transportFeedback.missingMessages)),
      ],
      "receiverEstimateBps": direction.receiverEstimate.json,
    ]
  }
}

extension CaptureReport.RecordCounts {
  fileprivate var json: JSON {
    func count(_ value: Int) -> JSON { .integer(Int64(value)) }
    return [
      "packets": count(packets), "datagrams": count(datagrams), "rtp": count(rtp),
      "rtcp": count(rtcp), "stun": count(stun), "dtls": count(dtls), "other": count(other),
      "notMedia": count(notMedia), "fragments": count(fragments),
      "reassembled": count(reassembled), "truncated": count(truncated),
      "relayed": count(relayed), "tcpPackets": count(tcpPackets), "tcpGaps": count(tcpGaps),
      "malformed": count(malformed), "unsupportedLink": count(unsupportedLink),
      "droppedByCapture": .integer(Int64(clamping: droppedByCapture)),
      "outOfOrderTimes": count(outOfOrderTimes),
    ]
  }
}

extension Spread {
  /// Null where nothing was measured.
  fileprivate var json: JSON {
    guard count > 0 else { return .null }
    return [
      "count": .integer(Int64(count)), "min": .number(minimum), "mean": .number(mean),
      "max": .number(maximum),
    ]
  }
}
