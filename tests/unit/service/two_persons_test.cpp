#include "service/two_persons.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <mutex>

#include "service/errors.hpp"
#include "store/statements/audit.hpp"
#include "store/statements/device_keys.hpp"
#include "support/store_under_test.hpp"

namespace gims::service {
namespace {

namespace sql_of = store::statements;
constexpr const char* officer = "@desk.officer:gims.internal";
constexpr std::chrono::seconds patience{20};

// gims-keyd as it would be: it forgets acts when it is told that they were taken.
class FakeKeyd final : public KeydDecisions {
 public:
  Result<std::vector<std::string>> redeem_identity_reset(std::uint32_t approval,
                                                         std::string_view user_id) override {
    const std::scoped_lock lock(mutex_);
    if (away_) return gone();
    if (approval != approved_ || user_id != officer) {
      return fail(ErrorKind::forbidden, "GIMS_KEYD_APPROVAL", "It takes two administrators.");
    }
    approved_ = 0;
    return std::vector<std::string>{"Asha", "Bimal"};
  }
  Result<Acts> acts(std::uint64_t taken) override {
    const std::scoped_lock lock(mutex_);
    ++asked_;
    called_.notify_all();
    if (away_) return gone();
    const auto last = std::ranges::find(acts_, taken, &KeydAct::id);
    // An answer that did not reach it.
    if (last != acts_.end() && !deaf_) acts_.erase(acts_.begin(), last + 1);
    return Acts{.acts = acts_, .lost = lost_};
  }

  void approve(std::uint32_t approval) {
    const std::scoped_lock lock(mutex_);
    approved_ = approval;
  }
  void act(std::uint64_t id, std::string act) {
    const std::scoped_lock lock(mutex_);
    acts_.push_back({.id = id,
                     .ts = 1'000,
                     .actor = "administrator Asha",
                     .act = std::move(act),
                     .target = "zeroize 1",
                     .text = "destroy \"all\" keys"});
  }
  void set(bool away, bool deaf, std::uint64_t lost = 0) {
    const std::scoped_lock lock(mutex_);
    away_ = away;
    deaf_ = deaf;
    lost_ = lost;
  }
  // It was asked so many times more.
  bool wait_for_questions(int more) {
    std::unique_lock lock(mutex_);
    return called_.wait_for(lock, patience, [&, until = asked_ + more] { return asked_ >= until; });
  }

 private:
  static std::unexpected<Error> gone() {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_GONE", "gims-keyd does not answer.");
  }
  std::mutex mutex_;
  std::condition_variable called_;
  std::uint32_t approved_ = 0;
  std::vector<KeydAct> acts_;
  std::uint64_t lost_ = 0;
  bool away_ = false;
  bool deaf_ = false;
  int asked_ = 0;
};

class TwoPersonsTest : public ::testing::Test {
 protected:
  TwoPersonsTest() {
    EXPECT_TRUE(store.write([](store::Transaction& transaction) {
      return transaction.sql().script(
          "INSERT INTO users (user_id, created_ts) VALUES ('@desk.officer:gims.internal', 0);"
          "INSERT INTO users (user_id, created_ts, state)"
          " VALUES ('@gone:gims.internal', 0, 'deactivated')");
    }));
    start();
  }
  ~TwoPersonsTest() override { two_persons.reset(); }
  void start() {
    two_persons.reset();
    two_persons = std::make_unique<TwoPersons>(&keyd, std::chrono::milliseconds(1));
    ASSERT_TRUE(two_persons->attach(*store));
  }
  std::string reset(std::uint32_t approval, const char* user = officer) {
    std::promise<Result<>> promise;
    auto future = promise.get_future();
    two_persons->reset_identity(user, approval, {.name = "gimsctl uid 0", .origin = "admin socket"},
                                [&](Result<> done) { promise.set_value(std::move(done)); });
    const Result<> done = future.get();
    return done ? "" : done.error().code;
  }
  struct Entry {
    std::string actor;
    std::string origin;
    std::string act;
    std::string detail;
    bool operator==(const Entry&) const = default;
  };
  std::vector<Entry> entries() {
    std::vector<Entry> all;
    auto reader = store->read();
    EXPECT_TRUE(reader);
    EXPECT_TRUE(sql::for_each(reader->sql(), sql_of::AuditEntries{.after = 0, .most = 100},
                              [&](const auto& row) {
                                all.push_back({std::string(row.actor), std::string(row.origin),
                                               std::string(row.act), std::string(row.detail)});
                              }));
    return all;
  }
  std::vector<std::string> acts() {
    std::vector<std::string> all;
    for (const Entry& entry : entries()) all.push_back(entry.act);
    return all;
  }
  std::optional<Millis> permission() {
    auto reader = store->read();
    EXPECT_TRUE(reader);
    const auto row = sql::first(reader->sql(), sql_of::IdentityResetUntil{officer});
    EXPECT_TRUE(row);
    return *row ? std::optional<Millis>((*row)->until_ts) : std::nullopt;
  }

