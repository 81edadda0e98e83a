// Access tokens: vectors of RFC 7515, of LiveKit's SDK and of PyJWT, and everything forged.

import Basics
import Signal
import Testing
import Wire

private let secret = "secret-of-32-characters-or-more!"
private let keys = APIKeys(["APIkey1": secret, "APIkey2": "another secret", "empty": ""])

/// Minted by livekit-api 1.2.2 for Python.
private let liveKitToken =
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYW1lIjoiUmlkZXIgXHUwMGU5Iiwia2luZCI6InN0YW5kYXJkIiwi"
  + "bWV0YWRhdGEiOiJ7XCJzZWF0XCI6NH0iLCJ2aWRlbyI6eyJyb29tQWRtaW4iOnRydWUsInJvb21Kb2luIjp0cnVlLCJy"
  + "b29tIjoiY2xhc3MiLCJjYW5QdWJsaXNoIjp0cnVlLCJjYW5TdWJzY3JpYmUiOmZhbHNlLCJjYW5QdWJsaXNoU291cmNl"
  + "cyI6WyJjYW1lcmEiLCJzY3JlZW5fc2hhcmUiXSwiY2FuVXBkYXRlT3duTWV0YWRhdGEiOnRydWUsImhpZGRlbiI6dHJ1"
  + "ZX0sImF0dHJpYnV0ZXMiOnsic2VhdCI6IjQiLCJsaW5lIjoiVTEifSwic3ViIjoicmlkZXIiLCJpc3MiOiJBUElrZXkx"
  + "IiwibmJmIjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDM2MDB9.Vou2xokOiywNECjshk8yD8H4okH5vWzyBUpjWUr3owU"

/// Encoded by PyJWT 2.15.1; expires at 1700003600.5.
private let pyJWTToken =
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJBUElrZXkxIiwic3ViIjoiYm90IiwiZXhwIjoxNzAwMDAz"
  + "NjAwLjUsInZpZGVvIjp7InJvb21DcmVhdGUiOnRydWUsInJvb21MaXN0Ijp0cnVlfX0."
  + "L6PIJ07sbTNuYzg9c14lAvKKh9oCUyfGd7MsuCNtgWU"

/// Written by us from `AccessTokenTests.full`; livekit-api and PyJWT accepted it.
private let ourToken =
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJBUElrZXkxIiwic3ViIjoidGVhXCJjaGVyIiwibmJmIjox"
  + "NzAwMDAwMDAwLCJleHAiOjE3MDAwMjE2MDAsIm5hbWUiOiJUZWFjaGVyIiwibWV0YWRhdGEiOiJ7fSIsImtpbmQiOiJhZ"
  + "2VudCIsInNoYTI1NiI6IjQ3REVRcGo4SEJTYSsvVEltVys1SkNldVFlUmttNU5NcEpXWkczaFN1RlU9IiwiYXR0cmlidX"
  + "RlcyI6eyJhIjoiMSIsImIiOiIyIn0sInZpZGVvIjp7InJvb21Kb2luIjp0cnVlLCJyZWNvcmRlciI6dHJ1ZSwicm9vbSI"
  + "6ImNsYXNzIMOpIiwiZGVzdGluYXRpb25Sb29tIjoib3RoZXIiLCJjYW5QdWJsaXNoIjpmYWxzZSwiY2FuUHVibGlzaERh"
  + "dGEiOnRydWUsImNhblN1YnNjcmliZU1ldHJpY3MiOmZhbHNlLCJjYW5QdWJsaXNoU291cmNlcyI6WyJtaWNyb3Bob25lI"
  + "l19fQ.vvXnHS35zAUUBKHh0petHu3febHCDGqa9VML2UL0J9Y"

private func verify(
  _ token: String, now: Int64 = 1_700_000_100, leeway: Int64 = 0
) throws(AccessTokenError) -> AccessToken {
  try AccessToken(verifying: token, keys: keys, now: now, leeway: leeway)
}

