// The relay for calls (TURN), as clients are told of it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/secret.hpp"

namespace gims::service {

struct CallRelay {
  // The name or IPv4 address under which clients find it (TURN, port 3478); empty: there is none.
  std::string host;
  // A call that has begun goes on.
  std::chrono::milliseconds credential_life = std::chrono::hours(1);
  SecretBytes secret;  // as coturn has it
};

// Makes credentials that the relay takes by itself: it shares a secret with this, and nothing is
// told to it or kept of who may call. Thread: any.
class Calls {
 public:
  // The clock outlives this object.
  Calls(CallRelay relay, const Clock& clock) noexcept : relay_(std::move(relay)), clock_(clock) {}

  [[nodiscard]] bool available() const noexcept { return !relay_.host.empty(); }
  // The answer's JSON (GET /voip/turnServer): credentials in this user's name, good from now on.
  // Where there is a relay.
  [[nodiscard]] std::string turn_server(std::string_view user_id) const;

 private:
  const CallRelay relay_;
  const Clock& clock_;
};

}  // namespace gims::service
