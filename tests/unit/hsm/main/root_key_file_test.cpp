#include "hsm/main/root_key_file.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <new>

#include "support/sanitizer.hpp"
#include "support/temp_folder.hpp"

namespace {

// What a test looks for in memory that is given back, and how often it was there. Not on the heap
// itself.
std::array<unsigned char, 32> looked_for{};
bool looking = false;
int seen = 0;

}  // namespace

// Every object on the heap of this program's C++ goes through here, where it is no sanitizer's
// heap.
#if !GIMS_UNDER_SANITIZER
namespace {

void look_and_free(void* memory) noexcept {
  if (looking && memory != nullptr) {
    const auto* bytes = static_cast<const unsigned char*>(memory);
    const auto* end = bytes + ::malloc_usable_size(memory);
    if (std::search(bytes, end, looked_for.begin(), looked_for.end()) != end) ++seen;
  }
  std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc)
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::malloc(size);  // NOLINT(cppcoreguidelines-no-malloc)
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { look_and_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { look_and_free(memory); }
#endif

namespace gims::hsm {
namespace {

std::string file_of(const test::TempFolder& folder, std::string_view bytes) {
  std::string path = (folder / "key").string();
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

TEST(RootKeyFile, IsReadIntoLockedMemoryAndNoOther) {
  const test::TempFolder folder;
  for (std::size_t i = 0; i < looked_for.size(); ++i) {
    looked_for.at(i) = static_cast<unsigned char>(i * 37 + 11);
  }
  std::string path;
  {
    // The stream's own copies are not what is looked for.
    path = file_of(folder, {reinterpret_cast<const char*>(looked_for.data()), looked_for.size()});
  }
  seen = 0;
  looking = true;
  const auto key = read_root_key(path);
  looking = false;
  ASSERT_TRUE(key) << key.error().text;
  EXPECT_TRUE(std::ranges::equal(key->bytes(), looked_for));
  EXPECT_EQ(seen, 0) << "memory with the key in it was given back";
}

TEST(RootKeyFile, HasExactlyItsSize) {
  const test::TempFolder folder;
  for (const std::size_t size : {0U, 31U, 33U, 4096U}) {
    const auto refused = read_root_key(file_of(folder, std::string(size, 'k')));
    ASSERT_FALSE(refused) << size;
    EXPECT_EQ(refused.error().code, "GIMS_KEYD_REQUEST");
  }
  EXPECT_EQ(read_root_key((folder / "none").string()).error().code, "ENOENT");
}

}  // namespace
}  // namespace gims::hsm
