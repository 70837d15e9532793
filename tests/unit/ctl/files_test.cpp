#include "ctl/files.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/temp_folder.hpp"

namespace gims::ctl {
namespace {

TEST(Files, AreReadAsTheyWereWritten) {
  const test::TempFolder folder;
  const std::string file = folder.file("evidence.json");
  ASSERT_TRUE(write_text(file, "one", for_everyone));
  ASSERT_TRUE(write_text(file, "two", for_its_owner));
  EXPECT_EQ(read_text(file, 3), "two");
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(for_its_owner));
}

TEST(Files, ThatCannotBeReadOrWrittenAreNamed) {
  const test::TempFolder folder;
  const std::string nowhere = folder.file("nowhere/evidence.json");
  const auto read = read_text(nowhere, 100);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(read.error().code, "ENOENT");
  EXPECT_EQ(read.error().text, nowhere + " cannot be read (ENOENT).");
  const auto wrote = write_text(nowhere, "one", for_everyone);
  ASSERT_FALSE(wrote);
  EXPECT_EQ(wrote.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(wrote.error().code, "ENOENT");
  EXPECT_EQ(wrote.error().text, nowhere + " cannot be written (ENOENT).");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace gims::ctl
