#include "service/accounts/sessions.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <vector>

#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

constexpr Millis second = 1000;

class SessionsTest : public test::AccountsFixture {
 protected:
  SessionsTest() { EXPECT_TRUE(add_user("desk.officer")); }

  Result<Session> seen(const Redacted& token, Admit admit = Admit::ready) {
    auto session =
        sessions.authenticate(token.reveal(), {.address = "10.0.0.9", .agent = "Nheko"}, admit);
    settle();
    return session;
  }
  std::string code(const Redacted& token) { return code_of(seen(token)); }
  Result<SignedIn> refresh(const Redacted& token) {
    return wait<SignedIn>([&](auto done) {
      sessions.refresh(Redacted(std::string(token.reveal())), std::move(done));
    });
  }
  Result<> logout(const SignedIn& signed_in) {
    return wait<void>([&](auto done) {
      sessions.logout({signed_in.user_id, signed_in.device_id}, std::move(done));
    });
  }
  // Wrong passwords until the account is made to wait from this address; gives the wait.
  std::chrono::milliseconds fail_until_limited(std::string_view address) {
    for (int tries = 0; tries < 50; ++tries) {
      const auto refused = login("desk.officer", "wrong", "PHONE", false, address);
      EXPECT_FALSE(refused);
      if (code_of(refused) == "M_LIMIT_EXCEEDED") {
        EXPECT_GE(tries, 3) << "a few typing errors are free";
        return refused.error().retry_after.value_or(std::chrono::milliseconds(0));
      }
      EXPECT_EQ(code_of(refused), "M_FORBIDDEN");
    }
    ADD_FAILURE() << "one may guess without end";
    return {};
  }
};

TEST_F(SessionsTest, TheRightPasswordSignsInByNameAndById) {
  const auto by_name = login("desk.officer");
  ASSERT_TRUE(by_name);
  EXPECT_EQ(by_name->user_id, id("desk.officer"));
  EXPECT_EQ(by_name->device_id, "PHONE");
  EXPECT_FALSE(by_name->refresh_token);
  EXPECT_FALSE(by_name->expires_in);
  const auto session = seen(by_name->access_token);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->user_id, id("desk.officer"));
  EXPECT_EQ(session->device_id, "PHONE");
  EXPECT_TRUE(login(id("desk.officer"), password, "LAPTOP"));
}

TEST_F(SessionsTest, AWrongPasswordAndAnUnknownUserGetTheSameAnswer) {
  const auto wrong = login("desk.officer", "wrong");
  const auto unknown = login("nobody", password);
  ASSERT_FALSE(wrong);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(wrong.error().code, "M_FORBIDDEN");
  EXPECT_EQ(wrong.error().kind, ErrorKind::forbidden);
  EXPECT_EQ(unknown.error().code, wrong.error().code);
  EXPECT_EQ(unknown.error().text, wrong.error().text);
  EXPECT_EQ(code_of(login("@desk.officer:other.internal")), "M_FORBIDDEN");
}

TEST_F(SessionsTest, ALockedAccountSignsInOnlyAfterItIsUnlocked) {
  ASSERT_TRUE(set_state("desk.officer", UserState::locked));
  const auto refused = login("desk.officer");
  EXPECT_EQ(code_of(refused), "M_USER_LOCKED");
  EXPECT_EQ(code_of(login("desk.officer", "wrong")), "M_FORBIDDEN") << "tells a stranger nothing";
  ASSERT_TRUE(set_state("desk.officer", UserState::active));
  EXPECT_TRUE(login("desk.officer"));
}

TEST_F(SessionsTest, ADeactivatedAccountNeverSignsInAgain) {
  const auto before = login("desk.officer");
  ASSERT_TRUE(before);
  ASSERT_TRUE(seen(before->access_token));
  ASSERT_TRUE(set_state("desk.officer", UserState::deactivated));
  EXPECT_EQ(code_of(login("desk.officer")), "M_USER_DEACTIVATED");
  EXPECT_EQ(code(before->access_token), "M_UNKNOWN_TOKEN");
}

