// `assay inspect` as a user runs it: exit codes, what is printed, and bad input with its remedy.

import Basics
import Capture
import Foundation
import TestKit
import Testing
import Wire

/// A call of one video stream with a name, VP8 at 25 frames a second of two packets each.
struct WrittenCall {
  static let ssrc: UInt32 = 0x2D1E_0D7E
  var frames = 100
  /// Sequence numbers that the file lacks.
  var missing: Set<Int> = []
  /// Milliseconds after which the stream pauses, and for how long.
  var pause: (at: Int, length: Int)?
  var cname = "ada@example"
  /// Milliseconds from zero to the first packet.
  var shift = 0.0
  var ssrc = WrittenCall.ssrc
  var payloadByte: UInt8 = 0x55
  /// Bytes of each payload, about.
  var size = 600

  func write(to file: String) throws {
    let writer = try PcapngWriter(file, epoch: 1_700_058_720_000_000_000)
    let interface = try writer.addInterface("eth0")
    let source = Address(IPAddress(v4: 192, 0, 2, 1), port: 5_000)
    let destination = Address(IPAddress(v4: 10, 0, 0, 7), port: 6_000)
    func add(_ bytes: [UInt8], _ milliseconds: Double) throws {
      try writer.write(
        bytes.span.bytes, from: source, to: destination,
        at: .seconds((milliseconds + shift) / 1_000), on: interface)
    }
    var report = RTCPWriter()
    report.append(.receiverReport(ReceiverReport(ssrc: ssrc, reports: [])))
    report.append(
      .sourceDescription([SDESChunk(ssrc: ssrc, cname: cname)]))
    for number in 0..<(2 * frames) {
      if number == 2 { try add(report.bytes, 5) }
      guard !missing.contains(number) else { continue }
      let frame = number / 2
      var time = 40.0 * Double(frame) + Double(number % 2) + 1
      if let pause, time >= Double(pause.at) { time += Double(pause.length) }
      try add(packet(number, frame), time)
    }
    try writer.close()
  }

  private func packet(_ number: Int, _ frame: Int) -> [UInt8] {
    var writer = ByteWriter()
    writer.u8(0x80)
    writer.u8(number % 2 == 1 ? 0xE0 : 0x60)
    writer.u16(UInt16(truncatingIfNeeded: number + 1_000))
    writer.u32(UInt32(truncatingIfNeeded: 3_600 * frame))
    writer.u32(ssrc)
    let isStart = number % 2 == 0
    // Descriptor, then the frame tag: a keyframe of 640x360, or a frame that refers to it.
    let head: [UInt8] =
      frame == 0 ? [0x10, 0x02, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01] : [0x11, 0x02, 0]
    writer.append(isStart ? [0x10] + head : [0x00])
    writer.append([UInt8](repeating: payloadByte, count: size))
    return writer.bytes
  }
}

@Suite(.enabled(if: Assay.path != nil, "the executable was not built"))
struct InspectCommand {
  private let folder: Folder

  init() throws { folder = try Folder() }

  private func call(_ name: String = "call.pcapng", _ call: WrittenCall = WrittenCall()) throws
    -> String
  {
    let file = "\(folder.path)/\(name)"
    try call.write(to: file)
    return file
  }

  @Test func aCallWithoutFault() throws {
    let output = try Assay.run("inspect", try call(), "--pt", "96=VP8/90000")
    #expect(output.status == 0, "\(output.log)")
    #expect(output.log.isEmpty)
    #expect(output.text.hasPrefix("✓ "), "\(output.text)")
    #expect(output.text.contains("0x2D1E0D7E"))
    #expect(output.text.contains("100"), "frames")
  }

  /// The first line names the stream, the time of day and the packet.
  @Test func theFirstLineSaysWhatWentWrong() throws {
    let file = try call(
      "frozen.pcapng",
      WrittenCall(missing: Set(50..<90), pause: (at: 1_000, length: 2_000)))
    let output = try Assay.run("inspect", file, "--pt", "96=VP8/90000")
    #expect(output.status == 0, "a report of problems is a report")
    let line = output.text.split(separator: "\n").first.map(String.init) ?? ""
    #expect(line.hasPrefix("✗ "), "\(line)")
    for part in ["0x2D1E0D7E", "froze", "14:32:0", "40 packets lost"] {
      #expect(line.contains(part), "\(line)")
    }
  }

