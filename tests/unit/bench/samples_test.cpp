#include "bench/load/samples.hpp"

#include <gtest/gtest.h>

namespace gims::bench {
namespace {

using std::chrono::nanoseconds;

// 1 to `count`, the largest first.
Samples up_to(int count) {
  Samples samples;
  for (int i = count; i > 0; --i) samples.add(nanoseconds(i));
  return samples;
}

TEST(Samples, APercentileIsTheSampleAtTheNearestRank) {
  // Of 1 to 100, p percent are at or below p.
  Samples hundred = up_to(100);
  for (int percent = 1; percent <= 100; ++percent) {
    EXPECT_EQ(hundred.percentile(percent), nanoseconds(percent));
  }
  // Of five, the third is the median, and from 80 % on it takes the fifth.
  Samples five = up_to(5);
  EXPECT_EQ(five.percentile(50), nanoseconds(3));
  EXPECT_EQ(five.percentile(80), nanoseconds(4));
  EXPECT_EQ(five.percentile(80.1), nanoseconds(5));
  EXPECT_EQ(five.percentile(0.001), nanoseconds(1));
}

TEST(Samples, OneSampleIsEveryPercentileAndNoneIsZero) {
  Samples one = up_to(1);
  EXPECT_EQ(one.percentile(1), nanoseconds(1));
  EXPECT_EQ(one.percentile(99), nanoseconds(1));
  EXPECT_EQ(Samples().percentile(50), nanoseconds(0));
}

TEST(Samples, WhatIsAddedAfterAnAnswerCounts) {
  Samples samples = up_to(3);
  EXPECT_EQ(samples.percentile(100), nanoseconds(3));
  samples.add(nanoseconds(0));
  EXPECT_EQ(samples.percentile(1), nanoseconds(0));
  EXPECT_EQ(samples.size(), 4U);
}

TEST(Samples, Milliseconds) {
  Samples samples;
  samples.add(std::chrono::microseconds(1500));
  EXPECT_DOUBLE_EQ(samples.percentile_ms(50), 1.5);
}

}  // namespace
}  // namespace gims::bench
