#include "service/audit_log.hpp"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <optional>

#include "support/store_under_test.hpp"

namespace gims::service {
namespace {

using store::AuditHead;

// gims-keyd as it would be, with what a test wants to go wrong. Outlives several logs.
class FakeWitness final : public AuditWitness {
 public:
  [[nodiscard]] Result<std::string> state() override { return std::string("operational"); }
  [[nodiscard]] Result<AuditHead> head() override {
    const std::scoped_lock lock(mutex_);
    called_.notify_all();
    if (away_) return gone();
    return kept_;
  }
  [[nodiscard]] Result<> extend(const AuditHead& head) override {
    std::unique_lock lock(mutex_);
    ++extensions_;
    called_.notify_all();
    called_.wait(lock, [this] { return !held_; });
    if (away_) return gone();
    if (head == kept_) return {};
    if (head.sequence <= kept_.sequence) {
      return fail(ErrorKind::conflict, "GIMS_KEYD_AUDIT", "The head does not follow.");
    }
    kept_ = head;
    called_.notify_all();
    return {};
  }

  [[nodiscard]] Result<Certificate> certify() override {
    const std::scoped_lock lock(mutex_);
    ++certificates_;
    called_.notify_all();
    if (away_ || certifying_fails_) return gone();
    return Certificate{.sequence = kept_.sequence,
                       .json = "{\"entry\":" + std::to_string(kept_.sequence) + "}"};
  }

  void set_certifying_fails(bool fails) {
    const std::scoped_lock lock(mutex_);
    certifying_fails_ = fails;
  }
  bool wait_for_certificates(int count) {
    std::unique_lock lock(mutex_);
    return called_.wait_for(lock, patience, [&] { return certificates_ >= count; });
  }
  [[nodiscard]] int certificates() {
    const std::scoped_lock lock(mutex_);
    return certificates_;
  }
  void set_away(bool away) {
    const std::scoped_lock lock(mutex_);
    away_ = away;
  }
  // While held, an extension waits.
  void hold(bool held) {
    {
      const std::scoped_lock lock(mutex_);
      held_ = held;
    }
    called_.notify_all();
  }
  void set_kept(const AuditHead& head) {
    const std::scoped_lock lock(mutex_);
    kept_ = head;
  }
  bool wait_for_sequence(std::int64_t sequence) {
    std::unique_lock lock(mutex_);
    return called_.wait_for(lock, patience, [&] { return kept_.sequence == sequence; });
  }
  bool wait_for_extensions(int count) {
    std::unique_lock lock(mutex_);
    return called_.wait_for(lock, patience, [&] { return extensions_ >= count; });
  }
  [[nodiscard]] int extensions() {
    const std::scoped_lock lock(mutex_);
    return extensions_;
  }
  [[nodiscard]] AuditHead kept() {
    const std::scoped_lock lock(mutex_);
    return kept_;
  }

 private:
  static constexpr std::chrono::seconds patience{20};
  static std::unexpected<Error> gone() {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_GONE", "gims-keyd does not answer.");
  }
  std::mutex mutex_;
  std::condition_variable called_;
  AuditHead kept_;
  bool away_ = false;
  bool held_ = false;
  bool certifying_fails_ = false;
  int extensions_ = 0;
  int certificates_ = 0;
};

// A log on a store in a folder, started and stopped as a server does.
class AuditLogTest : public ::testing::Test {
 protected:
  void start(AuditWitness* witness) {
    log_ = std::make_unique<AuditLog>(witness, std::chrono::milliseconds(1));
    if (certify_pause_) log_->keep_certificate(folder_.file("certificate"), *certify_pause_);
    auto opened = store::Store::open({.database = folder_ / "gims.db"}, clock_, {log_.get()});
    ASSERT_TRUE(opened);
    store_ = std::move(*opened);
    ASSERT_TRUE(log_->attach(*store_));
  }
  void stop() {
    if (store_) store_->stop();
    if (log_) log_->stop();
    store_.reset();
    log_.reset();
  }
  void restart() {
    stop();
    start(&witness_);
  }
  ~AuditLogTest() override {
    witness_.hold(false);
    stop();
  }
  void act() {
    ASSERT_TRUE(test::write_and_wait(store_->writer(), [](store::Transaction& transaction) {
      return store::append_audit(transaction, {.actor = "gimsctl uid 0",
                                               .origin = "admin socket",
                                               .act = "user.add",
                                               .target = "@desk.officer:gims.internal",
                                               .detail = "{}"});
    }));
  }
  void tamper(std::string_view sql) {
    ASSERT_TRUE(test::write_and_wait(store_->writer(), [sql](store::Transaction& transaction) {
      return transaction.sql().script(sql);
    }));
  }
  Result<AuditVerified> verify() {
    std::promise<Result<AuditVerified>> promise;
    auto future = promise.get_future();
    log_->verify([&](Result<AuditVerified> done) { promise.set_value(std::move(done)); });
    return future.get();
  }

