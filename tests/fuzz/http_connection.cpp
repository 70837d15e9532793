// All that a client can send on one connection, to the server as it runs: heads, bodies, chunks,
// several requests. The client then shuts its side; each answer is a whole one, and the connection
// ends.
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "http/server.hpp"
#include "read_to_end.hpp"
#include "sys/socket.hpp"

namespace {

using namespace gims::http;  // NOLINT(google-build-using-namespace)

Response plain(int status, std::string text) {
  Response response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

Route route(Method method, std::string_view path, Run run) {
  return {.method = method,
          .door = Door::client,
          .path = path,
          .body_limit = method == Method::get ? 0U : 512U,
          .run = run,
          .handler =
              [](Responder responder) {
                const Request& request = responder.request();
                GIMS_CHECK(request.body.size() <= 512);
                // An answer of a known form, so that nothing of the request can look like one.
                std::string text = "got " + std::to_string(request.body.size());
                std::move(responder).reply(plain(200, std::move(text)));
              },
          .sink = nullptr};
}

Server& server() {
  // Never destroyed: its threads live as long as the program.
  static Server& made = *[] {
    std::vector<Route> routes;
    routes.push_back(route(Method::get, "/", Run::on_loop));
    routes.push_back(route(Method::put, "/{one}/{two}", Run::on_loop));
    routes.push_back(route(Method::post, "/{one}", Run::on_pool));
    auto started = Server::start(
        {.loops = 1, .workers = 1, .head_limit = 2048}, std::move(routes),
        {.error = [](const Request&,
                     const gims::Error& error) { return plain(status_of(error.kind), error.code); },
         .options = [](const Request&) { return plain(204, {}); }});
    GIMS_CHECK(started);
    return started->release();
  }();
  return made;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the server has closed: it saw enough
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto pair = gims::sys::stream_pair(gims::sys::Blocking::yes);
  GIMS_CHECK(pair);
  server().adopt(std::move(pair->first), Peer{.address = "192.0.2.7", .uid = std::nullopt});
  const int fd = pair->second.get();
  send_all(fd, {reinterpret_cast<const char*>(data), size});
  // An end that comes together with bytes is seen by libmicrohttpd at the next sweep alone
  // (Loop::sweep), which is seconds away.
  for (int unread = 1; unread > 0;) {
    if (::ioctl(fd, SIOCOUTQ, &unread) != 0) break;
    ::sched_yield();
  }
  ::shutdown(fd, SHUT_WR);
  const std::string answers = read_to_end(fd);
  GIMS_CHECK(answers.empty() || answers.starts_with("HTTP/1."));
  return 0;
}
