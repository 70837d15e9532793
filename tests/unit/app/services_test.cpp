#include "app/services.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "support/manual_clock.hpp"
#include "support/temp_folder.hpp"

namespace gims::app {
namespace {

hsm::DataKeys fresh_keys() {
  hsm::DataKeys keys;
  const std::array places{&keys.data,  &keys.media,  &keys.token_hash,
                          &keys.audit, &keys.backup, &keys.pepper};
  for (SecretBytes* const place : places) *place = *SecretBytes::random(hsm::key_size);
  return keys;
}

TEST(Services, TakeNoDatabaseOfAnotherServer) {
  const test::TempFolder folder;
  const test::ManualClock clock;
  const auto create = [&](const char* server_name) {
    service::Policy policy = service::test_site_policy();
    policy.server_name = server_name;
    return Services::create(
        {.policy = std::move(policy), .folder = folder.path(), .keys = fresh_keys()}, clock);
  };
  ASSERT_TRUE(create("gims.internal"));
  const auto other = create("other.internal");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(other.error().code, "GIMS_SERVER_NAME");
  EXPECT_EQ(other.error().text,
            "The database belongs to the server gims.internal, and this one is other.internal. "
            "Use another data folder.");
  EXPECT_TRUE(create("gims.internal")) << "and it is as it was";
}

}  // namespace
}  // namespace gims::app
