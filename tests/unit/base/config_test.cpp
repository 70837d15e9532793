#include "base/config.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gims {
namespace {

using namespace std::chrono_literals;

Config parsed(std::string_view toml) {
  auto config = Config::parse(toml, "keyd.toml");
  EXPECT_TRUE(config) << config.error().text;
  return std::move(*config);
}

std::string problems(Config& config) {
  const auto finished = config.finish();
  return finished ? "" : finished.error().text;
}

TEST(Config, GivesWhatTheFileHolds) {
  Config config = parsed(
      "name = \"gims.internal\"\n"
      "[limits]\nconnections = 64\nwait = \"90s\"\nbody = \"2MiB\"\nraw = 100\nopen = true\n"
      "mode = \"slow\"\nsocket = \"/run/gims/keyd\"\nusers = [\"a\", \"b\"]\n");
  EXPECT_EQ(config.text("name"), "gims.internal");
  EXPECT_EQ(config.integer("limits.connections", {.least = 1, .most = 64}), 64);
  EXPECT_EQ(config.duration("limits.wait", 1s, 1s, 5min), 90s);
  EXPECT_EQ(config.size("limits.body", 1, 1, 1U << 30U), 2U << 20U);
  EXPECT_EQ(config.size("limits.raw", 1, 1, 1000), 100U);
  EXPECT_TRUE(config.boolean("limits.open", false));
  EXPECT_EQ(config.choice("limits.mode", "fast", {"fast", "slow"}), "slow");
  EXPECT_EQ(config.path("limits.socket"), "/run/gims/keyd");
  EXPECT_EQ(config.texts("limits.users", 1, 4), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(problems(config), "");
}

TEST(Config, GivesTheFallbackOfWhatIsNotThere) {
  Config config = parsed("");
  EXPECT_FALSE(config.has("name"));
  EXPECT_EQ(config.text("name", "x"), "x");
  EXPECT_EQ(config.integer("n", 7, {.least = 1, .most = 9}), 7);
  EXPECT_EQ(config.duration("d", 3s, 1s, 5s), 3s);
  EXPECT_EQ(config.size("s", 9, 1, 10), 9U);
  EXPECT_TRUE(config.boolean("b", true));
  EXPECT_EQ(config.choice("c", "fast", {"fast", "slow"}), "fast");
  EXPECT_TRUE(config.texts("t", 0, 4).empty());
  EXPECT_EQ(config.tables("listen", 3), 0U);
  EXPECT_EQ(problems(config), "");
}

TEST(Config, AProblemNamesFileLineColumnKeyAndWhatIsAllowed) {
  Config config = parsed("\nconnections = 65\n");
  EXPECT_EQ(config.integer("connections", 8, {.least = 1, .most = 64}), 8);
  EXPECT_EQ(problems(config), "keyd.toml:2:15: connections: must be a whole number from 1 to 64");
}

TEST(Config, EveryProblemIsToldInTheOrderOfTheFile) {
  Config config = parsed("a = 1\nb = \"x\"\nc = 3\n");
  static_cast<void>(config.integer("b", 1, {.least = 0, .most = 1}));
  static_cast<void>(config.text("a"));
  static_cast<void>(config.path("d"));
  const std::string told = problems(config);
  EXPECT_EQ(told,
            "keyd.toml: d: is missing; it must be an absolute path without \"..\"\n"
            "keyd.toml:1:5: a: must be a text of 1 to 1024 bytes\n"
            "keyd.toml:2:5: b: must be a whole number from 0 to 1\n"
            "keyd.toml:3:5: c: is not known; there can be a, b, d");
}

TEST(Config, UnknownKeysAreFoundInEveryTable) {
  Config config = parsed("[tpm]\nlimt = 1\n[[listen]]\nport = 1\nprot = 2\n[empty]\n");
  EXPECT_EQ(config.tables("listen", 2), 1U);
  EXPECT_EQ(config.integer("listen[0].port", {.least = 1, .most = 65535}), 1);
  const std::string told = problems(config);
  EXPECT_NE(told.find("tpm.limt: is not known"), std::string::npos) << told;
  EXPECT_NE(told.find("listen[0].prot: is not known"), std::string::npos) << told;
  EXPECT_NE(told.find("empty: is not known"), std::string::npos) << told;
  EXPECT_EQ(told.find("port: "), std::string::npos) << told;
}

TEST(Config, AnUnknownKeyIsToldWithThoseThatCouldBeInItsPlace) {
  Config config = parsed(
      "[limits]\nconections = 1\n[tmp]\nlimit = 2\n[[listen]]\nprot = 3\n[limits.deep]\nx = 4\n");
  static_cast<void>(config.integer("limits.connections", 1, {.least = 1, .most = 2}));
  static_cast<void>(config.integer("limits.handshakes", 1, {.least = 1, .most = 2}));
  EXPECT_EQ(config.tables("listen", 2), 1U);
  static_cast<void>(config.integer("listen[0].port", 1, {.least = 1, .most = 2}));
  EXPECT_EQ(problems(config),
            "keyd.toml:2:14: limits.conections: is not known; there can be connections, handshakes "
            "in limits\n"
            "keyd.toml:4:9: tmp.limit: is not known; there can be limits, listen\n"
            "keyd.toml:6:8: listen[0].prot: is not known; there can be port in listen[0]\n"
            "keyd.toml:8:5: limits.deep.x: is not known; there can be connections, handshakes in "
            "limits");
}

TEST(Config, AKeyInQuotesWithADotIsNotTheKeyOfATable) {
  Config config =
      parsed("\"limits.connections\" = 5\n[limits]\n\"a.b\" = 1\n\"connections\" = 6\n");
  EXPECT_EQ(config.integer("limits.connections", 1, {.least = 1, .most = 9}), 6);
  EXPECT_EQ(problems(config),
            "keyd.toml:1:24: \"limits.connections\": is not known; there can be limits\n"
            "keyd.toml:3:9: limits.\"a.b\": is not known; there can be connections in limits");
}

TEST(Config, WrongValuesAreRefused) {
  struct Case {
    const char* toml;
    void (*ask)(Config&);
  };
  const Case cases[] = {
      {"k = \"\"", [](Config& c) { static_cast<void>(c.text("k")); }},
      {"k = \"relative\"", [](Config& c) { static_cast<void>(c.path("k")); }},
      {"k = \"/a/../b\"", [](Config& c) { static_cast<void>(c.path("k")); }},
      {"k = \"10\"", [](Config& c) { static_cast<void>(c.duration("k", 1s, 1s, 60s)); }},
      {"k = \"10 s\"", [](Config& c) { static_cast<void>(c.duration("k", 1s, 1s, 60s)); }},
      {"k = 10", [](Config& c) { static_cast<void>(c.duration("k", 1s, 1s, 60s)); }},
      {"k = \"61s\"", [](Config& c) { static_cast<void>(c.duration("k", 1s, 1s, 60s)); }},
      {"k = \"99999999999999999999s\"",
       [](Config& c) { static_cast<void>(c.duration("k", 1s, 1s, 60s)); }},
      {"k = \"18446744073709551615d\"",
       [](Config& c) { static_cast<void>(c.duration("k", 1s, 1s, 60s)); }},
      {"k = -1", [](Config& c) { static_cast<void>(c.size("k", 1, 0, 9)); }},
      {"k = \"5MB\"", [](Config& c) { static_cast<void>(c.size("k", 1, 0, 1U << 30U)); }},
      {"k = 1", [](Config& c) { static_cast<void>(c.boolean("k", false)); }},
      {"k = \"medium\"", [](Config& c) { static_cast<void>(c.choice("k", "a", {"a", "b"})); }},
      {"k = [\"a\", \"a\"]", [](Config& c) { static_cast<void>(c.texts("k", 0, 4)); }},
      {"k = [\"a\", 1]", [](Config& c) { static_cast<void>(c.texts("k", 0, 4)); }},
      {"k = []", [](Config& c) { static_cast<void>(c.texts("k", 1, 4)); }},
      {"k = [\"a\", \"b\"]", [](Config& c) { static_cast<void>(c.texts("k", 0, 1)); }},
      {"k = 1", [](Config& c) { static_cast<void>(c.tables("k", 1)); }},
      {"k = 1", [](Config& c) { c.refuse("k", "another number"); }},
  };
  for (const Case& wrong : cases) {
    Config config = parsed(wrong.toml);
    wrong.ask(config);
    const std::string told = problems(config);
    EXPECT_TRUE(told.starts_with("keyd.toml:1:")) << wrong.toml << ": " << told;
    EXPECT_NE(told.find(": must be "), std::string::npos) << wrong.toml << ": " << told;
  }
}

TEST(Config, ARuleDecidesOnTexts) {
  const Config::TextRule rule{
      .most = 4, .good = [](std::string_view t) { return t != "no"; }, .allowed = "not no"};
  Config config = parsed("a = \"no\"\nb = \"yes\"\nc = \"longer\"\n");
  EXPECT_EQ(config.text("a", "x", rule), "x");
  EXPECT_EQ(config.text("b", "x", rule), "yes");
  EXPECT_EQ(config.text("c", "x", rule), "x");
  const std::string told = problems(config);
  EXPECT_NE(told.find("keyd.toml:1:5: a: must be not no"), std::string::npos) << told;
  EXPECT_NE(told.find("keyd.toml:3:5: c: "), std::string::npos) << told;
}

TEST(Config, WhatIsNoTomlNamesItsLine) {
  const auto config = Config::parse("a = 1\nb == 2\n", "keyd.toml");
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().text.starts_with("keyd.toml:2:")) << config.error().text;
  EXPECT_FALSE(Config::parse("a = 1\na = 2\n", "keyd.toml"));
}

TEST(Config, AFileThatIsNotThereIsNamed) {
  const auto config = Config::load("/nowhere/keyd.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().text, "/nowhere/keyd.toml: No such file or directory");
  EXPECT_FALSE(Config::load("/proc"));
}

}  // namespace
}  // namespace gims
