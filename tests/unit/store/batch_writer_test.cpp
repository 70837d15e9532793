// The writer's promises: group commit, savepoints, order, and what a failing disk may not break.
#include "store/batch_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "store/statements/meta.hpp"
#include "support/fault_vfs.hpp"
#include "support/store_under_test.hpp"

namespace gims::store {
namespace {

using statements::MetaValue;
using statements::SetMetaValue;
using test::Fault;
using test::FaultVfs;
using test::HeldWriter;
using test::StoreUnderTest;
using testing::ElementsAre;
using testing::HasSubstr;

Result<> set(Transaction& transaction, std::string_view name, std::string_view value = "1") {
  return sql::run(transaction.sql(), SetMetaValue{.name = name, .value = value});
}

bool is_there(Store& store, std::string_view name) {
  auto reader = store.read();
  EXPECT_TRUE(reader);
  auto row = sql::first(reader->sql(), MetaValue{.name = name});
  EXPECT_TRUE(row);
  return row && row->has_value();
}

Error refusal() { return fail(ErrorKind::conflict, "M_ROOM_IN_USE", "Taken.").error(); }

// Notes what it hears; told names of users stand for changes.
class Notes final : public ChangeListener {
 public:
  void committed(StreamId position, std::span<const Change> changes) noexcept override {
    const std::scoped_lock lock(mutex_);
    positions_.push_back(position);
    for (const Change& change : changes) {
      if (const auto* keys = std::get_if<KeyCountsChanged>(&change))
        users_.push_back(keys->user_id);
    }
  }
  std::vector<StreamId> positions() {
    const std::scoped_lock lock(mutex_);
    return positions_;
  }
  std::vector<std::string> users() {
    const std::scoped_lock lock(mutex_);
    return users_;
  }

 private:
  std::mutex mutex_;
  std::vector<StreamId> positions_;
  std::vector<std::string> users_;
};

// The outcomes of submitted operations, in the order in which they were told.
class Outcomes {
 public:
  void submit(Writer& writer, std::string name,
              std::move_only_function<Result<>(Transaction&)> work) {
    ++submitted_;
    writer.submit(std::move(work), [this, name = std::move(name)](Result<> outcome) {
      const std::scoped_lock lock(mutex_);
      told_.emplace_back(name, std::move(outcome));
      changed_.notify_all();
    });
  }
  // Once all are told.
  std::vector<std::pair<std::string, Result<>>> all() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return told_.size() == submitted_; });
    return told_;
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const auto& [name, outcome] : all()) {
      names.push_back(name + (outcome ? " done" : " " + outcome.error().code));
    }
    return names;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<std::string, Result<>>> told_;
  std::size_t submitted_ = 0;
};

TEST(BatchWriter, OneFailingOperationLeavesTheOthersOfItsBatch) {
  Notes notes;
  StoreUnderTest store({&notes});
  Outcomes outcomes;
  std::vector<std::string> undone;
  {
    HeldWriter held(store->writer());
    for (const std::string name : {"a", "b", "c"}) {
      outcomes.submit(store->writer(), name, [name, &undone](Transaction& t) -> Result<> {
        GIMS_TRY(set(t, name));
        t.publish(KeyCountsChanged{.user_id = name, .device_id = ""});
        t.on_failure([name, &undone] { undone.push_back(name + "1"); });
        t.on_failure([name, &undone] { undone.push_back(name + "2"); });
        if (name == "b") return std::unexpected(refusal());
        return {};
      });
    }
  }
  EXPECT_THAT(outcomes.names(), ElementsAre("a done", "b M_ROOM_IN_USE", "c done"));
  EXPECT_TRUE(is_there(*store, "a"));
  EXPECT_FALSE(is_there(*store, "b"));
  EXPECT_TRUE(is_there(*store, "c"));
  EXPECT_THAT(notes.users(), ElementsAre("a", "c"));
  EXPECT_THAT(undone, ElementsAre("b2", "b1"));
}

