// Real pictures through the whole stack: libvpx decodes every frame, through every switch, loss and
// repair, and the picture's own number tells that it is the right one.

import Results
import Testing

@testable import Lab
@testable import Scenario

@Suite struct RealPictures {
  private static func scenario(codec: String, mutant: String = "", psnr: String = "25dB") -> String
  {
    """
    assay: 1
    name: pictures
    duration: 12s
    links:
      home: { rate: 20Mbps, delay: 10ms }
      bad: { rate: 3Mbps, delay: 25ms, loss: 3% }
    participants:
      painter:
        link: home
        publish: [camera]
        camera:
          codec: \(codec)
          encoder: libvpx
          temporalLayers: \(codec == "vp8" ? 3 : 1)
          layers:
            - { height: 90p, fps: 15fps, bitrate: 80kbps }
            - { height: 180p, fps: 15fps, bitrate: 160kbps }
      near: { link: home, tags: [viewer] }
      far: { link: bad, tags: [viewer] }
    events:
      - { at: 4s, participant: near, do: view, of: painter, size: 90p }
      - { at: 7s, participant: near, do: view, of: painter, size: 180p }
    expect:
      - { id: sharp, of: tag:viewer, metric: assay.psnr, stat: p10, over: \(psnr) }
      - { id: similar, of: tag:viewer, metric: assay.ssim, stat: p10, over: 0.8 }
      - { id: decoded, of: tag:viewer, metric: assay.decodeErrors, equals: 0 }
      - { id: switched, of: near, metric: assay.layerSwitches, stat: last, atLeast: 2 }
    """
  }

  @Test(arguments: ["vp8", "vp9"])
  func everyFrameIsDecodedAndIsTheRightOne(_ codec: String) throws {
    let result = try run(Self.scenario(codec: codec))
    #expect(result.verdict == .pass, "\(result.failed)")
    #expect(result.pictures.map(\.height) == [90, 180])
    #expect(result.pictures.allSatisfy { $0.pictures > 5 && $0.psnr > 25 && $0.ssim > 0.8 })
  }

  @Test func qualityThatNobodyCanReachFails() throws {
    let result = try run(Self.scenario(codec: "vp8", psnr: "59dB"))
    #expect(result.failed == ["sharp"])
  }

  @Test func aModelHasNoVP9() {
    let text = Self.scenario(codec: "vp9").replacing("encoder: libvpx", with: "encoder: model")
    #expect(throws: (any Error).self) {
      try ScenarioFile.parse(Array(text.utf8), file: "test.yaml")
    }
  }
}
