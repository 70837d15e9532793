#include "hsm/main/volume.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "hsm/core/keys.hpp"
#include "sys/errno.hpp"
#include "sys/harden.hpp"
#include "sys/socket.hpp"

namespace gims::hsm {
namespace {

// Until the end, or the room is full.
Result<std::size_t> read_all(int descriptor, std::span<std::uint8_t> room) {
  std::size_t size = 0;
  while (size < room.size()) {
    const ssize_t got = ::read(descriptor, room.data() + size, room.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sys::fail_errno("read of the data volume's key");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return size;
}

}  // namespace

Result<> run_volume_key(const Settings& settings) {
  struct stat kind{};
  if (::fstat(STDOUT_FILENO, &kind) != 0 || !S_ISFIFO(kind.st_mode)) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                "The key goes to a pipe, and to nothing else.");
  }
  if (settings.volume_key_socket.empty()) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                "The configuration names no volume_key_socket.");
  }
  GIMS_TRY(sys::harden_process());
  GIMS_TRY_ASSIGN(const sys::Fd socket,
                  sys::stream_connect(settings.volume_key_socket, sys::Blocking::yes));
  GIMS_TRY_ASSIGN(SecretBytes key, SecretBytes::zeroed(volume_key_size));
  GIMS_TRY_ASSIGN(const std::size_t size, read_all(socket.get(), key.writable()));
  if (size != key.size()) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_STATE",
                "gims-keyd gives no key for the data volume: gims-keyd status says why.");
  }
  // Whole or not at all, as it is shorter than PIPE_BUF (pipe(7)).
  if (::write(STDOUT_FILENO, key.bytes().data(), key.size()) < 0) {
    return sys::fail_errno("write of the data volume's key");
  }
  return {};
}

}  // namespace gims::hsm
