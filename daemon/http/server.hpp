// libmicrohttpd on loops of our own (docs/architecture.md says why): several daemons, each with its
// epoll descriptor on one thread; connections come as descriptors, from gims-tlsd or a socket here.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "http/route.hpp"

namespace gims::http {

struct ServerOptions {
  unsigned loops = 2;
  unsigned workers = 2;             // threads of Run::on_pool
  std::size_t worker_queue = 1024;  // requests waiting for one; more are answered 503
  std::size_t connections = 16384;  // in all; more are closed at once
  std::size_t head_limit = 8192;    // bytes of request line and headers; more is 431
  // Of a connection without a request in work, and of one on which nothing moves, also within a
  // record of TLS that does not come to its end in the kernel. A head or body
  // that trickles in is given twice this.
  std::chrono::seconds idle_timeout{75};
};

// What the layer above writes for this one. Both are called on loops and workers, by several at
// once.
struct Renderer {
  // An error of this layer or of a sink. Its codes: BAD_HEAD and BAD_TARGET (400), NO_ROUTE (404),
  // WRONG_METHOD (405), TOO_LARGE (413), HEAD_TOO_LARGE (bad_input, sent as 431), BUSY and STOPPING
  // (503), DROPPED (500: a handler that gave no answer).
  std::function<Response(const Request&, const Error&)> error;
  // OPTIONS of any path (CORS preflight); no handler sees one.
  std::function<Response(const Request&)> options;
};

// Thread: every function from any thread.
class Server {
 public:
  // Routes are fixed for the server's life. Two of one method, door and path are a bug (check).
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options,
                                                             std::vector<Route> routes,
                                                             Renderer renderer);
  Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  virtual ~Server() = default;  // as stop()

  // Takes a connection over. When full, it is closed.
  virtual void adopt(Incoming connection, Peer peer) = 0;
  // Answers every waiting request with 503, closes all, joins all threads. Idempotent. Not from a
  // handler.
  virtual void stop() = 0;

  // The threads that must answer for the watchdog: each loop, and the pool as the last.
  [[nodiscard]] virtual unsigned parts() const noexcept = 0;
  // Runs `answer` on that thread (for the pool: on a worker) as soon as it gets to it.
  virtual void poke(unsigned part, std::function<void()> answer) = 0;
  [[nodiscard]] virtual std::size_t connections() const noexcept = 0;
};

}  // namespace gims::http
