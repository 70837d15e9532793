// Where finished connections go.
#pragma once

#include "sys/fd.hpp"
#include "sys/handover.hpp"

namespace gims::tls {

// Thread: deliver() from any, several at a time.
class ConnectionSink {
 public:
  ConnectionSink() = default;
  ConnectionSink(const ConnectionSink&) = delete;
  ConnectionSink& operator=(const ConnectionSink&) = delete;
  virtual ~ConnectionSink() = default;

  // Gives `connection` (what it is, handover.carriage says) away. Must not wait: when it cannot be
  // taken now it fails, and the client's connection is closed.
  [[nodiscard]] virtual Result<> deliver(sys::Fd connection, const sys::Handover& handover) = 0;
};

}  // namespace gims::tls
