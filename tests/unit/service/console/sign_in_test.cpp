#include "service/console/sign_in.hpp"

#include <gtest/gtest.h>

#include <string>

#include "service/console/totp.hpp"
#include "support/console_fixture.hpp"

namespace gims::service::console {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::WebAuthenticator;

// The code of an outcome; "" where it is good.
template <class T>
std::string code_of(const Result<T>& outcome) {
  return outcome ? "" : outcome.error().code;
}

// What a code's letters stand for (RFC 4648, section 6).
SecretBytes from_base32(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::vector<std::uint8_t> bytes;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    held = held << 5U | static_cast<std::uint32_t>(letters.find(c));
    bits += 5;
    if (bits >= 8) bytes.push_back(static_cast<std::uint8_t>(held >> (bits -= 8)));
  }
  return std::move(*SecretBytes::copy_of(bytes));
}

class ConsoleSignIn : public test::ConsoleFixture {
 protected:
  // Asha is invited and has an application for codes instead of a key. Its secret.
  SecretBytes with_totp() {
    const auto invitation = invite("Asha");
    const auto step = accept("Asha", std::string(invitation->code.reveal()));
    const auto options = sign_in.begin_enrolment(step->token.reveal(), FactorKind::totp, desk);
    SecretBytes secret = from_base32(options->secret->reveal());
    EXPECT_EQ(code_of(enrol(*step, code_at(secret))), "");
    return secret;
  }
  Code code_at(const SecretBytes& secret, std::int64_t steps_away = 0) {
    return {.digits = totp_code(secret, totp_step_of(clock.now_ms()) + steps_away)};
  }
};

TEST_F(ConsoleSignIn, AnInvitedPersonRegistersAKeyAndIsIn) {
  const auto done = enrolled("Asha", key);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->is.session.name, "Asha");
  EXPECT_TRUE(done->is.roles.any_of({Role::administrator}));
  EXPECT_TRUE(sessions.authenticate(done->cookie.reveal(), desk, nullptr));
  EXPECT_EQ(code_of(signed_in("Asha", key)), "");
  EXPECT_EQ(count("signin.invited"), 1U);
  EXPECT_EQ(count("administrator.factor_added"), 1U);
  EXPECT_EQ(count("signin.done"), 2U);
  const auto last = entries().back();
  EXPECT_EQ(last.actor, "administrator Asha");
  EXPECT_EQ(last.origin, "console 10.1.0.7");
}

TEST_F(ConsoleSignIn, ACodeOfAnInvitationIsGoodOnceAndForADay) {
  const auto first = invite("Asha");
  const std::string used(first->code.reveal());
  EXPECT_EQ(code_of(accept("Asha", used)), "");
  EXPECT_EQ(code_of(accept("Asha", used)), "M_FORBIDDEN");
  const auto second = invite("Asha");
  pass(hours(24));
  EXPECT_EQ(code_of(accept("Asha", std::string(second->code.reveal()))), "M_FORBIDDEN");
}

TEST_F(ConsoleSignIn, ACodeIsTakenAsPeopleTypeIt) {
  const auto invitation = invite("Asha");
  std::string typed;
  for (const char c : invitation->code.reveal()) {
    if (c != '-') typed.push_back(static_cast<char>(std::tolower(c)));
  }
  EXPECT_EQ(code_of(accept("Asha", typed)), "");
}

TEST_F(ConsoleSignIn, AnotherInvitationTakesTheFirstBackAndAllThatWasRegistered) {
  const auto done = enrolled("Asha", key);
  const auto again = invite("Asha");
  ASSERT_TRUE(again);
  EXPECT_FALSE(sessions.authenticate(done->cookie.reveal(), desk, nullptr));
  EXPECT_EQ(code_of(start("Asha")), "M_FORBIDDEN");
  EXPECT_EQ(code_of(accept("Asha", std::string(again->code.reveal()), "another long secret")), "");
  EXPECT_EQ(code_of(start("Asha")), "M_FORBIDDEN");
  const auto step = start("Asha", "another long secret");
  ASSERT_TRUE(step);
  EXPECT_TRUE(step->factors.empty());
}

TEST_F(ConsoleSignIn, WhoHasAKeyInGimsKeydSignsInWithThat) {
  const auto invitation = invite("Chitra");
  const auto step = accept("Chitra", std::string(invitation->code.reveal()));
  ASSERT_TRUE(step);
  ASSERT_EQ(step->keys, std::vector<std::string>{chitras_key.id()});
  // Whoever has the code alone registers no key of their own.
  EXPECT_EQ(code_of(sign_in.begin_enrolment(step->token.reveal(), FactorKind::webauthn, desk)),
            "GIMS_EXPIRED");
  EXPECT_EQ(code_of(finish(*step, yes(chitras_key, step->challenge))), "");
}

