#include "sys/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "sys/errno.hpp"
#include "sys/fd.hpp"

namespace gims::sys {
namespace {

Result<> write_all(int fd, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail_errno("write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<> fill(int fd, std::span<const std::uint8_t> bytes, mode_t mode) {
  if (::fchmod(fd, mode) != 0) return fail_errno("fchmod");
  GIMS_TRY(write_all(fd, bytes));
  if (::fsync(fd) != 0) return fail_errno("fsync");
  return {};
}

}  // namespace

Result<> write_file_atomically(const std::string& path, std::span<const std::uint8_t> bytes,
                               mode_t mode) {
  const std::string folder = folder_of(path);
  std::string temporary = path + ".XXXXXX";
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail_errno("mkostemp beside " + path);
  Result<> done = fill(fd.get(), bytes, mode);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0)
    done = fail_errno("rename to " + path);
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  // The rename itself is on the disk only once the folder is.
  const Fd parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent) return fail_errno("open " + folder);
  if (::fsync(parent.get()) != 0) return fail_errno("fsync " + folder);
  return {};
}

Result<std::vector<std::uint8_t>> read_file(const std::string& path, std::size_t most) {
  // O_NONBLOCK: a pipe in the file's place must not hold us.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno("open " + path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("fstat " + path);
  if (!S_ISREG(info.st_mode)) return fail_with_errno("not a regular file: " + path, EINVAL);
  std::vector<std::uint8_t> bytes;
  std::array<std::uint8_t, 16 * 1024> part{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), part.data(), part.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail_errno("read " + path);
    }
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(got) > most) {
      return fail_with_errno("longer than allowed: " + path, EFBIG);
    }
    bytes.insert(bytes.end(), part.begin(), part.begin() + got);
  }
}

Result<SecretBytes> read_secret_file(const std::string& path, std::size_t most) {
  // O_NONBLOCK: a pipe in the file's place must not hold us.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno("open " + path);
  // One byte more, to see where the file ends.
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(most + 1));
  const ssize_t got = ::read(fd.get(), room.writable().data(), room.size());
  if (got < 0) return fail_errno("read " + path);
  const auto size = static_cast<std::size_t>(got);
  if (size > most) return fail_with_errno("read " + path, EFBIG);
  return SecretBytes::copy_of(room.bytes().first(size));
}

}  // namespace gims::sys
