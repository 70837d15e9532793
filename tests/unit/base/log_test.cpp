#include "base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/log_entry.hpp"
#include "base/secret.hpp"

namespace gims::log {
namespace {

using testing::ElementsAre;

constexpr MessageId kind{"0123456789abcdef0123456789abcdef"};

// Nothing that hides a secret becomes a value of a field without being asked for its text aloud.
template <class Value>
concept CanBeLogged = requires(const Value& value) { Field{"NAME", value}; };
static_assert(CanBeLogged<std::string>);
static_assert(!CanBeLogged<SecretBytes>);
static_assert(!CanBeLogged<Redacted>);

// No entry without a kind.
template <class Id>
concept NamesAKind = requires(const Id& id) {
  info(id, "text");
  failure(id, "text", Error{});
};
static_assert(NamesAKind<MessageId>);
static_assert(!NamesAKind<const char*>);

TEST(LogPrintable, LeavesWhatAPersonCanRead) {
  EXPECT_EQ(printable("GET /a?b=\"c\" ~ 100 %"), "GET /a?b=\"c\" ~ 100 %");
}

TEST(LogPrintable, EscapesEverythingElse) {
  EXPECT_EQ(printable("a\nb\r\tc\x1b[2J\x7f"), "a\\x0ab\\x0d\\x09c\\x1b[2J\\x7f");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  // A right-to-left override, and a byte that is no UTF-8.
  EXPECT_EQ(printable("\xe2\x80\xae\xff"), "\\xe2\\x80\\xae\\xff");
}

TEST(LogPrintable, NoTwoValuesLookTheSame) { EXPECT_NE(printable("\n"), printable("\\x0a")); }

TEST(LogPrintable, CutsWhatIsLong) {
  EXPECT_EQ(printable(std::string(longest_value, 'a')), std::string(longest_value, 'a'));
  EXPECT_EQ(printable(std::string(longest_value + 1, 'a')),
            std::string(longest_value, 'a') + "...");
}

TEST(LogLine, HasThePriorityTheTextAndTheFields) {
  const std::array<Field, 2> fields{{{"UID", "1000"}, {"SOCKET", "/run/gims/keyd.sock"}}};
  EXPECT_EQ(stderr_line(Level::warning, "refused a connection", fields),
            "<4>refused a connection UID=1000 SOCKET=/run/gims/keyd.sock\n");
}

TEST(LogLine, AValueCannotPassForAnotherFieldOrLine) {
  const std::array<Field, 3> fields{
      {{"DEVICE", "X UID=0"}, {"USER", "a\" UID=\"0"}, {"DETAIL", "\n<3>zeroized"}}};
  EXPECT_EQ(stderr_line(Level::info, "a\nb", fields),
            "<6>a\\x0ab DEVICE=\"X UID=0\" USER=\"a\\\" UID=\\\"0\" DETAIL=\\x0a<3>zeroized\n");
  const std::array<Field, 1> empty{{{"DETAIL", ""}}};
  EXPECT_EQ(stderr_line(Level::info, "a", empty), "<6>a DETAIL=\"\"\n");
}

TEST(LogEntry, HasTheKindAndFieldsOfOurOwn) {
  const std::array<Field, 1> fields{{{"DETAIL", "two\nlines"}}};
  EXPECT_THAT(
      journal_entry(Level::error, kind, "A request failed.", fields),
      ElementsAre("MESSAGE=A request failed.", "PRIORITY=3",
                  "MESSAGE_ID=0123456789abcdef0123456789abcdef", "GIMS_DETAIL=two\\x0alines"));
}

// stderr goes into a pipe while this is there.
class LogToStderr : public testing::Test {
 protected:
  void SetUp() override {
    // As where there is no journal; looked at once, at the first entry of the process.
    ::unsetenv("JOURNAL_STREAM");
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    before_ = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    reading_ = ends[0];
  }
  void TearDown() override { close_pipe(); }

  // What was written; the pipe's end is reached because stderr is put back.
  std::string written() {
    ::dup2(before_, STDERR_FILENO);
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = ::read(reading_, piece.data(), piece.size())) > 0;) {
      text.append(piece.data(), static_cast<std::size_t>(size));
    }
    return text;
  }

 private:
  void close_pipe() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    ::close(reading_);
    set_level(Level::info);
  }
  int before_ = -1;
  int reading_ = -1;
};

TEST_F(LogToStderr, AFailureHasCodeTextAndDetail) {
  failure(kind, "A request failed.",
          fail(ErrorKind::internal, "M_UNKNOWN", "No.", "disk full").error());
  EXPECT_EQ(written(), "<3>A request failed. ERRCODE=M_UNKNOWN ERROR=No. DETAIL=\"disk full\"\n");
}

TEST_F(LogToStderr, WhatIsBelowTheLevelIsDropped) {
  write(Level::debug, kind, "a");
  info(kind, "b");
  set_level(Level::warning);
  notice(kind, "c");
  warning(kind, "d");
  error(kind, "e");
  EXPECT_EQ(written(), "<6>b\n<4>d\n<3>e\n");
}

}  // namespace
}  // namespace gims::log
