#include "ctl/keyd_client.hpp"

#include <gtest/gtest.h>

#include "support/temp_folder.hpp"

namespace gims::ctl {
namespace {

TEST(KeydClient, SaysWhereItLookedForGimsKeyd) {
  const test::TempFolder folder;
  const std::string socket = folder.file("keyd");
  const auto activated = activate_in_keyd(socket, {});
  ASSERT_FALSE(activated);
  EXPECT_EQ(activated.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(activated.error().code, "GIMS_KEYD_GONE");
  EXPECT_TRUE(activated.error().text.starts_with("gims-keyd cannot be reached at " + socket + "."))
      << activated.error().text;
}

}  // namespace
}  // namespace gims::ctl
