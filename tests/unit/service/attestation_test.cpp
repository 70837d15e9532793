#include "service/attestation.hpp"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <utility>

#include "support/manual_clock.hpp"

namespace gims::service {
namespace {

using Answer = Result<std::shared_ptr<const std::string>>;

AttestationNonce nonce(std::uint8_t number) { return {number}; }

// Hardware that answers when a test lets it.
class FakeSource final : public AttestationSource {
 public:
  [[nodiscard]] Result<std::string> attest(const AttestationNonce& asked) override {
    std::unique_lock lock(mutex_);
    ++asked_;
    last_ = asked;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_ || cancelled_; });
    if (cancelled_) return fail(ErrorKind::unavailable, "GIMS_KEYD_GONE", "cancelled");
    if (fails_) return fail(ErrorKind::unavailable, "GIMS_KEYD_AWAY", "no TPM");
    return "evidence " + std::to_string(asked[0]);
  }
  void cancel() noexcept override {
    const std::scoped_lock lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  void hold(bool held) {
    const std::scoped_lock lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  void set_fails(bool fails) {
    const std::scoped_lock lock(mutex_);
    fails_ = fails;
  }
  bool wait_for_questions(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return asked_ >= count; });
  }
  [[nodiscard]] int questions() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }
  [[nodiscard]] AttestationNonce last() {
    const std::scoped_lock lock(mutex_);
    return last_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  bool fails_ = false;
  bool cancelled_ = false;
  int asked_ = 0;
  AttestationNonce last_{};
};

class AttestationTest : public ::testing::Test {
 protected:
  std::future<Answer> ask(std::uint8_t number, bool as_administrator = false) {
    auto promise = std::make_shared<std::promise<Answer>>();
    auto done = [promise](Answer answer) { promise->set_value(std::move(answer)); };
    if (as_administrator) {
      attestation_.ask_as_administrator(nonce(number), std::move(done));
    } else {
      attestation_.ask(nonce(number), std::move(done));
    }
    return promise->get_future();
  }
  static std::string text(std::future<Answer> answer) {
    const Answer got = answer.get();
    return got ? **got : got.error().code;
  }

  test::ManualClock clock_;
  FakeSource source_;
  Attestation attestation_{&source_, clock_};
};

TEST_F(AttestationTest, AnswersWithWhatTheHardwareStates) {
  EXPECT_EQ(text(ask(1)), "evidence 1");
  EXPECT_EQ(text(ask(2)), "evidence 2");
}

TEST_F(AttestationTest, TheSameNonceIsAnsweredOnceAMinute) {
  EXPECT_EQ(text(ask(1)), "evidence 1");
  EXPECT_EQ(text(ask(1)), "evidence 1");
  EXPECT_EQ(source_.questions(), 1);
  clock_.advance(60'000);
  EXPECT_EQ(text(ask(1)), "evidence 1");
  EXPECT_EQ(source_.questions(), 2);
}

TEST_F(AttestationTest, WhoAsksTheSameMeanwhileShares) {
  source_.hold(true);
  auto first = ask(1);
  ASSERT_TRUE(source_.wait_for_questions(1));
  auto second = ask(1);
  source_.hold(false);
  EXPECT_EQ(text(std::move(first)), "evidence 1");
  EXPECT_EQ(text(std::move(second)), "evidence 1");
  EXPECT_EQ(source_.questions(), 1);
}

TEST_F(AttestationTest, SoManyMayShareAndNoMore) {
  source_.hold(true);
  std::vector<std::future<Answer>> answers;
  for (std::size_t i = 0; i < Attestation::most_sharing; ++i) answers.push_back(ask(1));
  EXPECT_EQ(text(ask(1)), "M_LIMIT_EXCEEDED");
  source_.hold(false);
  for (auto& answer : answers) EXPECT_EQ(text(std::move(answer)), "evidence 1");
}

TEST_F(AttestationTest, StrangersGetAFewAMinuteOverAll) {
  for (std::uint8_t i = 0; i < Attestation::burst; ++i) {
    EXPECT_EQ(text(ask(i)), "evidence " + std::to_string(i));
  }
  const Answer refused = ask(100).get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::rate_limited);
  EXPECT_EQ(refused.error().retry_after, std::chrono::milliseconds(10'000));
  // An administrator is not counted, and what was answered is still there.
  EXPECT_EQ(text(ask(101, true)), "evidence 101");
  EXPECT_EQ(text(ask(0)), "evidence 0");
  clock_.advance(9'999);
  EXPECT_EQ(text(ask(100)), "M_LIMIT_EXCEEDED");
  clock_.advance(1);
  EXPECT_EQ(text(ask(100)), "evidence 100");
  EXPECT_EQ(text(ask(102)), "M_LIMIT_EXCEEDED");
}

TEST_F(AttestationTest, AFewWaitAndAdministratorsGoAheadOfThem) {
  source_.hold(true);
  std::vector<std::future<Answer>> answers;
  answers.push_back(ask(0));
  ASSERT_TRUE(source_.wait_for_questions(1));
  for (std::uint8_t i = 1; i <= Attestation::most_waiting; ++i) answers.push_back(ask(i));
  EXPECT_EQ(text(ask(50)), "M_LIMIT_EXCEEDED");
  auto administrator = ask(60, true);
  source_.hold(false);
  EXPECT_EQ(text(std::move(administrator)), "evidence 60");
  for (std::uint8_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(text(std::move(answers[i])), "evidence " + std::to_string(i));
  }
  EXPECT_EQ(source_.last(), nonce(Attestation::most_waiting));
}

TEST_F(AttestationTest, AFailureIsToldAndNotKept) {
  source_.set_fails(true);
  EXPECT_EQ(text(ask(1)), "GIMS_KEYD_AWAY");
  source_.set_fails(false);
  EXPECT_EQ(text(ask(1)), "evidence 1");
}

TEST_F(AttestationTest, AtTheStopWhoeverWaitsIsAnswered) {
  source_.hold(true);
  auto under_way = ask(1);
  ASSERT_TRUE(source_.wait_for_questions(1));
  auto waiting = ask(2);
  attestation_.stop();
  EXPECT_EQ(text(std::move(under_way)), "GIMS_KEYD_GONE");
  EXPECT_EQ(text(std::move(waiting)), "M_UNKNOWN");
  EXPECT_EQ(text(ask(3)), "M_UNKNOWN");
  EXPECT_EQ(text(ask(3, true)), "M_UNKNOWN");
}

TEST(AttestationWithoutHardware, SaysSo) {
  const test::ManualClock clock;
  Attestation attestation(nullptr, clock);
  EXPECT_FALSE(attestation.available());
  std::string code;
  attestation.ask({}, [&](const Answer& answer) { code = answer.error().code; });
  EXPECT_EQ(code, "M_NOT_FOUND");
  code.clear();
  attestation.ask_as_administrator({}, [&](const Answer& answer) { code = answer.error().code; });
  EXPECT_EQ(code, "M_NOT_FOUND");
}

}  // namespace
}  // namespace gims::service
