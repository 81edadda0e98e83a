// swift-tools-version: 6.1
// The floors of the house, bottom first: a target depends only on what stands above it in this file.
import PackageDescription

let settings: [SwiftSetting] = [
  // Tenfold on generics used across modules; one thread alone, and debug builds look at every access.
  .unsafeFlags(
    ["-cross-module-optimization", "-enforce-exclusivity=unchecked"],
    .when(configuration: .release)),
  .enableUpcomingFeature("ExistentialAny"),
]
// Returning a span from a property is still experimental; only these two modules do it.
let lifetimes: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]

func system(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
  .systemLibrary(
    name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func module(
  _ name: String, on dependencies: [String], embedding resources: [Resource] = [],
  extra: [SwiftSetting] = [], linking: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies.map { .byName(name: $0) }, path: "Sources/\(name)",
    resources: resources, swiftSettings: settings + extra,
    linkerSettings: linking.map { .linkedLibrary($0) })
}

func tests(of name: String, with more: [String] = [], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: ([name, "TestKit"] + more).map { .byName(name: $0) },
    path: "Tests/\(name)Tests", exclude: exclude,
    swiftSettings: [.enableUpcomingFeature("ExistentialAny")])
}

/// One executable for each parser, in sight only where ASSAY_FUZZ is set: see tools/fuzz.sh.
let fuzzers: [Target] =
  Context.environment["ASSAY_FUZZ"] == nil
  ? []
  : [
    "RTP", "RTCP", "STUN", "SDP", "Candidate", "Signal", "AccessToken", "JSON", "Capture",
    "Inspection", "Media", "Scenario", "HTTP",
  ].map {
    .executableTarget(
      name: "Fuzz\($0)", dependencies: ["FuzzInvariants"], path: "Tests/Fuzz/\($0)",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])])
  }

/// The test page of `serve`, file by file in the executable.
let page: [Resource] = [
  "index.html", "style.css", "busypicture.js", "call.js", "capture.js", "chat.js", "clock.js",
  "main.js",
  "messages.js", "network.js", "protobuf.js", "room.js", "testpicture.js", "tiles.js",
].map { .embedInCode("Page/\($0)") }

let package = Package(
  name: "assay",
  products: [.executable(name: "assay", targets: ["assay"])],
  targets: [
    // Floor 0
    system("COpenSSL", pkgConfig: "libssl", apt: "libssl-dev"),
    system("CSRTP", pkgConfig: "libsrtp2", apt: "libsrtp2-dev"),
    system("CPcap", pkgConfig: "libpcap", apt: "libpcap-dev"),
    system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    system("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    system("CWslay", apt: "libwslay-dev"),
    system("CHTTPParser", apt: "libhttp-parser-dev"),
    system("CUsrSCTP", apt: "libusrsctp-dev"),
    system("CVPX", pkgConfig: "vpx", apt: "libvpx-dev"),
    system("COpus", pkgConfig: "opus", apt: "libopus-dev"),
    .target(name: "CLinux", path: "Sources/C/CLinux"),
    .target(
      name: "CDeterminism", dependencies: ["COpenSSL"], path: "Sources/C/CDeterminism",
      linkerSettings: [.linkedLibrary("crypto")]),
    module("Basics", on: [], extra: lifetimes, linking: ["m"]),
    // Floor 1
    module("Wire", on: ["Basics"], extra: lifetimes),
    // Floor 2
    module(
      "Transport", on: ["Wire", "Basics", "COpenSSL", "CSRTP", "CUsrSCTP", "CDeterminism"]),
    module("Congestion", on: ["Basics"]),
    module("Signal", on: ["Wire", "Basics", "COpenSSL", "CZlib"]),
    module("Capture", on: ["Wire", "Basics", "CPcap", "CZlib"]),
    module("Codecs", on: ["Basics", "CVPX", "COpus"]),
    module("Results", on: ["Basics"]),
    // Floor 3
    module("RefSFU", on: ["Transport", "Congestion", "Signal", "Results", "Wire", "Basics"]),
    module(
      "Bots", on: ["Transport", "Congestion", "Signal", "Codecs", "Results", "Wire", "Basics"],
      embedding: [180, 360, 720].map { .embedInCode("Traces/frames-\($0).bin") }),
    module("NetSim", on: ["Basics"]),
    module("NetIO", on: ["Basics", "CLinux", "CWslay", "CHTTPParser", "COpenSSL"]),
    module("Report", on: ["Results", "Basics"]),
    module("Scenario", on: ["Results", "Basics", "CYAML"]),
    module(
      "Inspection", on: ["Capture", "Transport", "Congestion", "Results", "Wire", "Basics"]),
    // Floor 4
    module("Verdicts", on: ["Scenario", "Results", "Basics"]),
    // Floor 5
    module(
      "Lab",
      on: [
        "Verdicts", "Scenario", "RefSFU", "Bots", "NetSim", "NetIO", "Capture", "Codecs", "Results",
        "Signal",
        "Transport", "Congestion", "Wire", "Basics", "CLinux",
      ]),
    // Floor 6
    .executableTarget(
      name: "assay",
      dependencies: [
        "Lab", "Verdicts", "Scenario", "Report", "Inspection", "RefSFU", "Bots", "NetSim", "NetIO",
        "Transport", "Capture", "Results", "Signal", "Wire", "Basics", "CLinux",
      ],
      path: "Sources/assay", resources: page, swiftSettings: settings),
    // Tests
    .target(name: "TestKit", dependencies: ["Basics", "Wire"], path: "Tests/TestKit"),
    tests(of: "Basics"),
    tests(of: "Wire", with: ["Capture"]),
    tests(of: "Transport", with: ["Capture", "COpenSSL", "CSRTP"]),
    tests(of: "Congestion", with: ["NetSim"]),
    tests(of: "Signal", with: ["Wire"], exclude: ["livekit-subset.proto"]),
    tests(of: "Capture", with: ["Wire"]),
    tests(of: "Inspection", with: ["Capture", "Transport", "Results", "Report", "Wire"]),
    tests(of: "Codecs"),
    tests(of: "Results"),
    tests(of: "NetSim"),
    tests(of: "NetIO", with: ["RefSFU", "Bots", "Signal", "CLinux", "COpenSSL"]),
    tests(of: "RefSFU", with: ["Bots", "Signal", "Transport"]),
    tests(of: "Bots", with: ["Results", "Signal", "Transport"]),
    tests(of: "Lab", with: ["Scenario", "Verdicts", "RefSFU", "NetSim", "Results"]),
    tests(of: "Verdicts", with: ["Results", "Scenario", "Basics"]),
    tests(of: "Report", with: ["Results"]),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "assay", "Lab", "Scenario", "Results", "Capture", "Wire", "Basics", "FuzzInvariants",
        "TestKit",
      ], path: "Tests/CommandLineTests",
      swiftSettings: [.enableUpcomingFeature("ExistentialAny")]),
    .target(
      name: "FuzzInvariants",
      dependencies: [
        "Basics", "Wire", "Signal", "Capture", "Inspection", "Report", "Scenario", "Lab", "NetIO",
      ],
      path: "Tests/Fuzz/Invariants", swiftSettings: settings),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzInvariants", "TestKit"], path: "Tests/Fuzz/Replay"),
  ] + fuzzers
)