  @Test func jsonIsOneDocument() throws {
    let output = try Assay.run("inspect", try call(), "--format", "json")
    #expect(output.status == 0)
    let json = try JSON(parsing: output.text)
    #expect(json["schema"]?.string == "assay.inspect.v1")
    #expect(json["streams"]?.array?.count == 1)
    #expect(json["streams"]?.array?.first?["packets"]?.integer == 200)
  }

  /// The folder has the page and the figures and nothing else; one that is there is replaced.
  @Test func outIsWholeOrAbsent() throws {
    let out = "\(folder.path)/out"
    #expect(try Assay.run("inspect", try call(), "--out", out).status == 0)
    #expect(folder.list("out") == ["index.html", "result.json"])
    let page = try folder.text("out/index.html")
    #expect(page.contains("0x2D1E0D7E") && page.hasSuffix("</html>\n"))
    let missing = try Assay.run("inspect", "\(folder.path)/none.pcap", "--out", "\(out)2")
    #expect(missing.status == 2)
    #expect(folder.list() == ["call.pcapng", "out"])
  }

  @Test func gzipIsRead() throws {
    let file = try call()
    let output = try Assay.shell("gzip \(file) && \"$ASSAY\" inspect \(file).gz --format json")
    #expect(output.status == 0, "\(output.log)")
    let json = try JSON(parsing: output.text)
    #expect(json["streams"]?.array?.first?["packets"]?.integer == 200)
  }

  @Test func theWindowAndTheStreamAreChosen() throws {
    let file = try call()
    func packets(_ words: String...) throws -> Int64? {
      let output = try Assay.run(["inspect", file, "--format", "json"] + words)
      let json = try JSON(parsing: output.text)
      return json["streams"]?.array?.first?["packets"]?.integer
    }
    #expect(try packets("--from", "2s") == 100)
    #expect(try packets("--from", "14:32:01", "--to", "14:32:02") == 50)
    #expect(try packets("--ssrc", "0x2d1e0d7e") == 200)
    #expect(try packets("--ssrc", "756944254") == 200)
  }

  // MARK: - Exit code 2: the file

