#include "sys/sandbox.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <thread>

#include "base/secret.hpp"
#include "support/temp_folder.hpp"
#include "sys/atomic_file.hpp"
#include "sys/epoll.hpp"
#include "sys/event_fd.hpp"
#include "sys/sanitizer.hpp"
#include "sys/socket.hpp"

namespace gims::sys {
namespace {

// How a child ends that enters the sandbox and then acts: the exit status (0 when `act` gave true,
// 1 when not, 2 when it could not enter) or minus the signal.
int act_inside(const Sandbox& sandbox, const std::function<bool()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (const auto entered = enter_sandbox(sandbox); !entered) {
      static_cast<void>(!::write(2, entered.error().detail.data(), entered.error().detail.size()));
      ::_exit(2);
    }
    ::_exit(act() ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return 1000;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool can_open(const std::string& path, int flags) {
  return static_cast<bool>(Fd(::open(path.c_str(), flags | O_CLOEXEC, 0600)));
}

TEST(Sandbox, ADaemonsOrdinaryWorkGoesOn) {
  EXPECT_EQ(act_inside({},
                       [] {
                         const auto event = EventFd::create();
                         const auto epoll = Epoll::create();
                         if (!event || !epoll || !epoll->add(event->fd(), EPOLLIN, 1)) return false;
                         std::thread other([&] { event->signal(); });
                         std::array<epoll_event, 1> room{};
                         const bool woken = epoll->wait(room, std::nullopt)->size() == 1;
                         other.join();
                         const auto secret = SecretBytes::random(32);
                         return woken && secret && stream_pair(Blocking::no).has_value() &&
                                Fd(::socket(AF_UNIX, SOCK_DGRAM, 0));
                       }),
            0);
}

TEST(Sandbox, OpensOnlyWhatTheRulesName) {
  const test::TempFolder folder;
  const std::string readable = folder.file("readable");
  const std::string other = folder.file("other");
  ASSERT_TRUE(write_file_atomically(readable, {}, 0600));
  ASSERT_TRUE(write_file_atomically(other, {}, 0600));
  Sandbox sandbox;
  sandbox.paths.push_back({readable, PathRight::read_file, "test"});
  if (landlock_abi() == 0) GTEST_SKIP() << "no Landlock in this kernel";
  EXPECT_EQ(act_inside(sandbox,
                       [&] {
                         return can_open(readable, O_RDONLY) && !can_open(readable, O_RDWR) &&
                                (sandbox_is_wide || !can_open(other, O_RDONLY)) &&
                                !can_open(other, O_RDWR);
                       }),
            0);
}

TEST(Sandbox, WritesInsideATreeAlone) {
  if (landlock_abi() == 0) GTEST_SKIP() << "no Landlock in this kernel";
  const test::TempFolder mine;
  const test::TempFolder others;
  Sandbox sandbox;
  sandbox.paths.push_back({mine.path(), PathRight::write_tree, "test"});
  EXPECT_EQ(act_inside(sandbox,
                       [&] {
                         const std::uint8_t byte = 1;
                         return write_file_atomically(mine.file("a"), {&byte, 1}, 0600) &&
                                ::unlink(mine.file("a").c_str()) == 0 &&
                                !can_open(others.file("a"), O_RDWR | O_CREAT);
                       }),
            0);
}

TEST(Sandbox, APathThatIsNotThereIsAFailure) {
  if (landlock_abi() == 0) GTEST_SKIP() << "no Landlock in this kernel";
  Sandbox sandbox;
  sandbox.paths.push_back({"/no/such/file", PathRight::read_file, "test"});
  EXPECT_EQ(act_inside(sandbox, [] { return true; }), 2);
}

TEST(Sandbox, WithoutRulesNothingOpensAndNobodyDies) {
  if (sandbox_is_wide) GTEST_SKIP() << "a sanitizer build reads files";
  EXPECT_EQ(act_inside({}, [] { return !can_open("/dev/null", O_RDONLY) && errno == EACCES; }), 0);
}

TEST(Sandbox, NoSocketOfAnotherFamily) {
  const auto no_inet = [] {
    return ::socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT &&
           ::socket(AF_NETLINK, SOCK_RAW, 0) < 0;
  };
  EXPECT_EQ(act_inside({}, no_inet), 0);
}

bool sets(int socket, int level, int name) {
  const int on = 1;
  return ::setsockopt(socket, level, name, &on, sizeof on) == 0 || errno != ENOSYS;
}

TEST(Sandbox, GivesKeysOfTlsToSocketsWhereThatIsAskedForAlone) {
  if (sandbox_is_wide) GTEST_SKIP() << "a sanitizer build allows more";
  const Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto can = [&](const Sandbox& sandbox, int level, int name) {
    return act_inside(sandbox, [&] { return sets(tcp.get(), level, name); });
  };
  const Sandbox front{.kernel_tls = true};
  for (const Sandbox& sandbox : {Sandbox{}, front}) {
    EXPECT_EQ(can(sandbox, SOL_SOCKET, SO_SNDBUF), 0);
    EXPECT_EQ(can(sandbox, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(can(sandbox, IPPROTO_TCP, TCP_CORK), 0);
    EXPECT_EQ(can(sandbox, IPPROTO_IP, IP_OPTIONS), -SIGSYS);
  }
  EXPECT_EQ(can(front, IPPROTO_TCP, TCP_ULP), 0);
  EXPECT_EQ(can(front, SOL_TLS, TLS_TX), 0);
  EXPECT_EQ(can(front, SOL_TLS, TLS_RX), 0);
  EXPECT_EQ(can(front, SOL_TLS, TLS_TX_ZEROCOPY_RO), -SIGSYS);
  EXPECT_EQ(can({}, IPPROTO_TCP, TCP_ULP), -SIGSYS);
  EXPECT_EQ(can({}, SOL_TLS, TLS_TX), -SIGSYS);
}

TEST(Sandbox, TcpConnectsToAllowedPortsAlone) {
  if (landlock_abi() < 4) GTEST_SKIP() << "this kernel's Landlock knows no ports";
  const auto allowed = tcp_listen("127.0.0.1", 0);
  const auto forbidden = tcp_listen("127.0.0.1", 0);
  ASSERT_TRUE(allowed && forbidden);
  const auto connects = [](std::uint16_t port) {
    const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&in), sizeof in) == 0;  // NOLINT
  };
  Sandbox sandbox;
  sandbox.sockets = NewSockets::unix_and_ip;
  sandbox.connect_ports = {allowed->port};
  EXPECT_EQ(
      act_inside(sandbox, [&] { return connects(allowed->port) && !connects(forbidden->port); }),
      0);
}

TEST(Sandbox, DiesOfACallThatIsNotListed) {
  if (sandbox_is_wide) GTEST_SKIP() << "a sanitizer build may trace and start programs";
  EXPECT_EQ(act_inside({}, [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0; }),
            -SIGSYS);
  EXPECT_EQ(act_inside({}, [] { return ::execl("/bin/true", "true", nullptr) == 0; }), -SIGSYS);
  EXPECT_EQ(act_inside({}, [] { return ::fork() >= 0; }), -SIGSYS);
}

TEST(Sandbox, DiesOfExecutableMemory) {
  if (sandbox_is_wide) GTEST_SKIP() << "a sanitizer build may start programs";
  EXPECT_EQ(act_inside({},
                       [] {
                         return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
                       }),
            -SIGSYS);
}

TEST(Sandbox, APerDaemonCallIsAllowed) {
  if (sandbox_is_wide) GTEST_SKIP() << "the call is allowed there anyway";
  static constexpr AllowedCall calls[] = {{"getppid", "test"}};
  EXPECT_EQ(act_inside({.calls = calls}, [] { return ::getppid() > 0; }), 0);
  EXPECT_EQ(act_inside({}, [] { return ::getppid() > 0; }), -SIGSYS);
}

TEST(Sandbox, AMisspelledCallIsAFailure) {
  static constexpr AllowedCall calls[] = {{"raed", "test"}};
  EXPECT_EQ(act_inside({.calls = calls}, [] { return true; }), 2);
}

TEST(Sandbox, IsEnteredBeforeThreadsStart) {
  if (sandbox_is_wide) GTEST_SKIP() << "not checked in a sanitizer build";
  const auto stop = EventFd::create();
  ASSERT_TRUE(stop);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::thread([] { ::pause(); }).detach();
    const auto entered = enter_sandbox({});
    ::_exit(!entered && entered.error().code == "THREADS_RUN" ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Sandbox, EveryCallInTheBaseTableHasAReason) {
  for (const AllowedCall& call : base_calls()) EXPECT_NE(call.reason[0], '\0') << call.name;
}

}  // namespace
}  // namespace gims::sys
