#include "ctl/unit_client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "support/temp_folder.hpp"
#include "sys/socket.hpp"

namespace gims::ctl {
namespace {

// An act that reads all that it is asked, answers with one text, and is gone.
class UnitClient : public ::testing::Test {
 protected:
  Result<Acted> act(const std::string& answer,
                    const Act& asked = {.name = "update", .values = {}}) {
    sys::Fd door = std::move(*sys::stream_listen(folder.file(asked.name), 0600));
    std::jthread unit([&] {
      const auto socket = accepted(door.get());
      std::array<char, 4096> bytes{};
      ssize_t got = 0;
      while ((got = ::recv(socket.get(), bytes.data(), bytes.size(), 0)) > 0) {
        heard.append(bytes.data(), static_cast<std::size_t>(got));
      }
      ::send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    });
    return act_on_unit(folder.path().string(), asked,
                       [this](std::string_view line) { shown.emplace_back(line); });
  }
  static sys::Fd accepted(int door) {
    for (;;) {
      auto socket = sys::accept(door, sys::Blocking::yes);
      if (socket && *socket) return std::move(**socket);
      std::this_thread::yield();
    }
  }

  const test::TempFolder folder;
  std::string heard;
  std::vector<std::string> shown;
};

TEST_F(UnitClient, AsksAndShowsWhatComes) {
  const auto acted = act("One.\n\x1b[2JTwo.\n= ok\n",
                         {.name = "diagnostics", .values = {{"to", "बंडल"}, {"list", "yes"}}});
  ASSERT_TRUE(acted);
  EXPECT_EQ(acted->end, ActEnd::done);
  EXPECT_EQ(heard, "to बंडल\nlist yes\n\n");
  EXPECT_EQ(shown, (std::vector<std::string>{"One.", "?[2JTwo."}));
}

TEST_F(UnitClient, TellsHowItEnded) {
  const auto refused = act("= refused: There is no stick.\n");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->end, ActEnd::refused);
  EXPECT_EQ(refused->text, "There is no stick.");
  const auto failed = act("It goes.\n= failed: Put \x1b the stick in.\n");
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->end, ActEnd::failed);
  EXPECT_EQ(failed->text, "Put ? the stick in.");
}

TEST_F(UnitClient, AnEndWithoutAWordIsAFailure) {
  for (const char* const answer : {"", "It goes.\n", "It goes.\n= ok", "= okay\n", "= refused:\n",
                                   "= ok\nand more\n", "= ok\n= ok\n", "= ok\nmore"}) {
    const auto acted = act(answer);
    ASSERT_FALSE(acted) << answer;
    EXPECT_EQ(acted.error().kind, ErrorKind::unavailable) << answer;
  }
}

TEST_F(UnitClient, TakesNoMoreThanItsBounds) {
  const std::string line(longest_act_answer, 'x');
  EXPECT_TRUE(act(line + "\n= ok\n"));
  EXPECT_FALSE(act(line + "x\n= ok\n"));
  std::string lines;
  for (std::size_t i = 1; i < most_act_answers; ++i) lines += "\n";
  EXPECT_TRUE(act(lines + "= ok\n"));
  EXPECT_FALSE(act(lines + "\n= ok\n"));
}

TEST_F(UnitClient, AsksForNothingThatCannotBeWritten) {
  for (const std::string& value : {std::string("a\nb"), std::string("a\x7f"), std::string("\xff"),
                                   std::string("\xc2\x9b"), std::string(509, 'x')}) {
    const auto acted =
        act_on_unit(folder.path().string(), {.name = "update", .values = {{"key", value}}}, {});
    ASSERT_FALSE(acted) << value;
    EXPECT_EQ(acted.error().kind, ErrorKind::bad_input) << value;
  }
  Act many{.name = "update", .values = {}};
  for (int i = 0; i < 17; ++i) many.values.emplace_back("key", "value");
  EXPECT_EQ(act_on_unit(folder.path().string(), many, {}).error().kind, ErrorKind::bad_input);
  EXPECT_TRUE(act("= ok\n", {.name = "update", .values = {{"key", std::string(508, 'x')}}}));
}

TEST_F(UnitClient, SaysWhereItLookedForTheUnit) {
  const auto acted = act_on_unit(folder.path().string(), {.name = "update", .values = {}}, {});
  ASSERT_FALSE(acted);
  EXPECT_EQ(acted.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(acted.error().text.starts_with("Nobody listens at " + folder.file("update")))
      << acted.error().text;
}

// As systemd turns away a second one: it takes the connection and closes it unread.
TEST_F(UnitClient, IsTurnedAway) {
  const sys::Fd door = std::move(*sys::stream_listen(folder.file("update"), 0600));
  std::jthread unit([&] { const sys::Fd socket = accepted(door.get()); });
  const auto acted =
      act_on_unit(folder.path().string(), {.name = "update", .values = {{"a", "b"}}}, {});
  ASSERT_FALSE(acted);
  EXPECT_EQ(acted.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(acted.error().text.starts_with("It is at work already")) << acted.error().text;
}

TEST_F(UnitClient, DoesNotWaitForever) {
  const sys::Fd door = std::move(*sys::stream_listen(folder.file("update"), 0600));
  const auto acted =
      act_on_unit(folder.path().string(),
                  {.name = "update", .values = {}, .patience = std::chrono::seconds(0)}, {});
  ASSERT_FALSE(acted);
  EXPECT_TRUE(acted.error().text.starts_with("It has said nothing")) << acted.error().text;
}

}  // namespace
}  // namespace gims::ctl