TEST_F(SessionsTest, ManyFailuresMustBeWaitedOut) {
  const auto wait_for = fail_until_limited("10.0.0.1");
  ASSERT_GT(wait_for.count(), 0);
  EXPECT_EQ(code_of(login("desk.officer")), "M_LIMIT_EXCEEDED") << "the right one waits too";
  store.clock().advance(wait_for.count() - 1);
  EXPECT_EQ(code_of(login("desk.officer")), "M_LIMIT_EXCEEDED");
  store.clock().advance(1);
  EXPECT_TRUE(login("desk.officer"));
  // The success has cleared the count.
  EXPECT_EQ(code_of(login("desk.officer", "wrong")), "M_FORBIDDEN");
  EXPECT_TRUE(login("desk.officer"));
}

TEST_F(SessionsTest, EachFurtherFailureMakesTheWaitLongerUpToALimit) {
  auto before = fail_until_limited("10.0.0.1");
  bool longer = true;
  for (int i = 0; i < 20; ++i) {
    store.clock().advance(before.count());
    EXPECT_EQ(code_of(login("desk.officer", "wrong")), "M_FORBIDDEN");
    const auto refused = login("desk.officer", "wrong");
    ASSERT_EQ(code_of(refused), "M_LIMIT_EXCEEDED");
    ASSERT_TRUE(refused.error().retry_after);
    longer = *refused.error().retry_after > before;
    EXPECT_GE(*refused.error().retry_after, before);
    before = *refused.error().retry_after;
  }
  EXPECT_FALSE(longer);
  EXPECT_EQ(before, std::chrono::minutes(5));
}

TEST_F(SessionsTest, AStrangerWhoGuessesElsewhereDoesNotLockTheOwnerOut) {
  fail_until_limited("203.0.113.7");
  EXPECT_TRUE(login("desk.officer", password, "PHONE", false, "10.0.0.1"));
  EXPECT_EQ(code_of(login("desk.officer", password, "PHONE", false, "203.0.113.7")),
            "M_LIMIT_EXCEEDED");
}

TEST_F(SessionsTest, ManyTriesAtOnceAreNoWayAroundTheLimit) {
  std::vector<std::future<std::string>> codes;
  for (int i = 0; i < 40; ++i) {
    auto code = std::make_shared<std::promise<std::string>>();
    codes.push_back(code->get_future());
    sessions.login({.user = "desk.officer",
                    .password = Redacted("wrong"),
                    .device_id = std::nullopt,
                    .device_name = std::nullopt},
                   {.address = "10.0.0.1", .agent = "Element"},
                   [code](const Result<SignedIn>& refused) { code->set_value(code_of(refused)); });
  }
  const auto looked_at =
      std::ranges::count_if(codes, [](auto& code) { return code.get() == "M_FORBIDDEN"; });
  EXPECT_EQ(looked_at, 5);
}

TEST_F(SessionsTest, APasswordOfTheAdministratorsIsToBeChangedFirst) {
  ASSERT_TRUE(add_user("new.officer", password, true));
  const auto signed_in = login("new.officer");
  ASSERT_TRUE(signed_in);
  EXPECT_EQ(code(signed_in->access_token), "M_FORBIDDEN");
  EXPECT_TRUE(seen(signed_in->access_token, Admit::choosing_password));
  EXPECT_TRUE(seen(signed_in->access_token, Admit::all_but_closed));
  ASSERT_TRUE(wait<void>([&](auto done) {
    users.set_password(id("new.officer"), Redacted("one of my own choice"), std::move(done));
  }));
  EXPECT_TRUE(seen(signed_in->access_token)) << "at once, with the token in use";
}

