#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <vector>

#include "ctl/commands.hpp"
#include "support/temp_folder.hpp"

namespace gims::ctl {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

class UnitWords : public ::testing::Test {
 protected:
  Outcome gimsctl(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"gimsctl", "unit"});
    asked.reset();
    shown.clear();
    Surroundings surroundings{};
    surroundings.act = [this](const std::string& in, const Act& act,
                              const ShowLine& show) -> Result<Acted> {
      folder = in;
      asked = act;
      if (gone) return fail(ErrorKind::unavailable, "ACT_GONE", "nobody listens");
      show("at work");
      return acted;
    };
    surroundings.show = [this](std::string_view line) { shown.emplace_back(line); };
    return run(static_cast<int>(arguments.size()), arguments.data(), surroundings);
  }
  void expect_asked(std::string_view name, const Values& values) {
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->name, name);
    EXPECT_EQ(asked->values, values);
  }

  std::optional<Act> asked;
  std::string folder;
  std::vector<std::string> shown;
  Acted acted;
  bool gone = false;
};

TEST_F(UnitWords, AskForTheirActs) {
  gimsctl({"release"});
  expect_asked("update", {{"do", "release"}});
  EXPECT_EQ(folder, "/run/gims/acts");
  gimsctl({"update", "--check"});
  expect_asked("update", {{"do", "check"}});
  gimsctl({"update"});
  expect_asked("update", {{"do", "install"}});
  gimsctl({"diagnostics", "--to", "report"});
  expect_asked("diagnostics", {{"to", "report"}});
  gimsctl({"diagnostics", "--list"});
  expect_asked("diagnostics", {{"list", "yes"}});
  gimsctl({"clock"});
  expect_asked("clock", {});
  gimsctl({"clock", "2026-11-28T10:15:00", "--far"});
  expect_asked("clock", {{"time", "2026-11-28T10:15:00"}, {"far", "yes"}});
  gimsctl({"restart"});
  expect_asked("power", {{"how", "restart"}});
  gimsctl({"off"});
  expect_asked("power", {{"how", "off"}});
  gimsctl({"reset"});
  expect_asked("reset", {});
  gimsctl({"reset", "--erase", "gims-012345", "--acts", "/x"});
  expect_asked("reset", {{"erase", "gims-012345"}});
  EXPECT_EQ(folder, "/x");
}

TEST_F(UnitWords, WrongUseAsksForNothing) {
  for (const auto& words : {std::vector<const char*>{},
                            {"halt"},
                            {"restart", "now"},
                            {"diagnostics", "--list", "--to", "x"}}) {
    EXPECT_EQ(gimsctl(words).exit, Exit::usage);
    EXPECT_FALSE(asked);
  }
}

TEST_F(UnitWords, ShowWhatComesAndHowItEnds) {
  EXPECT_EQ(gimsctl({"restart"}).exit, Exit::ok);
  EXPECT_EQ(shown, std::vector<std::string>{"at work"});
  for (const ActEnd end : {ActEnd::refused, ActEnd::failed}) {
    acted = {.end = end, .text = "There is no stick."};
    const Outcome outcome = gimsctl({"restart"});
    EXPECT_EQ(outcome.exit, Exit::refused);
    EXPECT_EQ(outcome.err, "gimsctl: There is no stick.\n");
  }
  gone = true;
  EXPECT_EQ(gimsctl({"restart"}).exit, Exit::not_reached);
}

TEST_F(UnitWords, SayThatAnUpdateGoesOn) {
  gimsctl({"update"});
  ASSERT_FALSE(shown.empty());
  EXPECT_EQ(shown.front(), "Ctrl-C ends what is shown here, and not the update.");
}

TEST_F(UnitWords, GiveJson) {
  acted = {.end = ActEnd::refused, .text = "no"};
  const Outcome outcome = gimsctl({"update", "--json"});
  EXPECT_EQ(outcome.out, R"({"lines":["at work"],"end":"refused","text":"no"})"
                         "\n");
  EXPECT_EQ(shown, std::vector<std::string>{});
}

TEST_F(UnitWords, TellTheAlarms) {
  const test::TempFolder made;
  const std::string file = made.file("now");
  EXPECT_EQ(gimsctl({"alarms", "--file", file.c_str()}).exit, Exit::not_reached);
  std::ofstream(file) << "";
  const Outcome none = gimsctl({"alarms", "--file", file.c_str()});
  EXPECT_EQ(none.exit, Exit::ok);
  EXPECT_EQ(none.out, "nothing is wrong\n");
  std::ofstream(file) << "1795860000 It is warm.\n";
  const Outcome one = gimsctl({"alarms", "--file", file.c_str()});
  EXPECT_EQ(one.exit, Exit::refused);
  EXPECT_EQ(one.out, "since 2026-11-28 10:00:00 UTC: It is warm.\n");
  EXPECT_EQ(gimsctl({"alarms", "--json", "--file", file.c_str()}).out,
            R"({"alarms":[{"since_ts":1795860000000,"text":"It is warm."}]})"
            "\n");
  EXPECT_FALSE(asked);
}

}  // namespace
}  // namespace gims::ctl
