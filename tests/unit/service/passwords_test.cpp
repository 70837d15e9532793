#include "service/accounts/passwords.hpp"

#include <atomic>
#include <latch>

#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;
using test::key_of;
using test::RoomsFixture;

constexpr PasswordCost quick{.passes = 1, .memory = 8192};
constexpr const char* user = "@desk.officer:gims.internal";

Result<std::string> hash(Passwords& passwords, std::string_view owner, std::string_view text) {
  return RoomsFixture::wait<std::string>([&](auto done) {
    passwords.hash(std::string(owner), Redacted(std::string(text)), std::move(done));
  });
}
Result<bool> verify(Passwords& passwords, std::string_view owner, std::string_view text,
                    std::optional<std::string> stored) {
  return RoomsFixture::wait<bool>([&](auto done) {
    passwords.verify(std::string(owner), Redacted(std::string(text)), std::move(stored),
                     std::move(done));
  });
}

TEST(Passwords, OnlyTheRightOneFits) {
  Passwords passwords({.pepper = key_of(1), .data = key_of(2)}, quick, 1, 8);
  const auto stored = hash(passwords, user, "गुप्त शब्द है यह");
  ASSERT_TRUE(stored);
  EXPECT_TRUE(*verify(passwords, user, "गुप्त शब्द है यह", *stored));
  EXPECT_FALSE(*verify(passwords, user, "गुप्त शब्द है यह ", *stored));
  EXPECT_FALSE(*verify(passwords, user, "", *stored));
  EXPECT_FALSE(*verify(passwords, user, "गुप्त शब्द है यह", std::nullopt));
}

TEST(Passwords, TheSamePasswordIsStoredDifferentlyAndSealed) {
  Passwords passwords({.pepper = key_of(1), .data = key_of(2)}, quick, 1, 8);
  const auto one = hash(passwords, user, "correct horse");
  const auto two = hash(passwords, user, "correct horse");
  EXPECT_NE(*one, *two);
  EXPECT_FALSE(one->contains("argon2"));
}

TEST(Passwords, AStoredHashServesNeitherAnotherUserNorAnotherSite) {
  Passwords passwords({.pepper = key_of(1), .data = key_of(2)}, quick, 1, 8);
  const auto stored = hash(passwords, user, "correct horse");
  EXPECT_FALSE(verify(passwords, "@joint.secretary:gims.internal", "correct horse", *stored))
      << "moved between rows of the database";
  Passwords other_pepper({.pepper = key_of(9), .data = key_of(2)}, quick, 1, 8);
  EXPECT_FALSE(*verify(other_pepper, user, "correct horse", *stored));
  Passwords other_data({.pepper = key_of(1), .data = key_of(9)}, quick, 1, 8);
  EXPECT_FALSE(verify(other_data, user, "correct horse", *stored));
}

TEST(Passwords, AFullQueueRefusesAndAllThatWaitedIsAnswered) {
  std::atomic<int> answered = 0;
  Result<std::string> refused = std::string();
  std::latch working(1);
  std::latch go_on(1);
  {
    Passwords passwords({.pepper = key_of(1), .data = key_of(2)}, quick, 1, 2);
    // Holds the only thread.
    passwords.hash(user, Redacted("a"), [&](const Result<std::string>&) {
      working.count_down();
      go_on.wait();
      ++answered;
    });
    working.wait();
    for (int i = 0; i < 2; ++i) {
      passwords.hash(user, Redacted("a"),
                     [&](const Result<std::string>& made) { answered += made ? 1 : 0; });
    }
    passwords.hash(user, Redacted("a"),
                   [&](Result<std::string> outcome) { refused = std::move(outcome); });
    EXPECT_EQ(code_of(refused), "M_LIMIT_EXCEEDED");
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().retry_after);
    go_on.count_down();
  }
  EXPECT_EQ(answered, 3);
}

TEST(Passwords, AfterTheStopAllIsAnsweredAndNothingIsTakenAnyMore) {
  Passwords passwords({.pepper = key_of(1), .data = key_of(2)}, quick, 1, 8);
  int made = 0;
  for (int i = 0; i < 4; ++i) {
    passwords.hash(user, Redacted("a"),
                   [&](const Result<std::string>& hashed) { made += hashed ? 1 : 0; });
  }
  passwords.stop();
  EXPECT_EQ(made, 4) << "by the one thread, which has ended";
  Result<bool> late = true;
  passwords.verify(user, Redacted("a"), std::nullopt,
                   [&](Result<bool> outcome) { late = std::move(outcome); });
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::unavailable);
  passwords.stop();
}

TEST(Passwords, StrengthIsCountedInLettersNotBytes) {
  EXPECT_EQ(code_of(Passwords::check_strength("elevenchars", 12)), "M_WEAK_PASSWORD");
  EXPECT_TRUE(Passwords::check_strength("twelve chars", 12));
  // Four letters of Devanagari are twelve bytes.
  EXPECT_EQ(code_of(Passwords::check_strength("कखगघ", 12)), "M_WEAK_PASSWORD");
  EXPECT_EQ(code_of(Passwords::check_strength("कखगघङचछजझञट", 12)), "M_WEAK_PASSWORD");
  EXPECT_TRUE(Passwords::check_strength("कखगघङचछजझञटठ", 12));
}

TEST(Passwords, AnEndlessPasswordIsRefusedAndNeverHashed) {
  EXPECT_TRUE(Passwords::check_strength(std::string(512, 'a'), 12));
  EXPECT_EQ(code_of(Passwords::check_strength(std::string(513, 'a'), 12)), "M_INVALID_PARAM");
  Passwords passwords({.pepper = key_of(1), .data = key_of(2)}, quick, 1, 8);
  const auto stored = hash(passwords, user, "correct horse");
  EXPECT_FALSE(*verify(passwords, user, std::string(100'000, 'a'), *stored));
}

}  // namespace
}  // namespace gims::service
