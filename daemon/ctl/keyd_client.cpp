#include "ctl/keyd_client.hpp"

#include "hsm/proto/client.hpp"

namespace gims::ctl {

Result<SecretBytes> activate_in_keyd(const std::string& socket,
                                     const hsm::ActivateRequest& request) {
  auto keyd = hsm::Client::connect(socket);
  if (!keyd) {
    return fail(ErrorKind::unavailable, keyd.error().code,
                "gims-keyd cannot be reached at " + socket +
                    ". Is it running, and is --keyd-socket what its configuration says?");
  }
  return (*keyd)->activate(request);
}

bool is_unprovisioned(const std::string& socket) {
  const auto keyd = hsm::Client::connect(socket);
  if (!keyd) return false;
  const auto status = (*keyd)->status();
  return status && status->state == hsm::State::unprovisioned;
}

}  // namespace gims::ctl
