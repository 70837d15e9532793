#include "base/seldom.hpp"

#include <gtest/gtest.h>

namespace gims {
namespace {

TEST(Seldom, IsDueOnceAMinute) {
  using namespace std::chrono_literals;
  Seldom seldom;
  const std::chrono::steady_clock::time_point start(5s);
  EXPECT_TRUE(seldom.due(start));
  EXPECT_FALSE(seldom.due(start));
  EXPECT_FALSE(seldom.due(start + 59s));
  EXPECT_TRUE(seldom.due(start + 60s));
  EXPECT_FALSE(seldom.due(start + 61s));
}

}  // namespace
}  // namespace gims
