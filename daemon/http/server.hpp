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
#include "sys/fd.hpp"

namespace gims::http {

struct ServerOptions {
  unsigned loops = 2;
  unsigned workers = 2;               // threads of Run::on_pool
  std::size_t worker_queue = 1024;    // requests waiting for one; more are answered 503
  std::size_t connections = 16384;    // in all; more are closed at once
  std::size_t head_limit = 16384;     // bytes of request line and headers; more is 431
  std::chrono::seconds idle_timeout{75};  // of a connection without a request in work
};

// Turns an error of this layer (404, 405, 413, 503 ...) or of a sink into a response, CORS and all.
using ErrorRenderer = std::function<Response(const Request&, const Error&)>;

class Server {
 public:
  // Routes are fixed for the server's life. Handlers may run before start returns.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options,
                                                            std::vector<Route> routes,
                                                            ErrorRenderer renderer);
  virtual ~Server() = default;
  // Takes a connected stream socket over. Any thread. When full, it is closed.
  virtual void adopt(sys::Fd connection, Peer peer) = 0;
  // Answers every waiting request with 503, closes all, joins all threads. Idempotent.
  virtual void stop() = 0;
};

}  // namespace gims::http
