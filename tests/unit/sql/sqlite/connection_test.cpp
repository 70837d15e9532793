#include "sql/sqlite/connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "support/fault_vfs.hpp"
#include "support/temp_folder.hpp"

namespace gims::sql::sqlite {
namespace {

using test::Fault;
using test::FaultVfs;
using testing::HasSubstr;

constexpr StatementInfo count_info{.name = "Count", .text = "SELECT COUNT(*) FROM t", .index = 0};
constexpr StatementInfo all_info{.name = "All", .text = "SELECT v FROM t ORDER BY id", .index = 1};

// A statement as the generator makes them.
struct Insert {
  std::int64_t id;
  std::optional<std::string_view> v;
  static constexpr StatementInfo info{
      .name = "Insert", .text = "INSERT INTO t (id, v) VALUES (:id, :v)", .index = 2};
  void bind(Cursor& cursor) const {
    sql::bind(cursor, 1, id);
    sql::bind(cursor, 2, v);
  }
};

void nothing_to_bind(Cursor&) {}

class SqliteConnection : public testing::Test {
 protected:
  Result<std::unique_ptr<Connection>> open(Access access = Access::write, std::string vfs = {}) {
    OpenOptions options;
    options.file = file_;
    options.access = access;
    options.vfs = std::move(vfs);
    options.busy_timeout = std::chrono::milliseconds(0);
    return Connection::open(options);
  }
  std::unique_ptr<Connection> opened(Access access = Access::write, std::string vfs = {}) {
    auto connection = open(access, std::move(vfs));
    EXPECT_TRUE(connection) << connection.error().detail;
    return std::move(*connection);
  }
  std::unique_ptr<Connection> with_table(std::string vfs = {}) {
    auto connection = opened(Access::write, std::move(vfs));
    EXPECT_TRUE(connection->script("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT) "));
    return connection;
  }
  static std::string one(Connection& connection, std::string_view text) {
    std::string found;
    const auto outcome = connection.step({.name = "one", .text = text, .index = -1},
                                         nothing_to_bind, [&](const Cursor& row) {
                                           found = row.bytes(0);
                                           return false;
                                         });
    return outcome ? found : "error: " + outcome.error().detail;
  }
  static std::int64_t count(Connection& connection) {
    std::int64_t found = -1;
    EXPECT_TRUE(connection.step(count_info, nothing_to_bind, [&](const Cursor& row) {
      found = row.integer(0);
      return true;
    }));
    return found;
  }