TEST_F(ConsoleSignIn, SomebodyWhomGimsKeydDoesNotKnowIsNotInvited) {
  EXPECT_EQ(code_of(invite("Nobody")), "GIMS_APPROVAL_UNKNOWN");
}

TEST_F(ConsoleSignIn, AWeakPassphraseIsRefusedAndTheCodeIsStillGood) {
  const auto invitation = invite("Asha");
  const std::string code(invitation->code.reveal());
  EXPECT_EQ(code_of(accept("Asha", code, "short")), "M_WEAK_PASSWORD");
  EXPECT_EQ(code_of(accept("Asha", code)), "");
}

TEST_F(ConsoleSignIn, WithoutAFactorAPassphraseIsGoodAsLongAsTheInvitation) {
  const auto invitation = invite("Asha");
  ASSERT_TRUE(accept("Asha", std::string(invitation->code.reveal())));
  EXPECT_EQ(code_of(start("Asha")), "");
  pass(hours(24));
  EXPECT_EQ(code_of(start("Asha")), "GIMS_EXPIRED");
}

TEST_F(ConsoleSignIn, AWrongPassphraseAndAnUnknownNameAreAnsweredAlike) {
  ASSERT_TRUE(enrolled("Asha", key));
  const auto wrong = start("Asha", "not the passphrase");
  const auto unknown = start("my secret in the wrong field", "not the passphrase");
  ASSERT_FALSE(wrong);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(wrong.error().code, unknown.error().code);
  EXPECT_EQ(wrong.error().text, unknown.error().text);
  EXPECT_EQ(wrong.error().kind, unknown.error().kind);
  const auto all = entries();
  ASSERT_EQ(count("signin.refused"), 2U);
  EXPECT_EQ(all[all.size() - 2].target, "Asha");
  EXPECT_EQ(all[all.size() - 2].actor, "nobody");
  EXPECT_EQ(all.back().target, "");  // nothing of what was typed
  EXPECT_EQ(all.back().detail, R"({"reason":"passphrase"})");
}

TEST_F(ConsoleSignIn, WhoIsNoAdministratorAnyMoreIsOut) {
  ASSERT_TRUE(enrolled("Asha", key));
  const auto step = start("Asha");
  ASSERT_TRUE(step);
  approvals.remove("Asha");
  settle_keyd();
  EXPECT_EQ(code_of(finish(*step, yes(key, step->challenge))), "M_FORBIDDEN");
  EXPECT_EQ(code_of(start("Asha")), "M_FORBIDDEN");
}

TEST_F(ConsoleSignIn, WrongPassphrasesMakeOneWaitLongerAndLonger) {
  ASSERT_TRUE(enrolled("Asha", key));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code_of(start("Asha", "wrong wrong wrong")), "M_FORBIDDEN");
  const auto limited = start("Asha");
  ASSERT_EQ(code_of(limited), "M_LIMIT_EXCEEDED");
  EXPECT_EQ(limited.error().retry_after, seconds(1));
  pass(seconds(1));
  EXPECT_EQ(code_of(start("Asha", "wrong wrong wrong")), "M_FORBIDDEN");
  EXPECT_EQ(start("Asha").error().retry_after, seconds(2));
  pass(seconds(2));
  EXPECT_EQ(code_of(start("Asha")), "");
  EXPECT_EQ(code_of(start("Asha", "wrong wrong wrong")), "M_FORBIDDEN");  // counted anew
}

// From many addresses one name is guessed at: it is locked, and never for good.
TEST_F(ConsoleSignIn, ALockOutEndsByItself) {
  ASSERT_TRUE(enrolled("Asha", key));
  const auto from = [this](int number, std::string_view secret) {
    return wait<SecondStep>([&](auto done) {
      sign_in.start("Asha", Redacted(std::string(secret)),
                    where("10.2.0." + std::to_string(number), ""), std::move(done));
    });
  };
  int tries = 0;
  while (code_of(from(++tries, "wrong wrong wrong")) == "M_FORBIDDEN") ASSERT_LT(tries, 100);
  EXPECT_EQ(tries, 21);
  for (int i = 0; i < 20; ++i) {
    pass(minutes(15));
    EXPECT_EQ(code_of(from(100 + i, "wrong wrong wrong")), "M_FORBIDDEN");
  }
  EXPECT_EQ(from(200, passphrase).error().retry_after, minutes(15));
  pass(minutes(15));
  EXPECT_EQ(code_of(from(200, passphrase)), "");
}

