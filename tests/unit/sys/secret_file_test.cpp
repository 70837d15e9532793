#include "sys/secret_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "support/temp_folder.hpp"

namespace gims::sys {
namespace {

TEST(SecretFile, IsReadAsItIsUpToItsBound) {
  const test::TempFolder folder;
  const std::string path = (folder / "key").string();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}}) {
    const std::string text(size, 'k');
    std::ofstream(path, std::ios::trunc) << text;
    const auto read = read_secret_file(path, 4096);
    ASSERT_TRUE(read) << size;
    EXPECT_TRUE(std::ranges::equal(read->bytes(), text)) << size;
  }
  std::ofstream(path, std::ios::trunc) << std::string(4097, 'k');
  EXPECT_EQ(read_secret_file(path, 4096).error().code, "EFBIG");
}

TEST(SecretFile, WhatIsNoFileIsToldAndHoldsNobody) {
  const test::TempFolder folder;
  EXPECT_EQ(read_secret_file((folder / "none").string(), 10).error().code, "ENOENT");
  EXPECT_EQ(read_secret_file((folder / ".").string(), 10).error().code, "EISDIR");
  const std::string pipe = (folder / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto read = read_secret_file(pipe, 10);
  EXPECT_TRUE(!read || read->empty());
}

}  // namespace
}  // namespace gims::sys