  test::TempFolder folder_;
  std::filesystem::path file_ = folder_ / "t.db";
};

TEST_F(SqliteConnection, WritersAreDurableAndTheFileIsTheOwnersAlone) {
  auto connection = opened();
  EXPECT_EQ(one(*connection, "PRAGMA journal_mode"), "wal");
  EXPECT_EQ(one(*connection, "PRAGMA synchronous"), "2");  // FULL
  EXPECT_EQ(one(*connection, "PRAGMA wal_autocheckpoint"), "0");
  EXPECT_EQ(one(*connection, "PRAGMA secure_delete"), "1");
  EXPECT_EQ(std::filesystem::status(file_).permissions() & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(SqliteConnection, WhatADamagedOrHostileFileCouldUseIsOff) {
  auto connection = with_table();
  EXPECT_EQ(one(*connection, "PRAGMA trusted_schema"), "0");
  EXPECT_THAT(one(*connection, "SELECT \"text\""), HasSubstr("no such column"));
  EXPECT_THAT(one(*connection, "SELECT load_extension('x')"), HasSubstr("not authorized"));
  static_cast<void>(connection->script("PRAGMA writable_schema=ON"));
  EXPECT_THAT(one(*connection, "DELETE FROM sqlite_schema"), HasSubstr("may not be modified"));
}

TEST_F(SqliteConnection, ReadersCannotWriteNorMakeAFile) {
  EXPECT_FALSE(open(Access::read));
  EXPECT_FALSE(std::filesystem::exists(file_));
  with_table();
  auto reader = opened(Access::read);
  EXPECT_FALSE(run(*reader, Insert{.id = 1, .v = "x"}));
  EXPECT_EQ(count(*reader), 0);
}

TEST_F(SqliteConnection, ValuesComeBackAsTheyWereBound) {
  auto connection = with_table();
  const std::string zeros("a\0b", 3);
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  ASSERT_TRUE(run(*connection, Insert{.id = least, .v = std::nullopt}));
  ASSERT_TRUE(run(*connection, Insert{.id = 0, .v = std::string_view()}));  // without a pointer
  ASSERT_TRUE(run(*connection, Insert{.id = 1, .v = zeros}));
  ASSERT_TRUE(run(*connection, Insert{.id = 2, .v = "नमस्ते"}));
  std::vector<std::optional<std::string>> found;
  ASSERT_TRUE(connection->step(all_info, nothing_to_bind, [&](const Cursor& row) {
    found.push_back(row.is_null(0) ? std::optional<std::string>() : std::string(row.bytes(0)));
    return true;
  }));
  EXPECT_THAT(found, testing::ElementsAre(std::nullopt, "", zeros, "नमस्ते"));
  EXPECT_EQ(one(*connection, "SELECT MIN(id) FROM t"), std::to_string(least));
}

TEST_F(SqliteConnection, StatementsArePreparedOnceEach) {
  auto connection = with_table();
  EXPECT_EQ(connection->cached_statements(), 0U);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run(*connection, Insert{.id = i, .v = "x"}));
  EXPECT_EQ(connection->cached_statements(), 1U);
  EXPECT_EQ(count(*connection), 3);
  EXPECT_EQ(connection->cached_statements(), 2U);
}

TEST_F(SqliteConnection, AStatementMayRunAgainWithinItsOwnRows) {
  auto connection = with_table();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run(*connection, Insert{.id = i, .v = "x"}));
  int inner = 0;
  int outer = 0;
  ASSERT_TRUE(connection->step(all_info, nothing_to_bind, [&](const Cursor&) {
    ++outer;
    EXPECT_TRUE(connection->step(all_info, nothing_to_bind, [&](const Cursor&) {
      ++inner;
      return true;
    }));
    return true;
  }));
  EXPECT_EQ(outer, 3);
  EXPECT_EQ(inner, 9);
}

// A statement left in the middle would hold its snapshot, and the log could never begin anew.
TEST_F(SqliteConnection, AStatementThatIsNotFinishedIsReset) {
  auto connection = with_table();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run(*connection, Insert{.id = i, .v = "x"}));
  auto reader = opened(Access::read);
  ASSERT_TRUE(reader->step(all_info, nothing_to_bind, [](const Cursor&) { return false; }));
  const auto outcome = connection->checkpoint(Checkpoint::truncate);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->complete);
  EXPECT_EQ(std::filesystem::file_size(file_.string() + "-wal"), 0U);
}

TEST_F(SqliteConnection, AReaderInATransactionHoldsUpATruncationButNotAPassiveCheckpoint) {
  auto connection = with_table();
  auto reader = opened(Access::read);
  ASSERT_TRUE(reader->begin());
  EXPECT_EQ(count(*reader), 0);
  ASSERT_TRUE(run(*connection, Insert{.id = 1, .v = "x"}));
  auto outcome = connection->checkpoint(Checkpoint::passive);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->complete);
  outcome = connection->checkpoint(Checkpoint::truncate);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->complete);
  EXPECT_EQ(count(*reader), 0);
  ASSERT_TRUE(reader->rollback());
  outcome = connection->checkpoint(Checkpoint::truncate);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->complete);
  EXPECT_FALSE(connection->broken());
}

TEST_F(SqliteConnection, SavepointsAreRolledBackAlone) {
  auto connection = with_table();
  ASSERT_TRUE(connection->begin());
  ASSERT_TRUE(connection->savepoint());
  ASSERT_TRUE(run(*connection, Insert{.id = 1, .v = "x"}));
  ASSERT_TRUE(connection->release_savepoint());
  ASSERT_TRUE(connection->savepoint());
  ASSERT_TRUE(run(*connection, Insert{.id = 2, .v = "x"}));
  ASSERT_TRUE(connection->rollback_savepoint());
  ASSERT_TRUE(connection->in_transaction());
  ASSERT_TRUE(connection->commit());
  EXPECT_FALSE(connection->in_transaction());
  EXPECT_EQ(count(*connection), 1);
}

TEST_F(SqliteConnection, ErrorsHaveKindsAndNameTheStatement) {
  auto connection = with_table();
  ASSERT_TRUE(run(*connection, Insert{.id = 1, .v = "x"}));
  EXPECT_EQ(connection->changes(), 1);
  const auto twice = run(*connection, Insert{.id = 1, .v = "x"});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().kind, ErrorKind::conflict);
  EXPECT_THAT(twice.error().detail, HasSubstr("Insert"));
  EXPECT_THAT(twice.error().detail, HasSubstr("1555"));  // SQLITE_CONSTRAINT_PRIMARYKEY
  EXPECT_FALSE(connection->broken());

  const std::string huge(17 << 20, 'x');
  const auto large = run(*connection, Insert{.id = 2, .v = huge});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().kind, ErrorKind::too_large);
  EXPECT_EQ(count(*connection), 1);
}

