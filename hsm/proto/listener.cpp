#include "hsm/proto/listener.hpp"

#include <sys/types.h>

#include <optional>
#include <utility>

#include "base/log.hpp"
#include "sys/socket.hpp"

namespace gims::hsm {
namespace {

constexpr mode_t everyone_may_connect = 0666;

}  // namespace

Result<sys::Fd> listen_for_frames(const std::string& path) {
  auto listener = sys::seqpacket_listen(path, everyone_may_connect);
  if (listener) return listener;
  return fail(ErrorKind::unavailable, "GIMS_KEYD_SOCKET",
              "The socket " + path + " cannot be made (" + listener.error().code + ").",
              listener.error().detail);
}

bool take_new_peer(const sys::Fd& listener, const std::function<void(sys::Fd)>& welcome) {
  auto accepted = sys::accept(listener.get(), sys::Blocking::no);
  if (!accepted) {
    log::failure(log::id::accept_failed, "a connection cannot be taken", accepted.error());
    return false;
  }
  if (std::optional<sys::Fd>& socket = *accepted) welcome(std::move(*socket));
  return true;
}

}  // namespace gims::hsm
