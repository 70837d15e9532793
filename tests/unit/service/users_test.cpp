#include "service/accounts/users.hpp"

#include "store/audit.hpp"
#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

class UsersTest : public test::AccountsFixture {
 protected:
  static NewUser account(std::string_view localpart, std::string_view secret) {
    return {.localpart = std::string(localpart),
            .password = Redacted(std::string(secret)),
            .display_name = std::nullopt};
  }
  Result<std::string> create(NewUser user, std::optional<Actor> actor = std::nullopt) {
    return wait<std::string>(
        [&](auto done) { users.create(std::move(user), std::move(actor), std::move(done)); });
  }
  Result<> reset(std::string_view name, std::string_view secret) {
    return wait<void>([&](auto done) {
      users.reset_password(id(name), Redacted(std::string(secret)), true,
                           {.name = "uid 0", .origin = "gimsctl"}, std::move(done));
    });
  }
  Result<> set_password(std::string_view name, std::string_view secret) {
    return wait<void>([&](auto done) {
      users.set_password(id(name), Redacted(std::string(secret)), std::move(done));
    });
  }
  std::int64_t audited() {
    auto reader = store->read();
    return store::audit_head(reader->sql())->sequence;
  }
};

TEST_F(UsersTest, AnAccountIsMadeOnceAndIsAudited) {
  const Actor actor{.name = "uid 0", .origin = "gimsctl"};
  const auto made = create({.localpart = "desk.officer",
                            .password = Redacted(password),
                            .display_name = "डेस्क अधिकारी",
                            .must_change_password = true},
                           actor);
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, "@desk.officer:gims.internal");
  const auto user = users.find(*made);
  ASSERT_TRUE(user && *user);
  EXPECT_EQ((*user)->state, UserState::active);
  EXPECT_TRUE((*user)->must_change_password);
  EXPECT_EQ((*user)->created_ts, store.clock().now_ms());
  EXPECT_EQ(*profiles.field(*made, "displayname"), "\"डेस्क अधिकारी\"");
  EXPECT_EQ(audited(), 1);
  EXPECT_EQ(code_of(create(account("desk.officer", password), actor)), "M_USER_IN_USE");
  EXPECT_EQ(audited(), 1) << "what failed is no act";
}

TEST_F(UsersTest, RegistrationIsNoActOfAdministration) {
  ASSERT_TRUE(add_user("desk.officer"));
  EXPECT_EQ(audited(), 0);
}

class BadName : public UsersTest, public ::testing::WithParamInterface<const char*> {};

// Spec, appendices, "User Identifiers".
TEST_P(BadName, IsRefused) {
  EXPECT_EQ(code_of(create(account(GetParam(), password))), "M_INVALID_USERNAME");
}
INSTANTIATE_TEST_SUITE_P(All, BadName,
                         ::testing::Values("", "Desk.Officer", "desk officer", "desk:officer",
                                           "अधिकारी", "@desk.officer:other.internal",
                                           "@desk.officer", "desk\nofficer"));

TEST_F(UsersTest, AWholeIdMayNotPassTheLengthOfTheSpecification) {
  // 255 bytes with the sigil and the domain.
  const std::size_t longest = 255 - std::string_view("@:gims.internal").size();
  EXPECT_TRUE(create(account(std::string(longest, 'a'), password)));
  EXPECT_EQ(code_of(create(account(std::string(longest + 1, 'a'), password))),
            "M_INVALID_USERNAME");
}

TEST_F(UsersTest, AWeakPasswordMakesNoAccount) {
  EXPECT_EQ(code_of(create(account("desk.officer", "short"))), "M_WEAK_PASSWORD");
  EXPECT_FALSE(*users.exists(id("desk.officer")));
}

