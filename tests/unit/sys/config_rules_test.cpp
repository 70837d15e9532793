#include "sys/config_rules.hpp"

#include <gtest/gtest.h>

namespace gims::sys {
namespace {

Config parse(const std::string& toml) {
  auto config = Config::parse(toml, "test.toml");
  EXPECT_TRUE(config);
  return std::move(*config);
}

TEST(ConfigRules, AUserIsOneOfThisSystemOrANumber) {
  for (const char* user : {"root", "0", "64999"}) {
    Config config = parse("user = \"" + std::string(user) + "\"");
    EXPECT_EQ(config.text("user", user_rule()), user);
    EXPECT_TRUE(config.finish()) << user;
  }
  for (const char* user : {"no user of this name", "-1", "rootroot0"}) {
    Config config = parse("user = \"" + std::string(user) + "\"");
    static_cast<void>(config.text("user", user_rule()));
    EXPECT_FALSE(config.finish()) << user;
  }
}

// unix(7): sun_path has 108 bytes, one of them for the zero at its end.
TEST(ConfigRules, ASocketsPathFitsIntoItsAddress) {
  const std::string longest = "/" + std::string(106, 's');
  Config fits = parse("socket = \"" + longest + "\"");
  EXPECT_EQ(socket_path(fits, "socket"), longest);
  EXPECT_TRUE(fits.finish());
  Config too_long = parse("socket = \"" + longest + "s\"");
  static_cast<void>(socket_path(too_long, "socket"));
  const auto refused = too_long.finish();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("107"), std::string::npos) << refused.error().text;
}

}  // namespace
}  // namespace gims::sys
