#include "service/accounts/slips.hpp"

#include <string>
#include <vector>

#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

class SlipsTest : public test::AccountsFixture {
 protected:
  static constexpr std::chrono::hours day{24};
  const Actor actor{.name = "uid 0", .origin = "gimsctl"};

  // An account without a password.
  void add(std::string_view name) {
    ASSERT_TRUE(wait<std::string>([&](auto done) {
      users.create({.localpart = std::string(name), .password = std::nullopt, .display_name = {}},
                   std::nullopt, std::move(done));
    }));
  }
  Result<std::vector<SlipWithCode>> make(std::vector<std::string> user_ids,
                                         std::chrono::milliseconds life = day) {
    return wait<std::vector<SlipWithCode>>(
        [&](auto done) { slips.make(std::move(user_ids), life, actor, std::move(done)); });
  }
  std::string code_for(std::string_view name) {
    const auto made = make({id(name)});
    EXPECT_TRUE(made);
    return made ? std::string(made->front().code.reveal()) : std::string();
  }
  SlipState state_of(std::string_view name) {
    const auto slip = slips.of_user(id(name));
    EXPECT_TRUE(slip && *slip);
    return slip && *slip ? (*slip)->state : SlipState::revoked;
  }
  Result<> choose(std::string_view name, std::string_view secret) {
    return wait<void>([&](auto done) {
      users.set_password(id(name), Redacted(std::string(secret)), std::move(done));
    });
  }
};

TEST_F(SlipsTest, ACodeSignsOneDeviceInAndItsOwnerChoosesAPassword) {
  add("desk.officer");
  EXPECT_EQ(code_of(login("desk.officer", "")), "M_FORBIDDEN") << "no password is no way in";
  const std::string code = code_for("desk.officer");
  ASSERT_EQ(code.size(), 19U);
  EXPECT_EQ(code.find_first_not_of("ABCDEFGHJKMNPQRSTUVWXYZ234567-"), std::string::npos) << code;
  const auto phone = login("desk.officer", code);
  ASSERT_TRUE(phone) << phone.error().text;
  EXPECT_EQ(state_of("desk.officer"), SlipState::used);
  EXPECT_EQ(code_of(login("desk.officer", code, "TABLET")), "M_FORBIDDEN") << "once";
  // The device has yet to choose, and shows the code as the old password for it.
  const auto ready = sessions.authenticate(phone->access_token.reveal(), {}, Admit::ready);
  EXPECT_EQ(code_of(ready), "M_FORBIDDEN");
  EXPECT_TRUE(sessions.authenticate(phone->access_token.reveal(), {}, Admit::choosing_password));
  const auto owner = wait<std::optional<User>>([&](auto done) {
    password_check.run(id("desk.officer"), "10.0.0.1", Redacted(std::string(code)),
                       std::move(done));
  });
  EXPECT_TRUE(owner && *owner);
  ASSERT_TRUE(choose("desk.officer", "one of my own choice"));
  const auto again = wait<std::optional<User>>([&](auto done) {
    password_check.run(id("desk.officer"), "10.0.0.1", Redacted(std::string(code)),
                       std::move(done));
  });
  EXPECT_TRUE(again && !*again) << "with the password it is over";
  EXPECT_TRUE(login("desk.officer", "one of my own choice", "TABLET"));
}

