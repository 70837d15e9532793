// gims-keyd's socket and its one loop.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hsm/core/custodian.hpp"
#include "hsm/core/dispatch.hpp"
#include "hsm/core/volume_key_socket.hpp"
#include "sys/fd.hpp"
#include "sys/notify.hpp"
#include "sys/signals.hpp"

namespace gims::hsm {

// Serves every peer in one thread, one request at a time. A request that needs the TPM holds the
// others up, at most for the vault's time limit; that is a leaf a day, and an administrator's acts.
//
// Bounds: most_peers connections of one user (one more is refused as busy), and so many times the
// number of users with a role in all. There is no queue: a peer that does not read its answers is
// disconnected when its socket is full, and a connection's next request waits in its socket.
class Server {
 public:
  static constexpr std::size_t most_peers = 8;

  using RolesOfUsers = std::map<uid_t, Roles>;

  // Listens at `path`, where anyone may connect: a user without a role is told so and disconnected.
  [[nodiscard]] static Result<Server> listen(const std::string& path, RolesOfUsers users);

  // Before run(): answers at this one, too.
  void use(VolumeKeySocket volume_key) { volume_key_ = std::move(volume_key); }

  // Until SIGTERM or SIGINT. Calls `at_change` when what the custodian says of itself (summary())
  // has changed. Fails only when waiting itself does.
  [[nodiscard]] Result<> run(
      Custodian& custodian, const sys::SignalFd& signals, sys::Watchdog& watchdog,
      const std::function<void()>& at_change = [] {});

 private:
  struct Peer {
    sys::Fd socket;
    uid_t uid = 0;
    Roles roles;
  };

  Server(sys::Fd listener, RolesOfUsers users, SecretBytes request, SecretBytes reply)
      : listener_(std::move(listener)),
        users_(std::move(users)),
        request_(std::move(request)),
        reply_(std::move(reply)) {}
  void welcome(sys::Fd socket);
  // False: the connection has ended.
  bool serve(Custodian& custodian, const Peer& peer);

  sys::Fd listener_;
  std::optional<VolumeKeySocket> volume_key_;
  const RolesOfUsers users_;
  std::vector<Peer> peers_;
  // Frames hold keys: both are in locked memory, and wiped after use.
  SecretBytes request_;
  SecretBytes reply_;
};

}  // namespace gims::hsm
