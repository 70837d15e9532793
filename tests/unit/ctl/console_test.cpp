#include "ctl/console.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace gims::ctl {
namespace {

using Words = std::vector<std::string>;

TEST(ConsoleWords, ArePartedByBlanksAndQuotations) {
  EXPECT_EQ(words_of("").value(), Words());
  EXPECT_EQ(words_of(" \t ").value(), Words());
  EXPECT_EQ(words_of("  user\tlist ").value(), (Words{"user", "list"}));
  EXPECT_EQ(words_of(R"(user add x --display-name "Asha \"A\" \\ Rao")").value(),
            (Words{"user", "add", "x", "--display-name", R"(Asha "A" \ Rao)"}));
  EXPECT_EQ(words_of(R"(a"b c"d "")").value(), (Words{"ab cd", ""}));
}

TEST(ConsoleWords, MeanNothingButThemselves) {
  EXPECT_EQ(
      words_of("status; $(sh) `sh` | sh > /tmp/x & * ~ 'a b'").value(),
      (Words{"status;", "$(sh)", "`sh`", "|", "sh", ">", "/tmp/x", "&", "*", "~", "'a", "b'"}));
}

TEST(ConsoleWords, WhatIsNoLineIsRefused) {
  for (const std::string_view line :
       {R"(user "add)", R"("\)", R"("\n")", "a\x1b[2Jb", "a\rb", "a\x7f"}) {
    EXPECT_FALSE(words_of(line)) << line;
  }
  EXPECT_FALSE(words_of(std::string("a\0b", 3)));
}

TEST(ConsoleWords, HaveTheirBounds) {
  EXPECT_TRUE(words_of(std::string(longest_line, 'a')));
  EXPECT_FALSE(words_of(std::string(longest_line + 1, 'a')));
  std::string words;
  for (std::size_t i = 0; i < most_words; ++i) words += "a ";
  EXPECT_EQ(words_of(words).value().size(), most_words);
  EXPECT_FALSE(words_of(words + "a"));
}

class Console : public ::testing::Test {
 protected:
  void type(std::deque<std::string> lines) {
    run_console({.notice = [this] { return alarm; },
                 .line = [&]() -> std::optional<std::string> {
                   if (lines.empty()) return std::nullopt;
                   std::string line = lines.front();
                   lines.pop_front();
                   return line;
                 },
                 .say = [this](std::string_view text) { said += text; },
                 .start = [this](const Started& one) -> Result<int> {
                   started.push_back(one.path);
                   arguments.push_back(one.arguments);
                   if (away) return fail(ErrorKind::internal, "ENOENT", "", "start it");
                   return 0;
                 }});
    left = lines.size();
  }
  std::string alarm;
  std::string said;
  Words started;
  std::vector<Words> arguments;
  bool away = false;
  std::size_t left = 0;
};

TEST_F(Console, TellsAlarmsBeforeEachLine) {
  alarm = "ALARM: It is warm.\n";
  type({"status", "exit"});
  EXPECT_EQ(said, alarm + alarm);
}

TEST_F(Console, StartsGimsctlOrGimsKeydAndNothingElse) {
  type({"status", "gimsctl user list", "gims-keyd unlock", "/bin/sh", "sh -c id", ""});
  EXPECT_EQ(started, (Words{"/usr/bin/gimsctl", "/usr/bin/gimsctl", "/usr/lib/gims/gims-keyd",
                            "/usr/bin/gimsctl", "/usr/bin/gimsctl"}));
  EXPECT_EQ(arguments[0], (Words{"gimsctl", "status"}));
  EXPECT_EQ(arguments[1], (Words{"gimsctl", "user", "list"}));
  EXPECT_EQ(arguments[2], (Words{"gims-keyd", "unlock"}));
  EXPECT_EQ(arguments[3], (Words{"gimsctl", "/bin/sh"}));
}

TEST_F(Console, EndsAtExitAndAtTheEnd) {
  type({"exit", "status"});
  EXPECT_EQ(left, 1U);
  EXPECT_TRUE(started.empty());
  type({});
}

TEST_F(Console, SaysWhatIsWrongAndGoesOn) {
  away = true;
  type({"\"", "help", "status", "status"});
  EXPECT_EQ(started.size(), 2U);
  EXPECT_NE(said.find("not closed"), std::string::npos);
  EXPECT_NE(said.find("could not be started: start it"), std::string::npos);
}

}  // namespace
}  // namespace gims::ctl
