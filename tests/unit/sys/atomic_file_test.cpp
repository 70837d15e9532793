#include "sys/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/temp_folder.hpp"

namespace gims::sys {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::size_t files_in(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(WriteFileAtomically, MakesAndReplacesWithTheMode) {
  const test::TempFolder folder;
  const std::string path = folder.file("blob");
  ASSERT_TRUE(write_file_atomically(path, Bytes{1, 2}, 0640));
  EXPECT_EQ(*read_file(path, 2), (Bytes{1, 2}));
  ASSERT_TRUE(write_file_atomically(path, Bytes{}, 0600));
  EXPECT_EQ(*read_file(path, 2), Bytes{});
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(WriteFileAtomically, ReplacesALinkAndLeavesItsTarget) {
  const test::TempFolder folder;
  ASSERT_TRUE(write_file_atomically(folder.file("target"), Bytes{1}, 0600));
  ASSERT_EQ(::symlink(folder.file("target").c_str(), folder.file("link").c_str()), 0);
  ASSERT_TRUE(write_file_atomically(folder.file("link"), Bytes{2}, 0600));
  EXPECT_EQ(*read_file(folder.file("target"), 9), Bytes{1});
  EXPECT_EQ(*read_file(folder.file("link"), 9), Bytes{2});
}

TEST(WriteFileAtomically, LeavesNothingBehindWhenItFails) {
  const test::TempFolder folder;
  std::filesystem::create_directory(folder.file("taken"));
  EXPECT_EQ(write_file_atomically(folder.file("taken"), Bytes{1}, 0600).error().code, "EISDIR");
  EXPECT_EQ(files_in(folder.path()), 1U);
  EXPECT_EQ(write_file_atomically(folder.file("none/blob"), Bytes{1}, 0600).error().code, "ENOENT");
}

TEST(ReadFile, RefusesWhatIsTooLongOrNoFile) {
  const test::TempFolder folder;
  ASSERT_TRUE(write_file_atomically(folder.file("blob"), Bytes(10, 0), 0600));
  EXPECT_TRUE(read_file(folder.file("blob"), 10));
  EXPECT_EQ(read_file(folder.file("blob"), 9).error().code, "EFBIG");
  EXPECT_EQ(read_file(folder.path().string(), 9).error().code, "EINVAL");
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(folder.file("pipe"), 9).error().code, "EINVAL");
}

}  // namespace
}  // namespace gims::sys