  test::StoreUnderTest store;
  FakeKeyd keyd;
  std::unique_ptr<TwoPersons> two_persons;
};

TEST_F(TwoPersonsTest, AnIdentityMayBeReplacedWhereTwoApprovedItOnce) {
  EXPECT_EQ(reset(7), "M_FORBIDDEN");
  EXPECT_FALSE(permission());
  EXPECT_TRUE(entries().empty());
  keyd.approve(7);
  EXPECT_EQ(reset(7), "");
  EXPECT_EQ(permission(), store.clock().now_ms() + 3'600'000);
  ASSERT_EQ(entries().size(), 1U);
  EXPECT_EQ(entries()[0].actor, "gimsctl uid 0");
  EXPECT_EQ(entries()[0].act, "user.identity_reset");
  EXPECT_TRUE(entries()[0].detail.starts_with(R"({"approved_by":["Asha","Bimal"],)"));
  EXPECT_EQ(reset(7), "M_FORBIDDEN") << "once";
}

TEST_F(TwoPersonsTest, NothingIsAllowedWhereItCannotBeAsked) {
  keyd.approve(7);
  keyd.set(true, false);
  EXPECT_EQ(reset(7), "M_UNKNOWN");
  keyd.set(false, false);
  EXPECT_EQ(reset(7, "@nobody:gims.internal"), "M_FORBIDDEN") << "approved for another";
  EXPECT_FALSE(permission());
  TwoPersons without(nullptr);
  ASSERT_TRUE(without.attach(*store));
  std::string code;
  without.reset_identity(officer, 7, {}, [&](Result<> done) { code = done.error().code; });
  EXPECT_EQ(code, "M_FORBIDDEN");
}

TEST_F(TwoPersonsTest, WhatWaitsAtTheEndIsAnswered) {
  two_persons->stop();
  keyd.approve(7);
  EXPECT_EQ(reset(7), "M_UNKNOWN");
}

TEST_F(TwoPersonsTest, EachActOfGimsKeydIsInTheLogOnce) {
  keyd.act(11, "approval.proposed");
  keyd.act(5, "approval.given");
  ASSERT_TRUE(keyd.wait_for_questions(3));
  const Entry first{"administrator Asha", "gims-keyd", "approval.proposed",
                    R"({"text":"destroy \"all\" keys","ts":1000})"};
  EXPECT_EQ(entries().at(0), first);
  const std::vector<std::string> both{"approval.proposed", "approval.given"};
  EXPECT_EQ(acts(), both);
  // gims-keyd does not hear that they were taken, and gimsd starts anew.
  two_persons.reset();
  keyd.set(false, true);
  keyd.act(11, "approval.proposed");
  keyd.act(5, "approval.given");
  start();
  ASSERT_TRUE(keyd.wait_for_questions(3));
  EXPECT_EQ(acts(), both);
  keyd.act(12, "approval.done");
  ASSERT_TRUE(keyd.wait_for_questions(3));
  EXPECT_EQ(acts(),
            (std::vector<std::string>{"approval.proposed", "approval.given", "approval.done"}));
}

TEST_F(TwoPersonsTest, WhatGimsKeydDroppedIsCounted) {
  keyd.set(false, false, 3);
  keyd.act(11, "approval.given");
  ASSERT_TRUE(keyd.wait_for_questions(3));
  EXPECT_EQ(acts(), (std::vector<std::string>{"keyd.acts_lost", "approval.given"}));
  EXPECT_EQ(entries().at(0).detail, R"({"count":3})");
}

TEST_F(TwoPersonsTest, ActsWaitForGimsKeydToComeBack) {
  keyd.set(true, false);
  keyd.act(11, "approval.given");
  ASSERT_TRUE(keyd.wait_for_questions(2));
  EXPECT_TRUE(entries().empty());
  keyd.set(false, false);
  ASSERT_TRUE(keyd.wait_for_questions(3));
  EXPECT_EQ(acts(), std::vector<std::string>{"approval.given"});
}

}  // namespace
}  // namespace gims::service
