#include "store/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "sql/sqlite/connection.hpp"
#include "store/migrations.hpp"
#include "store/statements/meta.hpp"
#include "support/fault_vfs.hpp"
#include "support/store_under_test.hpp"

namespace gims::store {
namespace {

using statements::MetaValue;
using statements::SetMetaValue;
using test::StoreUnderTest;

Result<> set(Transaction& transaction, std::string_view name, std::string_view value) {
  return sql::run(transaction.sql(), SetMetaValue{.name = name, .value = value});
}

std::optional<std::string> value_of(Reader& reader, std::string_view name) {
  auto row = sql::first(reader.sql(), MetaValue{.name = name});
  EXPECT_TRUE(row);
  if (!row || !*row) return std::nullopt;
  return (**row).value;
}

std::optional<std::string> value_of(Store& store, std::string_view name) {
  auto reader = store.read();
  EXPECT_TRUE(reader);
  return value_of(*reader, name);
}

TEST(Store, WhatWasAcknowledgedIsThereAfterReopening) {
  StoreUnderTest store;
  ASSERT_TRUE(store.write([](Transaction& t) { return set(t, "a", "1"); }));
  EXPECT_EQ(value_of(*store, "a"), "1");
  store.reopen();
  EXPECT_EQ(value_of(*store, "a"), "1");
}

TEST(Store, AReaderKeepsItsSnapshot) {
  StoreUnderTest store;
  auto before = store->read();
  ASSERT_TRUE(before);
  const StreamId position = before->position();
  ASSERT_TRUE(store.write([](Transaction& t) {
    static_cast<void>(t.next_position());
    return set(t, "a", "1");
  }));
  EXPECT_EQ(value_of(*before, "a"), std::nullopt);
  auto after = store->read();
  ASSERT_TRUE(after);
  EXPECT_EQ(value_of(*after, "a"), "1");
  EXPECT_EQ(after->position(), position + 1);
  EXPECT_EQ(store->position(), position + 1);
}

TEST(Store, ReadConnectionsAreLimitedAndALeaseThatWaitsTooLongIsTold) {
  StoreUnderTest store({},
                       {.database = {}, .readers = 2, .lease_wait = std::chrono::milliseconds(0)});
  auto first = store->read();
  auto second = store->read();
  ASSERT_TRUE(first && second);
  const auto third = store->read();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().kind, ErrorKind::unavailable);
  {
    const Reader given_back = std::move(*first);
  }
  EXPECT_TRUE(store->read());
}

TEST(Store, ALeaseWaitsForOneThatIsGivenBack) {
  StoreUnderTest store({}, {.database = {}, .readers = 1});
  std::optional<Result<Reader>> leased = store->read();
  ASSERT_TRUE(*leased);
  auto waiting = std::async(std::launch::async, [&] { return store->read().has_value(); });
  leased.reset();
  EXPECT_TRUE(waiting.get());
}

TEST(Store, StoppingWaitsForLeasedReaders) {
  StoreUnderTest store;
  std::optional<Result<Reader>> leased = store->read();
  ASSERT_TRUE(*leased);
  auto stopped = std::async(std::launch::async, [&] { store->stop(); });
  EXPECT_EQ(value_of(**leased, "schema_version"), std::to_string(migrations().back().number));
  leased.reset();
  stopped.wait();
  EXPECT_FALSE(store->read());
}

TEST(Store, AReaderThatMetABrokenDiskIsNotUsedAgain) {
  test::FaultVfs vfs;
  StoreUnderTest store({}, {.database = {}, .readers = 1, .vfs = vfs.name()});
  ASSERT_TRUE(store.write([](Transaction& t) -> Result<> {
    for (int i = 0; i < 500; ++i) GIMS_TRY(set(t, std::to_string(i), std::string(500, 'x')));
    return {};
  }));
  {
    auto reader = store->read();
    ASSERT_TRUE(reader);
    vfs.fail(test::Fault::read_error);
    EXPECT_FALSE(sql::first(reader->sql(), MetaValue{.name = "77"}));
  }
  vfs.heal();
  EXPECT_TRUE(value_of(*store, "77"));
  store.close();
}

TEST(Store, CheckFindsNothingWrongWithASoundDatabase) {
  StoreUnderTest store;
  const auto faults = store->check(true);
  ASSERT_TRUE(faults);
  EXPECT_TRUE(faults->empty());
}

// The folder of a Store that is closed, and SQL run on its file behind its back.
Result<> open_after(std::string_view sql) {
  StoreUnderTest store;
  store.close();
  {
    sql::sqlite::OpenOptions opening;
    opening.file = store.options().database;
    GIMS_TRY_ASSIGN(auto connection, sql::sqlite::Connection::open(opening));
    GIMS_TRY(connection->script(sql));
  }
  auto opened = Store::open(store.options(), store.clock(), {});
  if (!opened) return pass(std::move(opened));
  return {};
}

TEST(Store, ANewerSchemaIsRefused) {
  const auto outcome = open_after("UPDATE meta SET value = '9999' WHERE name = 'schema_version'");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(outcome.error().text, testing::HasSubstr("newer release"));
}

TEST(Store, AStrangeSchemaIsRefusedAndNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"DROP TABLE filters", "table filters is missing"},
      {"DROP INDEX events_by_room", "index events_by_room is missing"},
      {"CREATE TABLE strange (x TEXT)", "table strange does not belong here"},
      {"ALTER TABLE users ADD COLUMN more TEXT", "table users has another definition"},
      {"DELETE FROM stream_position", "stream_position has no row"},
      {"DELETE FROM meta", "no meta.schema_version"}};
  for (const auto& [sql, words] : cases) {
    const auto outcome = open_after(sql);
    ASSERT_FALSE(outcome) << sql;
    EXPECT_THAT(outcome.error().detail, testing::HasSubstr(words));
  }
}

TEST(Store, AFolderThatIsMissingIsRefused) {
  test::TempFolder folder;
  test::ManualClock clock;
  const auto outcome = Store::open({.database = folder / "missing/gims.db"}, clock, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace gims::store
