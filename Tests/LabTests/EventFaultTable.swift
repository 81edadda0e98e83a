// Bad events, expectations and matrices, and the exact word on each.

extension FaultTable {
  static let events = """
    [class]
    events:
      - { at: 5s, room: main, set: { rate: 1Mbps } }
    => 10:32: a room has nothing to set; write link, participant, group or sfu: all

    [class]
    events:
      - { at: 5s, sfu: all, set: { rate: 1Mbps } }
    => 10:32: 'rate' is set on a link; write link: NAME

    [class]
    events:
      - { at: 5s, link: fibre, set: { subscriberLimit: 1Mbps } }
    => 10:35: 'subscriberLimit' is set on a participant, group or sfu: all

    [class]
    events:
      - { at: 5s, participant: teacher, do: unmute, for: 3s }
    => 10:49: 'unmute' does not last; take 'for' out

    [class]
    events:
      - { at: 5s, link: fibre, set: {} }
    => 10:33: nothing is set; write set: { rate: 250kbps }

    [class]
    events:
      - { at: 60s, link: fibre, set: { rate: 1Mbps } }
    => 10:11: the event at 60s is not before the end of the run (duration 60s)

    [class]
    events:
      - { at: 50s, link: fibre, set: { rate: 1Mbps }, for: 20s }
    => 10:56: the event ends after the end of the run (duration 60s); shorten it

    [class]
    events:
      - { at: 50s, link: fiber.up, set: { rate: 1Mbps } }
    => 10:22: no link is called 'fiber'; did you mean 'fibre'?

    [class]
    events:
      - { at: 50s, link: fibre.upp, set: { rate: 1Mbps } }
    => 10:22: 'fibre.upp' is no direction of a link; write fibre.up or fibre.down

    [class]
    events:
      - { at: 50s, link: fibre, set: { rate: 250 } }
    => 10:42: '250' has no unit; write a rate such as 250kbps (bps, kbps, Mbps, Gbps)

    [class]
    events:
      - { at: 50s, link: fibre, set: { rate: 250kb } }
    => 10:42: 'kb' in '250kb' is no unit here; did you mean '250kbps'?

    [class]
    events:
      - { at: 50s, link: fibre, do: mute }
    => 10:16: 'mute' is not for a link; write participant or group

    [class]
    events:
      - { at: 50s, participant: student, do: mute }
    => 10:29: 'student' is 3 participants; write group: student, or one of them such as \
    'student-1'

    [class]
    events:
      - { at: 50s, participant: student-4, do: mute }
    => 10:29: no participant or group is called 'student-4'; did you mean 'student-1'?

    [class]
    events:
      - { at: 50s, participant: student-3, do: blackout }
    => 10:44: 'blackout' needs 'for': how long, such as for: 3s

    [class]
    events:
      - { at: 50s, participant: student-3, do: leev }
    => 10:44: 'leev' is not one of the verbs; did you mean 'leave'?

    [class]
    events:
      - { at: 50s, participant: student-3, group: student, do: leave }
    => 10:40: 'group' and 'participant' exclude each other in an event; keep one

    [class]
    events:
      - { at: 50s, do: leave }
    => 10:5: an event needs one of link, participant, group, room, sfu, flow

    [class]
    events:
      - { at: 50s, group: student }
    => 10:5: an event needs one of set, do

    [class]
    events:
      - { at: 50s, participant: teacher, do: promote, who: student-1 }
    => 10:42: 'promote' needs 'grants': rights given or taken

    [class]
    events:
      - { at: 50s, participant: teacher, do: mute, who: student-1 }
    => 10:48: 'mute' has no 'who'; take it out

    [class]
    events:
      - { at: 50s, participant: teacher, set: { rate: 1Mbps } }
    => 10:45: 'rate' is set on a link; write link: NAME
    """