TEST_F(SessionsTest, ALogoutEndsATokenThatWasInUse) {
  const auto phone = login("desk.officer");
  const auto laptop = login("desk.officer", password, "LAPTOP");
  ASSERT_TRUE(seen(phone->access_token));
  ASSERT_TRUE(seen(laptop->access_token));
  ASSERT_TRUE(logout(*phone));
  const auto ended = seen(phone->access_token);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, "M_UNKNOWN_TOKEN");
  EXPECT_EQ(ended.error().kind, ErrorKind::unauthenticated);
  EXPECT_EQ(ended.error().extra_json, "") << "not a soft logout: the device is gone";
  EXPECT_TRUE(seen(laptop->access_token));
  EXPECT_EQ(code_of(devices.find(id("desk.officer"), "PHONE")), "M_NOT_FOUND");
}

TEST_F(SessionsTest, LogoutOfAllMaySpareTheDeviceInHand) {
  const auto phone = login("desk.officer");
  const auto laptop = login("desk.officer", password, "LAPTOP");
  ASSERT_TRUE(wait<void>(
      [&](auto done) { sessions.logout_all(id("desk.officer"), "PHONE", std::move(done)); }));
  EXPECT_TRUE(seen(phone->access_token));
  EXPECT_EQ(code(laptop->access_token), "M_UNKNOWN_TOKEN");
  ASSERT_TRUE(wait<void>(
      [&](auto done) { sessions.logout_all(id("desk.officer"), std::nullopt, std::move(done)); }));
  EXPECT_EQ(code(phone->access_token), "M_UNKNOWN_TOKEN");
}

TEST_F(SessionsTest, ALockIsFeltByATokenInUseAndEndsWithTheLock) {
  const auto phone = login("desk.officer");
  ASSERT_TRUE(seen(phone->access_token));
  ASSERT_TRUE(set_state("desk.officer", UserState::locked));
  const auto locked = seen(phone->access_token);
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code, "M_USER_LOCKED");
  EXPECT_EQ(locked.error().kind, ErrorKind::unauthenticated);
  EXPECT_EQ(locked.error().extra_json, R"("soft_logout":true)");
  EXPECT_TRUE(seen(phone->access_token, Admit::all_but_closed)) << "signing out stays possible";
  ASSERT_TRUE(set_state("desk.officer", UserState::active));
  EXPECT_TRUE(seen(phone->access_token));
}

TEST_F(SessionsTest, TheSameDeviceThatSignsInAgainHasOneTokenAndKeepsItsName) {
  const auto first = login("desk.officer", password, "PHONE", true, "10.0.0.1", "Old phone");
  ASSERT_TRUE(seen(first->access_token));
  const auto second_time = login("desk.officer", password, "PHONE", true, "10.0.0.1", "New name");
  ASSERT_TRUE(second_time);
  EXPECT_EQ(code(first->access_token), "M_UNKNOWN_TOKEN");
  EXPECT_EQ(code_of(refresh(*first->refresh_token)), "M_UNKNOWN_TOKEN");
  EXPECT_TRUE(seen(second_time->access_token));
  const auto all = devices.list(id("desk.officer"));
  ASSERT_EQ(all->size(), 1U);
  // Spec, POST /login: the name is "ignored if device_id corresponds to a known device".
  EXPECT_EQ(all->front().display_name, "Old phone");
}

TEST_F(SessionsTest, ADeviceWithoutAnIdGetsOne) {
  const auto made = wait<SignedIn>([&](auto done) {
    sessions.login({.user = "desk.officer",
                    .password = Redacted(password),
                    .device_id = std::nullopt,
                    .device_name = std::nullopt},
                   {.address = "10.0.0.1", .agent = ""}, std::move(done));
  });
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->device_id.empty());
  EXPECT_EQ(code_of(login("desk.officer", password, std::string(256, 'D'))), "M_INVALID_PARAM");
  EXPECT_TRUE(login("desk.officer", password, std::string(255, 'D')));
}

