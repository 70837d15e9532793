#include "hsm/main/root_key_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "hsm/proto/messages.hpp"
#include "sys/errno.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {

Result<SecretBytes> read_root_key(const std::string& path) {
  // O_NONBLOCK: a pipe in the file's place must not hold us.
  const sys::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return sys::fail_errno("open " + path);
  // One byte more, to see where the file ends.
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(key_size + 1));
  const ssize_t got = ::read(fd.get(), room.writable().data(), room.size());
  if (got < 0) return sys::fail_errno("read " + path);
  if (static_cast<std::size_t>(got) != key_size) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                path + " must hold exactly 32 bytes, the root key.");
  }
  return SecretBytes::copy_of(room.bytes().first(key_size));
}

}  // namespace gims::hsm
