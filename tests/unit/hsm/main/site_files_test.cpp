#include "hsm/main/site_files.hpp"

#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "support/temp_folder.hpp"
#include "sys/atomic_file.hpp"

namespace gims::hsm {
namespace {

using Readers = SiteFiles::Readers;

SecretBytes secret(std::string_view text) {
  return *SecretBytes::copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string content(const std::string& path) {
  const auto bytes = sys::read_file(path, 4096);
  return bytes ? std::string(bytes->begin(), bytes->end()) : bytes.error().code;
}

mode_t mode_of(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777U;
}

// In /dev/shm, which is in memory.
class Files : public ::testing::Test {
 protected:
  Files() {
    std::string name = "/dev/shm/gims-site-files-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(Files, AreReplacedAsAWholeAndForOneUserAlone) {
  const auto files = SiteFiles::open(folder_, Readers::this_user);
  ASSERT_TRUE(files) << files.error().text;
  EXPECT_TRUE(*files->put("push.key", secret("one")));
  EXPECT_EQ(content(folder_ + "/push.key"), "one");
  EXPECT_EQ(mode_of(folder_ + "/push.key"), 0400U);
  EXPECT_FALSE(*files->put("push.key", secret("one"))) << "nothing to do";
  for (const char* other : {"two", "onetwo", "on"}) {
    EXPECT_TRUE(*files->put("push.key", secret(other)));
    EXPECT_EQ(content(folder_ + "/push.key"), other);
  }
  EXPECT_EQ(mode_of(folder_ + "/push.key"), 0400U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1)
      << "nothing is left";
}

TEST_F(Files, AreInAFolderThatNobodyElseReaches) {
  for (const mode_t mode : {0755U, 0710U, 0701U, 01700U, 0500U}) {
    ASSERT_EQ(::chmod(folder_.c_str(), mode), 0);
    const auto files = SiteFiles::open(folder_, Readers::this_user);
    ASSERT_FALSE(files) << mode;
    EXPECT_EQ(files.error().code, "GIMS_KEYD_REQUEST");
  }
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
  EXPECT_TRUE(SiteFiles::open(folder_, Readers::this_user));
  std::filesystem::create_directory_symlink(folder_, folder_ + "/link");
  EXPECT_FALSE(SiteFiles::open(folder_ + "/link", Readers::this_user));
  EXPECT_FALSE(SiteFiles::open(folder_ + "/none", Readers::this_user));
}

TEST_F(Files, ThatAreNoSecretAreReadByAllAndWrittenByOne) {
  EXPECT_FALSE(SiteFiles::open(folder_, Readers::everyone)) << "others could not look into it";
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  EXPECT_FALSE(SiteFiles::open(folder_, Readers::everyone));
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  const auto files = SiteFiles::open(folder_, Readers::everyone);
  ASSERT_TRUE(files) << files.error().text;
  EXPECT_FALSE(files->get("devices.pem"));
  EXPECT_TRUE(*files->put("devices.pem", secret("one")));
  EXPECT_EQ(mode_of(folder_ + "/devices.pem"), 0444U);
  EXPECT_TRUE(equal_in_constant_time(files->get("devices.pem")->bytes(), secret("one").bytes()));
}

TEST_F(Files, AreInMemory) {
  const std::string on_disk = "files-on-disk";  // below the build
  std::filesystem::remove_all(on_disk);
  ASSERT_EQ(::mkdir(on_disk.c_str(), 0700), 0);
  struct statfs system{};
  ASSERT_EQ(::statfs(on_disk.c_str(), &system), 0);
  const auto files = SiteFiles::open(on_disk, Readers::this_user);
  if (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC) {
    EXPECT_TRUE(files) << "this build is in memory as a whole";
  } else {
    ASSERT_FALSE(files);
    EXPECT_NE(files.error().text.find("must be in memory"), std::string::npos);
  }
  std::filesystem::remove_all(on_disk);
}

}  // namespace
}  // namespace gims::hsm
