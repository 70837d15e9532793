#include "sys/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sys/errno.hpp"
#include "sys/fd.hpp"
#include "sys/sanitizer.hpp"

// Rights by the ABI that brought them: Documentation/userspace-api/landlock.rst of the kernel.
namespace gims::sys {
namespace {

constexpr std::uint64_t file_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                      LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
                                      LANDLOCK_ACCESS_FS_IOCTL_DEV;

// Everything that the ABI can forbid.
std::uint64_t all_rights(int abi) {
  std::uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  if (abi >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
  if (abi >= 5) rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
  return rights;
}

std::uint64_t rights_of(PathRight right) {
  constexpr std::uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE;
  constexpr std::uint64_t write = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
  switch (right) {
    case PathRight::read_file:
      return read;
    case PathRight::read_tree:
      return read | LANDLOCK_ACCESS_FS_READ_DIR;
    case PathRight::write_file:
      return read | write;
    case PathRight::write_tree:
      return read | write | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
             LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |
             LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
             LANDLOCK_ACCESS_FS_REFER;
    case PathRight::device:
      return read | write | LANDLOCK_ACCESS_FS_IOCTL_DEV;
  }
  return 0;
}

Result<> add_path(int ruleset, const std::string& path, std::uint64_t rights) {
  const Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("fstat " + path);
  // The kernel refuses rights on a file that only a folder can have.
  if (!S_ISDIR(info.st_mode)) rights &= file_rights;
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = rights;
  beneath.parent_fd = fd.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0) {
    return fail_errno("landlock_add_rule " + path);
  }
  return {};
}

Result<> add_ports(int ruleset, std::span<const std::uint16_t> ports, std::uint64_t rights) {
  for (const std::uint16_t port : ports) {
    landlock_net_port_attr attribute{};
    attribute.allowed_access = rights;
    attribute.port = port;
    if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_NET_PORT, &attribute, 0) != 0) {
      return fail_errno("landlock_add_rule port " + std::to_string(port));
    }
  }
  return {};
}

}  // namespace

int landlock_abi() noexcept {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  // ENOSYS: not built in; EOPNOTSUPP: switched off at boot.
  return abi < 0 ? 0 : static_cast<int>(abi);
}

Result<> restrict_with_landlock(const Sandbox& sandbox, int abi) {
  landlock_ruleset_attr attribute{};
  attribute.handled_access_fs = all_rights(abi);
  if (abi >= 4) {
    attribute.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP;
  }
  if (abi >= 6) attribute.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
  const Fd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attribute, sizeof attribute, 0)));
  if (!ruleset) return fail_errno("landlock_create_ruleset");

  for (const PathRule& rule : sandbox.paths) {
    GIMS_TRY(
        add_path(ruleset.get(), rule.path, rights_of(rule.right) & attribute.handled_access_fs));
  }
  if constexpr (sandbox_is_wide) {
    const std::uint64_t read_and_run =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
    GIMS_TRY(add_path(ruleset.get(), "/", read_and_run));
  }
  if (abi >= 4) {
    GIMS_TRY(add_ports(ruleset.get(), sandbox.bind_ports, LANDLOCK_ACCESS_NET_BIND_TCP));
    GIMS_TRY(add_ports(ruleset.get(), sandbox.connect_ports, LANDLOCK_ACCESS_NET_CONNECT_TCP));
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return fail_errno("landlock_restrict_self");
  }
  return {};
}

}  // namespace gims::sys
