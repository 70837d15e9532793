#include "service/accounts/profiles.hpp"

#include "json/text.hpp"
#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

class ProfilesTest : public test::AccountsFixture {
 protected:
  ProfilesTest() { EXPECT_TRUE(add_user("desk.officer")); }

  Result<> set(std::string_view name, std::optional<std::string> json) {
    return wait<void>([&](auto done) {
      profiles.set(id("desk.officer"), std::string(name), std::move(json), std::move(done));
    });
  }
  Result<std::string> field(std::string_view name) {
    return profiles.field(id("desk.officer"), name);
  }
};

TEST_F(ProfilesTest, AFieldIsSetChangedAndRemoved) {
  EXPECT_EQ(code_of(field("m.tz")), "M_NOT_FOUND");
  ASSERT_TRUE(set("m.tz", R"("Asia/Kolkata")"));
  ASSERT_TRUE(set("m.tz", R"("Asia/Tokyo")"));
  EXPECT_EQ(*field("m.tz"), R"("Asia/Tokyo")");
  ASSERT_TRUE(set("internal.office", R"({"floor":3})"));
  const auto all = profiles.all(id("desk.officer"));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 2U);
  ASSERT_TRUE(set("m.tz", std::nullopt));
  EXPECT_EQ(code_of(field("m.tz")), "M_NOT_FOUND");
  EXPECT_TRUE(rooms.told.empty()) << "rooms show names and avatars alone";
  EXPECT_EQ(code_of(profiles.all(id("nobody"))), "M_NOT_FOUND");
}

TEST_F(ProfilesTest, RoomsAreToldTheWholeOfWhatTheyShow) {
  ASSERT_TRUE(set("displayname", R"("डेस्क अधिकारी")"));
  ASSERT_TRUE(set("avatar_url", R"("mxc://gims.internal/a")"));
  ASSERT_TRUE(set("displayname", std::nullopt));
  const std::string who = id("desk.officer");
  EXPECT_EQ(rooms.told, (std::vector<std::string>{who + R"(|"डेस्क अधिकारी"|)",
                                                  who + R"(|"डेस्क अधिकारी"|"mxc://gims.internal/a")",
                                                  who + R"(||"mxc://gims.internal/a")"}));
}

TEST_F(ProfilesTest, NamesAndAvatarsAreShortStrings) {
  EXPECT_EQ(code_of(set("displayname", "7")), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(set("avatar_url", R"({"url":"x"})")), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(set("displayname", json::quoted(std::string(2000, 'a')))),
            "M_PROFILE_TOO_LARGE");
  EXPECT_EQ(code_of(field("displayname")), "M_NOT_FOUND");
}

// Spec 1.16, "Profiles": a field's name has at most 255 bytes, a profile at most 64 KiB.
TEST_F(ProfilesTest, LimitsOfTheSpecification) {
  EXPECT_TRUE(set(std::string(255, 'k'), "1"));
  EXPECT_EQ(code_of(set(std::string(256, 'k'), "1")), "M_KEY_TOO_LARGE");
  EXPECT_EQ(code_of(set("", "1")), "M_KEY_TOO_LARGE");
  ASSERT_TRUE(set(std::string(255, 'k'), std::nullopt));

  const std::string half = json::quoted(std::string(32'000, 'v'));
  EXPECT_TRUE(set("internal.one", half));
  EXPECT_TRUE(set("internal.two", half));
  EXPECT_EQ(code_of(set("internal.three", half)), "M_PROFILE_TOO_LARGE");
  EXPECT_EQ(code_of(field("internal.three")), "M_NOT_FOUND") << "nothing is left of it";
  EXPECT_TRUE(set("internal.two", half)) << "the same again is no more";
}

}  // namespace
}  // namespace gims::service
