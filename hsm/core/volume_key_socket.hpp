// Where systemd-cryptsetup reads the key of the unit's data volume (crypttab(5): a key file that is
// an AF_UNIX stream socket).
#pragma once

#include <sys/types.h>

#include <string>

#include "hsm/core/custodian.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {

// Who connects is told by the kernel (SO_PEERCRED), and nothing is read from anyone. The one user
// that may have the key gets it, without anything before or behind it, while the custodian is
// operational; everybody else, and in every other state, the end of the connection. Each is in the
// journal, with the reason. A connection is over within the turn of the loop that took it, so one
// is open at a time and none is waited for.
// Thread: the loop's.
class VolumeKeySocket {
 public:
  // Root, as which systemd-cryptsetup runs.
  static constexpr uid_t root = 0;

  // The file is this process's and root's alone. Fails as listen_for_frames().
  [[nodiscard]] static Result<VolumeKeySocket> listen(const std::string& path, uid_t reader = root);

  // Readable: somebody waits.
  [[nodiscard]] int fd() const noexcept { return listener_.get(); }
  // Answers the one who waits longest, if there is one. False: accepting must pause, for want of
  // descriptors or memory.
  [[nodiscard]] bool answer_one(const Custodian& custodian) const;

 private:
  VolumeKeySocket(sys::Fd listener, uid_t reader)
      : listener_(std::move(listener)), reader_(reader) {}
  void answer(const Custodian& custodian, const sys::Fd& connection) const;

  sys::Fd listener_;
  uid_t reader_;
};

}  // namespace gims::hsm
