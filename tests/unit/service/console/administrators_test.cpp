#include "service/console/administrators.hpp"

#include <gtest/gtest.h>

#include <string>

#include "service/console/totp.hpp"
#include "support/console_fixture.hpp"

namespace gims::service::console {
namespace {

using std::chrono::minutes;
using test::WebAuthenticator;

class ConsoleAdministrators : public test::ConsoleFixture {
 protected:
  const Actor actor{.name = "administrator Asha", .origin = "console 10.1.0.7"};

  std::string lock(std::string name, bool locked = true) {
    return answer([&](auto done) {
      administrators.set_locked(std::move(name), locked, "a reason", actor, std::move(done));
    });
  }
  template <class Begin>
  std::string answer(Begin begin) {
    const auto outcome = wait<void>(std::move(begin));
    return outcome ? "" : outcome.error().code;
  }
  AdministratorShown shown(std::string_view name) {
    const auto all = administrators.list();
    for (const auto& one : *all) {
      if (one.person.name == name) return one;
    }
    ADD_FAILURE() << name;
    return {};
  }
  std::string add(const Session& session, NewFactor factor) {
    const auto outcome = wait<Me>(
        [&](auto done) { administrators.add_factor(session, std::move(factor), std::move(done)); });
    return outcome ? "" : outcome.error().code;
  }
};

TEST_F(ConsoleAdministrators, TheListIsGimsKeydsAndHowEachSignsIn) {
  EXPECT_EQ(administrators.list()->size(), 3U);
  EXPECT_EQ(shown("Asha").state, SignInState::none);
  ASSERT_TRUE(invite("Asha"));
  EXPECT_EQ(shown("Asha").state, SignInState::invited);
  ASSERT_TRUE(enrolled("Asha", key));
  const AdministratorShown asha = shown("Asha");
  EXPECT_EQ(asha.state, SignInState::active);
  EXPECT_EQ(asha.factors, std::vector{FactorKind::webauthn});
  EXPECT_EQ(asha.sessions, 1U);
  EXPECT_EQ(asha.last_sign_in_ts, clock.now_ms());
  EXPECT_EQ(asha.fingerprint.size(), 16U);
  EXPECT_TRUE(asha.approves);
  EXPECT_FALSE(shown("Chitra").approves);
}

TEST_F(ConsoleAdministrators, ALockEndsSessionsAndIsTakenBack) {
  WebAuthenticator other;
  const auto ashas = enrolled("Asha", key);
  ASSERT_TRUE(enrolled("Bimal", other));
  EXPECT_EQ(lock("Asha"), "");
  EXPECT_FALSE(sessions.authenticate(ashas->cookie.reveal(), desk, nullptr));
  EXPECT_EQ(shown("Asha").state, SignInState::locked);
  EXPECT_EQ(entries().back().detail, R"({"after":"locked","before":"active","reason":"a reason"})");
  EXPECT_EQ(lock("Asha"), "GIMS_STATE");
  EXPECT_EQ(lock("Asha", false), "");
  EXPECT_EQ(lock("Asha", false), "GIMS_STATE");
  EXPECT_TRUE(signed_in("Asha", key));
}

TEST_F(ConsoleAdministrators, TheLastWhoCanSignInIsNotLocked) {
  WebAuthenticator other;
  ASSERT_TRUE(enrolled("Asha", key));
  EXPECT_EQ(lock("Asha"), "GIMS_STATE");
  ASSERT_TRUE(invite("Bimal"));  // who cannot sign in yet
  EXPECT_EQ(lock("Asha"), "GIMS_STATE");
  ASSERT_TRUE(enrolled("Bimal", other));
  EXPECT_EQ(lock("Asha"), "");
  EXPECT_EQ(lock("Bimal"), "GIMS_STATE");
  EXPECT_EQ(lock("Nobody"), "GIMS_APPROVAL_UNKNOWN");
  EXPECT_EQ(lock("Chitra"), "GIMS_STATE");  // never invited
}

TEST_F(ConsoleAdministrators, AnInvitationLeavesALock) {
  WebAuthenticator other;
  ASSERT_TRUE(enrolled("Asha", key));
  ASSERT_TRUE(enrolled("Bimal", other));
  ASSERT_EQ(lock("Asha"), "");
  const auto again = invite("Asha");
  ASSERT_TRUE(again);
  EXPECT_FALSE(accept("Asha", std::string(again->code.reveal())));
}

TEST_F(ConsoleAdministrators, ANewPassphraseEndsTheOtherSessions) {
  const auto other = enrolled("Asha", key);
  const auto own = signed_in("Asha", key);
  const Session session = own->is.session;
  const auto set = [&](std::string secret) {
    return answer([&](auto done) {
      administrators.set_passphrase(session, Redacted(std::move(secret)), std::move(done));
    });
  };
  EXPECT_EQ(set("short"), "M_WEAK_PASSWORD");
  EXPECT_EQ(set("another long secret"), "");
  EXPECT_TRUE(sessions.authenticate(own->cookie.reveal(), desk, nullptr));
  EXPECT_FALSE(sessions.authenticate(other->cookie.reveal(), desk, nullptr));
  EXPECT_FALSE(start("Asha"));
  EXPECT_TRUE(start("Asha", "another long secret"));
  EXPECT_EQ(count("administrator.passphrase"), 1U);
}

TEST_F(ConsoleAdministrators, OneSecondFactorAlwaysStays) {
  const auto done = enrolled("Asha", key);
  const Session session = done->is.session;
  const auto remove_key = [&](std::string id) {
    return answer([&](auto answered) {
      administrators.remove_key(session, std::move(id), std::move(answered));
    });
  };
  const auto remove_totp = [&] {
    return answer([&](auto answered) { administrators.remove_totp(session, std::move(answered)); });
  };
  EXPECT_EQ(remove_key(key.id()), "GIMS_STATE");
  EXPECT_EQ(remove_totp(), "M_NOT_FOUND");
  EXPECT_EQ(remove_key("AAAA"), "M_NOT_FOUND");
  EXPECT_EQ(remove_key("not base64"), "M_NOT_FOUND");
  WebAuthenticator second;
  const auto options = administrators.begin_factor(session, FactorKind::webauthn);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->keys, std::vector<std::string>{key.id()});
  EXPECT_EQ(
      add(session, NewKey{.label = "red key", .registration = second.create(*options->challenge)}),
      "");
  EXPECT_EQ(remove_key(key.id()), "");
  EXPECT_EQ(entries().back().detail, R"({"factor":"webauthn","label":"blue key"})");
  EXPECT_EQ(remove_key(second.id()), "GIMS_STATE");
  EXPECT_TRUE(signed_in("Asha", second));
}

TEST_F(ConsoleAdministrators, ARegistrationIsOfItsChallengeAndOnce) {
  const auto done = enrolled("Asha", key);
  const Session session = done->is.session;
  WebAuthenticator second;
  EXPECT_EQ(add(session, NewKey{.label = "x", .registration = second.create({1})}), "GIMS_EXPIRED");
  auto options = administrators.begin_factor(session, FactorKind::webauthn);
  EXPECT_EQ(add(session, NewKey{.label = "x", .registration = second.create({1})}), "M_FORBIDDEN");
  // The challenge is gone with it.
  EXPECT_EQ(add(session, NewKey{.label = "x", .registration = second.create(*options->challenge)}),
            "GIMS_EXPIRED");
  options = administrators.begin_factor(session, FactorKind::webauthn);
  EXPECT_EQ(add(session, NewKey{.label = "x", .registration = key.create(*options->challenge)}),
            "GIMS_STATE");  // it is registered already
}

TEST_F(ConsoleAdministrators, AnApplicationCountsOnceACodeOfItWasSeen) {
  const auto done = enrolled("Asha", key);
  const Session session = done->is.session;
  const auto options = administrators.begin_factor(session, FactorKind::totp);
  ASSERT_TRUE(options && options->secret);
  EXPECT_EQ(administrators.me(session)->standing.account.factors(),
            std::vector{FactorKind::webauthn});
  EXPECT_EQ(add(session, code("000000")), "M_FORBIDDEN");
  const auto secret = steps.totp(session.id);
  ASSERT_TRUE(secret);
  EXPECT_EQ(add(session, Code{.digits = totp_code(*secret, totp_step_of(clock.now_ms()))}), "");
  EXPECT_EQ(administrators.me(session)->standing.account.factors(),
            (std::vector{FactorKind::webauthn, FactorKind::totp}));
}

TEST_F(ConsoleAdministrators, ThereIsABoundOfKeys) {
  const auto done = enrolled("Asha", key);
  const Session session = done->is.session;
  for (std::size_t i = 1; i <= most_keys_of_one; ++i) {
    WebAuthenticator another;
    const auto options = administrators.begin_factor(session, FactorKind::webauthn);
    EXPECT_EQ(
        add(session, NewKey{.label = "x", .registration = another.create(*options->challenge)}),
        i < most_keys_of_one ? "" : "GIMS_STATE");
  }
}

TEST_F(ConsoleAdministrators, TheLanguageIsOnesOwn) {
  const auto done = enrolled("Asha", key);
  EXPECT_EQ(done->is.standing.account.language, "en");
  EXPECT_EQ(answer([&](auto answered) {
              administrators.set_language(done->is.session, "hi", std::move(answered));
            }),
            "");
  EXPECT_EQ(administrators.me(done->is.session)->standing.account.language, "hi");
}

}  // namespace
}  // namespace gims::service::console