TEST(BatchWriter, WhatWaitsIsCommittedTogether) {
  FaultVfs vfs;
  {
    StoreUnderTest store({}, {.database = {}, .vfs = vfs.name()});
    ASSERT_TRUE(store.write([](Transaction& t) { return set(t, "warm"); }));
    Outcomes outcomes;
    int before = 0;
    {
      HeldWriter held(store->writer());
      for (int i = 0; i < 100; ++i) {
        outcomes.submit(store->writer(), std::to_string(i),
                        [i](Transaction& t) { return set(t, std::to_string(i)); });
      }
      before = vfs.syncs();
    }
    EXPECT_EQ(outcomes.all().size(), 100U);
    EXPECT_EQ(vfs.syncs() - before, 1);
    EXPECT_TRUE(is_there(*store, "99"));
  }
}

TEST(BatchWriter, ABatchIsNoLargerThanItsLimit) {
  FaultVfs vfs;
  {
    StoreUnderTest store({}, {.database = {}, .batch = 10, .vfs = vfs.name()});
    ASSERT_TRUE(store.write([](Transaction& t) { return set(t, "warm"); }));
    Outcomes outcomes;
    int before = 0;
    {
      HeldWriter held(store->writer());
      for (int i = 0; i < 95; ++i) {
        outcomes.submit(store->writer(), std::to_string(i),
                        [i](Transaction& t) { return set(t, std::to_string(i)); });
      }
      before = vfs.syncs();
    }
    EXPECT_EQ(outcomes.all().size(), 95U);
    EXPECT_EQ(vfs.syncs() - before, 10);
  }
}

TEST(BatchWriter, FirstTheCommitThenTheListenersThenTheAnswers) {
  struct Order final : ChangeListener {
    void committed(StreamId position, std::span<const Change>) noexcept override {
      auto reader = store->read();
      const bool visible =
          reader && reader->position() == position && (*store).position() == position;
      order.emplace_back(visible ? "listener sees it" : "listener does not see it");
    }
    Store* store = nullptr;
    std::vector<std::string> order;
  } listener;
  StoreUnderTest store({&listener});
  listener.store = &*store;
  std::promise<void> answered;
  store->writer().submit(
      [&](Transaction& t) -> Result<StreamId> {
        listener.order.emplace_back("work");
        return t.next_position();
      },
      [&](const Result<StreamId>& position) {
        listener.order.emplace_back(position && *position == 1 ? "answer" : "wrong answer");
        answered.set_value();
      });
  answered.get_future().wait();
  EXPECT_THAT(listener.order, ElementsAre("work", "listener sees it", "answer"));
}

TEST(BatchWriter, ListenersHearPositionsInOrderAndNothingOfEmptyBatches) {
  Notes notes;
  StoreUnderTest store({&notes});
  const auto take = [](Transaction& t) -> Result<StreamId> { return t.next_position(); };
  ASSERT_TRUE(store.write(take));
  ASSERT_TRUE(store.write([](Transaction& t) { return set(t, "a"); }));
  ASSERT_TRUE(store.write(take));
  EXPECT_THAT(notes.positions(), ElementsAre(1, 2));
}

TEST(BatchWriter, AFullQueueRefusesAtOnce) {
  StoreUnderTest store({}, {.database = {}, .queue = 2});
  Outcomes outcomes;
  {
    HeldWriter held(store->writer());
    const auto nothing = [](Transaction&) -> Result<> { return {}; };
    outcomes.submit(store->writer(), "first", nothing);
    outcomes.submit(store->writer(), "second", nothing);
    bool refused = false;
    store->writer().submit(nothing, [&](const Result<>& outcome) {
      refused = !outcome && outcome.error().kind == ErrorKind::unavailable;
    });
    EXPECT_TRUE(refused);  // before the writer went on
  }
  EXPECT_THAT(outcomes.names(), ElementsAre("first done", "second done"));
  EXPECT_FALSE(store->writer().read_only());
}

