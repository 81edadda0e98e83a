// What `serve` refuses to browsers and strangers, and what nobody else may read or see.

import Foundation
import TestKit
import Testing

extension ServedTests {
  @Suite(
    .serialized, .enabled(if: Assay.path != nil, "the executable was not built"),
    .enabled(if: Python.has("socket"), "there is no Python"))
  struct SecurityTests {
    private static let network = """
      assay: 1
      duration: 5s
      links: { slow: { rate: 1Mbps } }
      participants: { ada: { link: slow } }

      """

    /// Pages of foreign origins, and names that their DNS points here, with development keys.
    @Test func foreignPagesGetNothing() throws {
      let folder = try Folder()
      let links = try folder.write("links.yaml", Self.network)
      let output = try Assay.serving(
        "--dev --allow-origin https://app.example --network \(links)",
        """
        PYTHONPATH=$PEERS python3 - $port <<'END'
        import sys
        from raw import WebSocket, http, token
        port = int(sys.argv[1])
        own = f"http://127.0.0.1:{port}"
        def stream(origin):
            return WebSocket(port, token(), head=f"Origin: {origin}\\r\\n").status
        for origin in own, "http://localhost:3000", "https://app.example":
            print("own", stream(origin))
        for origin in "https://evil.example", "null", "http://127.0.0.1.evil.example":
            print("foreign", stream(origin))
        def ask(path, head, body=b""):
            return http(port, path + " HTTP/1.1" + head, body)[0]
        change = b'{"identity": "ada", "link": "slow"}'
        print("change", ask("POST /network", "\\r\\nOrigin: https://evil.example", change))
        print("change of ours", ask("POST /network", f"\\r\\nOrigin: {own}", change) != 403)
        path = "GET /api/video/token?room=a&user=b"
        print("rebound", ask(path, "\\r\\nHost: rebound.evil.example"))
        print("token", ask(path, "\\r\\nHost: 127.0.0.1:7880"))
        print("foreign token", ask(path, "\\r\\nOrigin: https://evil.example"))
        END
        """)
      let lines = output.text.split(separator: "\n")
      #expect(lines.count { $0 == "own 101" } == 3, "\(output.text)\(output.log)")
      #expect(lines.count { $0 == "foreign 403" } == 3)
      for line in [
        "change 403", "change of ours True", "rebound 403", "token 200", "foreign token 403",
      ] {
        #expect(lines.contains { $0 == line }, "\(line)\n\(output.text)")
      }
    }

    @Test func weakSecretsAndEndlessTokens() throws {
      let output = try Assay.shell(
        """
        export LIVEKIT_API_KEY=key LIVEKIT_API_SECRET=x
        "$ASSAY" serve --port 0 --udp-port 0; echo "one byte: $?"
        export LIVEKIT_API_SECRET=a-secret-of-some-length
        coproc server { exec "$ASSAY" serve --port 0 --udp-port 0; }
        pid=$server_PID
        read -r line <&${server[0]}
        port=$(sed -E 's/.*ws:..127.0.0.1:([0-9]+).*/\\1/' <<<"$line")
        PYTHONPATH=\(Assay.root)/Tests/Peers python3 - $port <<'END'
        import sys
        from raw import WebSocket, fields, http, member, token, varint
        port = int(sys.argv[1])
        path = "GET /rtc/validate?access_token="
        print("endless", http(port, path + token(exp=None) + " HTTP/1.1"))
        eve, ben = WebSocket(port, token("eve")), WebSocket(port, token("ben"))
        eve.until(1), ben.until(1)
        # SimulateScenario with speaker_update.
        eve.send(member(13, varint(1, 3)))
        ben.sock.settimeout(1)
        heard = []
        while (message := ben.receive()) is not None:
            heard += fields(message)[:1]
        print("speakers", 10 in heard)
        END
        kill -TERM $pid
        wait $pid
        """)
      #expect(output.text.contains("one byte: 2\n"), "\(output.text)\(output.log)")
      #expect(output.log.contains("has 1 bytes") && output.log.contains("openssl rand"))
      #expect(output.log.contains("has 23 bytes; use 32"))
      #expect(output.text.contains("endless (401, 'invalid token: it never expires (exp)')"))
      #expect(output.text.contains("speakers False\n"))
    }