/// A token with these claims, and perhaps another header.
private func token(_ claims: JSON, header: String? = nil) -> String {
  let signed = JSONWebSignature.sign(claims, with: Array(secret.utf8))
  guard let header else { return signed }
  return Base64URL.encode(header.utf8) + signed.drop { $0 != "." }
}

private func outcome(_ token: String, now: Int64, leeway: Int64) -> AccessTokenError? {
  do throws(AccessTokenError) {
    _ = try verify(token, now: now, leeway: leeway)
    return nil
  } catch {
    return error
  }
}

struct AccessTokenTests {
  @Test func rfc7515A1() throws {
    let text =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"
      + "Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    let key = try #require(
      Base64URL.decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
    let token = try JSONWebSignature.Unverified(text)
    #expect(token.isSigned(with: key))
    #expect(!token.isSigned(with: key.dropLast()) && !token.isSigned(with: []))
    #expect(try JSON(parsing: token.payload)["http://example.com/is_root"]?.bool == true)
  }

  @Test func base64url() {
    // RFC 4648 §10 without padding, and the two characters that are not of plain Base64.
    let vectors = ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"]
    for (count, text) in vectors.enumerated() {
      let bytes = Array("foobar".utf8.prefix(count))
      #expect(Base64URL.encode(bytes) == text && Base64URL.decode(text) == bytes)
    }
    #expect(Base64URL.encode([0xFB, 0xEF, 0xFF]) == "--__")
    for bad in ["Z", "Zg=", "Zg==", "Zh", "Zm9", "+/+/", "Zm 8", "Zm8\n", "Zmé"] {
      #expect(Base64URL.decode(bad) == nil, "\(bad)")
    }
  }

  @Test func tokensOfOthers() throws {
    let token = try verify(liveKitToken)
    #expect(token.apiKey == "APIkey1" && token.identity == "rider" && token.name == "Rider é")
    #expect(token.metadata == #"{"seat":4}"# && token.kind == "standard")
    #expect(token.attributes == ["seat": "4", "line": "U1"])
    #expect(token.notBefore == 1_700_000_000 && token.expires == 1_700_003_600)
    let grant = VideoGrant {
      $0.roomAdmin = true
      $0.roomJoin = true
      $0.room = "class"
      $0.canPublish = true
      $0.canSubscribe = false
      $0.canPublishSources = ["camera", "screen_share"]
      $0.canUpdateOwnMetadata = true
      $0.hidden = true
    }
    #expect(token.video == grant)
    #expect(try token.roomToJoin() == "class")
    let other = try verify(pyJWTToken)
    #expect(other.video.roomCreate && other.video.roomList && other.expires == 1_700_003_600)
    #expect(other.notBefore == nil && !other.video.roomJoin)
  }

  static func full() -> AccessToken {
    var token = AccessToken(
      apiKey: "APIkey1", identity: "tea\"cher", video: .join("class é"), now: 1_700_000_000)
    token.name = "Teacher"
    token.metadata = "{}"
    token.kind = "agent"
    token.attributes = ["b": "2", "a": "1"]
    token.sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    token.video.canPublish = false
    token.video.canPublishData = true
    token.video.canSubscribeMetrics = false
    token.video.canPublishSources = ["microphone"]
    token.video.recorder = true
    token.video.destinationRoom = "other"
    return token
  }

  @Test func roundTrip() throws {
    let token = AccessTokenTests.full()
    let text = try #require(token.signed(with: keys))
    #expect(try verify(text) == token)
    #expect(text == ourToken)
    #expect(token.signed(with: APIKeys([:])) == nil)
  }

