// Where connections come from: a TCP port (test sites), the admin socket, or gims-tlsd. One thread
// each, which only accepts and passes on.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <thread>

#include "base/result.hpp"
#include "http/request.hpp"
#include "sys/fd.hpp"

namespace gims::http {

class AcceptLoop;

// Thread: start and stop by the owner; poke from any.
class Listener {
 public:
  // Server::adopt of the server that takes the connections; it must outlive the listener. Called on
  // the listener's thread.
  using Adopt = std::function<void(Incoming, Peer)>;

  // All take a listening socket, non-blocking.

  // Connections are passed on with their first byte. One that starts a TLS handshake, the byte 22
  // (RFC 8446, section 5.1), is closed at once: its client would wait for an answer that plain HTTP
  // has not. At most 1024 wait for their first byte, a minute; the oldest has to go.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> tcp(sys::Fd listening, Door door,
                                                             Adopt adopt);
  // A Unix socket: the peer has the uid that the kernel noted.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> local(sys::Fd listening, Door door,
                                                               Adopt adopt);
  // A SOCK_SEQPACKET socket on which gims-tlsd hands connections over (sys/handover.hpp). A sender
  // with another uid than `sender`, and one that sends anything else, such as a socket as encrypted
  // by the kernel that is not, is cut and noted in the journal.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> intake(sys::Fd listening, uid_t sender,
                                                                Adopt adopt);

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();  // as stop()

  // Runs `answer` on the thread, for the watchdog.
  void poke(std::function<void()> answer);
  // Closes the listening socket and what waits, joins. Idempotent.
  void stop();

 private:
  explicit Listener(std::unique_ptr<AcceptLoop> loop) noexcept;
  [[nodiscard]] static Result<std::unique_ptr<Listener>> start(
      Result<std::unique_ptr<AcceptLoop>> loop);
  std::unique_ptr<AcceptLoop> loop_;
  std::thread thread_;
};

}  // namespace gims::http
