#include "ctl/unit_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/utf8.hpp"
#include "ctl/table.hpp"
#include "ctl/unit_answer.hpp"
#include "sys/errno.hpp"
#include "sys/socket.hpp"

namespace gims::ctl {
namespace {

std::unexpected<Error> wrong(std::string_view text) {
  return fail(ErrorKind::bad_input, "ACT", text);
}

std::unexpected<Error> gone(std::string_view text) {
  return fail(ErrorKind::unavailable, "ACT_GONE", text);
}

Result<std::string> written(const Act& act) {
  if (act.values.size() > most_act_values) return wrong("More is asked than an act can be told.");
  std::string text;
  for (const auto& [key, value] : act.values) {
    std::string line = key;
    line.append(" ").append(value);
    if (line.size() > longest_act_line) return wrong(key + " is too long: 500 bytes at most.");
    // printable() replaces every control character.
    if (!is_utf8(line) || printable(line) != line) {
      return wrong(key + " has a control character, or is not UTF-8.");
    }
    text += line + "\n";
  }
  return text + "\n";
}

Result<sys::Fd> connected(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  auto socket = sys::stream_connect(path, sys::Blocking::no);
  if (socket) return socket;
  if (socket.error().code == "EACCES" || socket.error().code == "EPERM") {
    return gone("This user may not ask for acts of the unit; gims-admin at its console may.");
  }
  return gone("Nobody listens at " + path +
              ": this machine is no appliance, or its release does not have this act.");
}

// What can be done within the time: POLLIN or POLLOUT.
Result<> await(int socket, short events, std::chrono::seconds patience) {
  pollfd waiting{.fd = socket, .events = events, .revents = 0};
  const std::chrono::milliseconds most = patience;
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, static_cast<int>(most.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return sys::fail_errno("poll");
  if (ready == 0) {
    return gone("It has said nothing for " + duration_text(patience.count()) +
                ", and may still be at work.");
  }
  return {};
}

Result<> send_all(int socket, std::string_view text, std::chrono::seconds patience) {
  while (!text.empty()) {
    GIMS_TRY(await(socket, POLLOUT, patience));
    const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return gone("It is at work already, or was turned away. Try again shortly.");
    }
  }
  // It reads to the end before it begins.
  if (::shutdown(socket, SHUT_WR) != 0) return gone("It is at work already. Try again shortly.");
  return {};
}

}  // namespace

Result<Acted> act_on_unit(const std::string& folder, const Act& act, const ShowLine& show) {
  GIMS_TRY_ASSIGN(const std::string asked, written(act));
  GIMS_TRY_ASSIGN(const sys::Fd socket, connected(folder, act.name));
  GIMS_TRY(send_all(socket.get(), asked, act.patience));
  ActAnswer answer(show);
  std::array<char, 4096> bytes{};
  for (;;) {
    GIMS_TRY(await(socket.get(), POLLIN, act.patience));
    const ssize_t got = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    // A door that turns somebody away resets the connection.
    if (got <= 0) return std::move(answer).end();
    GIMS_TRY(answer.take({bytes.data(), static_cast<std::size_t>(got)}));
  }
}

}  // namespace gims::ctl