TEST(BatchWriter, StoppingFinishesWhatIsQueuedAndRefusesTheRest) {
  StoreUnderTest store;
  Outcomes outcomes;
  for (int i = 0; i < 20; ++i) {
    outcomes.submit(store->writer(), "q",
                    [i](Transaction& t) { return set(t, "q" + std::to_string(i)); });
  }
  store->stop();
  EXPECT_EQ(outcomes.all().size(), 20U);
  Result<> late;
  store->writer().submit([](Transaction&) -> Result<> { return {}; },
                         [&](Result<> outcome) { late = std::move(outcome); });
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(store->read());
  store.reopen();
  EXPECT_TRUE(is_there(*store, "q19"));
}

TEST(BatchWriter, AnAnswerMaySubmitTheNextOperation) {
  StoreUnderTest store;
  std::promise<bool> second;
  store->writer().submit([](Transaction& t) { return set(t, "a"); },
                         [&](const Result<>&) {
                           store->writer().submit([](Transaction& t) { return set(t, "b"); },
                                                  [&](const Result<>& outcome) {
                                                    second.set_value(outcome.has_value());
                                                  });
                         });
  EXPECT_TRUE(second.get_future().get());
}

// A position that some client has seen must not come again, though the rows that had it are gone.
TEST(BatchWriter, PositionsNeverComeAgainAfterARestart) {
  StoreUnderTest store;
  std::set<StreamId> seen;
  for (int restart = 0; restart < 3; ++restart) {
    for (int i = 0; i < 5; ++i) {
      const auto position = store.write([](Transaction& t) -> Result<StreamId> {
        const StreamId taken = t.next_position();
        GIMS_TRY(
            t.sql().script("INSERT INTO to_device_messages (stream_id, user_id, device_id, "
                           "content) VALUES (" +
                           std::to_string(taken) + ", 'u', 'd', x'')"));
        return taken;
      });
      ASSERT_TRUE(position);
      EXPECT_TRUE(seen.insert(*position).second) << *position;
    }
    ASSERT_TRUE(store.write(
        [](Transaction& t) { return t.sql().script("DELETE FROM to_device_messages"); }));
    store.reopen();
    EXPECT_EQ(store->position(), *seen.rbegin());
  }
}

struct Failure {
  const char* name;
  Fault fault;
  const char* words;
};

class FailingDisk : public testing::TestWithParam<Failure> {};

TEST_P(FailingDisk, FailsTheWholeBatchAndTurnsTheStoreReadOnly) {
  FaultVfs vfs;
  Notes notes;
  StoreUnderTest store({&notes}, {.database = {}, .vfs = vfs.name()});
  ASSERT_TRUE(store.write([](Transaction& t) {
    static_cast<void>(t.next_position());
    return set(t, "kept");
  }));
  Outcomes outcomes;
  std::vector<std::string> undone;
  {
    HeldWriter held(store->writer());
    vfs.fail(GetParam().fault, 1, "-wal");
    for (const std::string name : {"a", "b"}) {
      outcomes.submit(store->writer(), name, [name, &undone](Transaction& t) -> Result<> {
        static_cast<void>(t.next_position());
        t.on_failure([name, &undone] { undone.push_back(name); });
        t.publish(KeyCountsChanged{.user_id = name, .device_id = ""});
        return set(t, name);
      });
    }
    // It fails by itself; but what it saw was never committed, so it is told of the disk as well.
    outcomes.submit(store->writer(), "c",
                    [](Transaction&) -> Result<> { return std::unexpected(refusal()); });
  }
  for (const auto& [name, outcome] : outcomes.all()) {
    ASSERT_FALSE(outcome) << name;
    EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(outcome.error().code, "M_UNKNOWN");
    EXPECT_THAT(outcome.error().text, HasSubstr(GetParam().words));
  }
  EXPECT_THAT(undone, ElementsAre("b", "a"));
  EXPECT_TRUE(notes.users().empty());
  EXPECT_TRUE(store->writer().read_only());
  EXPECT_EQ(store->position(), 1);

  // Reads go on; writes stay refused though the disk is well again.
  vfs.heal();
  EXPECT_TRUE(is_there(*store, "kept"));
  EXPECT_FALSE(is_there(*store, "a"));
  const auto later = store.write([](Transaction& t) { return set(t, "later"); });
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().kind, ErrorKind::unavailable);

  store.reopen();
  EXPECT_FALSE(store->writer().read_only());
  EXPECT_TRUE(is_there(*store, "kept"));
  EXPECT_FALSE(is_there(*store, "later"));
  ASSERT_TRUE(store.write([](Transaction& t) { return set(t, "afterwards"); }));
  store.close();
}

