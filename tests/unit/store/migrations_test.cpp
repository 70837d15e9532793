#include "store/migrations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/sqlite/connection.hpp"

namespace gims::store {
namespace {

constexpr Migration first{.number = 1,
                          .name = "0001_first.sql",
                          .sql = "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)"};
constexpr Migration second{
    .number = 2, .name = "0002_more.sql", .sql = "CREATE TABLE more (x TEXT)"};
constexpr Migration failing{.number = 3,
                            .name = "0003_bad.sql",
                            .sql = "CREATE TABLE half (x TEXT); CREATE TABLE more (y TEXT)"};

class Migrations : public testing::Test {
 protected:
  void SetUp() override {
    sql::sqlite::OpenOptions options;
    options.access = sql::sqlite::Access::memory;
    auto connection = sql::sqlite::Connection::open(options);
    ASSERT_TRUE(connection);
    connection_ = std::move(*connection);
  }
  int version() {
    auto found = schema_version(*connection_);
    EXPECT_TRUE(found);
    return found.value_or(-1);
  }
  std::unique_ptr<sql::sqlite::Connection> connection_;
};

TEST_F(Migrations, TakeAnEmptyDatabaseToTheNewestVersion) {
  EXPECT_EQ(version(), 0);
  ASSERT_TRUE(migrate(*connection_, migrations()));
  EXPECT_EQ(version(), migrations().back().number);
}

TEST_F(Migrations, OnlyTheNewOnesAreRun) {
  ASSERT_TRUE(migrate(*connection_, std::array{first}));
  ASSERT_TRUE(migrate(*connection_, std::array{first, second}));
  EXPECT_EQ(version(), 2);
  ASSERT_TRUE(migrate(*connection_, std::array{first, second}));
}

TEST_F(Migrations, OneThatFailsLeavesNothingOfItself) {
  const auto outcome = migrate(*connection_, std::array{first, second, failing});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().detail, testing::HasSubstr("0003_bad.sql"));
  EXPECT_EQ(version(), 2);
  EXPECT_FALSE(connection_->in_transaction());
  EXPECT_FALSE(connection_->script("SELECT * FROM half"));
}

TEST_F(Migrations, ANewerDatabaseIsRefusedUnchanged) {
  ASSERT_TRUE(migrate(*connection_, std::array{first, second}));
  const auto outcome = migrate(*connection_, std::array{first});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(version(), 2);
}

TEST_F(Migrations, AnothersDatabaseIsRefusedUnchanged) {
  ASSERT_TRUE(connection_->script("CREATE TABLE theirs (x TEXT)"));
  EXPECT_FALSE(migrate(*connection_, migrations()));
  EXPECT_FALSE(connection_->script("SELECT * FROM meta"));
}

}  // namespace
}  // namespace gims::store
