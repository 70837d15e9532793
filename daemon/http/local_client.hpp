// A client of one HTTP server at a Unix socket of this machine.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "http/answer.hpp"
#include "sys/fd.hpp"

namespace gims::http {

// One request at a time, on a connection that is kept. It makes no other socket than this one, and
// follows nothing that an answer names. Thread: one.
class LocalClient {
 public:
  // `patience`: for one exchange. `cancel`: a descriptor that ends a wait once it is readable; it
  // outlives the client.
  LocalClient(std::string socket, std::chrono::milliseconds patience, int cancel)
      : socket_(std::move(socket)), patience_(patience), cancel_(cancel) {}

  // Posts JSON. `host` and `target` are plain; `token` is a bearer token (RFC 6750), none where it
  // is empty. Fails with ENOENT, ECONNREFUSED and the like while connecting, with ECONNRESET,
  // ETIMEDOUT, ECANCELED or HTTP_ANSWER later: whether the server took the request is then not
  // known.
  [[nodiscard]] Result<Answer> post(std::string_view host, std::string_view target,
                                    const SecretBytes& token, std::string_view body);
  // A server that began anew has closed it, and is connected to again.
  [[nodiscard]] bool connected() noexcept;
  void disconnect() noexcept { connection_.reset(); }

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  [[nodiscard]] Result<Answer> exchange(std::string_view request);
  [[nodiscard]] Result<> send(std::string_view bytes, Deadline deadline);
  [[nodiscard]] Result<Answer> receive(Deadline deadline);
  [[nodiscard]] Result<> wait(short events, Deadline deadline) const;

  const std::string socket_;
  const std::chrono::milliseconds patience_;
  const int cancel_;
  sys::Fd connection_;
};

}  // namespace gims::http
