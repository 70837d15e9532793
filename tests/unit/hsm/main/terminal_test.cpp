#include "hsm/main/terminal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/process.hpp"

namespace gims::hsm {
namespace {

TEST(Terminal, IsNotThereForAProcessWithoutOne) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::setsid();  // which leaves the terminal
    const auto terminal = Terminal::open("Give a file instead.");
    const bool told = !terminal && terminal.error().kind == ErrorKind::bad_input &&
                      terminal.error().code == "GIMS_KEYD_REQUEST" &&
                      terminal.error().text == "Give a file instead.";
    ::_exit(told ? 0 : 1);
  }
  EXPECT_EQ(test::wait_for_end(child), 0);
}

}  // namespace
}  // namespace gims::hsm