  @Test func filesThatAreNoCaptures() throws {
    let rows: [(name: String, bytes: Data, says: [String])] = [
      ("empty.pcap", Data(), ["the file is empty", "Assay reads pcap"]),
      ("notes.txt", Data("Dear support,\n".utf8), ["none of pcap", "Assay reads pcap"]),
      ("short.pcap", Data([0xD4, 0xC3, 0xB2, 0xA1, 2, 0]), ["short.pcap"]),
    ]
    for row in rows {
      let file = try folder.write(row.name, row.bytes)
      let output = try Assay.run("inspect", file)
      #expect(output.status == 2, "\(row.name)")
      #expect(output.text.isEmpty)
      #expect(output.log.hasPrefix("assay inspect: \(file)"), "\(output.log)")
      for part in row.says { #expect(output.log.contains(part), "\(output.log)") }
    }
    let output = try Assay.run("inspect", "\(folder.path)/absent.pcapng")
    #expect(output.status == 2)
    #expect(output.log.contains("No such file"), "\(output.log)")
    #expect(try Assay.run("inspect", folder.path).status == 2, "a folder")
  }

  /// A cut file names the packet and what to do; `--partial` does it.
  @Test func aTruncatedFile() throws {
    let file = try call()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    let cut = try folder.write("cut.pcapng", bytes.prefix(bytes.count - 300))
    let output = try Assay.run("inspect", cut)
    #expect(output.status == 2)
    #expect(output.log.contains("cut.pcapng: packet 201: the file ends within"), "\(output.log)")
    #expect(output.log.contains("Packets 1 to 200 are readable: add --partial"), "\(output.log)")
    let partial = try Assay.run("inspect", cut, "--partial")
    #expect(partial.status == 0)
    #expect(partial.text.contains("cannot be read beyond here"), "\(partial.text)")
  }

  /// A block of a length no packet has.
  @Test func anAbsurdLength() throws {
    let file = try call()
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    bytes += Data([6, 0, 0, 0, 0xF0, 0xFF, 0xFF, 0x7F] + [UInt8](repeating: 0, count: 64))
    let output = try Assay.run("inspect", try folder.write("absurd.pcapng", bytes))
    #expect(output.status == 2)
    #expect(output.log.contains("packet 202"), "\(output.log)")
    #expect(output.log.contains("bytes is not possible"), "\(output.log)")
  }

  // MARK: - Exit code 2: the words

  @Test func badFlags() throws {
    let file = try call()
    let rows: [(words: [String], says: String)] = [
      ([], "name one capture"),
      ([file, file], "name one capture"),
      ([file, "--ssrc", "video"], "--ssrc takes 32 bits, such as 0x2D1E0D7E"),
      ([file, "--pt", "VP8"], "--pt takes NUMBER=NAME/CLOCKRATE such as 111=opus/48000"),
      ([file, "--pt", "200=VP8/90000"], "--pt takes"),
      ([file, "--from", "noon"], "--from takes seconds into the capture such as 12.5s"),
      ([file, "--to", "25:00"], "--to takes"),
      ([file, "--sdp", "\(folder.path)/none.sdp"], "no such file"),
      ([file, "--keylog", "\(folder.path)/none.txt"], "none.txt"),
      ([file, "--format", "xml"], "text"),
      ([file, "--keylgo", "x"], "did you mean '--keylog'?"),
    ]
    for row in rows {
      let output = try Assay.run(["inspect"] + row.words)
      #expect(output.status == 2, "\(row.words)")
      #expect(output.text.isEmpty, "\(row.words)")
      #expect(output.log.contains(row.says), "\(row.words): \(output.log)")
    }
    let sdp = try folder.write("bad.sdp", "v=0\r\no=-\r\n")
    let output = try Assay.run("inspect", file, "--sdp", sdp)
    #expect(output.status == 2)
    #expect(output.log.contains("--sdp \(sdp):"), "\(output.log)")
  }

  // MARK: - Exit code 3

  /// A readable file that holds nothing to judge.
  @Test func withoutRTP() throws {
    let file = "\(folder.path)/dns.pcapng"
    let writer = try PcapngWriter(file)
    let interface = try writer.addInterface("eth0")
    for index in 0..<5 {
      let question: [UInt8] = [0x12, UInt8(index), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
      try writer.write(
        question.span.bytes, from: Address(IPAddress(v4: 10, 0, 0, 7), port: 40_000),
        to: Address(IPAddress(v4: 10, 0, 0, 1), port: 53), at: .seconds(Double(index)),
        on: interface)
    }
    try writer.close()
    let output = try Assay.run("inspect", file)
    #expect(output.status == 3)
    #expect(output.text.isEmpty)
    #expect(output.log.contains("no RTP in 5 packets"), "\(output.log)")
    let unknown = try Assay.run("inspect", try call(), "--ssrc", "1")
    #expect(unknown.status == 3)
    #expect(unknown.log.contains("no RTP packet has an SSRC named by --ssrc"))
    let late = try Assay.run("inspect", try call(), "--from", "1000s")
    #expect(late.status == 3)
    #expect(late.log.contains("between --from and --to"), "\(late.log)")
  }

  // MARK: - Hostile text

  /// A CNAME with escape sequences, markup and a workflow command reaches no terminal, page or log.
  @Test func namesAreHostile() throws {
    let name = "\u{1B}[31m<script>alert(1)</script>\n::error::x"
    let file = try call("hostile.pcapng", WrittenCall(cname: name))
    let out = "\(folder.path)/out"
    let output = try Assay.run("inspect", file, "--out", out)
    #expect(output.status == 0, "\(output.log)")
    #expect(!output.text.contains("\u{1B}"))
    #expect(!output.text.contains("\n::error"))
    #expect(!(try folder.text("out/index.html")).contains("<script>alert"))
    let json = try JSON(parsing: try folder.text("out/result.json"))
    #expect(json["streams"]?.array?.first?["cname"]?.string == name)
  }
}
