#include "crypto/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace gims::crypto {
namespace {

TEST(Random, MakesIdentifiersOfTheirForm) {
  EXPECT_EQ(random_device_id().size(), 10U);
  EXPECT_TRUE(std::ranges::all_of(random_device_id(), [](char c) { return c >= 'A' && c <= 'Z'; }));
  EXPECT_EQ(random_media_id().size(), 24U);
  const std::string room = random_room_id("gims.internal");
  EXPECT_TRUE(room.starts_with('!') && room.ends_with(":gims.internal"));
  EXPECT_EQ(room.size(), 1 + 18 + 1 + std::string_view("gims.internal").size());
  const Redacted token = random_token("gims_at_");
  EXPECT_TRUE(token.reveal().starts_with("gims_at_"));
  const auto bits = from_base64(token.reveal().substr(8), Alphabet::url_safe);
  EXPECT_TRUE(bits && bits->size() == 32);
}

TEST(Random, DoesNotRepeatItself) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_media_id());
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Random, UsesTheWholeAlphabet) {
  const std::string text = random_alphanumeric(10'000);
  EXPECT_EQ(std::set<char>(text.begin(), text.end()).size(), 62U);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random_below(7), 7U);
}

}  // namespace
}  // namespace gims::crypto