TEST_F(SessionsTest, ALongDeviceNameIsCutBetweenLetters) {
  // 254 bytes and a letter of three: the letter does not fit.
  const std::string fits(254, 'a');
  ASSERT_TRUE(login("desk.officer", password, "A", false, "10.0.0.1", fits + "अ"));
  EXPECT_EQ(devices.find(id("desk.officer"), "A")->display_name, fits);
  ASSERT_TRUE(login("desk.officer", password, "B", false, "10.0.0.1", std::string(300, 'a')));
  EXPECT_EQ(devices.find(id("desk.officer"), "B")->display_name, std::string(255, 'a'));
  ASSERT_TRUE(login("desk.officer", password, "C", false, "10.0.0.1",
                    std::string(252, 'a') + "अ" + "more"));
  EXPECT_EQ(devices.find(id("desk.officer"), "C")->display_name, std::string(252, 'a') + "अ");
}

TEST_F(SessionsTest, AnExpiredTokenIsASoftLogout) {
  const auto phone = login("desk.officer", password, "PHONE", true);
  ASSERT_TRUE(phone->refresh_token);
  ASSERT_EQ(phone->expires_in, policy.access_token_life);
  ASSERT_TRUE(seen(phone->access_token));
  store.clock().advance(phone->expires_in->count() - 1);
  EXPECT_TRUE(seen(phone->access_token));
  store.clock().advance(1);
  const auto expired = seen(phone->access_token);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, "M_UNKNOWN_TOKEN");
  EXPECT_EQ(expired.error().extra_json, R"("soft_logout":true)");
  const auto renewed = refresh(*phone->refresh_token);
  ASSERT_TRUE(renewed);
  EXPECT_TRUE(seen(renewed->access_token));
}

TEST_F(SessionsTest, ATokenOfAClockThatWasAheadEndsWhenItIsSetBack) {
  const auto phone = login("desk.officer", password, "PHONE", true);
  store.clock().advance(-60'000);
  EXPECT_TRUE(seen(phone->access_token));
  store.clock().advance(-1);
  const auto ended = seen(phone->access_token);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().extra_json, R"("soft_logout":true)");
  const auto renewed = refresh(*phone->refresh_token);
  ASSERT_TRUE(renewed);
  EXPECT_TRUE(seen(renewed->access_token));
}

TEST_F(SessionsTest, AnUnknownTokenIsNoSoftLogout) {
  const auto unknown = seen(Redacted("gims_at_nothing"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, "M_UNKNOWN_TOKEN");
  EXPECT_EQ(unknown.error().extra_json, "");
  EXPECT_EQ(code_of(refresh(Redacted("gims_rt_nothing"))), "M_UNKNOWN_TOKEN");
}

TEST_F(SessionsTest, TheOldPairWorksUntilTheNewOneIsUsed) {
  const auto first = login("desk.officer", password, "PHONE", true);
  ASSERT_TRUE(seen(first->access_token));
  const auto next = refresh(*first->refresh_token);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->device_id, "PHONE");
  ASSERT_TRUE(next->refresh_token);
  EXPECT_TRUE(seen(first->access_token)) << "the answer may have been lost";
  EXPECT_TRUE(seen(next->access_token));
  EXPECT_EQ(code(first->access_token), "M_UNKNOWN_TOKEN");
  EXPECT_EQ(code_of(refresh(*first->refresh_token)), "M_UNKNOWN_TOKEN");
  EXPECT_TRUE(seen(next->access_token));
}

TEST_F(SessionsTest, ALostAnswerIsMadeGoodByAskingAgain) {
  const auto first = login("desk.officer", password, "PHONE", true);
  const auto lost = refresh(*first->refresh_token);
  ASSERT_TRUE(lost);
  const auto again = refresh(*first->refresh_token);
  ASSERT_TRUE(again);
  EXPECT_EQ(code(lost->access_token), "M_UNKNOWN_TOKEN");
  EXPECT_EQ(code_of(refresh(*lost->refresh_token)), "M_UNKNOWN_TOKEN");
  EXPECT_TRUE(seen(first->access_token)) << "the new pair is not used yet";
  EXPECT_TRUE(seen(again->access_token));
  EXPECT_EQ(code(first->access_token), "M_UNKNOWN_TOKEN");
}

