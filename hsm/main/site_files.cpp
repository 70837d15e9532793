#include "hsm/main/site_files.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/atomic_file.hpp"
#include "sys/errno.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {
namespace {

constexpr mode_t mode_bits = 07777;
constexpr std::size_t longest = std::size_t{16} << 10U;  // a certificate with its CA, or a key
constexpr bool is_private(SiteFiles::Readers readers) {
  return readers == SiteFiles::Readers::this_user;
}

}  // namespace

Result<SiteFiles> SiteFiles::open(const std::string& folder, Readers readers) {
  const sys::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  struct statfs system{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || ::fstatfs(fd.get(), &system) != 0) {
    return sys::fail_errno("open " + folder);
  }
  if (info.st_uid != ::geteuid() ||
      (info.st_mode & mode_bits) != (is_private(readers) ? 0700U : 0755U)) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                folder + " must be a folder of this user's own, with the mode " +
                    (is_private(readers) ? "0700." : "0755."));
  }
  if (system.f_type != TMPFS_MAGIC && system.f_type != RAMFS_MAGIC) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                folder + " must be in memory (tmpfs): keys are written there as they are.");
  }
  return SiteFiles(folder, readers);
}

std::string SiteFiles::path_of(std::string_view name) const {
  return folder_ + "/" + std::string(name);
}

Result<SecretBytes> SiteFiles::get(std::string_view name) const {
  return sys::read_secret_file(path_of(name), longest);
}

Result<bool> SiteFiles::put(std::string_view name, const SecretBytes& contents) const {
  const auto before = sys::read_secret_file(path_of(name), contents.size());
  if (before && equal_in_constant_time(before->bytes(), contents.bytes())) return false;
  GIMS_TRY(sys::write_file_atomically(path_of(name), contents.bytes(),
                                      is_private(readers_) ? 0400 : 0444));
  return true;
}

}  // namespace gims::hsm
