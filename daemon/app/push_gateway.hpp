// The push gateway at a socket of this machine: ntfy, as the appliance has it.
#pragma once

#include <memory>
#include <string>

#include "base/secret.hpp"
#include "http/local_client.hpp"
#include "service/push/gateway.hpp"
#include "sys/event_fd.hpp"

namespace gims::app {

struct PushSettings {
  std::string socket;      // empty: there is no push
  std::string url;         // as clients name it, and as the gateway calls itself
  std::string token_file;  // empty: it wants none
};

// Connects when it is first asked, and again after the gateway was away; the token is read for each
// connection, since a gateway that begins anew may have another. Thread: one; cancel() any.
class LocalPushGateway final : public service::push::Gateway {
 public:
  // `settings` with a socket.
  [[nodiscard]] static Result<std::unique_ptr<LocalPushGateway>> create(PushSettings settings);
  [[nodiscard]] Result<http::Answer> notify(std::string_view body) override;
  void cancel() noexcept override { cancelled_.signal(); }

 private:
  LocalPushGateway(PushSettings settings, sys::EventFd cancelled);
  [[nodiscard]] Result<> read_token();

  const PushSettings settings_;
  const sys::EventFd cancelled_;  // readable from then on
  http::LocalClient client_;
  std::string host_;
  std::string target_;
  SecretBytes token_;
};

}  // namespace gims::app
