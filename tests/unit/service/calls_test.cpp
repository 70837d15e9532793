#include "service/calls.hpp"

#include <gtest/gtest.h>

#include "crypto/bytes.hpp"
#include "support/manual_clock.hpp"

namespace gims::service {
namespace {

class CallsTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string told(std::string_view user_id) const {
    const auto secret = crypto::as_bytes("0123456789abcdef");
    return Calls({.host = "gims.internal",
                  .credential_life = std::chrono::minutes(30),
                  .secret = *SecretBytes::copy_of(secret)},
                 clock_)
        .turn_server(user_id);
  }
  test::ManualClock clock_{1'700'000'000'999};
};

// The MAC by Python's hmac and base64.
TEST_F(CallsTest, CredentialsEndAfterTheirTime) {
  EXPECT_EQ(
      told("@asha:gims.internal"),
      R"({"username":"1700001800:@asha:gims.internal","password":"RfzIuNzbVDt28X1jg0T6K4l6sD0=",)"
      R"("uris":["turn:gims.internal:3478?transport=udp","turn:gims.internal:3478?transport=tcp"],)"
      R"("ttl":1800})");
}

TEST_F(CallsTest, CredentialsAreAUsersAndAMomentsOwn) {
  const std::string first = told("@asha:gims.internal");
  EXPECT_EQ(told("@asha:gims.internal"), first);
  EXPECT_NE(told("@bimal:gims.internal"), first);
  clock_.advance(1000);
  EXPECT_NE(told("@asha:gims.internal"), first);
}

TEST_F(CallsTest, ThereIsNoneWhereNoRelayIsNamed) {
  EXPECT_FALSE(Calls({}, clock_).available());
  EXPECT_TRUE(Calls({.host = "gims.internal", .secret = {}}, clock_).available());
}

}  // namespace
}  // namespace gims::service