TEST_F(SessionsTest, UseOfTheNewRefreshTokenEndsTheOldPairToo) {
  const auto first = login("desk.officer", password, "PHONE", true);
  ASSERT_TRUE(seen(first->access_token));
  const auto next = refresh(*first->refresh_token);
  const auto third = refresh(*next->refresh_token);
  ASSERT_TRUE(third);
  EXPECT_EQ(code(first->access_token), "M_UNKNOWN_TOKEN");
  EXPECT_EQ(code_of(refresh(*first->refresh_token)), "M_UNKNOWN_TOKEN");
  EXPECT_TRUE(seen(third->access_token));
}

TEST_F(SessionsTest, ALockedAccountRefreshesNothing) {
  const auto first = login("desk.officer", password, "PHONE", true);
  ASSERT_TRUE(set_state("desk.officer", UserState::locked));
  EXPECT_EQ(code_of(refresh(*first->refresh_token)), "M_USER_LOCKED");
  ASSERT_TRUE(set_state("desk.officer", UserState::active));
  EXPECT_TRUE(refresh(*first->refresh_token));
}

TEST_F(SessionsTest, DevicesOfAnAccountHaveAnEnd) {
  ASSERT_TRUE(login("desk.officer", password, "PHONE"));
  script(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 499) "
      "INSERT INTO devices (user_id, device_id, created_ts) SELECT '" +
      id("desk.officer") + "', 'D' || i, 0 FROM n");
  EXPECT_EQ(code_of(login("desk.officer", password, "TABLET")), "M_FORBIDDEN");
  EXPECT_TRUE(login("desk.officer", password, "PHONE")) << "one that is there signs in again";
  ASSERT_TRUE(remove_device("desk.officer", "D7"));
  EXPECT_TRUE(login("desk.officer", password, "TABLET"));
}

TEST_F(SessionsTest, LastSeenIsWrittenNowAndThen) {
  const auto phone = login("desk.officer");
  EXPECT_FALSE(devices.find(id("desk.officer"), "PHONE")->last_seen_ts);
  ASSERT_TRUE(seen(phone->access_token));
  const Millis first = store.clock().now_ms();
  auto device = devices.find(id("desk.officer"), "PHONE");
  EXPECT_EQ(device->last_seen_ts, first);
  EXPECT_EQ(device->last_seen_ip, "10.0.0.9");
  EXPECT_EQ(device->last_seen_agent, "Nheko");
  store.clock().advance(10 * second);
  ASSERT_TRUE(seen(phone->access_token));
  EXPECT_EQ(devices.find(id("desk.officer"), "PHONE")->last_seen_ts, first) << "too soon";
  store.clock().advance(3600 * second);
  ASSERT_TRUE(seen(phone->access_token));
  EXPECT_EQ(devices.find(id("desk.officer"), "PHONE")->last_seen_ts, store.clock().now_ms());
}

TEST_F(SessionsTest, NoTokenAndNoPasswordStandInTheFiles) {
  const auto phone = login("desk.officer", password, "PHONE", true);
  ASSERT_TRUE(seen(phone->access_token));
  bool device_found = false;
  for (const auto& entry :
       std::filesystem::directory_iterator(store.options().database.parent_path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    device_found |= bytes.contains("PHONE");
    EXPECT_FALSE(bytes.contains(phone->access_token.reveal())) << entry.path();
    EXPECT_FALSE(bytes.contains(phone->refresh_token->reveal())) << entry.path();
    EXPECT_FALSE(bytes.contains(password)) << entry.path();
    EXPECT_FALSE(bytes.contains("argon2id")) << entry.path();
  }
  EXPECT_TRUE(device_found) << "the search reads the right files";
}

}  // namespace
}  // namespace gims::service