TEST_F(SqliteConnection, ALockThatAnotherHoldsIsUnavailableAndBreaksNothing) {
  auto connection = with_table();
  auto other = opened();
  ASSERT_TRUE(other->begin());
  const auto begun = connection->begin();
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(connection->broken());
  ASSERT_TRUE(other->rollback());
  EXPECT_TRUE(connection->begin());
}

TEST_F(SqliteConnection, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(file_) << std::string(8192, 'x');
  const auto outcome = open();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(outcome.error().detail, HasSubstr("not a database"));
}

TEST_F(SqliteConnection, AWriterWithoutAWriteAheadLogIsNone) {
  file_ = ":memory:";  // which has none
  const auto refused = open(Access::write, "unix");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::internal);
  EXPECT_EQ(refused.error().code, "M_UNKNOWN");
  EXPECT_THAT(refused.error().detail, HasSubstr("the journal mode is memory"));
}

TEST_F(SqliteConnection, APathIsNeverAUri) {
  file_ = folder_ / "file:x?mode=memory";
  opened();
  EXPECT_TRUE(std::filesystem::exists(file_));
}

TEST_F(SqliteConnection, CheckFindsADamagedPage) {
  {
    auto connection = with_table();
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(run(*connection, Insert{.id = i, .v = "some text to fill the page with"}));
    }
    const auto sound = connection->check(true);
    ASSERT_TRUE(sound);
    EXPECT_TRUE(sound->empty());
  }
  {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 3);
    file << std::string(4096, '\x7f');
  }
  auto connection = opened();
  const auto faults = connection->check(false);
  EXPECT_TRUE(!faults || !faults->empty());
}

// As one flipped bit makes of a leaf. SQLite's own check takes it for an empty tree.
TEST_F(SqliteConnection, CheckFindsAnInnerPageWithoutChildren) {
  with_table();
  {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);  // the second page: the empty table's only one
    ASSERT_EQ(file.peek(), 0x0d);
    file.put(0x05);
  }
  auto connection = opened();
  const auto faults = connection->check(true);
  EXPECT_TRUE(!faults && connection->damaged());
}

struct Failure {
  const char* name;
  Fault fault;
};

class SqliteFailure : public SqliteConnection, public testing::WithParamInterface<Failure> {};

TEST_P(SqliteFailure, OfACommitIsToldAndLeavesNothingBehind) {
  FaultVfs vfs;
  {
    auto connection = with_table(vfs.name());
    ASSERT_TRUE(run(*connection, Insert{.id = 1, .v = "kept"}));
    vfs.fail(GetParam().fault);
    ASSERT_TRUE(connection->begin());
    Result<> outcome = run(*connection, Insert{.id = 2, .v = "lost"});
    if (outcome) outcome = connection->commit();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
    EXPECT_TRUE(connection->broken());
    ASSERT_TRUE(connection->rollback());
    EXPECT_EQ(count(*connection), 1);
    connection->keep_log_on_close();
    vfs.heal();
  }
}

INSTANTIATE_TEST_SUITE_P(Each, SqliteFailure,
                         testing::Values(Failure{"WriteError", Fault::write_error},
                                         Failure{"ShortWrite", Fault::short_write},
                                         Failure{"DiskFull", Fault::disk_full},
                                         Failure{"SyncError", Fault::sync_error}),
                         [](const auto& param) { return param.param.name; });

TEST_F(SqliteConnection, ADiskThatCannotBeReadIsTold) {
  FaultVfs vfs;
  {
    auto connection = with_table(vfs.name());
    ASSERT_TRUE(run(*connection, Insert{.id = 1, .v = "x"}));
  }
  auto reader = opened(Access::read, vfs.name());
  vfs.fail(Fault::read_error);
  const auto outcome = reader->step(all_info, nothing_to_bind, [](const Cursor&) { return true; });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(reader->broken());
  vfs.heal();
}

TEST_F(SqliteConnection, FullDiskAndBrokenDiskHaveTheirOwnWords) {
  FaultVfs vfs;
  auto connection = with_table(vfs.name());
  vfs.fail(Fault::disk_full);
  const auto full = run(*connection, Insert{.id = 1, .v = "x"});
  vfs.fail(Fault::write_error);
  const auto broken = run(*connection, Insert{.id = 1, .v = "x"});
  vfs.heal();
  ASSERT_FALSE(full);
  ASSERT_FALSE(broken);
  EXPECT_THAT(full.error().text, HasSubstr("disk is full"));
  EXPECT_THAT(broken.error().text, HasSubstr("cannot read or write its disk"));
}

}  // namespace
}  // namespace gims::sql::sqlite
