// gims-pkcs11d's socket and its loop.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "hsm/core/vault.hpp"
#include "hsm/pkcs11/worker.hpp"
#include "hsm/proto/messages.hpp"
#include "sys/fd.hpp"
#include "sys/notify.hpp"
#include "sys/signals.hpp"

namespace gims::hsm::pkcs11 {

// Answers one user's connections, one request at a time, in the worker's thread; the loop goes on
// meanwhile. A request that is not answered within `call_limit` ends the process (status 1, an
// entry of the journal): what hangs in a module cannot be ended otherwise.
//
// Bounds: most_peers connections; there is no queue, as in gims-keyd's own server.
class Server {
 public:
  static constexpr std::size_t most_peers = 4;

  [[nodiscard]] static Result<Server> listen(const std::string& path, uid_t peer,
                                             std::chrono::milliseconds call_limit);

  // Until SIGTERM or SIGINT, and the end of the request that is under way then. Fails only when
  // waiting itself does.
  [[nodiscard]] Result<> run(Vault& vault, Worker& worker, const sys::SignalFd& signals,
                             sys::Watchdog& watchdog);

 private:
  Server(sys::Fd listener, uid_t peer, std::chrono::milliseconds call_limit, SecretBytes request,
         SecretBytes reply)
      : listener_(std::move(listener)),
        peer_(peer),
        call_limit_(call_limit),
        request_(std::move(request)),
        reply_(std::move(reply)) {}

  // The request under way.
  struct Call {
    std::size_t peer = 0;  // its place in peers_
    std::size_t request_size = 0;
    BytesView frame;  // of the answer, in reply_, once the task has ended
    bool hang_up = false;
    std::chrono::steady_clock::time_point deadline;
  };

  void welcome(sys::Fd socket);
  // Takes the next request of a peer, beginning with the one after the last served.
  void serve_next(Vault& vault, Worker& worker, const std::vector<bool>& readable);
  void finish_call();
  void drop(std::size_t peer);

  sys::Fd listener_;
  const uid_t peer_;
  const std::chrono::milliseconds call_limit_;
  std::vector<sys::Fd> peers_;
  std::size_t turn_ = 0;
  std::optional<Call> call_;
  // Frames hold keys: both are in locked memory, and wiped after use.
  SecretBytes request_;
  SecretBytes reply_;
};

}  // namespace gims::hsm::pkcs11
