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
  std::vector<std::string> column(std::string_view sql) {
    std::vector<std::string> values;
    EXPECT_TRUE(connection_->step(
        {.name = "Column", .text = sql, .index = -1}, [](sql::Cursor&) {},
        [&](const sql::Cursor& row) {
          values.emplace_back(row.bytes(0));
          return true;
        }));
    return values;
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

// What an older release left, as the newest finds it.
TEST_F(Migrations, TakeTheRowsOfAnOlderReleaseAlong) {
  ASSERT_TRUE(migrate(*connection_, migrations().first(1)));
  ASSERT_TRUE(connection_->script(R"(
    INSERT INTO device_list_changes (stream_id, user_id) VALUES (1,'a'), (2,'b'), (5,'a'), (7,'c');
    INSERT INTO key_backups (user_id, version, algorithm, auth_data) VALUES
      ('a',1,'x','{}'), ('a',2,'x','{}'), ('b',1,'x','{}');
    INSERT INTO key_backup_sessions VALUES
      ('a',1,'r','s',0,0,0,'{}'), ('a',1,'r','t',0,0,0,'{}'), ('b',1,'r','s',0,0,0,'{}');
    INSERT INTO rooms (room_nid, room_id, version, created_ts, is_listed)
      VALUES (3,'!r:gims.internal','12',9,1);
    INSERT INTO devices (user_id, device_id, created_ts) VALUES ('a','PHONE',1);
    INSERT INTO pushers VALUES ('a','app','k1','PHONE','{}'), ('a','app','k2','GONE','{}'),
      ('b','app','k1','PHONE','{}');
    INSERT INTO to_device_messages (stream_id, user_id, device_id, content) VALUES
      (11,'a','PHONE',x'7b7d'), (12,'b','PHONE',x'7b7d'), (13,'a','PHONE',x'7b207d'))"));
  ASSERT_TRUE(migrate(*connection_, migrations()));
  EXPECT_THAT(column("SELECT user_id || stream_id FROM device_list_changes ORDER BY stream_id"),
              testing::ElementsAre("b2", "a5", "c7"));
  EXPECT_THAT(column("SELECT user_id || version || sessions FROM key_backups "
                     "ORDER BY user_id, version"),
              testing::ElementsAre("a12", "a20", "b11"));
  EXPECT_THAT(column("SELECT room_id || version || created_ts || is_listed FROM rooms"),
              testing::ElementsAre("!r:gims.internal1291"));
  EXPECT_THAT(column("SELECT user_id || push_key FROM pushers"), testing::ElementsAre("ak1"));
  EXPECT_THAT(column("SELECT user_id || message_total || '/' || byte_total "
                     "FROM to_device_messages ORDER BY stream_id"),
              testing::ElementsAre("a1/2", "b1/2", "a2/5"));
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
