// gimsctl: the local administrator's command (docs/admin-guide.md).
#include <unistd.h>

#include <cstdio>

#include "ctl/commands.hpp"
#include "ctl/password_input.hpp"

int main(int argc, char** argv) {
  const gims::ctl::Outcome outcome = gims::ctl::run(
      argc, argv,
      {.ask = gims::ctl::ask, .password = [] { return gims::ctl::read_password(STDIN_FILENO); }});
  std::fputs(outcome.err.c_str(), stderr);
  std::fputs(outcome.out.c_str(), stdout);
  return static_cast<int>(outcome.exit);
}