TEST_F(UsersTest, TheNewPasswordIsTheOnlyOneThen) {
  ASSERT_TRUE(add_user("desk.officer"));
  ASSERT_TRUE(reset("desk.officer", "another long secret"));
  EXPECT_EQ(code_of(login("desk.officer", password)), "M_FORBIDDEN");
  EXPECT_TRUE(login("desk.officer", "another long secret"));
  EXPECT_TRUE((*users.find(id("desk.officer")))->must_change_password);
  EXPECT_EQ(audited(), 1);
  ASSERT_TRUE(set_password("desk.officer", "a third long secret"));
  EXPECT_EQ(code_of(login("desk.officer", "another long secret")), "M_FORBIDDEN");
  EXPECT_FALSE((*users.find(id("desk.officer")))->must_change_password);
  EXPECT_EQ(audited(), 1) << "the owner's own change is no act of administration";
  EXPECT_EQ(code_of(set_password("desk.officer", "short")), "M_WEAK_PASSWORD");
  EXPECT_TRUE(login("desk.officer", "a third long secret"));
  EXPECT_EQ(code_of(set_password("nobody", "another long secret")), "M_NOT_FOUND");
}

TEST_F(UsersTest, DeactivationIsForGoodAndEndsWhatHangsOnTheAccount) {
  ASSERT_TRUE(add_user("desk.officer"));
  std::vector<std::string> ended;
  users.at_deactivation([&](store::Transaction&, std::string_view user_id) -> Result<> {
    ended.emplace_back(user_id);
    return {};
  });
  ASSERT_TRUE(set_state("desk.officer", UserState::locked));
  EXPECT_TRUE(ended.empty());
  ASSERT_TRUE(set_state("desk.officer", UserState::deactivated));
  EXPECT_EQ(ended, std::vector<std::string>{id("desk.officer")});
  EXPECT_EQ(code_of(set_state("desk.officer", UserState::active)), "M_USER_DEACTIVATED");
  EXPECT_EQ((*users.find(id("desk.officer")))->state, UserState::deactivated);
  EXPECT_EQ(code_of(add_user("desk.officer")), "M_USER_IN_USE") << "an id is one person's";
  EXPECT_EQ(code_of(set_state("nobody", UserState::locked)), "M_NOT_FOUND");
}

TEST_F(UsersTest, AChangeOfStateIsUndoneWhenWhatBelongsToItFails) {
  ASSERT_TRUE(add_user("desk.officer"));
  users.at_deactivation([](store::Transaction&, std::string_view) -> Result<> {
    return fail(ErrorKind::internal, "M_UNKNOWN", "no");
  });
  EXPECT_FALSE(set_state("desk.officer", UserState::deactivated));
  EXPECT_EQ((*users.find(id("desk.officer")))->state, UserState::active);
  EXPECT_EQ(audited(), 0);
}

TEST_F(UsersTest, SearchFindsByIdAndByNameAndNeitherOneselfNorTheClosed) {
  ASSERT_TRUE(
      create({.localpart = "officer.one", .password = Redacted(password), .display_name = "Asha"}));
  ASSERT_TRUE(add_user("officer.two"));
  ASSERT_TRUE(add_user("officer.three"));
  ASSERT_TRUE(set_state("officer.three", UserState::deactivated));
  const auto by_name = users.search("ash", id("officer.two"), 10);
  ASSERT_EQ(by_name->users.size(), 1U);
  EXPECT_EQ(by_name->users[0].user_id, id("officer.one"));
  EXPECT_EQ(by_name->users[0].display_name, "Asha");
  const auto by_id = users.search("officer", id("officer.two"), 10);
  ASSERT_EQ(by_id->users.size(), 1U);
  EXPECT_FALSE(by_id->limited);
  const auto cut = users.search("officer", id("stranger"), 1);
  EXPECT_EQ(cut->users.size(), 1U);
  EXPECT_TRUE(cut->limited);
  EXPECT_TRUE(users.search("%", id("stranger"), 10)->users.empty()) << "no pattern of SQL";
}

}  // namespace
}  // namespace gims::service
