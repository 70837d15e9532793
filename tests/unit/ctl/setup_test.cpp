#include "ctl/setup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>
#include <vector>

#include "base/utf8.hpp"
#include "ctl/setup_texts.hpp"

namespace gims::ctl {
namespace {

using Lines = std::deque<std::string>;

class Setup : public ::testing::Test {
 protected:
  SetupEnd answer(Lines lines) {
    said.clear();
    acts.clear();
    started.clear();
    const SetupEnd end =
        run_setup({.line = [&]() -> std::optional<std::string> {
                     if (lines.empty()) return std::nullopt;
                     std::string line = lines.front();
                     lines.pop_front();
                     return line;
                   },
                   .say = [this](std::string_view text) { said += text; },
                   .devanagari = devanagari,
                   .act = [this](const Act& act, const ShowLine& show) -> Result<Acted> {
                     acts.push_back(act);
                     if (act.name == "network" && act.values.front().second == "list") {
                       show("eno1 00:11:22:33:44:01 none, cable");
                       show("eno2 00:11:22:33:44:02 none, no cable");
                     }
                     if (act.name == refusing && act.values.size() == refused_values) {
                       return Acted{.end = ActEnd::refused, .text = "It will not."};
                     }
                     return Acted{};
                   },
                   .readable = [this](const std::string& file) { return files.contains(file); },
                   .start =
                       [this](const Started& one) {
                         started.push_back(one.arguments);
                         return keys_are_made;
                       },
                   .serves = [this] { return serves; }});
    left = lines.size();
    return end;
  }

  // A whole dialogue, as someone types it; with one answer in another's place, and more after it.
  static Lines dialogue(std::size_t at = 0, Lines instead = {}) {
    Lines lines{"",                      // the clock
                "chat.example",          // 1
                "Test",                  // 2
                "",                      // 3: DNS name
                "management",            // 4
                "officers",              // 5
                "",                      // 6: addresses
                "",                      // 7
                "",                      // 8: Wi-Fi
                "Asha=/media/stick/a",   // 9
                "",                      // 10
                "Bimal=/media/stick/b",  // 11
                "",                      // 12
                "2/3",                   // 13
                "/media/stick/shares",   // 14
                "yes"};                  // 15
    if (!instead.empty()) {
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), instead.begin(), instead.end());
    }
    return lines;
  }
  std::size_t count(std::string_view text) const {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = said.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  }
  // What is written: nothing but looks before the end.
  std::vector<Act> written() const {
    std::vector<Act> found;
    for (const Act& act : acts) {
      const bool looks = act.values.empty() || act.values.front().second == "list";
      if (!looks) found.push_back(act);
    }
    return found;
  }

  bool devanagari = false;
  std::set<std::string> files{"/media/stick/a", "/media/stick/b"};
  std::string refusing;
  std::size_t refused_values = 0;
  bool keys_are_made = true;
  bool serves = true;
  std::string said;
  std::vector<Act> acts;
  std::vector<std::vector<std::string>> started;
  std::size_t left = 0;
};

using Values = std::vector<std::pair<std::string, std::string>>;

TEST_F(Setup, MakesWhatWasAnswered) {
  EXPECT_EQ(answer(dialogue()), SetupEnd::made);
  ASSERT_EQ(written().size(), 2U);
  EXPECT_EQ(written()[0].name, "network");
  EXPECT_EQ(written()[0].values, (Values{{"do", "set"},
                                         {"management-address", "10.73.0.1/24"},
                                         {"officers-address", "10.73.2.1/23"},
                                         {"management", "00:11:22:33:44:01"},
                                         {"officers", "00:11:22:33:44:02"}}));
  EXPECT_EQ(written()[1].name, "site");
  EXPECT_EQ(written()[1].values, (Values{{"name", "chat.example"},
                                         {"wifi", "chat.example"},
                                         {"officers-address", "10.73.2.1/23"}}));
  ASSERT_EQ(started.size(), 1U);
  EXPECT_EQ(started[0],
            (std::vector<std::string>{
                "gims-keyd", "provision", "--server-name", "chat.example", "--organisation", "Test",
                "--dns-name", "chat.example", "--address", "10.73.2.1", "--shares", "2/3",
                "--administrator", "Asha=/media/stick/a", "--security-officer",
                "Bimal=/media/stick/b", "--shares-to", "/media/stick/shares"}));
  EXPECT_TRUE(said.ends_with("https://chat.example:8443\n"));
}

