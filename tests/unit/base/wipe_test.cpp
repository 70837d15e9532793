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

// A computation that leaves a number on the stack, and whoever looks for it below its own frame.
constexpr std::size_t depth = 16 * 1024;
constexpr std::uint64_t number = 0x6a09e667f3bcc908;
[[gnu::noinline]] void compute() {
  std::array<volatile std::uint64_t, depth / 2 / sizeof(std::uint64_t)> room;
  for (auto& place : room) place = number;
}
[[gnu::noinline]] __attribute__((no_sanitize("address"))) bool is_left() {
  const auto* place = static_cast<const volatile std::uint64_t*>(__builtin_frame_address(0));
  place -= unwiped_stack / sizeof number;
  for (std::size_t i = 0; i < (depth - unwiped_stack) / sizeof number; ++i) {
    if (*--place == number) return true;
  }
  return false;
}

TEST(Wipe, ClearsWhatACallLeftOnTheStack) {
  compute();
  EXPECT_TRUE(is_left());
  compute();
  wipe_stack(depth);
  EXPECT_FALSE(is_left());
}

}  // namespace
}  // namespace gims
