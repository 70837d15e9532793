#include "sys/harden.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/log.hpp"
#include "sys/errno.hpp"
#include "sys/sanitizer.hpp"

namespace gims::sys {
namespace {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

Result<Account> find_account(const std::string& user) {
  std::vector<char> room(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwnam_r(user.c_str(), &entry, room.data(), room.size(), &found);
  if (error != 0) return fail_with_errno("getpwnam_r " + user, error);
  if (found == nullptr) {
    return fail(ErrorKind::not_found, "NO_SUCH_USER", "There is no such user on this machine.",
                user);
  }
  return Account{.uid = entry.pw_uid, .gid = entry.pw_gid};
}

// What is asked of the kernel is read back: on a system where one of the calls did nothing, a
// daemon would go on as root.
Result<> verify_dropped(const Account& account) {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  gid_t real_group = 0;
  gid_t effective_group = 0;
  gid_t saved_group = 0;
  if (::getresuid(&real, &effective, &saved) != 0) return fail_errno("getresuid");
  if (::getresgid(&real_group, &effective_group, &saved_group) != 0) return fail_errno("getresgid");
  const bool users = real == account.uid && effective == account.uid && saved == account.uid;
  const bool groups =
      real_group == account.gid && effective_group == account.gid && saved_group == account.gid;
  if (!users || !groups || ::setuid(0) == 0 || ::setgid(0) == 0) {
    return fail(ErrorKind::internal, "PRIVILEGES_KEPT", "Privileges could not be dropped.");
  }
  return {};
}

}  // namespace

Result<> harden_process() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return fail_errno("setrlimit RLIMIT_CORE");
  if constexpr (!sandbox_is_wide) {
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno("prctl PR_SET_DUMPABLE");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("prctl NO_NEW_PRIVS");
  ::umask(077);
  return {};
}

Result<std::uint64_t> raise_open_files(std::uint64_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno("getrlimit RLIMIT_NOFILE");
  const rlim_t target = std::min<rlim_t>(wanted, limit.rlim_max);
  if (target > limit.rlim_cur) {
    limit.rlim_cur = target;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno("setrlimit RLIMIT_NOFILE");
  }
  return limit.rlim_cur;
}

std::size_t connections_within(std::uint64_t files, std::uint64_t own) noexcept {
  constexpr std::uint64_t fewest = 16;
  return std::max(fewest, files > own ? (files - own) / 2 : 0);
}

std::uint64_t lockable_memory() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

Result<> drop_privileges(const std::string& user) {
  GIMS_TRY_ASSIGN(const Account account, find_account(user));
  if (::geteuid() == account.uid && ::getuid() == account.uid) return {};
  if (::geteuid() != 0) {
    return fail(ErrorKind::internal, "WRONG_USER",
                "Start this program as root or as the user that its configuration names.", user);
  }
  if (account.uid == 0) {
    return fail(ErrorKind::bad_input, "USER_IS_ROOT", "A daemon must not stay root.", user);
  }
  // The order matters: the groups can be set only while still root.
  if (::initgroups(user.c_str(), account.gid) != 0) return fail_errno("initgroups");
  if (::setresgid(account.gid, account.gid, account.gid) != 0) return fail_errno("setresgid");
  if (::setresuid(account.uid, account.uid, account.uid) != 0) return fail_errno("setresuid");
  return verify_dropped(account);
}

Result<> become_user(const std::string& user, std::string_view program) {
  if (!user.empty()) GIMS_TRY(drop_privileges(user));
  if (::geteuid() == 0) {
    log::warning(
        log::id::runs_as_root,
        std::string(program) + " runs as root: name its user in the configuration or the unit.");
  }
  return {};
}

}  // namespace gims::sys