TEST_F(Setup, SharesOnPaperAreGimsKeydsOwnDialogue) {
  Lines lines = dialogue();
  lines[14] = "";
  EXPECT_EQ(answer(lines), SetupEnd::made);
  EXPECT_EQ(started[0].back(), "Bimal=/media/stick/b");
}

TEST_F(Setup, IsLeftAtEachStepAndNothingIsWritten) {
  const Lines whole = dialogue();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const bool by_word : {true, false}) {
      Lines lines(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at));
      if (by_word) lines.emplace_back("leave");
      EXPECT_EQ(answer(lines), SetupEnd::left) << at;
      EXPECT_TRUE(written().empty()) << at;
      EXPECT_TRUE(started.empty()) << at;
      EXPECT_NE(said.find("nothing was written"), std::string::npos);
    }
  }
}

TEST_F(Setup, GoesBackFromEachStep) {
  // The answers of the step before are given again.
  EXPECT_EQ(answer(dialogue(2, {"back", "other.example"})), SetupEnd::made);
  EXPECT_EQ(started[0][3], "other.example");
  EXPECT_EQ(answer(dialogue(15, {"back", "back", "4/5", "/media/stick/other"})), SetupEnd::made);
  EXPECT_EQ(started[0][11], "4/5");
  EXPECT_EQ(started[0].back(), "/media/stick/other");
  // Nothing lies before the first.
  EXPECT_EQ(answer(dialogue(0, {"back", "back"})), SetupEnd::made);
}

TEST_F(Setup, SaysAtOnceWhatIsWrong) {
  struct Case {
    std::size_t at;
    std::string typed;
    std::string says;
  };
  for (const Case& wrong : std::vector<Case>{{1, "Chat.Example", "It is a DNS name in lower case"},
                                             {1, "10.1.1.1", "It is a DNS name in lower case"},
                                             {1, "a\x1b[2J", "without control characters"},
                                             {1, std::string(256, 'a'), "at most 255 bytes"},
                                             {1, "\xff", "at most 255 bytes of UTF-8"},
                                             {2, "", "It has 1 to 64 bytes"},
                                             {2, std::string(65, 'x'), "1 to 64 bytes"},
                                             {3, "a_b", "It is a DNS name in lower case"},
                                             {4, "officer", "It is one of"},
                                             {6, "10.73.0.1", "IPv4 address with the length"},
                                             {6, "10.73.0.0/24", "IPv4 address with the length"},
                                             {6, "10.73.0.255/24", "IPv4 address with the length"},
                                             {6, "10.73.0.1/8", "IPv4 address with the length"},
                                             {6, "10.73.0.1/24x", "IPv4 address with the length"},
                                             {6, "fe80::1/24", "IPv4 address with the length"},
                                             {7, "10.73.0.5/24", "networks are not the same"},
                                             {7, "10.73.1.5/16", "networks are not the same"},
                                             {8, "a b", "1 to 24 letters"},
                                             {8, std::string(25, 'a'), "1 to 24 letters"},
                                             {9, "", "At least one"},
                                             {9, "Asha", "It is a name"},
                                             {9, "=/media/stick/a", "It is a name"},
                                             {9, "Asha=/etc/passwd", "It is a name"},
                                             {9, "Asha=/media/stick/../a", "It is a name"},
                                             {9, "Asha=/media/stick/gone", "It is a name"},
                                             {10, "Asha=/media/stick/b", "each name once"},
                                             {11, "Asha=/media/stick/a", "each name once"},
                                             {13, "3", "two numbers"},
                                             {13, "4/3", "two numbers"},
                                             {13, "1/3", "two numbers"},
                                             {13, "2/17", "two numbers"},
                                             {14, "/tmp/x", "It is paper"},
                                             {14, "/media/stick/a", "It is paper"},
                                             {15, "y", "Type yes"}}) {
    EXPECT_EQ(answer(dialogue(wrong.at, {wrong.typed})), SetupEnd::made) << wrong.typed;
    EXPECT_NE(said.find(wrong.says), std::string::npos) << wrong.typed << "\n" << said;
    EXPECT_EQ(left, 0U) << wrong.typed;
  }
  // The question alone has these words where all is well.
  EXPECT_EQ(answer(dialogue()), SetupEnd::made);
  EXPECT_EQ(count("Type yes"), 1U);
}

