#include "hsm/main/share_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/temp_folder.hpp"

namespace gims::hsm {
namespace {

TEST(ShareFile, WhatIsWrittenIsReadAgain) {
  const test::TempFolder folder;
  const std::string path = folder.file("shares");
  {
    auto file = ShareFileWriter::create(path);
    ASSERT_TRUE(file) << file.error().detail;
    ASSERT_TRUE(file->add("group 1, share 1", "academic acid"));
    ASSERT_TRUE(file->add("group 1, share 2", "acne acquire"));
    ASSERT_TRUE(file->sync());
    file->keep();
  }
  struct stat about{};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777U, 0600U);
  const auto read = ShareFile::read(path);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->shares(), (std::vector<std::string_view>{"academic acid", "acne acquire"}));
}

TEST(ShareFile, IsRemovedUnlessKeptAndNeverWrittenOver) {
  const test::TempFolder folder;
  const std::string path = folder.file("shares");
  {
    auto file = ShareFileWriter::create(path);
    ASSERT_TRUE(file);
    const ShareFileWriter moved = std::move(*file);
    EXPECT_TRUE(std::filesystem::exists(path));
    const auto second = ShareFileWriter::create(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "EEXIST");
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ShareFile, CommentsAndEmptyLinesAreNone) {
  const test::TempFolder folder;
  const std::string path = folder.file("shares");
  std::ofstream(path) << "# a comment\n\n \t\r\none two\r\n#\nthree";
  const auto read = ShareFile::read(path);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->shares(), (std::vector<std::string_view>{"one two\r", "three"}));
}

TEST(ShareFile, OneThatIsTooLongOrNotThereIsRefused) {
  const test::TempFolder folder;
  const std::string path = folder.file("shares");
  std::ofstream(path) << std::string(max_share_file + 1, 'a');
  const auto refused = ShareFile::read(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_REQUEST");
  EXPECT_EQ(ShareFile::read(folder.file("none")).error().code, "ENOENT");
}

}  // namespace
}  // namespace gims::hsm
