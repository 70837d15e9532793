#include "tls/file_leaf_source.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/temp_folder.hpp"
#include "sys/atomic_file.hpp"
#include "tls/server_context.hpp"

namespace gims::tls {
namespace {

class FileLeafSourceTest : public ::testing::Test {
 protected:
  // A leaf under a CA whose name constraints are critical, as the site's issuing CA has them.
  void SetUp() override {
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30"
        " -subj /CN=ca -keyout ca.key -out ca.pem -addext 'nameConstraints=critical,permitted;"
        "DNS:gims.internal'");
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=gims.internal"
        " -keyout leaf.key -out leaf.csr");
    run("openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -days 2 -out leaf.pem");
    run("cat leaf.pem ca.pem >chain.pem");
  }
  void run(const std::string& command) const {
    ASSERT_EQ(
        std::system(("cd " + folder_.path().string() + " && " + command + " 2>/dev/null").c_str()),
        0);
  }
  Result<Leaf> read(const std::string& certificate, const std::string& key) const {
    return FileLeafSource(folder_.file(certificate), folder_.file(key)).obtain();
  }
  gims::test::TempFolder folder_;
};

TEST_F(FileLeafSourceTest, ReadsTheChainAndTheLeafsLife) {
  const auto leaf = read("chain.pem", "leaf.key");
  ASSERT_TRUE(leaf) << leaf.error().detail;
  EXPECT_EQ(leaf->chain.size(), 2U);
  EXPECT_EQ(leaf->not_after - leaf->not_before, Millis{2} * 24 * 3600 * 1000);
  EXPECT_LE(leaf->not_before, SystemClock().now_ms());
  const auto context = ServerContext::create(*leaf, *TicketKeys::create());
  EXPECT_TRUE(context) << context.error().detail;
}

TEST_F(FileLeafSourceTest, RefusesWhatIsNotThereOrNotPem) {
  EXPECT_EQ(read("none.pem", "leaf.key").error().code, "ENOENT");
  EXPECT_FALSE(read("leaf.key", "leaf.key"));
  EXPECT_FALSE(read("leaf.pem", "leaf.pem"));
}

TEST_F(FileLeafSourceTest, RsaIsRefused) {
  run("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -keyout rsa.key -out rsa.pem");
  const auto leaf = read("rsa.pem", "rsa.key");
  ASSERT_TRUE(leaf);
  EXPECT_EQ(ServerContext::create(*leaf, *TicketKeys::create()).error().code, "GIMS_TLS_LEAF");
}

}  // namespace
}  // namespace gims::tls
