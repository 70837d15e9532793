#include "sys/secret_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "sys/errno.hpp"
#include "sys/fd.hpp"

namespace gims::sys {

Result<SecretBytes> read_secret_file(const std::string& path, std::size_t most) {
  // O_NONBLOCK: a pipe in the file's place must not hold us.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno("open " + path);
  // One byte more, to see where the file ends.
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(most + 1));
  std::size_t size = 0;
  while (size < room.size()) {
    const ssize_t got = ::read(fd.get(), room.writable().data() + size, room.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > most) return fail_with_errno("longer than allowed: " + path, EFBIG);
  return SecretBytes::copy_of(room.bytes().first(size));
}

}  // namespace gims::sys
