// Bad scenarios and the exact word on each: where it is wrong, what, and how to mend it.

/// Blocks that end in `=> line:column: message`, with an empty line between them. `[head]` stands
/// for a version and a duration, `[class]` for a scenario with two links and four participants.
enum FaultTable {
  static let prefixes = [
    "[head]\n": """
    assay: 1
    duration: 60s

    """,
    "[class]\n": """
    assay: 1
    duration: 60s
    links:
      fibre: { rate: 100Mbps, delay: 10ms }
      train: { up: { rate: 1Mbps }, down: { rate: 2Mbps } }
    participants:
      teacher: { link: fibre, publish: [camera, microphone], role: teacher }
      student: { count: 3, link: fibre, tags: [mobile] }

    """,
  ]

  static let file = """
    [head]
    name:
    participants: { a: {} }
    => 3:6: expected a string, found nothing

    [head]
    name: [a]
    participants: { a: {} }
    => 3:7: expected a string, found a list

    [class]
    sfu: { link: wan }
    => 9:14: no link is called 'wan'; the links are fibre, train

    [class]
    sfu: { mutant: hoards }
    => 9:16: 'hoards' is not one of the mutants; it is called 'delaysVideo' now

    [class]
    rules: { quality-word: { off: not told } }
    => 9:10: no rule is called 'quality-word'; it is called 'connection-quality' now

    [class]
    <<: { a: b }
    => 9:1: unknown key '<<' in a scenario; the keys are assay, name, about, seed, \
    duration, tier, acrossSeeds, include, requires, rules, \
    unsupported, crypto, startValues, media, sfu, links, rooms, \
    participants, flows, events, swarm, expect, matrix

    [class]
    ? [a]
    : b
    => 9:3: a key is a plain word here, not a list, mapping or alias

    # only
    => 2:1: the file is empty; a scenario begins with 'assay: 1'

    assay: 2
    => 1:8: 2 is out of range; write 1

    hello
    => 1:1: expected a scenario, found 'hello'; it begins with 'assay: 1'

    - a
    - b
    => 1:1: expected a scenario, found a list; it begins with 'assay: 1'

    assay: 1
    ---
    assay: 1
    => 2:1: a second document begins here; a scenario file holds one

    [head]
    \tname: x
    => 3:1: a tab stands here; YAML is indented with spaces

    [head]
    name: [a
    => 4:1: not YAML: did not find expected ',' or ']' (while parsing a flow sequence in \
    line 3)

    [head]
    name: a
    name: b
    => 4:1: the key 'name' stands already in line 3; keep one of the two

    [head]
    nmae: x
    => 3:1: unknown key 'nmae' in a scenario; did you mean 'name'?

    [head]
    participants: {}
    => 3:15: 'participants' is empty; write at least one

    assay: 1
    duration: 60s
    => 1:1: a scenario needs 'participants': groups of participants by name

    [head]
    x: &a [*a]
    => 3:8: the alias '*a' stands inside what it names, which has no end; leave it out

    [head]
    x: *b
    => 3:4: the alias '*b' has no anchor above it; there are no anchors

    [head]
    name: !!str 5
    => 3:7: the tag 'tag:yaml.org,2002:str' means nothing here; leave it out

    [head]
    name: \u{1}
    => 3:7: control characters are not allowed; remove the character

    [class]
    crypto: on
    => 9:9: 'on' is not one of the kinds of crypto; the kinds of crypto are real, cleartext

    [class]
    rooms: no
    => 9:8: 'no' is not a whole number; write one such as 1

    [class]
    sfu: { dynacast: yes }
    => 9:18: 'yes' is not true or false; write one of the two, without quotes

    [class]
    sfu: { maxParticipants: 010x }
    => 9:25: '010x' is not a whole number; write one such as 1

    [class]
    seed: 1.5
    => 9:7: '1.5' is not a whole number; write one such as 0

    [class]
    seed: -1
    => 9:7: '-1' is not a whole number; write one such as 0

    [class]
    include: [nothing.yaml]
    => 9:11: there is no file 'nothing.yaml', neither beside this file nor at the root

    assay: 1
    duration: 60
    => 2:11: '60' has no unit; write a time such as 60ms (ns, us, ms, s, min, h)

    assay: 1
    duration: 0s
    => 1:1: a scenario needs 'participants': groups of participants by name
    """

