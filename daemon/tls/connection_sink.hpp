// Where finished connections go.
#pragma once

#include "sys/fd.hpp"
#include "sys/handover.hpp"

namespace gims::tls {

// What goes along with a handover (sys/handover.hpp).
struct Delivery {
  sys::Fd connection;
  sys::Fd tether;  // with Carriage::ktls
};

// Thread: deliver() from any, several at a time.
class ConnectionSink {
 public:
  ConnectionSink() = default;
  ConnectionSink(const ConnectionSink&) = delete;
  ConnectionSink& operator=(const ConnectionSink&) = delete;
  virtual ~ConnectionSink() = default;

  // Gives a connection away. Must not wait: when it cannot be taken now it fails, and what was to
  // be delivered is still the caller's.
  [[nodiscard]] virtual Result<> deliver(Delivery&& delivery, const sys::Handover& handover) = 0;
};

}  // namespace gims::tls
