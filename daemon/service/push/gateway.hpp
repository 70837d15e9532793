// The push gateway of the site, as what is to be told reaches it.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "http/answer.hpp"

namespace gims::service::push {

// Spec: push gateway API, POST /_matrix/push/v1/notify. On the appliance it is ntfy, at a socket of
// the machine. Thread: notify() of one; cancel() of any.
class Gateway {
 public:
  Gateway() = default;
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  virtual ~Gateway() = default;
  // Posts the body. Blocks for a bounded time. Fails where no answer came; whether the gateway took
  // the body is then not known.
  [[nodiscard]] virtual Result<http::Answer> notify(std::string_view body) = 0;
  // From then on every wait in notify() ends at once, with a failure.
  virtual void cancel() noexcept = 0;
};

}  // namespace gims::service::push
