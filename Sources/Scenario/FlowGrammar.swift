// The scenario language, key by key: flows between hosts of their own.

extension Grammar {
  static let flow = ObjectShape(
    noun: "a flow",
    keys: [
      key("count", .integer(1...1_000), "how many: NAME-1, NAME-2 …; one"),
      key("link", .name, "a link of its own for each, next to the sender"),
      key("via", .list(.name), "links shared with all who name them; up is forward"),
      key(
        "direction", words(Scenario.FlowDirection.self, "directions"),
        "which way over the shared links; forward"),
      key("start", .quantity([.duration]), "when it begins; 0s"),
      key("stop", .quantity([.duration]), "when it ends; at the end"),
      key("media", .object(mediaFlow), "a camera and a microphone under congestion control"),
      key("tcp", .object(tcpFlow), "bulk data over TCP"),
      key("udp", .object(udpFlow), "datagrams at a constant rate"),
      key("tags", .list(.name), "for expectations of: tag:NAME"),
    ], exactlyOne: [["media", "tcp", "udp"]])

  static let mediaFlow = ObjectShape(
    noun: "a media flow",
    keys: [
      key(
        "model", words(Scenario.EncoderKind.self, "encoder models"),
        "the encoder's model of RFC 8593 §5, §6 or §7; statistical"),
      key("height", .quantity([.height]), "picture height; 720p"),
      key("fps", .form(scalar: .limit), "frames a second; 30fps"),
      key("start", .quantity([.bitrate]), "video rate at the start; 150kbps"),
      key("min", .quantity([.bitrate]), "least video rate; 150kbps"),
      key("max", .quantity([.bitrate]), "greatest video rate; 1.5Mbps"),
      key("latency", .quantity([.duration]), "from one reaction to the next; 100ms"),
      key("audio", .quantity([.bitrate]), "constant audio rate; 20kbps, 0bps for none"),
      key("ecn", .boolean, "send ECN-capable packets; false"),
      key(
        "controller", words(Scenario.Controller.self, "controllers"),
        "what decides the rate: gcc, gcc with a part broken, or nothing; gcc"),
    ])

  static let tcpFlow = ObjectShape(
    noun: "a TCP flow",
    keys: [
      key(
        "control", words(Scenario.TCPControl.self, "congestion controls"),
        "newReno (RFC 5681) or cubic (RFC 9438); newReno"),
      key("downloads", .object(downloads), "files with pauses between them; data without end"),
    ])

  static let downloads = ObjectShape(
    noun: "downloads",
    keys: [
      key("smallest", .quantity([.size]), "least file; 30kB"),
      key("largest", .quantity([.size]), "largest file; 50kB"),
      key("pause", .quantity([.duration]), "mean pause, exponential; 10s"),
      key("startOn", .integer(0...1_000), "so many flows begin with a file; 0"),
    ])

  static let udpFlow = ObjectShape(
    noun: "a UDP flow",
    keys: [
      key("rate", .quantity([.bitrate]), "rate while it sends", required: true),
      key("packet", .quantity([.size]), "size on the wire; 1500B"),
      key(
        "bursts",
        .object(
          ObjectShape(
            noun: "bursts",
            keys: [
              key("on", .quantity([.duration]), "mean length of a burst", required: true),
              key("off", .quantity([.duration]), "mean silence", required: true),
            ])), "bursts and silences, exponential; always on"),
    ])
}
