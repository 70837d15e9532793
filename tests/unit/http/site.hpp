// A server under test, and connections to it by socket pairs (as gims-tlsd makes them).
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client.hpp"
#include "http/server.hpp"
#include "sys/socket.hpp"

namespace gims::http::test {

inline Response text_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

// Errors come back as "<code>".
inline Renderer plain_renderer() {
  return {
      .error = [](const Request&,
                  const Error& error) { return text_response(status_of(error.kind), error.code); },
      .options =
          [](const Request&) {
            auto response = text_response(204, {});
            response.headers.emplace_back("X-Options", "yes");
            return response;
          }};
}

inline Route route(Method method, std::string_view path, Handler handler, Run run = Run::on_loop,
                   std::size_t limit = 4096) {
  return {.method = method,
          .door = Door::client,
          .path = path,
          .body_limit = limit,
          .run = run,
          .handler = std::move(handler),
          .sink = nullptr};
}

class Site {
 public:
  explicit Site(std::vector<Route> routes, ServerOptions options = {}) {
    auto started = Server::start(options, std::move(routes), plain_renderer());
    EXPECT_TRUE(started) << (started ? "" : started.error().detail);
    server_ = std::move(*started);
  }
  Client connect(Peer peer = {}) {
    auto pair = sys::stream_pair(sys::Blocking::yes);
    EXPECT_TRUE(pair);
    server_->adopt(std::move(pair->first), std::move(peer));
    return Client(std::move(pair->second));
  }
  Server& server() { return *server_; }
  void destroy() { server_.reset(); }

 private:
  std::unique_ptr<Server> server_;
};

inline std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: gims.internal\r\n\r\n";
}
inline std::string post(std::string_view path, std::string_view body,
                        std::string_view headers = {}) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: gims.internal\r\n" +
         std::string(headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace gims::http::test