  static let links = """
    [head]
    links: { a: { use: fiber } }
    => 3:20: 'fiber' is not one of the presets; did you mean 'fibre'?

    [head]
    links: { a: { rate: 1Mbps, trace: x } }
    => 3:28: 'trace' and 'rate' exclude each other in a link; keep one

    [head]
    links: { a: { loss: 1 } }
    => 3:21: '1' has no unit; write a share such as 1%

    [head]
    links: { a: { loss: 101% } }
    => 3:21: '101%' is too large; a share is at most 100%

    [head]
    links: { a: { loss: { gilbertElliot: { p: 1%, r: 2% } } } }
    => 3:23: unknown key 'gilbertElliot' in loss; did you mean 'gilbertElliott'?

    [head]
    links: { a: { jitter: 5ms } }
    => 3:23: '5ms' does not fit here; write none, or { uniform | normal | nrBPDV: … }

    [head]
    links: { a: { rate: unlimitd } }
    => 3:21: 'unlimitd' is neither unlimited nor a rate; did you mean 'unlimited'?

    [head]
    links: { a: { trace: x.up } }
    participants: { a: {} }
    => 3:22: no file 'x.up', neither beside the scenario nor from the repository's root; \
    name it under 'requires' if the scenario may be skipped without it

    [head]
    links: { a: { queue: 0ms } }
    participants: { a: {} }
    => 3:22: an empty queue passes nothing; write 20ms

    [head]
    links: { a: 5 }
    => 3:13: expected a link, found '5'; write its keys as { key: value }

    [head]
    links: [a]
    => 3:8: expected links by name, found a list; write NAME: { … }

    [head]
    links: { 1a: {} }
    => 3:10: '1a' is not a name; a name begins with a letter and has letters, digits, '-' \
    and '_', at most 64
    """

  static let participants = """
    [head]
    participants:
      a: { role: techer }
    => 4:14: 'techer' is not one of the roles; did you mean 'teacher'?

    [head]
    participants:
      a: { publish: [camra] }
    => 4:18: 'camra' is not one of the sources; did you mean 'camera'?

    [head]
    participants:
      a: { publish: camera }
    => 4:17: expected a list, found 'camera'; write it as [ … ]

    [head]
    participants:
      a: { subscribe: some }
    => 4:19: 'some' is not one of the subscriptions; did you mean 'none'?

    [head]
    participants:
      a: { subscribe: { from: b } }
    => 4:27: no participant or group is called 'b'; the groups are a

    [head]
    participants:
      a: { camera: { layers: [{ height: 720, bitrate: 1Mbps }] } }
    => 4:37: '720' has no unit; write a picture height such as 720p

    [head]
    participants:
      a: { camera: { layers: [{ height: 720p, bitrate: 1Mbps }, { height: 360p, bitrate: \
    1Mbps }] } }
    => 4:61: layers go from low to high; put this one before the larger ones

    [head]
    participants:
      a: { join: { at: 60s } }
    => 4:20: the join at 60s is not before the end of the run (duration 60s)

    [head]
    participants:
      a: { join: { at: 10s }, leave: { at: 5s } }
    => 4:40: they leave before the last of them has joined; write a later moment

    [head]
    participants:
      a: { devices: none, publish: [camera] }
    => 4:32: without devices there is nothing to publish; leave 'publish' out

    [head]
    participants:
      a: { talk: [{ at: 55s, for: 10s }] }
    => 4:31: the talk ends after the end of the run (duration 60s); shorten it

    [head]
    participants:
      a: { view: { speaker: 720 } }
    => 4:25: '720' has no unit; write a picture height such as 720p

    [head]
    participants:
      all: {}
    => 4:3: 'all' stands for everyone; call these participants otherwise

    [head]
    participants:
      a: { rooms: [b] }
    => 4:16: no room is called 'b'; the rooms are main

    [head]
    participants:
      a: { grants: { canPublish: no } }
    => 4:30: 'no' is not true or false; write one of the two, without quotes

    [head]
    participants: { a: { cuont: 3 } }
    => 3:22: unknown key 'cuont' in a participant; did you mean 'count'?

    [head]
    participants: { a: { link: fiber } }
    => 3:28: no link is called 'fiber'; there are no links

    [head]
    participants: { student: { count: 2 }, student-1: {} }
    => 3:40: 'student-1' and 'student' both stand for 'student-1'; rename one
    """
}
