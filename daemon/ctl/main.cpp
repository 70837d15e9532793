// gimsctl: the local administrator's command (docs/admin-guide.md).
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "ctl/commands.hpp"
#include "ctl/console.hpp"
#include "ctl/decide.hpp"
#include "ctl/keyd_client.hpp"
#include "ctl/password_input.hpp"
#include "ctl/setup.hpp"
#include "ctl/unit_client.hpp"

int main(int argc, char** argv) {
  // As login(1) and the appliance's console call a login shell.
  if (argc == 1 && argv[0][0] == '-') {
    gims::ctl::run_console_here();
    return 0;
  }
  gims::ctl::Surroundings surroundings{
      .ask = gims::ctl::ask,
      .password = [] { return gims::ctl::read_password(STDIN_FILENO); },
      .fetch = gims::ctl::transfer,
      .activate = gims::ctl::activate_in_keyd};
  surroundings.decide = [](const std::string& socket, const gims::hsm::ProposeRequest& request,
                           const gims::hsm::consent::Means& means) {
    return gims::ctl::decide(socket, request, means,
                             [] { return gims::ctl::read_passphrase(STDIN_FILENO); });
  };
  surroundings.act = gims::ctl::act_on_unit;
  surroundings.setup = gims::ctl::run_setup_here;
  surroundings.show = [](std::string_view line) {
    std::fprintf(stdout, "%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
  };
  if (::isatty(STDERR_FILENO) == 1) {
    surroundings.progress = [](std::string_view text) {
      std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(text.size()), text.data());
    };
  }
  const gims::ctl::Outcome outcome = gims::ctl::run(argc, argv, surroundings);
  std::fputs(outcome.err.c_str(), stderr);
  std::fputs(outcome.out.c_str(), stdout);
  return static_cast<int>(outcome.exit);
}
