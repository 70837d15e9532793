#include "service/schema_migration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <future>

#include "store/audit.hpp"
#include "store/statements/meta.hpp"
#include "support/store_under_test.hpp"

namespace gims::service {
namespace {

using test::StoreUnderTest;

// A release after this one: a table of its own, and a column of a table that statements use.
class SchemaMigrationTest : public testing::Test {
 protected:
  static constexpr std::string_view table = "CREATE TABLE designations (name TEXT PRIMARY KEY)";
  static constexpr std::string_view column = "ALTER TABLE meta ADD COLUMN noted BIGINT";

  void SetUp() override {
    const auto ours = store::migrations();
    steps.assign(ours.begin(), ours.end());
    served = steps.back().number;
    steps.push_back({.number = served + 1, .name = "next_table.sql", .sql = table});
    steps.push_back({.number = served + 2, .name = "next_column.sql", .sql = column});
    before.close();
  }
  store::StoreOptions next(store::Migrate migrate = store::Migrate::when_told) {
    return {.database = before.options().database,
            .migrate = migrate,
            .schema = {.steps = steps, .predecessor = served}};
  }
  Result<std::unique_ptr<store::Store>> open(const store::StoreOptions& options) {
    return store::Store::open(options, clock, {});
  }
  static std::string version(store::Store& store) {
    auto reader = store.read();
    EXPECT_TRUE(reader);
    auto row = sql::first(reader->sql(), store::statements::MetaValue{"schema_version"});
    return row && *row ? (**row).value : "none";
  }
  static Result<std::vector<std::string>> run(store::Store& store) {
    SchemaMigration migration(store);
    std::promise<Result<std::vector<std::string>>> promise;
    migration.run({.name = "gimsctl uid 806", .origin = "admin socket"},
                  [&](auto made) { promise.set_value(std::move(made)); });
    return promise.get_future().get();
  }
  static std::int64_t entries(store::Store& store) {
    auto reader = store.read();
    EXPECT_TRUE(reader);
    const auto head = store::audit_head(reader->sql());
    return head ? head->sequence : -1;
  }

  StoreUnderTest before;  // as this release left it
  test::ManualClock clock;
  std::vector<store::Migration> steps;
  int served = 0;
};

TEST_F(SchemaMigrationTest, ThePredecessorsSchemaIsServedAndServesThePredecessorAgain) {
  {
    const auto store = open(next());
    ASSERT_TRUE(store);
    EXPECT_EQ(version(**store), std::to_string(served));
    EXPECT_TRUE(test::write_and_wait((*store)->writer(), [](store::Transaction& t) {
      return sql::run(t.sql(), store::statements::SetMetaValue{.name = "a", .value = "1"});
    }));
  }
  before.reopen();
  EXPECT_EQ(version(*before), std::to_string(served));
}

TEST_F(SchemaMigrationTest, ItIsMadeWhileStatementsAreUsed) {
  const auto store = open(next());
  ASSERT_TRUE(store);
  auto snapshot = (*store)->read();
  ASSERT_TRUE(snapshot);
  const auto set = [&](std::string_view value) {
    return test::write_and_wait((*store)->writer(), [value](store::Transaction& t) {
      return sql::run(t.sql(), store::statements::SetMetaValue{.name = "a", .value = value});
    });
  };
  ASSERT_TRUE(set("1"));
  const auto made = run(**store);
  ASSERT_TRUE(made);
  EXPECT_THAT(*made, testing::ElementsAre("next_table.sql", "next_column.sql"));
  EXPECT_EQ(version(**store), std::to_string(served + 2));
  // The statements that were prepared before, of the writer and of a reader.
  EXPECT_TRUE(set("2"));
  EXPECT_TRUE(sql::first(snapshot->sql(), store::statements::MetaValue{"a"}));
  EXPECT_EQ(entries(**store), 2);
  EXPECT_TRUE((*store)->check(true)->empty());
}

TEST_F(SchemaMigrationTest, ASecondRunMakesNothing) {
  const auto store = open(next());
  ASSERT_TRUE(store);
  ASSERT_TRUE(run(**store));
  const auto again = run(**store);
  ASSERT_TRUE(again);
  EXPECT_THAT(*again, testing::IsEmpty());
  EXPECT_EQ(entries(**store), 2);
}

TEST_F(SchemaMigrationTest, TwoAtOnceMakeEachStepOnce) {
  const auto store = open(next());
  ASSERT_TRUE(store);
  SchemaMigration migration(**store);
  std::array<std::promise<Result<std::vector<std::string>>>, 2> promises;
  {
    const test::HeldWriter held((*store)->writer());
    for (auto& promise : promises) {
      migration.run({.name = "gimsctl uid 0", .origin = "admin socket"},
                    [&promise](auto made) { promise.set_value(std::move(made)); });
    }
  }
  std::size_t made = 0;
  for (auto& promise : promises) {
    const auto names = promise.get_future().get();
    ASSERT_TRUE(names);
    made += names->size();
  }
  EXPECT_EQ(made, 2U);
  EXPECT_EQ(entries(**store), 2);
}

TEST_F(SchemaMigrationTest, WhatAStepLeftStandsAndTheNextRunGoesOn) {
  steps.back().sql = "CREATE TABLE designations (other TEXT)";  // is there already
  {
    const auto store = open(next());
    ASSERT_TRUE(store);
    const auto made = run(**store);
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().detail, testing::HasSubstr("next_column.sql"));
    EXPECT_EQ(version(**store), std::to_string(served + 1));
    EXPECT_EQ(entries(**store), 1);
  }
  steps.back().sql = column;
  const auto store = open(next());
  ASSERT_TRUE(store);
  EXPECT_EQ(version(**store), std::to_string(served + 1));
  const auto made = run(**store);
  ASSERT_TRUE(made);
  EXPECT_THAT(*made, testing::ElementsAre("next_column.sql"));
}

TEST_F(SchemaMigrationTest, AtOpenNothingIsLeftToDo) {
  const auto store = open(next(store::Migrate::at_open));
  ASSERT_TRUE(store);
  EXPECT_EQ(version(**store), std::to_string(served + 2));
  EXPECT_THAT(*run(**store), testing::IsEmpty());
}

TEST_F(SchemaMigrationTest, ADatabaseOfAReleaseThatThisOneDoesNotFollowIsRefusedUnchanged) {
  store::StoreOptions options = next();
  options.schema.predecessor = served + 1;
  const auto refused = open(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text,
              testing::HasSubstr("Install the release between the two first"));
  before.reopen();
  EXPECT_EQ(version(*before), std::to_string(served));
}

TEST_F(SchemaMigrationTest, ANewDatabaseHasTheNewestSchemaAtOnce) {
  store::StoreOptions options = next();
  options.database = before.folder() / "new.db";
  const auto store = open(options);
  ASSERT_TRUE(store);
  EXPECT_EQ(version(**store), std::to_string(served + 2));
}

TEST_F(SchemaMigrationTest, ANewerDatabaseIsRefused) {
  ASSERT_TRUE(open(next(store::Migrate::at_open)));
  const auto refused =
      open({.database = before.options().database, .migrate = store::Migrate::when_told});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text, testing::HasSubstr("newer release"));
}

}  // namespace
}  // namespace gims::service
