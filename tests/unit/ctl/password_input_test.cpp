#include "ctl/password_input.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace gims::ctl {
namespace {

// Standard input as a pipe that holds `text` and ends.
Result<Redacted> read_from(std::string_view text) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  auto read = read_password(ends[0]);
  ::close(ends[0]);
  return read;
}

TEST(PasswordInput, IsTheLineWithoutItsEnd) {
  for (const auto* text : {"correct horse", "correct horse\n", "correct horse\r\n"}) {
    const auto password = read_from(text);
    ASSERT_TRUE(password);
    EXPECT_EQ(password->reveal(), "correct horse");
  }
  EXPECT_EQ(read_from(" two spaces ")->reveal(), " two spaces ");
}

TEST(PasswordInput, RefusesNothingAndTooMuch) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("one\ntwo\n"), std::string(1025, 'x')}) {
    const auto password = read_from(text);
    ASSERT_FALSE(password);
    EXPECT_EQ(password.error().kind, ErrorKind::bad_input);
  }
  EXPECT_TRUE(read_from(std::string(1024, 'x')));
}

TEST(PasswordInput, APassphraseIsTheFirstLine) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  const std::string_view text = "correct horse\nand more";
  ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  const auto passphrase = read_passphrase(ends[0]);
  ::close(ends[0]);
  ASSERT_TRUE(passphrase);
  EXPECT_EQ(passphrase->reveal(), "correct horse");
}

}  // namespace
}  // namespace gims::ctl