TEST_F(ConsoleSignIn, AChallengeIsSignedOnceAndInTime) {
  ASSERT_TRUE(enrolled("Asha", key));
  const auto step = start("Asha");
  ASSERT_TRUE(step);
  const KeyYes once = yes(key, step->challenge);
  EXPECT_EQ(code_of(finish(*step, once)), "");
  EXPECT_EQ(code_of(finish(*step, once)), "GIMS_EXPIRED");  // replayed
  const auto late = start("Asha");
  pass(minutes(2));
  EXPECT_EQ(code_of(finish(*late, yes(key, late->challenge))), "GIMS_EXPIRED");
}

TEST_F(ConsoleSignIn, ASecondFactorIsTakenFromWhereThePassphraseCame) {
  ASSERT_TRUE(enrolled("Asha", key));
  const auto step = start("Asha");
  const auto elsewhere = wait<ConsoleSignedIn>([&](auto done) {
    sign_in.finish(std::string(step->token.reveal()), yes(key, step->challenge),
                   where("10.1.0.8", "Browser/1"), std::move(done));
  });
  EXPECT_EQ(code_of(elsewhere), "GIMS_EXPIRED");
}

TEST_F(ConsoleSignIn, AnotherKeyOrAWrongSignatureIsRefusedAndEntered) {
  ASSERT_TRUE(enrolled("Asha", key));
  auto step = start("Asha");
  EXPECT_EQ(code_of(finish(*step, yes(chitras_key, step->challenge))), "M_FORBIDDEN");
  step = start("Asha");
  key.spoil = true;
  EXPECT_EQ(code_of(finish(*step, yes(key, step->challenge))), "M_FORBIDDEN");
  EXPECT_EQ(count("signin.refused"), 2U);
  EXPECT_EQ(count("signin.done"), 1U);
}

TEST_F(ConsoleSignIn, ACopyOfAKeyIsFoundByItsCounter) {
  key.counter = 5;
  ASSERT_TRUE(enrolled("Asha", key));
  EXPECT_EQ(code_of(signed_in("Asha", key)), "");
  key.counter = 4;  // and grows to 5 with its use
  EXPECT_EQ(code_of(signed_in("Asha", key)), "GIMS_APPROVAL_COUNTER");
  EXPECT_EQ(count("signin.refused"), 1U);
}

TEST_F(ConsoleSignIn, ACodeIsGoodOnce) {
  const SecretBytes secret = with_totp();
  // The one that was registered with is used.
  EXPECT_EQ(code_of(finish(*start("Asha"), code_at(secret))), "M_FORBIDDEN");
  pass(seconds(30));
  EXPECT_EQ(code_of(finish(*start("Asha"), code_at(secret))), "");
  EXPECT_EQ(code_of(finish(*start("Asha"), code_at(secret))), "M_FORBIDDEN");
  EXPECT_EQ(code_of(finish(*start("Asha"), code_at(secret, 1))), "");
}

TEST_F(ConsoleSignIn, GuessingAtCodesIsSlowWhoeverHasThePassphrase) {
  const SecretBytes secret = with_totp();
  pass(minutes(1));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(code_of(finish(*start("Asha"), code("000000"))), "M_FORBIDDEN");
  }
  EXPECT_EQ(code_of(finish(*start("Asha"), code_at(secret))), "M_LIMIT_EXCEEDED");
  pass(seconds(1));
  EXPECT_EQ(code_of(finish(*start("Asha"), code_at(secret))), "");
}

TEST_F(ConsoleSignIn, TheSecretOfCodesIsSealedInTheTable) {
  const SecretBytes secret = with_totp();
  auto reader = store->read();
  const auto account = account_of(reader->sql(), "Asha");
  ASSERT_TRUE(account && *account);
  EXPECT_FALSE((*account)->totp_secret->contains(crypto::as_text(secret.bytes())));
}

TEST_F(ConsoleSignIn, ALockedPersonIsAnsweredAsOneWhoIsWrong) {
  WebAuthenticator other;
  ASSERT_TRUE(enrolled("Asha", key));
  ASSERT_TRUE(enrolled("Bimal", other));
  const auto locked = wait<void>([&](auto done) {
    administrators.set_locked("Asha", true, "lost her key", {.name = "x", .origin = "y"},
                              std::move(done));
  });
  ASSERT_TRUE(locked);
  const auto refused = start("Asha");
  EXPECT_EQ(code_of(refused), "M_FORBIDDEN");
  EXPECT_EQ(entries().back().detail, R"({"reason":"locked"})");
}