    /// Refusals are logged a few times a second, and never at their length.
    @Test func refusalsFillNoLog() throws {
      let output = try Assay.serving(
        "--dev",
        """
        PYTHONPATH=$PEERS python3 - $port <<'END'
        import sys
        from raw import WebSocket
        for number in range(400):
            WebSocket(int(sys.argv[1]), "a.b.c" + "x" * 8000)
        END
        """)
      let lines = output.log.split(separator: "\n").filter { $0.contains("request refused") }
      #expect(lines.count >= 50 && lines.count < 250, "\(lines.count)")
      #expect(output.log.utf8.count < 60_000)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
    func servesOverTLS() throws {
      let folder = try Folder()
      let output = try Assay.shell(
        """
        cd \(folder.path)
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem \
          -out cert.pem -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
        "$ASSAY" serve --dev --tls-cert cert.pem; echo "half: $?"
        "$ASSAY" serve --dev --tls-cert key.pem --tls-key key.pem; echo "no certificate: $?"
        coproc server { exec "$ASSAY" serve --dev --port 0 --udp-port 0 --tls-cert cert.pem \
          --tls-key key.pem; }
        pid=$server_PID
        read -r line <&${server[0]}
        echo "$line"
        port=$(sed -E 's/.*wss:..127.0.0.1:([0-9]+).*/\\1/' <<<"$line")
        PYTHONPATH=\(Assay.root)/Tests/Peers python3 - $port <<'END'
        import json, ssl, sys, urllib.request
        import raw
        port = int(sys.argv[1])
        context = ssl.create_default_context(cafile="cert.pem")
        url = f"https://127.0.0.1:{port}/api/video/token?room=algebra&user=ada"
        answer = json.load(urllib.request.urlopen(url, context=context))
        print("token for", answer["url"].split(":")[0])
        plain = raw.socket.socket
        raw.socket.socket = lambda: context.wrap_socket(plain(), server_hostname="127.0.0.1")
        room = raw.WebSocket(port, answer["token"])
        print("joined", room.status, room.until(1) is not None)
        END
        kill -TERM $pid
        wait $pid
        """)
      #expect(output.text.contains("half: 2\n") && output.text.contains("no certificate: 2\n"))
      #expect(output.text.contains("listening on wss://127.0.0.1:"), "\(output.log)")
      #expect(output.text.contains("token for wss\n"), "\(output.log)")
      #expect(output.text.contains("joined 101 True\n"), "\(output.log)")
    }

    @Test func beyondLoopbackIsSaid() throws {
      let output = try Assay.shell(
        """
        coproc server { exec "$ASSAY" serve --dev --listen 0.0.0.0 --port 0 --udp-port 0; }
        pid=$server_PID
        read -r line <&${server[0]}
        kill -TERM $pid
        wait $pid
        """)
      #expect(output.log.contains("everybody who reaches it may join any room"))
      #expect(output.log.contains("without --tls-cert"))
    }

    @Test func capturesAreTheirOwnersAlone() throws {
      let folder = try Folder()
      _ = try folder.write("capture/packets.pcapng", "of an earlier run")
      let output = try Assay.shell(
        """
        cd \(folder.path)
        umask 022
        coproc server { exec "$ASSAY" serve --dev --port 0 --udp-port 0 --pcap capture; }
        pid=$server_PID
        read -r line <&${server[0]}
        stat -c 'mode %a' capture/*
        kill -TERM $pid
        wait $pid
        """)
      #expect(output.text.split(separator: "\n").count { $0 == "mode 600" } == 2, "\(output.log)")
    }

    // MARK: - Scenarios of others

    @Test func includeReadsNoOtherFiles() throws {
      let folder = try Folder()
      let scenario = "assay: 1\nduration: 5s\nparticipants: { a: {} }\n"
      _ = try folder.write("notes.txt", "the password of the week\n")
      let elsewhere = try Folder()
      let outside = try elsewhere.write("outside.yaml", "the password of the week: 1\n")
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path)/link.yaml", withDestinationPath: "/etc/passwd")
      for (index, name) in ["/etc/passwd", "notes.txt", "link.yaml", outside].enumerated() {
        let file = try folder.write("\(index).yaml", "include: ['\(name)']\n" + scenario)
        let output = try Assay.run("validate", file)
        #expect(output.status == 2)
        #expect(!(output.log + output.text).contains("root:"))
        #expect(!(output.log + output.text).contains("password"))
      }
    }

    @Test(arguments: [
      #""a\nb": {}"#, #""a\eb": {}"#, #"a: { link: "x\ny" }"#, "\"a\u{202E}b\": {}",
    ])
    func namesHaveNoControlCharacters(participant: String) throws {
      let folder = try Folder()
      let file = try folder.write(
        "a.yaml", "assay: 1\nduration: 5s\nparticipants:\n  \(participant)\n")
      let output = try Assay.run("validate", file)
      #expect(output.status == 2)
      #expect(output.log.contains("a.yaml:4:"), "\(output.log)")
      let isPlain = output.log.unicodeScalars.allSatisfy { scalar in
        scalar == "\n" || scalar.properties.generalCategory != .control
      }
      #expect(isPlain && output.log.split(separator: "\n").count <= 2)
    }
  }
}