INSTANTIATE_TEST_SUITE_P(
    Each, FailingDisk,
    testing::Values(Failure{"WriteError", Fault::write_error, "cannot read or write its disk"},
                    Failure{"ShortWrite", Fault::short_write, "cannot read or write its disk"},
                    Failure{"DiskFull", Fault::disk_full, "disk is full"},
                    Failure{"SyncError", Fault::sync_error, "cannot read or write its disk"}),
    [](const auto& param) { return param.param.name; });

// Every read, write and fsync of a run in turn is the one from which the disk fails.
class FailingDiskEverywhere : public testing::TestWithParam<Fault> {};

TEST_P(FailingDiskEverywhere, NothingAcknowledgedIsLostAndNothingRefusedBeforeTheFailureIsThere) {
  int struck = 0;
  for (int nth = 1; nth <= 24; ++nth) {
    FaultVfs vfs;
    StoreUnderTest store({}, {.database = {}, .vfs = vfs.name()});
    vfs.fail(GetParam(), nth);
    std::vector<std::string> acknowledged;
    std::vector<std::string> refused;
    bool failed = false;
    for (int i = 0; i < 8; ++i) {
      const std::string name = "n" + std::to_string(i);
      const bool late = store->writer().read_only();
      const auto outcome = store.write([name](Transaction& t) { return set(t, name); });
      if (outcome) acknowledged.push_back(name);
      if (!outcome && late) refused.push_back(name);
      // Readers of their own, each new to the file: what they say is right, or that they cannot.
      auto reader = StoreUnderTest::fresh_reader(store.options());
      if (reader && outcome) {
        const auto row = sql::first(*reader.value(), MetaValue{.name = name});
        EXPECT_TRUE(!row || row->has_value()) << name << " of " << nth;
        failed |= !row;
      }
      failed |= !outcome || !reader;
    }
    struck += failed ? 1 : 0;
    store.close();
    vfs.heal();
    store.reopen();
    for (const auto& name : acknowledged) EXPECT_TRUE(is_there(*store, name)) << name << nth;
    for (const auto& name : refused) EXPECT_FALSE(is_there(*store, name)) << name << nth;
    ASSERT_TRUE(store.write([](Transaction& t) { return set(t, "afterwards"); }));
    EXPECT_THAT(store->check(true).value(), testing::IsEmpty());
    store.close();
  }
  EXPECT_GT(struck, 6);  // the fault is not beyond the end of every run
}

std::string name_of(Fault fault) {
  switch (fault) {
    case Fault::write_error:
      return "WriteError";
    case Fault::short_write:
      return "ShortWrite";
    case Fault::disk_full:
      return "DiskFull";
    case Fault::sync_error:
      return "SyncError";
    case Fault::read_error:
      return "ReadError";
  }
  return {};
}

INSTANTIATE_TEST_SUITE_P(Each, FailingDiskEverywhere,
                         testing::Values(Fault::read_error, Fault::write_error, Fault::short_write,
                                         Fault::disk_full, Fault::sync_error),
                         [](const auto& param) { return name_of(param.param); });

}  // namespace
}  // namespace gims::store