TEST_F(Setup, SetsTheClockAndAsksTwiceForAFarOne) {
  refusing = "clock";
  refused_values = 1;
  EXPECT_EQ(answer(dialogue(0, {"2026-11-28T10:15:00", "2026-11-28T10:15:00"})), SetupEnd::made);
  ASSERT_GE(written().size(), 2U);
  EXPECT_EQ(written()[0].values, (Values{{"time", "2026-11-28T10:15:00"}}));
  EXPECT_EQ(written()[1].values, (Values{{"time", "2026-11-28T10:15:00"}, {"far", "yes"}}));
  // Another time is a new one.
  EXPECT_EQ(answer(dialogue(0, {"2026-11-28T10:15:00", "2026-11-28T10:16:00"})), SetupEnd::made);
  EXPECT_EQ(written()[1].values, (Values{{"time", "2026-11-28T10:16:00"}}));
}

TEST_F(Setup, MakesNoKeysWhereTheUnitRefuses) {
  for (const auto& [act, values] : {std::pair{"network", 5U}, std::pair{"site", 3U}}) {
    refusing = act;
    refused_values = values;
    EXPECT_EQ(answer(dialogue()), SetupEnd::failed) << act;
    EXPECT_TRUE(started.empty());
    EXPECT_NE(said.find("It will not."), std::string::npos);
    EXPECT_NE(said.find("has no keys"), std::string::npos);
  }
}

TEST_F(Setup, SaysWhereKeysWereNotMadeOrTheUnitDoesNotServe) {
  keys_are_made = false;
  EXPECT_EQ(answer(dialogue()), SetupEnd::failed);
  EXPECT_NE(said.find("has no keys"), std::string::npos);
  keys_are_made = true;
  serves = false;
  EXPECT_EQ(answer(dialogue()), SetupEnd::failed);
  EXPECT_NE(said.find("does not serve yet"), std::string::npos);
}

TEST_F(Setup, SpeaksHindiWhereTheTerminalCan) {
  devanagari = true;
  Lines lines = dialogue(0, {"de", "hi"});
  EXPECT_EQ(answer(lines), SetupEnd::made);
  EXPECT_NE(said.find("साइट का नाम"), std::string::npos);
  EXPECT_EQ(said.find("The site's name"), std::string::npos);
  EXPECT_EQ(said.find("at the serial line"), std::string::npos);
}

TEST_F(Setup, SaysInLatinLettersWhereHindiIs) {
  EXPECT_EQ(answer(dialogue()), SetupEnd::made);
  EXPECT_NE(said.find("Hindi: at the serial line"), std::string::npos);
  EXPECT_TRUE(
      std::ranges::all_of(said, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

TEST(SetupTexts, AreThereInBothLanguages) {
  for (std::size_t at = 0; at < static_cast<std::size_t>(SetupText::count); ++at) {
    const auto text = static_cast<SetupText>(at);
    EXPECT_FALSE(text_of(Language::english, text).empty()) << at;
    EXPECT_FALSE(text_of(Language::hindi, text).empty()) << at;
    EXPECT_TRUE(is_utf8(text_of(Language::hindi, text))) << at;
  }
}

}  // namespace
}  // namespace gims::ctl
