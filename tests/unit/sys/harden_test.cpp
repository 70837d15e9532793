#include "sys/harden.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "sys/sanitizer.hpp"

namespace gims::sys {
namespace {

// Runs `check` in a child, because what it does cannot be taken back. _exit: no second report of
// leaks.
template <class Check>
void expect_in_child(Check check) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(HardenProcess, TakesAwayCoresDumpingAndPrivileges) {
  expect_in_child([] {
    rlimit core{};
    return harden_process() && ::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 &&
           (sandbox_is_wide || ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0) &&
           ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && ::umask(0) == 077;
  });
}

TEST(RaiseOpenFiles, StopsAtTheHardLimit) {
  expect_in_child([] {
    const rlimit limit{.rlim_cur = 64, .rlim_max = 128};
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && *raise_open_files(100) == 100 &&
           *raise_open_files(1'000'000) == 128 && *raise_open_files(10) == 128;
  });
}

TEST(ConnectionsWithin, AreTwoDescriptorsEachBesideTheOthers) {
  EXPECT_EQ(connections_within(33'024, 256), 16'384U);
  EXPECT_EQ(connections_within(1024, 256), 384U);
  EXPECT_EQ(connections_within(257, 256), 16U);
  EXPECT_EQ(connections_within(10, 256), 16U);
}

// What a daemon that is started as root writes to its journal, which is stderr here.
std::string said_by(const std::string& user) {
  std::array<int, 2> ends{-1, -1};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  expect_in_child([&] {
    ::unsetenv("JOURNAL_STREAM");
    return ::dup2(ends[1], STDERR_FILENO) >= 0 && become_user(user, "gims-test");
  });
  ::close(ends[1]);
  std::string said(4096, '\0');
  said.resize(
      static_cast<std::size_t>(std::max<ssize_t>(0, ::read(ends[0], said.data(), said.size()))));
  ::close(ends[0]);
  return said;
}

TEST(BecomeUser, WarnsOfADaemonThatStaysRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_NE(said_by("").find("gims-test runs as root"), std::string::npos);
  EXPECT_EQ(said_by("nobody"), "");
}

TEST(DropPrivileges, BecomesAnotherUserForGood) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const passwd* nobody = ::getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  const uid_t uid = nobody->pw_uid;
  expect_in_child([uid] {
    return drop_privileges("nobody") && ::getuid() == uid && ::geteuid() == uid &&
           ::setuid(0) != 0 && drop_privileges("nobody") &&
           drop_privileges("root").error().code == "WRONG_USER";
  });
}

TEST(DropPrivileges, NeverToRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  expect_in_child([] {
    if (::setresuid(::getpwnam("nobody")->pw_uid, 0, 0) != 0) return false;
    const auto refused = drop_privileges("root");
    return !refused && refused.error().kind == ErrorKind::bad_input &&
           refused.error().code == "USER_IS_ROOT";
  });
}

TEST(DropPrivileges, NoticesThatTheKernelLeftAWayBack) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  expect_in_child([] {
    // The capabilities of root then outlive its user id, and CAP_SETUID is among them.
    if (::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0) return false;
    const auto kept = drop_privileges("nobody");
    return !kept && kept.error().kind == ErrorKind::internal &&
           kept.error().code == "PRIVILEGES_KEPT";
  });
}

TEST(DropPrivileges, RefusesAnUnknownUser) {
  EXPECT_EQ(drop_privileges("no-such-user").error().code, "NO_SUCH_USER");
}

}  // namespace
}  // namespace gims::sys
