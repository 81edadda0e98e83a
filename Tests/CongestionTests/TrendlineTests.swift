// Expectations of libwebrtc's trendline_estimator_unittest.cc.
import Basics
import Congestion
import Testing

@Test func delayThatGrowsIsOveruse() { #expect(TrendlineEstimator().state == .normal) }
