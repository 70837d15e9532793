#include "sys/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "base/log.hpp"
#include "sys/errno.hpp"

namespace gims::sys {

Result<SignalFd> SignalFd::create(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return fail_with_errno("pthread_sigmask", error);
  }
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  if (::sigaction(SIGPIPE, &ignore, nullptr) != 0) return fail_errno("sigaction SIGPIPE");
  Fd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) return fail_errno("signalfd");
  return SignalFd(std::move(fd));
}

Result<SignalFd> SignalFd::for_service() { return create({SIGTERM, SIGINT, SIGHUP}); }

std::optional<int> SignalFd::next() const noexcept {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
    return std::nullopt;
  }
  return static_cast<int>(info.ssi_signo);
}

bool SignalFd::stop_asked() const noexcept {
  while (const auto signal = next()) {
    if (*signal == SIGTERM || *signal == SIGINT) return true;
    log::info(log::id::reload_ignored,
              "SIGHUP has no meaning here: the configuration is read at start.");
  }
  return false;
}

bool SignalFd::stop_asked_within(std::optional<std::chrono::milliseconds> timeout) const noexcept {
  pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  // Cut short by nothing else than a signal of the set, which it is for.
  ::poll(&wait, 1, timeout ? static_cast<int>(timeout->count()) : -1);
  return stop_asked();
}

}  // namespace gims::sys
