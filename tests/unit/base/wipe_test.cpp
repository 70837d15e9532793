#include "base/wipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace gims {
namespace {

using testing::ElementsAre;

TEST(Wipe, ClearsThePartThatIsNamedAndNoMore) {
  std::array<std::uint8_t, 4> bytes{1, 2, 3, 4};
  wipe(std::span(bytes).subspan(1, 2));
  EXPECT_THAT(bytes, ElementsAre(1, 0, 0, 4));
  wipe({});
}

TEST(Wipe, ClearsAnObjectToItsEnd) {
  struct Key {
    std::uint16_t size;
    std::array<std::uint8_t, 6> bytes;
  } key{.size = 6, .bytes = {1, 2, 3, 4, 5, 6}};
  wipe_object(key);
  EXPECT_EQ(key.size, 0U);
  EXPECT_THAT(key.bytes, testing::Each(0));
}

}  // namespace
}  // namespace gims
