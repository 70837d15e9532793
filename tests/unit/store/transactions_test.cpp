#include "store/transactions.hpp"

#include <gtest/gtest.h>

#include "store/maintenance.hpp"
#include "support/store_under_test.hpp"

namespace gims::store {
namespace {

using test::StoreUnderTest;

constexpr TransactionKey key{.user_id = "@desk.officer:gims.internal",
                             .device_id = "PHONE",
                             .txn_id = "m1",
                             .endpoint = "/rooms/!a/send/m.room.message"};

Result<bool> remember_as(StoreUnderTest& store, TransactionKey what, std::string_view result) {
  return store.write([=](Transaction& t) { return remember(t, what, result); });
}
std::optional<std::string> recalled(StoreUnderTest& store, TransactionKey what) {
  auto found = store.write([=](Transaction& t) { return recall(t, what); });
  EXPECT_TRUE(found);
  return found ? *found : std::nullopt;
}

TEST(Transactions, ARetryGetsTheFirstAnswer) {
  StoreUnderTest store;
  EXPECT_EQ(recalled(store, key), std::nullopt);
  EXPECT_EQ(*remember_as(store, key, "$first"), true);
  EXPECT_EQ(*remember_as(store, key, "$second"), false);
  EXPECT_EQ(recalled(store, key), "$first");
  store.reopen();
  EXPECT_EQ(recalled(store, key), "$first");
}

TEST(Transactions, EveryPartOfTheKeyCounts) {
  StoreUnderTest store;
  ASSERT_EQ(*remember_as(store, key, "$first"), true);
  for (std::string_view TransactionKey::* part :
       {&TransactionKey::user_id, &TransactionKey::device_id, &TransactionKey::txn_id,
        &TransactionKey::endpoint}) {
    TransactionKey other = key;
    other.*part = "other";
    EXPECT_EQ(recalled(store, other), std::nullopt);
    EXPECT_EQ(*remember_as(store, other, "$other"), true);
  }
}

TEST(Transactions, OldOnesAreForgottenInStepsAndNewOnesKept) {
  StoreUnderTest store;
  ASSERT_TRUE(store.write([](Transaction& t) -> Result<> {
    for (int i = 0; i < 1200; ++i) {
      TransactionKey old = key;
      const std::string id = std::to_string(i);
      old.txn_id = id;
      GIMS_TRY(remember(t, old, ""));
    }
    return {};
  }));
  store.clock().advance(transaction_lifetime_ms);
  ASSERT_EQ(*remember_as(store, key, "$new"), true);
  EXPECT_FALSE(*store.write(prune_transactions));  // exactly a day old is not older than a day
  store.clock().advance(1);

  Maintenance maintenance(store->writer(), store.clock());
  int steps = 0;
  maintenance.add("transactions", std::chrono::hours(1), [&](Transaction& t) {
    ++steps;
    return prune_transactions(t);
  });
  maintenance.run_due(store.clock().steady());
  EXPECT_EQ(steps, 0);  // not due yet
  maintenance.run_due(store.clock().steady() + std::chrono::hours(1));
  EXPECT_EQ(steps, 3);  // 500, 500, 200
  EXPECT_EQ(recalled(store, key), "$new");
  TransactionKey old = key;
  old.txn_id = "7";
  EXPECT_EQ(recalled(store, old), std::nullopt);
}

TEST(Maintenance, AFailingTaskIsTriedAgainAfterItsInterval) {
  StoreUnderTest store;
  Maintenance maintenance(store->writer(), store.clock());
  int runs = 0;
  maintenance.add("failing", std::chrono::seconds(10), [&](Transaction&) -> Result<bool> {
    ++runs;
    return fail(ErrorKind::internal, "M_UNKNOWN", "fails");
  });
  const auto start = store.clock().steady();
  maintenance.run_due(start + std::chrono::seconds(10));
  maintenance.run_due(start + std::chrono::seconds(19));
  EXPECT_EQ(runs, 1);
  maintenance.run_due(start + std::chrono::seconds(20));
  EXPECT_EQ(runs, 2);
}

TEST(Maintenance, ItsThreadRunsWhatIsDueAndStops) {
  StoreUnderTest store;
  Maintenance maintenance(store->writer(), store.clock());
  std::promise<void> ran;
  bool first = true;
  maintenance.add("once", std::chrono::milliseconds(0), [&](Transaction&) -> Result<bool> {
    if (std::exchange(first, false)) ran.set_value();
    return false;
  });
  maintenance.start();
  ran.get_future().wait();
  maintenance.stop();
}

}  // namespace
}  // namespace gims::store
