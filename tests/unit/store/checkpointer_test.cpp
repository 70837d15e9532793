#include "store/checkpointer.hpp"

#include <gtest/gtest.h>

#include "support/fault_vfs.hpp"
#include "support/temp_folder.hpp"

namespace gims::store {
namespace {

using sql::sqlite::Access;
using sql::sqlite::Connection;

class CheckpointerTest : public testing::Test {
 protected:
  std::unique_ptr<Connection> open(Access access = Access::write, std::string vfs = {}) {
    sql::sqlite::OpenOptions options;
    options.file = file_;
    options.access = access;
    options.vfs = std::move(vfs);
    options.busy_timeout = std::chrono::milliseconds(20);
    auto connection = Connection::open(options);
    EXPECT_TRUE(connection);
    return std::move(*connection);
  }
  void SetUp() override {
    writer_ = open();
    ASSERT_TRUE(writer_->script("CREATE TABLE t (v BLOB)"));
  }
  // A commit of some fifteen frames.
  void commit(Checkpointer& checkpointer) {
    ASSERT_TRUE(writer_->script("INSERT INTO t (v) VALUES (zeroblob(60000))"));
    checkpointer.committed(writer_->log_frames());
  }
  std::uintmax_t log_size() const { return std::filesystem::file_size(file_.string() + "-wal"); }

  test::TempFolder folder_;
  std::filesystem::path file_ = folder_ / "t.db";
  std::unique_ptr<Connection> writer_;
};

TEST_F(CheckpointerTest, TheWriterNeverSeesALogMuchLongerThanTheLimit) {
  Checkpointer checkpointer(open(), {.step_frames = 10, .most_frames = 100});
  checkpointer.start();
  std::int64_t longest = 0;
  for (int i = 0; i < 200; ++i) {
    commit(checkpointer);
    longest = std::max(longest, writer_->log_frames());
  }
  checkpointer.stop();
  EXPECT_LT(longest, 100 + 20);
  EXPECT_GT(std::filesystem::file_size(file_), 190U * 60000);  // copied, but for the last few
}

TEST_F(CheckpointerTest, AReaderThatHoldsItsSnapshotDelaysNothingForLong) {
  auto reader = open(Access::read);
  ASSERT_TRUE(reader->begin());
  ASSERT_TRUE(reader->script("SELECT COUNT(*) FROM t"));
  Checkpointer checkpointer(open(), {.step_frames = 10, .most_frames = 50});
  checkpointer.start();
  for (int i = 0; i < 20; ++i)
    commit(checkpointer);  // each returns, though the log cannot begin anew
  EXPECT_GT(writer_->log_frames(), 200);
  ASSERT_TRUE(reader->rollback());
  for (int i = 0; i < 2; ++i) commit(checkpointer);
  EXPECT_LT(writer_->log_frames(), 100);
  checkpointer.stop();
}

TEST_F(CheckpointerTest, ACopyThatFailsIsTriedAgain) {
  test::FaultVfs vfs;
  writer_ = open(Access::write, vfs.name());
  Checkpointer checkpointer(open(Access::write, vfs.name()),
                            {.step_frames = 10, .most_frames = 50});
  checkpointer.start();
  vfs.fail(test::Fault::sync_error, 1, ".db");
  for (int i = 0; i < 10; ++i) commit(checkpointer);  // acknowledged all the same
  EXPECT_GT(writer_->log_frames(), 100);
  vfs.heal();
  for (int i = 0; i < 3; ++i) commit(checkpointer);
  EXPECT_LT(writer_->log_frames(), 100);
  checkpointer.stop();
  writer_.reset();
}

TEST_F(CheckpointerTest, AnIdleLogGivesItsSpaceBack) {
  Checkpointer checkpointer(open(), {.idle = std::chrono::milliseconds(1)});
  checkpointer.start();
  commit(checkpointer);
  while (log_size() > 0) std::this_thread::yield();
  checkpointer.stop();
}

TEST_F(CheckpointerTest, AfterAFailureTheLogIsLeftAsItIs) {
  {
    Checkpointer checkpointer(open(), {.step_frames = 10, .idle = std::chrono::milliseconds(1)});
    checkpointer.leave_log();
    writer_->keep_log_on_close();
    checkpointer.start();
    for (int i = 0; i < 5; ++i) commit(checkpointer);
    checkpointer.stop();
    writer_.reset();
  }
  EXPECT_GT(log_size(), 5 * 60000U);
  writer_ = open();
  EXPECT_TRUE(writer_->checkpoint(sql::sqlite::Checkpoint::truncate));
}

}  // namespace
}  // namespace gims::store