  static let expectations = """
    [class]
    expect:
      - { id: a, of: all, from: teacher, metric: freezeCount, atMost: 0 }
    => 10:29: 'teacher' receives nothing from these; name someone else

    [class]
    expect:
      - { id: a, of: teacher, metric: roundTripTime, stat: p95, under: 5ms, from: student }
    => 10:79: 'roundTripTime' is a participant's own, not of another; take 'from' out

    [class]
    expect:
      - { id: a, of: student, metric: freezeCount, atMost: 0, share: 95%, across: pooled }
    => 10:66: a share is of participants judged each; take 'across' or 'share' out

    [class]
    expect:
      - { id: a, of: student, metric: freezeCount, atMost: 0, minSamples: 0 }
    => 10:71: 0 is out of range; write a number from 1 to 1000000000

    [class]
    expect:
      - { id: a, of: student, metric: framesPerSeconds, stat: p10, over: 20 }
    => 10:35: 'framesPerSeconds' is not one of the metrics; did you mean 'framesPerSecond'?

    [class]
    expect:
      - { id: a, of: students, metric: framesPerSecond, stat: p10, over: 20 }
    => 10:18: no participant or group is called 'students'; did you mean 'student'?

    [class]
    expect:
      - { id: a, of: student, metric: framesPerSecond, stat: p101, over: 20 }
    => 10:58: 'p101' is no statistic; did you mean 'p50'?

    [class]
    expect:
      - { id: a, of: student, metric: framesPerSecond, stat: sum, over: 20 }
    => 10:58: 'sum' says nothing about 'framesPerSecond', a state sampled every second

    [class]
    expect:
      - { id: a, of: student, metric: assay.endToEndDelay, stat: p95, under: 100 }
    => 10:74: '100' has no unit; write a time such as 60ms (ns, us, ms, s, min, h)

    [class]
    expect:
      - { id: a, of: student, metric: assay.endToEndDelay, stat: p95, under: 100, over: 2 }
    => 10:79: 'over' and 'under' exclude each other in an expectation; keep one

    [class]
    expect:
      - { id: a, of: student, metric: assay.endToEndDelay, stat: p95 }
    => 10:5: an expectation needs one of under, atMost, over, atLeast, equals

    [class]
    expect:
      - { id: a, of: student, metric: assay.endToEndDelay, under: 100ms }
    => 10:5: 'assay.endToEndDelay' has many samples; write stat: p95, mean, min, max …

    [class]
    expect:
      - { id: a, of: student, metric: framesPerSecond, stat: min, over: 2, window: 40s..61s \
    }
    => 10:80: the window '40s..61s' goes beyond the end of the run (duration 60s)

    [class]
    expect:
      - { id: a, of: student, metric: framesPerSecond, stat: min, over: 2, window: 40s..30s \
    }
    => 10:80: the window '40s..30s' ends before it begins

    [class]
    expect:
      - { id: a, of: student, metric: framesPerSecond, stat: min, over: 2, window: 40s-60s }
    => 10:80: '40s-60s' is not a window; write it as 40s..60s

    [class]
    expect:
      - { id: a, of: tag:moble, metric: framesPerSecond, stat: min, over: 2 }
    => 10:18: nobody has the tag 'moble'; did you mean 'mobile'?

    [class]
    expect:
      - { id: a, of: student, metric: freezeCount, atMost: 0 }
      - { id: a, of: student, metric: freezeCount, atMost: 0 }
    => 11:11: the id 'a' stands already in line 10; ids are unique
    """

  static let matrix = """
    [class]
    matrix: { seeds: [1, 2] }
    => 9:11: unknown key 'seeds' in a scenario; did you mean 'seed'?

    [class]
    matrix: { seed: [] }
    => 9:17: no values; write at least one

    [class]
    matrix: { expect.0.id: [x] }
    => 9:11: '0' in 'expect.0.id' is not the number of an item; the first is 0

    [class]
    matrix: { links.trian.delay: [1ms] }
    => 9:11: 'trian' in 'links.trian.delay' is not one of the links; did you mean 'train'?

    [class]
    matrix: { links.train.delai: [1ms] }
    => 9:11: unknown key 'delai' in a link; did you mean 'delay'?

    [class]
    matrix: { links.train.delay: [1ms, 5] }
    => 9:36: '5' has no unit; write a time such as 60ms (ns, us, ms, s, min, h)

    [class]
    matrix: { links.train.delay.x: [1ms] }
    => 9:11: 'links.train.delay.x' goes on where there is nothing below; end it earlier

    [class]
    matrix: { links.train.delay: 5ms }
    => 9:30: expected a list, found '5ms'; write it as [ … ]
    """
}
