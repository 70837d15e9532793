#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <thread>

#include "ctl/admin_client.hpp"
#include "ctl/files.hpp"
#include "ctl/setup.hpp"

namespace gims::ctl {
namespace {

constexpr std::size_t largest_key = std::size_t{64} << 10;
// Making the data volume's file system on a large and slow disk.
constexpr auto until_it_serves = std::chrono::minutes(15);
constexpr std::chrono::seconds pause{2};

bool is_kernel_console() {
  std::array<char, 64> name{};
  if (::ttyname_r(STDIN_FILENO, name.data(), name.size()) != 0) return false;
  const std::string_view tty = name.data();
  constexpr std::string_view prefix = "/dev/tty";
  return tty.starts_with(prefix) && tty.size() > prefix.size() && tty[prefix.size()] >= '0' &&
         tty[prefix.size()] <= '9';
}

bool wait_until_it_serves(const std::string& gimsd_socket) {
  const auto end = std::chrono::steady_clock::now() + until_it_serves;
  while (std::chrono::steady_clock::now() < end) {
    const auto reply = ask(gimsd_socket, {.path = "/status"});
    if (reply && reply->status == 200) return true;
    std::this_thread::sleep_for(pause);
  }
  return false;
}

}  // namespace

bool run_setup_here(const std::string& gimsd_socket, const std::string& acts) {
  // Keys that interrupt end gims-keyd's ceremony, which says so, and not this.
  for (const int signal : {SIGINT, SIGQUIT, SIGTSTP}) ::signal(signal, SIG_IGN);
  return run_setup(
             {.line = [] { return read_line(""); },
              .say =
                  [](std::string_view text) {
                    std::fwrite(text.data(), 1, text.size(), stdout);
                    std::fflush(stdout);
                  },
              .devanagari = !is_kernel_console(),
              .act = [&](const Act& act,
                         const ShowLine& show) { return act_on_unit(acts, act, show); },
              .readable =
                  [](const std::string& file) { return read_text(file, largest_key).has_value(); },
              .start =
                  [](const Started& started) {
                    const auto status = start_and_wait(started);
                    return status && *status == 0;
                  },
              .serves = [&] { return wait_until_it_serves(gimsd_socket); }}) == SetupEnd::made;
}

}  // namespace gims::ctl