TEST_F(ConsoleSignIn, EntriesOfRefusalsAreBoundedAndCounted) {
  for (int i = 0; i < 100; ++i) {
    const auto refused = wait<SecondStep>([&](auto done) {
      sign_in.start("name " + std::to_string(i), Redacted("wrong wrong wrong"),
                    where("10.2.0." + std::to_string(i), ""), std::move(done));
    });
    EXPECT_EQ(code_of(refused), "M_FORBIDDEN");
  }
  EXPECT_EQ(count("signin.refused"), 60U);
  pass(seconds(10));
  EXPECT_EQ(code_of(start("Asha", "wrong wrong wrong")), "M_FORBIDDEN");
  EXPECT_EQ(entries().back().detail, R"({"reason":"passphrase","refused_before":40})");
}

TEST_F(ConsoleSignIn, BothFactorsMakeASessionFreshAgain) {
  const auto done = enrolled("Asha", key);
  const Session session = done->is.session;
  pass(minutes(6));
  const auto ask = [&](std::string_view secret) {
    return wait<SecondStep>([&](auto answer) {
      sign_in.start_fresh(session, Redacted(std::string(secret)), std::move(answer));
    });
  };
  const auto show = [&](const SecondStep& step) {
    return wait<SessionStanding>([&](auto answer) {
      sign_in.finish_fresh(session, std::string(step.token.reveal()), yes(key, step.challenge),
                           std::move(answer));
    });
  };
  EXPECT_FALSE(sessions.authenticate(done->cookie.reveal(), desk, nullptr)->fresh);
  EXPECT_EQ(code_of(ask("wrong wrong wrong")), "M_FORBIDDEN");
  const auto step = ask(passphrase);
  ASSERT_TRUE(step);
  EXPECT_EQ(code_of(show(*step)), "");
  EXPECT_TRUE(sessions.authenticate(done->cookie.reveal(), desk, nullptr)->fresh);
  EXPECT_EQ(count("signin.fresh"), 1U);
  // A step of signing in is none of a session.
  EXPECT_EQ(code_of(show(*start("Asha"))), "GIMS_EXPIRED");
}

TEST_F(ConsoleSignIn, SigningOutEndsItAtOnce) {
  const auto done = enrolled("Asha", key);
  const Session session = done->is.session;
  EXPECT_TRUE(wait<void>([&](auto answer) { sign_in.sign_out(session, std::move(answer)); }));
  EXPECT_FALSE(sessions.authenticate(done->cookie.reveal(), desk, nullptr));
  EXPECT_EQ(entries().back().act, "signin.ended");
}

TEST_F(ConsoleSignIn, OnesOwnSessionsAreRevokedAndAnAdministratorRevokesAll) {
  WebAuthenticator other;
  const auto ashas = enrolled("Asha", key);
  const auto bimals = enrolled("Bimal", other);
  const auto revoke = [&](const Session& by, const Session& one, bool any) {
    return code_of(
        wait<void>([&](auto done) { sign_in.revoke(by, one.id, any, std::move(done)); }));
  };
  EXPECT_EQ(revoke(bimals->is.session, ashas->is.session, false), "M_NOT_FOUND");
  EXPECT_EQ(revoke(ashas->is.session, bimals->is.session, true), "");
  EXPECT_FALSE(sessions.authenticate(bimals->cookie.reveal(), desk, nullptr));
  EXPECT_EQ(entries().back().act, "session.revoked");
  EXPECT_EQ(entries().back().target, "Bimal");
}

TEST_F(ConsoleSignIn, AStolenCookieIsEntered) {
  const auto done = enrolled("Asha", key);
  const Where thief = where("10.6.6.6", "curl");
  EXPECT_FALSE(sessions.authenticate(done->cookie.reveal(), thief, [&](const Session& whose) {
    sign_in.note_moved(whose, thief);
  }));
  ASSERT_TRUE(store.write([](store::Transaction&) -> Result<> { return {}; }));
  EXPECT_EQ(entries().back().act, "session.misused");
  EXPECT_EQ(entries().back().origin, "console 10.6.6.6");
  EXPECT_EQ(entries().back().target, "Asha");
}

}  // namespace
}  // namespace gims::service::console
