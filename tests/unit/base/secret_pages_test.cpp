#include "base/secret_pages.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "base/secret.hpp"
#include "support/sanitizer.hpp"

namespace gims {
namespace {

// What the kernel says of the mapping that an address lies in (proc_pid_smaps(5)).
struct Mapping {
  std::string name;
  std::set<std::string> flags;
};
std::optional<Mapping> mapping_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream file("/proc/self/smaps");
  std::optional<Mapping> found;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (const std::size_t dash = first.find('-'); dash != std::string::npos) {
      if (found) return found;
      const auto start = std::stoull(first.substr(0, dash), nullptr, 16);
      const auto end = std::stoull(first.substr(dash + 1), nullptr, 16);
      if (wanted < start || wanted >= end) continue;
      found.emplace();
      std::string skipped;
      words >> skipped >> skipped >> skipped >> skipped >> found->name;
    } else if (first == "VmFlags:" && found) {
      for (std::string flag; words >> flag;) found->flags.insert(flag);
    }
  }
  return found;
}

// How a child ends that does this: minus the signal, or the exit status (0: it gave true).
int in_child(const std::function<bool()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    // A sanitizer would report the signal that is expected.
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) std::signal(signal, SIG_DFL);
    ::_exit(act() ? 0 : 1);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return 1000;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

constexpr bool locks = GIMS_UNDER_SANITIZER == 0;

// In each of the two kinds of memory; where the kernel has no memfd_secret, both are the second.
class SecretPages : public ::testing::TestWithParam<bool> {
 protected:
  static std::uint8_t* take(std::size_t size) {
    return take_secret_pages(size, GetParam() ? make_secret_memory() : -1);
  }
};

bool kernel_has_secret_memory() {
  const int fd = make_secret_memory();
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

TEST_P(SecretPages, AreLockedAndInNoDump) {
  std::uint8_t* const pages = take(32);
  ASSERT_NE(pages, nullptr);
  const auto mapping = mapping_of(pages);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->flags.contains("lo"), locks || (GetParam() && kernel_has_secret_memory()));
  EXPECT_TRUE(mapping->flags.contains("dd"));
  EXPECT_EQ(mapping->name == "/secretmem", GetParam() && kernel_has_secret_memory())
      << mapping->name;
  give_back_secret_pages(pages, 32);
}

TEST_P(SecretPages, HoldWhatIsWrittenAndBeginAsZeros) {
  for (const std::size_t size : {1U, 32U, 4096U, 4097U, 131'088U}) {
    std::uint8_t* const pages = take(size);
    ASSERT_NE(pages, nullptr) << size;
    EXPECT_TRUE(std::all_of(pages, pages + size, [](std::uint8_t byte) { return byte == 0; }));
    std::fill_n(pages, size, std::uint8_t{0x5a});
    EXPECT_TRUE(std::all_of(pages, pages + size, [](std::uint8_t byte) { return byte == 0x5a; }));
    give_back_secret_pages(pages, size);
  }
}

TEST_P(SecretPages, AreNotReadByADebugger) {
  std::uint8_t* const pages = take(32);
  ASSERT_NE(pages, nullptr);
  std::fill_n(pages, 32, std::uint8_t{0x5a});
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(memory, 0);
  std::uint8_t seen = 0;
  const auto got =
      ::pread(memory, &seen, 1, static_cast<off_t>(reinterpret_cast<std::uintptr_t>(pages)));
  // It is by what else keeps debuggers away (sys/harden.hpp) that ordinary pages are closed.
  EXPECT_EQ(got == 1, !(GetParam() && kernel_has_secret_memory()));
  ::close(memory);
  give_back_secret_pages(pages, 32);
}

TEST_P(SecretPages, EndAndBeginAtAGuard) {
  constexpr std::size_t size = 32;
  EXPECT_EQ(in_child([] {
              volatile std::uint8_t* const pages = take(size);
              pages[size] = 1;
              return true;
            }),
            -SIGSEGV);
  EXPECT_EQ(in_child([] {
              volatile std::uint8_t* const pages = take(size);
              *(pages - 4096) = 1;
              return true;
            }),
            -SIGSEGV);
}

TEST_P(SecretPages, AWriteBeforeThemIsNoticed) {
  EXPECT_EQ(in_child([] {
              std::uint8_t* const pages = take(32);
              pages[-1] = 1;
              give_back_secret_pages(pages, 32);
              return true;
            }),
            -SIGABRT);
}

TEST_P(SecretPages, AreGoneOnceTheyAreGivenBack) {
  std::uint8_t* const pages = take(32);
  give_back_secret_pages(pages, 32);
  EXPECT_FALSE(mapping_of(pages));
}

TEST_P(SecretPages, AreNotInherited) {
  std::uint8_t* const pages = take(32);
  EXPECT_EQ(in_child([pages] { return !mapping_of(pages); }), 0);
  give_back_secret_pages(pages, 32);
}

#if !GIMS_UNDER_SANITIZER
TEST_P(SecretPages, AreNoneWhereNoneMayBeLocked) {
  // Root is not bound by the limit.
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  EXPECT_EQ(in_child([] {
              const rlimit none{.rlim_cur = 0, .rlim_max = 0};
              constexpr uid_t nobody = 65534;
              return ::setrlimit(RLIMIT_MEMLOCK, &none) == 0 && ::setuid(nobody) == 0 &&
                     take(32) == nullptr && SecretBytes::zeroed(32).error().code == "GIMS_MEMORY";
            }),
            0);
}

#endif

INSTANTIATE_TEST_SUITE_P(Kinds, SecretPages, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Secret" : "Locked"; });

TEST(SecretBytes, AreInSuchPages) {
  auto secret = SecretBytes::random(32);
  ASSERT_TRUE(secret);
  const auto mapping = mapping_of(secret->bytes().data());
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->name == "/secretmem", kernel_has_secret_memory()) << mapping->name;
  EXPECT_EQ(mapping->flags.contains("lo"), locks || kernel_has_secret_memory());
  EXPECT_TRUE(mapping->flags.contains("dd"));
}

TEST(SecretBytes, OfNoBytesTakeNone) {
  const auto empty = SecretBytes::zeroed(0);
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->empty());
  EXPECT_TRUE(empty->clone());
}

}  // namespace
}  // namespace gims