TEST_F(SlipsTest, ACodeIsTypedAsPeopleType) {
  add("desk.officer");
  std::string code = code_for("desk.officer");
  for (char& letter : code) {
    if (letter == '-') letter = ' ';
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  EXPECT_TRUE(login("desk.officer", code));
}

TEST_F(SlipsTest, ACodeIsGoodForItsAccountAlone) {
  add("desk.officer");
  add("other.officer");
  const std::string code = code_for("desk.officer");
  code_for("other.officer");
  EXPECT_EQ(code_of(login("other.officer", code)), "M_FORBIDDEN");
}

TEST_F(SlipsTest, ACodeExpires) {
  add("desk.officer");
  const std::string code = code_for("desk.officer");
  store.clock().advance(std::chrono::milliseconds(day).count());
  EXPECT_EQ(code_of(login("desk.officer", code)), "M_FORBIDDEN");
  EXPECT_EQ(state_of("desk.officer"), SlipState::expired);
}

TEST_F(SlipsTest, WrongTriesEndASlip) {
  add("desk.officer");
  const std::string code = code_for("desk.officer");
  for (std::int64_t i = 0; i < Slips::attempts; ++i) {
    // From everywhere, so that no wait comes between.
    const std::string address = "10.0.0." + std::to_string(i);
    EXPECT_EQ(code_of(login("desk.officer", "AAAA-AAAA-AAAA-AAAA", "PHONE", false, address)),
              "M_FORBIDDEN");
  }
  EXPECT_EQ(code_of(login("desk.officer", code, "PHONE", false, "10.0.1.1")), "M_FORBIDDEN");
  EXPECT_EQ(state_of("desk.officer"), SlipState::revoked);
}

TEST_F(SlipsTest, TheNewestSlipCounts) {
  add("desk.officer");
  const std::string first = code_for("desk.officer");
  const std::string second = code_for("desk.officer");
  EXPECT_EQ(code_of(login("desk.officer", first)), "M_FORBIDDEN");
  const auto page = slips.page(std::nullopt, std::nullopt, 10);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->slips.size(), 2U);
  EXPECT_EQ(page->slips[0].state, SlipState::outstanding) << "the newest first";
  EXPECT_EQ(page->slips[1].state, SlipState::revoked);
  EXPECT_TRUE(login("desk.officer", second));
}

TEST_F(SlipsTest, ARevokedSlipIsNoWayIn) {
  add("desk.officer");
  const auto made = make({id("desk.officer")});
  ASSERT_TRUE(made);
  const auto revoke = [&](std::int64_t slip) {
    return wait<void>([&](auto done) { slips.revoke(slip, actor, std::move(done)); });
  };
  EXPECT_TRUE(revoke(made->front().slip_id));
  EXPECT_EQ(code_of(revoke(made->front().slip_id)), "GIMS_STATE");
  EXPECT_EQ(code_of(revoke(99)), "M_NOT_FOUND");
  EXPECT_EQ(code_of(login("desk.officer", made->front().code.reveal())), "M_FORBIDDEN");
}

// An administrator who makes a slip in secret is found out: the officer's own password is gone.
TEST_F(SlipsTest, AUsedCodeTakesThePasswordsPlace) {
  ASSERT_TRUE(add_user("desk.officer"));
  const auto own = login("desk.officer", password, "TABLET");
  ASSERT_TRUE(own);
  const std::string code = code_for("desk.officer");
  EXPECT_TRUE(login("desk.officer", password)) << "until it is used";
  ASSERT_TRUE(login("desk.officer", code, "OTHER"));
  EXPECT_EQ(code_of(login("desk.officer", password)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(sessions.authenticate(own->access_token.reveal(), {}, Admit::ready)),
            "M_FORBIDDEN");
}

TEST_F(SlipsTest, SlipsAreMadeForAllOrForNone) {
  add("desk.officer");
  EXPECT_EQ(code_of(make({id("desk.officer"), id("nobody")})), "M_NOT_FOUND");
  EXPECT_FALSE(*slips.of_user(id("desk.officer")));
  ASSERT_TRUE(set_state("desk.officer", UserState::deactivated));
  EXPECT_EQ(code_of(make({id("desk.officer")})), "M_USER_DEACTIVATED");
  EXPECT_EQ(code_of(make({})), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(make(std::vector<std::string>(51, id("desk.officer")))), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(make({id("desk.officer")}, std::chrono::hours(721))), "M_INVALID_PARAM");
}

TEST_F(SlipsTest, APageOfOneStateGoesOnUntilItIsFull) {
  for (int i = 0; i < 5; ++i) add("officer" + std::to_string(i));
  for (int i = 0; i < 5; ++i) code_for("officer" + std::to_string(i));
  code_for("officer0");
  const auto first = slips.page(std::nullopt, SlipState::outstanding, 3);
  ASSERT_TRUE(first && first->next);
  EXPECT_EQ(first->slips.size(), 3U);
  const auto second = slips.page(first->next, SlipState::outstanding, 3);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->slips.size(), 2U);
  EXPECT_FALSE(second->next);
}

}  // namespace
}  // namespace gims::service