  test::TempFolder folder_;
  test::ManualClock clock_;
  std::optional<std::chrono::milliseconds> certify_pause_;  // nothing: none is kept
  FakeWitness witness_;
  std::unique_ptr<AuditLog> log_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(AuditLogTest, TheWitnessGetsEachNewHead) {
  start(&witness_);
  act();
  EXPECT_TRUE(witness_.wait_for_sequence(1));
  act();
  EXPECT_TRUE(witness_.wait_for_sequence(2));
  auto reader = store_->read();
  EXPECT_EQ(witness_.kept(), *store::audit_head(reader->sql()));
}

TEST_F(AuditLogTest, HeadsThatComeMeanwhileAreSentAsOne) {
  start(&witness_);
  witness_.hold(true);
  act();
  ASSERT_TRUE(witness_.wait_for_extensions(1));
  for (int i = 0; i < 5; ++i) act();  // the writer does not wait for the witness
  witness_.hold(false);
  EXPECT_TRUE(witness_.wait_for_sequence(6));
  EXPECT_EQ(witness_.extensions(), 2);
}

TEST_F(AuditLogTest, WhatTheWitnessMissedIsSentAtTheNextStart) {
  start(&witness_);
  act();
  ASSERT_TRUE(witness_.wait_for_sequence(1));
  stop();
  witness_.set_kept({});  // as if the last message had been lost
  start(&witness_);
  EXPECT_TRUE(witness_.wait_for_sequence(1));
}

TEST_F(AuditLogTest, AWitnessThatIsAwayIsTriedAgain) {
  witness_.set_away(true);
  start(&witness_);
  act();
  EXPECT_EQ(log_->state().standing, AuditStanding::not_compared);
  EXPECT_EQ(verify().error().code, "GIMS_KEYD_GONE");
  witness_.set_away(false);
  EXPECT_TRUE(witness_.wait_for_sequence(1));
}

TEST_F(AuditLogTest, AHeadOnItsWayIsSentBeforeTheStop) {
  start(&witness_);
  witness_.hold(true);
  act();
  ASSERT_TRUE(witness_.wait_for_extensions(1));
  act();
  witness_.hold(false);
  stop();
  EXPECT_EQ(witness_.kept().sequence, 2);
}

TEST_F(AuditLogTest, ALogThatWasCutIsFoundAtStartAndNothingIsSentAnyMore) {
  start(&witness_);
  act();
  act();
  ASSERT_TRUE(witness_.wait_for_sequence(2));
  const AuditHead kept = witness_.kept();
  tamper("DELETE FROM audit_log WHERE sequence = 2");
  restart();
  const auto verified = verify();
  ASSERT_TRUE(verified);
  EXPECT_FALSE(verified->intact);
  EXPECT_TRUE(verified->witnessed);
  EXPECT_EQ(verified->sequence, 1);
  EXPECT_EQ(log_->state().standing, AuditStanding::broken);
  EXPECT_TRUE(log_->state().text.starts_with("tail missing or changed"));
  for (int i = 0; i < 3; ++i) act();  // beyond what the witness has
  stop();
  EXPECT_EQ(witness_.kept(), kept);
}

TEST_F(AuditLogTest, ALogWrittenAnewIsFoundAtStart) {
  start(&witness_);
  act();
  ASSERT_TRUE(witness_.wait_for_sequence(1));
  AuditHead other = witness_.kept();
  other.hash[0] ^= 1U;
  stop();
  witness_.set_kept(other);
  start(&witness_);
  EXPECT_FALSE(verify()->intact);
  EXPECT_EQ(log_->state().standing, AuditStanding::broken);
}

TEST_F(AuditLogTest, TheNewestEntryIsCertifiedAndKept) {
  certify_pause_ = std::chrono::milliseconds(1);
  start(&witness_);
  EXPECT_EQ(log_->certificate().value(), std::nullopt);
  act();
  ASSERT_TRUE(witness_.wait_for_sequence(1));
  act();
  stop();
  start(nullptr);
  EXPECT_EQ(log_->certificate().value(), "{\"entry\":2}");
}

TEST_F(AuditLogTest, ManyEntriesHaveOneCertificateInAWhileAndOneAtTheStop) {
  certify_pause_ = std::chrono::hours(1);
  start(&witness_);
  act();
  ASSERT_TRUE(witness_.wait_for_certificates(1));
  for (int i = 0; i < 5; ++i) act();
  ASSERT_TRUE(witness_.wait_for_sequence(6));
  EXPECT_EQ(witness_.certificates(), 1);
  stop();
  EXPECT_EQ(witness_.certificates(), 2);
  start(nullptr);
  EXPECT_EQ(log_->certificate().value(), "{\"entry\":6}");
}

TEST_F(AuditLogTest, ACertificateThatCannotBeHadIsTriedAgain) {
  certify_pause_ = std::chrono::milliseconds(1);
  witness_.set_certifying_fails(true);
  start(&witness_);
  act();
  ASSERT_TRUE(witness_.wait_for_certificates(3));
  EXPECT_EQ(log_->certificate().value(), std::nullopt);
  EXPECT_EQ(log_->state().standing, AuditStanding::agrees);
  witness_.set_certifying_fails(false);
  stop();
  start(nullptr);
  EXPECT_EQ(log_->certificate().value(), "{\"entry\":1}");
}

TEST_F(AuditLogTest, ACertificateThatCannotBeReadIsNoneThatIsMissing) {
  certify_pause_ = std::chrono::hours(1);
  start(nullptr);
  std::filesystem::create_directory(folder_ / "certificate");
  const auto unread = log_->certificate();
  ASSERT_FALSE(unread);
  EXPECT_EQ(unread.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(unread.error().code, "M_UNKNOWN");
  EXPECT_NE(unread.error().detail, "");
}

TEST_F(AuditLogTest, ALogThatDoesNotHoldIsNotCertified) {
  start(&witness_);
  act();
  act();
  ASSERT_TRUE(witness_.wait_for_sequence(2));
  tamper("DELETE FROM audit_log WHERE sequence = 2");
  certify_pause_ = std::chrono::milliseconds(1);
  restart();
  ASSERT_FALSE(verify()->intact);
  stop();
  EXPECT_EQ(witness_.certificates(), 0);
}

TEST_F(AuditLogTest, WithoutAWitnessTheChainAloneIsChecked) {
  start(nullptr);
  act();
  const auto whole = verify();
  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole->intact);
  EXPECT_FALSE(whole->witnessed);
  EXPECT_EQ(log_->state().standing, AuditStanding::unwitnessed);
  EXPECT_EQ(log_->state().sequence, 1);
  tamper("UPDATE audit_log SET actor = 'gimsctl uid 1' WHERE sequence = 1");
  EXPECT_FALSE(verify()->intact);
}

TEST_F(AuditLogTest, AfterTheStopQuestionsAreRefused) {
  start(&witness_);
  store_->stop();
  log_->stop();
  EXPECT_EQ(verify().error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace gims::service
