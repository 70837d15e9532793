// A connection of gimsd's to gims-keyd.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hsm/proto/client.hpp"

namespace gims::app {

// Connects when it is first used; the client itself connects again after gims-keyd was away.
// Thread: one.
class KeydLink {
 public:
  // `patience`: for one answer. `cancel`: descriptors of which one that is readable ends a wait.
  KeydLink(std::string socket, std::chrono::milliseconds patience, std::vector<int> cancel = {})
      : socket_(std::move(socket)), patience_(patience), cancel_(std::move(cancel)) {}

  // As long as this lives. Fails (unavailable) where nobody answers at the socket.
  [[nodiscard]] Result<hsm::Client*> client() {
    if (!client_) {
      GIMS_TRY_ASSIGN(client_, hsm::Client::connect(socket_, patience_, cancel_));
    }
    return client_.get();
  }

 private:
  const std::string socket_;
  const std::chrono::milliseconds patience_;
  const std::vector<int> cancel_;
  std::unique_ptr<hsm::Client> client_;
};

}  // namespace gims::app
