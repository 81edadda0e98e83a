// What a server on the open network gets to see, and that its secrets are seen nowhere.

import Foundation
import TestKit
import Testing

extension ServedTests {
  @Suite(
    .serialized, .enabled(if: Assay.path != nil, "the executable was not built"),
    .enabled(if: Python.has("socket"), "there is no Python"))
  struct HostileTests {
    @Test func theRoomNoticesNothing() throws {
      let output = try Assay.serving(
        "--dev", #"timeout -k 5 150 python3 "$PEERS/hostile.py" $port 10000"#)
      let invalid = "invalid token, error: go-jose/go-jose"
      for line in [
        "token: wrong secret 401 401 \(invalid): error in cryptographic primitive",
        "token: unknown key 401 401 invalid API key",
        "token: expired 401 401 \(invalid)/jwt: validation failed, token is expired (exp)",
        "token: not yet valid 401 401 \(invalid)/jwt: validation failed, token not valid yet (nbf)",
        "token: alg none 401 401 invalid authorization token",
        "token: no right to join 401 401 permissions denied", "token: no room 401 401 no room name",
        "token: no identity 401 401 identity cannot be empty",
        "token: no token 401 401 permissions denied",
        "token: garbage 401 401 invalid authorization token",
        #"token: of another room 403 {"code":"permission_denied","msg":"permissions denied"}"#,
        "whip: 401", "request: 'GET /nope HTTP/1.1' 404", "request: 'GET /rtc HTTP/1.1' 404",
        "request: 'DELETE /healthz HTTP/1.1' 404", "request: 'BREW /rtc HTTP/1.1' 400",
        #"request: '\x00\x01\x02' 400"#, "message: garbage leave closed 1000",
        "message: three megabytes no leave closed 1009",
        "message: malformed offer leave closed 1000",
        "message: empty offer leave closed 1000", "message: malformed candidates alive",
        "slow reader: others alive True", "slow reader: closed lost", "ended with 0",
      ] {
        #expect(output.text.contains(line + "\n"), "\(line)\n\(output.log)")
      }
      let held = output.text.split(separator: "\n").first { $0.hasPrefix("half-open: ") } ?? ""
      #expect(held.hasSuffix(" joined True in time True"), "\(held)")
      for attack in [
        "refuse_tokens", "refuse_requests", "refuse_messages", "starve_a_slow_reader",
        "hold_connections",
      ] {
        #expect(output.text.contains("bystander after \(attack) True\n"))
      }
    }

    /// A key, a secret and a token, planted where they belong, turn up nowhere else.
    @Test func secretsAreSeenNowhere() throws {
      let folder = try Folder()
      let output = try Assay.shell(
        """
        export LIVEKIT_API_KEY=canaryKey7f3 LIVEKIT_API_SECRET=canarySecret91c
        cd \(folder.path)
        token=$("$ASSAY" token create --identity ada --room algebra)
        echo "$token" >token
        coproc server { exec "$ASSAY" serve --port 0 --udp-port 0 --pcap capture 2>log; }
        pid=$server_PID
        read -r line <&${server[0]}
        port=$(sed -E 's/.*ws:..127.0.0.1:([0-9]+).*/\\1/' <<<"$line")
        {
          echo "$line"
          PYTHONPATH=\(Assay.root)/Tests/Peers python3 - $port $token <<'END'
        import sys
        import raw
        port, token = int(sys.argv[1]), sys.argv[2]
        room = raw.WebSocket(port, token)
        room.until(1)
        for path in "/", "/healthz", "/metrics", "/rtc/validate", "/rtc?access_token=" + token:
            print(raw.http(port, f"GET {path} HTTP/1.1"))
        print(raw.http(port, "GET /rtc/validate?access_token=x" + token + " HTTP/1.1"))
        room.send(b"\\xff" * 9 + token.encode())
        room.until(8)
        print(raw.http(port, "POST /whip/v1 HTTP/1.1\\r\\nAuthorization: Bearer " + token))
        END
          kill -TERM $pid
          wait $pid
          "$ASSAY" serve --port 99999999 --keys <(echo "canaryKey7f3 canarySecret91c")
          "$ASSAY" serve --port 99999999
          "$ASSAY" token inspect "$token"
          "$ASSAY" token inspect "x$token"
        } >output 2>&1
        """)
      #expect(output.status != 127)
      let token = try folder.text("token").trimmingCharacters(in: .whitespacesAndNewlines)
      #expect(token.count > 100)
      #expect(folder.list("capture") == ["media-clear.pcapng", "packets.pcapng"])
      #expect(try folder.text("output").contains("(200, 'OK')"))
      for name in ["output", "log"] + folder.files(below: "capture") {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(name)"))
        // `token inspect` names the key it was asked about.
        let secrets = ["canarySecret91c", token] + (name == "output" ? [] : ["canaryKey7f3"])
        for secret in secrets {
          #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret.prefix(9)) in \(name)")
        }
      }
    }
  }
}
