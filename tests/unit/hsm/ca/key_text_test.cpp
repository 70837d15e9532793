#include "hsm/ca/key_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm {
namespace {

TEST(KeyText, AKeyIsReadBackAndByOpenssl) {
  for (int time = 0; time < 20; ++time) {
    const P256Key key = *generate_p256();
    const auto pem = p256_to_pem(key);
    ASSERT_TRUE(pem);
    const auto der = pem_private_key(pem->bytes(), pem->size());
    ASSERT_TRUE(der);
    const auto again = p256_from_der(der->bytes());
    ASSERT_TRUE(again);
    EXPECT_TRUE(equal_in_constant_time(again->scalar.bytes(), key.scalar.bytes()));
    EXPECT_EQ(again->public_key, key.public_key);
    if (time != 0) continue;
    const test::TempFolder folder;
    const std::string text(pem->bytes().begin(), pem->bytes().end());
    std::ofstream(folder / "key.pem") << text;
    const auto same = test::run_command({"openssl", "pkey", "-in", folder.file("key.pem")});
    EXPECT_EQ(same.status, 0);
    EXPECT_EQ(same.output, text);
  }
}

}  // namespace
}  // namespace gims::hsm
