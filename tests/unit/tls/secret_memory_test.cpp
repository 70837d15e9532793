#include "tls/secret_memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "support/sanitizer.hpp"
#include "tls/record_keys.hpp"

namespace gims::tls {
namespace {

constexpr bool locks = GIMS_UNDER_SANITIZER == 0;

// What the kernel says of the mapping that an address is in (proc_pid_smaps(5)): "lo" is locked,
// "dd" is left out of dumps.
std::set<std::string> flags_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char dash = 0;
    if (words >> std::hex >> from >> dash >> to && dash == '-')
      here = wanted >= from && wanted < to;
    if (here && line.starts_with("VmFlags:")) {
      std::istringstream flags(line.substr(8));
      return {std::istream_iterator<std::string>(flags), {}};
    }
  }
  return {};
}

std::span<const std::uint8_t> at(const void* address, std::size_t size) {
  return {static_cast<const std::uint8_t*>(address), size};
}

TEST(SecretMemory, IsLockedAndLeftOutOfDumps) {
  SecretMemory memory(&::mlock);
  void* block = memory.take(100);
  const auto flags = flags_of(block);
  EXPECT_EQ(flags.contains("lo"), locks);
  EXPECT_TRUE(flags.contains("dd"));
  EXPECT_EQ(memory.usage().locked, SecretMemory::chunk);
  EXPECT_EQ(memory.usage().unlocked, 0U);
  memory.give_back(block, 100);
}

TEST(SecretMemory, IsWipedWhenItComesBack) {
  SecretMemory memory(&::mlock);
  auto* block = static_cast<std::uint8_t*>(memory.take(100));
  EXPECT_TRUE(std::ranges::all_of(at(block, 100), [](std::uint8_t b) { return b == 0; }));
  std::ranges::fill(std::span(block, 100), std::uint8_t{0xaa});
  memory.give_back(block, 100);
  // The page is still the memory's, and another takes the same block.
  EXPECT_TRUE(std::ranges::all_of(at(block, 100), [](std::uint8_t b) { return b == 0; }));
  EXPECT_EQ(memory.take(100), block);
}

TEST(SecretMemory, BlocksDoNotOverlapAndAreUsedAgain) {
  SecretMemory memory(&::mlock);
  std::set<std::uintptr_t> starts;
  std::vector<void*> held;
  for (int i = 0; i < 3000; ++i) {
    held.push_back(memory.take(192));
    const auto start = reinterpret_cast<std::uintptr_t>(held.back());
    EXPECT_EQ(start % 64, 0U);
    const auto next = starts.lower_bound(start);
    EXPECT_TRUE(next == starts.end() || *next >= start + 192);
    EXPECT_TRUE(next == starts.begin() || *std::prev(next) + 192 <= start);
    starts.insert(start);
  }
  const std::size_t pages = memory.usage().locked;
  EXPECT_EQ(memory.usage().blocks, 3000U);
  for (void* block : held) memory.give_back(block, 192);
  EXPECT_EQ(memory.usage().blocks, 0U);
  for (int i = 0; i < 3000; ++i)
    EXPECT_TRUE(starts.contains(reinterpret_cast<std::uintptr_t>(memory.take(192))));
  EXPECT_EQ(memory.usage().locked, pages);
}

TEST(SecretMemory, IsUsedWhereItCannotBeLockedAndSaysSoOnce) {
  ::testing::internal::CaptureStderr();
  SecretMemory memory([](const void*, std::size_t) { return -1; });
  for (int i = 0; i < 200; ++i) EXPECT_NE(memory.take(SecretMemory::most), nullptr);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_GT(memory.usage().unlocked, SecretMemory::chunk);
  EXPECT_EQ(memory.usage().locked, 0U);
  const std::string line = "Keys of connections are in memory that cannot be locked";
  const auto first = said.find(line);
  ASSERT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find(line, first + 1), std::string::npos);
}

TEST(SecretMemory, HoldsTheKeysOfConnections) {
  const std::size_t before = SecretMemory::shared().usage().blocks;
  for (const std::uint16_t suite : std::vector<std::uint16_t>{0x1301, 0x1302, 0x1303}) {
    const std::vector<std::uint8_t> secret(suite == 0x1302 ? 48 : 32, 7);
    auto keys = RecordKeys::create(suite, TrafficSecret(secret), 0);
    ASSERT_TRUE(keys);
    EXPECT_EQ(flags_of(keys.get()).contains("lo"), locks);
    // The object itself with the secret, and the one with the key.
    EXPECT_EQ(SecretMemory::shared().usage().blocks, before + 2);
    const void* place = keys.get();
    const auto has_secret = [&] {
      return !std::ranges::search(at(place, sizeof(RecordKeys)), secret).empty();
    };
    EXPECT_TRUE(has_secret());
    keys.reset();
    EXPECT_FALSE(has_secret());
  }
  EXPECT_EQ(SecretMemory::shared().usage().blocks, before);
}

}  // namespace
}  // namespace gims::tls
