#include "sys/harden.hpp"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST(DropPrivileges, RefusesAnUnknownUser) {
  EXPECT_EQ(drop_privileges("no-such-user").error().code, "NO_SUCH_USER");
}

}  // namespace
}  // namespace gims::sys