  @Test(arguments: [
    "none", "None", "NONE", "nOnE", "hs256", "HS256 ", "Hs256", "HS384", "HS512", "RS256", "ES256",
    "",
  ])
  func otherAlgorithms(name: String) throws {
    for header in ["{\"alg\":\"\(name)\"}", "{\"typ\":\"JWT\",\"alg\":\"\(name)\"}"] {
      let forged = token(["iss": "APIkey1"], header: header)
      #expect(throws: AccessTokenError.badAlgorithm) { try verify(forged) }
      // And without a signature, as `none` would have it.
      let bare = String(forged[...(try #require(forged.lastIndex(of: ".")))])
      #expect(throws: AccessTokenError.badAlgorithm) { try verify(bare) }
    }
  }

  @Test(arguments: [
    "{}", "{\"alg\":null}", "{\"alg\":256}", "{\"alg\":[\"HS256\"]}",
    "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
  ])
  func badHeaders(header: String) {
    let forged = token(["iss": "APIkey1"], header: header)
    #expect(throws: AccessTokenError.badAlgorithm) { try verify(forged) }
  }

  @Test(arguments: [
    "", ".", "..", "...", "a", "a.b", "a.b.c", "e30.e30.", "W10.e30.e30", "e30..e30",
  ])
  func malformed(text: String) {
    #expect(throws: AccessTokenError.self) { try verify(text) }
  }

  @Test(
    arguments: [
      ["iss": "APIkey1", "exp": "soon"], ["iss": "APIkey1", "exp": 1e300], ["iss": 1], [:],
      ["iss": "APIkey1", "nbf": true], ["iss": "APIkey1", "sub": 5],
      ["iss": "APIkey1", "video": 1],
      ["iss": "APIkey1", "video": ["roomJoin": "true"]],
      ["iss": "APIkey1", "video": ["canPublish": 0]], ["iss": "APIkey1", "video": ["room": 7]],
      ["iss": "APIkey1", "video": ["canPublishSources": "camera"]],
      ["iss": "APIkey1", "video": ["canPublishSources": [1]]],
      ["iss": "APIkey1", "attributes": []],
      [], "text",
    ] as [JSON])
  func claimsOfWrongTypes(claims: JSON) {
    #expect(throws: AccessTokenError.malformed) { try verify(token(claims)) }
  }

  @Test func keysThatDoNotExist() throws {
    for key in ["", "APIkey3", "empty"] {
      #expect(throws: AccessTokenError.unknownKey) {
        try verify(token(["iss": .string(key)]))
      }
    }
    // Signed with the secret of another key.
    #expect(throws: AccessTokenError.badSignature) { try verify(token(["iss": "APIkey2"])) }
    let long = token(["iss": "APIkey1", "metadata": .string(String(repeating: "x", count: 20_000))])
    #expect(throws: AccessTokenError.malformed) { try verify(long) }
  }

  static let times: [(leeway: Int64, offset: Int64, outcome: AccessTokenError?)] = [
    (0, -1, .notYetValid), (0, 0, nil), (0, 1, nil), (0, 99, nil), (0, 100, .expired),
    (0, 101, .expired), (60, -61, .notYetValid), (60, -60, nil), (60, -59, nil), (60, 159, nil),
    (60, 160, .expired), (60, 161, .expired),
  ]

  @Test(arguments: times)
  func timeBounds(leeway: Int64, offset: Int64, expected: AccessTokenError?) {
    let start: Int64 = 1_700_000_000
    let text = token(["iss": "APIkey1", "nbf": .integer(start), "exp": .integer(start + 100)])
    #expect(outcome(text, now: start + offset, leeway: leeway) == expected)
  }

  @Test func timesAtTheEndsOfInt64() {
    let always = token(["iss": "APIkey1", "nbf": .integer(.min), "exp": .integer(.max)])
    #expect(outcome(always, now: 0, leeway: 60) == nil)
    #expect(outcome(always, now: .min, leeway: 60) == nil)
    #expect(outcome(always, now: .max, leeway: 0) == .expired)
    let never = token(["iss": "APIkey1", "nbf": .integer(.max), "exp": .integer(.min)])
    #expect(outcome(never, now: .max, leeway: 60) == .expired)
    #expect(outcome(never, now: 0, leeway: 60) == .notYetValid)
    let open = token(["iss": "APIkey1"])
    #expect(outcome(open, now: .max, leeway: 60) == nil)
  }

  @Test func everyFlippedBitIsSeen() {
    let bytes = Array(pyJWTToken.utf8)
    #expect(outcome(pyJWTToken, now: 1_700_000_000, leeway: 0) == nil)
    for bit in 0..<(8 * bytes.count) {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      let text = String(decoding: flipped, as: UTF8.self)
      #expect(outcome(text, now: 1_700_000_000, leeway: 0) != nil, "bit \(bit)")
    }
    for count in 0..<bytes.count {
      let text = String(decoding: bytes[..<count], as: UTF8.self)
      #expect(outcome(text, now: 1_700_000_000, leeway: 0) != nil, "\(count) bytes")
    }
  }

  @Test func otherClaimsUnderTheSameSignature() throws {
    let forged = token(["iss": "APIkey1", "video": ["roomAdmin": true]]).split(separator: ".")
    let genuine = token(["iss": "APIkey1"]).split(separator: ".")
    #expect(throws: AccessTokenError.badSignature) {
      try verify("\(genuine[0]).\(forged[1]).\(genuine[2])")
    }
  }

  @Test func secretsAreNotPrinted() {
    var dumped = ""
    dump(keys, to: &dumped)
    for text in ["\(keys)", String(reflecting: keys), dumped] {
      #expect(!text.contains(secret) && !text.contains("another"))
    }
    for error in AccessTokenError.allCases { #expect(!error.message.isEmpty) }
  }
}

struct VideoGrantTests {
  static let choices: [Bool?] = [nil, true, false]

  @Test(arguments: choices, choices)
  func absentIsTrue(canPublish: Bool?, canPublishData: Bool?) throws {
    for canSubscribe in VideoGrantTests.choices {
      for canUpdate in VideoGrantTests.choices {
        var access = AccessToken(apiKey: "APIkey1", identity: "x", video: .join("r"), now: 0)
        access.video.canPublish = canPublish
        access.video.canPublishData = canPublishData
        access.video.canSubscribe = canSubscribe
        access.video.canUpdateOwnMetadata = canUpdate
        let text = try #require(access.signed(with: keys))
        let grant = try verify(text, now: 1).video
        #expect(grant == access.video)
        #expect(grant.mayPublish == (canPublish != false))
        #expect(grant.maySubscribe == (canSubscribe != false))
        #expect(grant.mayPublishData == (canPublishData ?? (canPublish != false)))
        #expect(grant.mayUpdateOwnMetadata == (canUpdate == true))
        let permission = grant.permission
        #expect(permission.canPublish == grant.mayPublish)
        #expect(permission.canPublishData == grant.mayPublishData)
        #expect(permission.canSubscribe == grant.maySubscribe)
        #expect(permission.canUpdateMetadata == grant.mayUpdateOwnMetadata)
      }
    }
  }

  @Test func sources() {
    var grant = VideoGrant.join("r")
    #expect(TrackSource.allCases.allSatisfy(grant.mayPublish))
    grant.canPublishSources = ["camera", "screen_share_audio", "smell"]
    #expect(TrackSource.allCases.filter(grant.mayPublish) == [.camera, .screenShareAudio])
    #expect(grant.permission.canPublishSources == [.camera, .screenShareAudio])
    grant.canPublishSources = ["smell"]
    #expect(!TrackSource.allCases.contains(where: grant.mayPublish))
    grant.canPublishSources = ["camera"]
    grant.canPublish = false
    #expect(!grant.mayPublish(.camera))
  }

  @Test func rooms() throws {
    var access = AccessToken(apiKey: "k", identity: "x", video: .join("r"), now: 0)
    #expect(try access.roomToJoin() == "r")
    #expect(!access.video.isAdmin(of: "r"))
    access.video.roomAdmin = true
    #expect(access.video.isAdmin(of: "r") && !access.video.isAdmin(of: "s"))
    access.video.room = ""
    #expect(throws: AccessTokenError.emptyRoom) { try access.roomToJoin() }
    access.identity = ""
    #expect(throws: AccessTokenError.emptyIdentity) { try access.roomToJoin() }
    access.video = VideoGrant { $0.roomAdmin = true }
    #expect(throws: AccessTokenError.permissionDenied) { try access.roomToJoin() }
  }
}
