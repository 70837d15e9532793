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

constexpr mode_t private_folder = 0700;
constexpr mode_t private_file = 0400;
constexpr mode_t mode_bits = 07777;

}  // namespace

Result<SiteFiles> SiteFiles::open(const std::string& folder) {
  const sys::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  struct statfs system{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || ::fstatfs(fd.get(), &system) != 0) {
    return sys::fail_errno("open " + folder);
  }
  if (info.st_uid != ::geteuid() || (info.st_mode & mode_bits) != private_folder) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                folder + " must be a folder of this user's own, with the mode 0700.");
  }
  if (system.f_type != TMPFS_MAGIC && system.f_type != RAMFS_MAGIC) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                folder + " must be in memory (tmpfs): keys are written there as they are.");
  }
  return SiteFiles(folder);
}

Result<bool> SiteFiles::put(std::string_view name, const SecretBytes& contents) const {
  const std::string path = folder_ + "/" + std::string(name);
  const auto before = sys::read_secret_file(path, contents.size());
  if (before && equal_in_constant_time(before->bytes(), contents.bytes())) return false;
  GIMS_TRY(sys::write_file_atomically(path, contents.bytes(), private_file));
  return true;
}

}  // namespace gims::hsm
