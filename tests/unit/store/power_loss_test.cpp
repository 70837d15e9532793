// Cuts of power at any write, fsync, truncation or deletion, while several write and one reads:
// what was acknowledged is there when the power is back, in whole operations, in a sound file.
//
// GIMS_POWER_CUTS says how many, GIMS_SEED what is chosen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "store/statements/meta.hpp"
#include "support/fault_vfs.hpp"
#include "support/manual_clock.hpp"
#include "support/store_under_test.hpp"
#include "support/temp_folder.hpp"

namespace gims::store {
namespace {

using statements::MetaValue;
using statements::SetMetaValue;
using test::FaultVfs;

constexpr int writers = 4;
constexpr int operations = 25;    // of each writer between two cuts
constexpr int cuts_of_file = 10;  // then another database
// Small, so that copies of the log into the database, and its beginning anew, are among what is
// cut.
constexpr CheckpointerOptions checkpoints{
    .step_frames = 8, .most_frames = 60, .idle = std::chrono::milliseconds(3)};

std::uint64_t number_of(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Long for some, so that it spills over into pages of its own, and known from the name.
std::string value_of(const std::string& name) {
  const std::size_t hash = std::hash<std::string>{}(name);
  return std::string(hash % 9 == 0 ? hash % 20'000 : hash % 700,
                     static_cast<char>('a' + hash % 26));
}

// The two rows of an operation; a row of its own is written again by each operation of its writer.
struct Written {
  std::string first;
  std::string second;
};
Written written(const std::string& name) { return {name + ".first", name + ".second"}; }

struct Acknowledged {
  std::string operation;
  StreamId position = 0;
};

class PowerLoss : public testing::Test {
 protected:
  void open() {
    auto opened = Store::open({.database = *folder_ / "gims.db",
                               .readers = 3,
                               .batch = 3,
                               .checkpoints = checkpoints,
                               .vfs = vfs_.name()},
                              clock_, {});
    if (opened) store_ = std::move(*opened);
  }

  // One writer, until it is done or refused. It goes on after a refusal, as its clients would: what
  // is acknowledged after the cut has to be there as well.
  void write(int writer, const std::string& run) {
    for (int i = 0; i < operations; ++i) {
      const std::string name = run + "." + std::to_string(writer) + "." + std::to_string(i);
      const std::string latest = "latest." + std::to_string(writer);
      const auto outcome =
          test::write_and_wait(store_->writer(), [&](Transaction& transaction) -> Result<StreamId> {
            const Written rows = written(name);
            for (const std::string& row : {rows.first, rows.second}) {
              GIMS_TRY(
                  sql::run(transaction.sql(), SetMetaValue{.name = row, .value = value_of(row)}));
            }
            GIMS_TRY(sql::run(transaction.sql(), SetMetaValue{.name = latest, .value = name}));
            return transaction.next_position();
          });
      const std::scoped_lock lock(mutex_);
      attempted_.push_back(name);
      if (outcome) {
        acknowledged_.push_back({name, *outcome});
        latest_[latest] = name;
      } else {
        // Whether it was committed nobody knows.
        uncertain_[latest].insert(name);
      }
    }
  }

  // Holds snapshots, so that the log cannot begin anew at every time; what it sees is whole.
  void read(const std::atomic<bool>& over) {
    while (!over) {
      Acknowledged last;
      {
        const std::scoped_lock lock(mutex_);
        if (!acknowledged_.empty()) last = acknowledged_.back();
      }
      if (auto reader = store_->read(); reader && !last.operation.empty()) {
        EXPECT_GE(reader->position(), last.position);
        EXPECT_TRUE(is_there(*reader, written(last.operation).first)) << last.operation;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  }

  static std::optional<std::string> value(Reader& reader, const std::string& name) {
    auto row = sql::first(reader.sql(), MetaValue{.name = name});
    EXPECT_TRUE(row) << name;
    if (!row || !row->has_value()) return std::nullopt;
    return (*row)->value;
  }
  static bool is_there(Reader& reader, const std::string& name) {
    const auto found = value(reader, name);
    EXPECT_TRUE(!found || *found == value_of(name)) << name;
    return found.has_value();
  }

  // Opens, works, stops; the power goes somewhere on the way, or at its end.
  void run(const std::string& name) {
    open();
    if (store_) {
      std::atomic<bool> over = false;
      std::thread reading([&] { read(over); });
      std::vector<std::thread> writing;
      writing.reserve(writers);
      for (int writer = 0; writer < writers; ++writer) {
        writing.emplace_back([this, writer, &name] { write(writer, name); });
      }
      for (std::thread& thread : writing) thread.join();
      over = true;
      reading.join();
      store_.reset();
    }
  }

  void check() {
    open();
    ASSERT_TRUE(store_) << "it does not start after the cut";
    auto reader = store_->read();
    ASSERT_TRUE(reader);
    for (const Acknowledged& one : acknowledged_) {
      const Written rows = written(one.operation);
      EXPECT_TRUE(is_there(*reader, rows.first) && is_there(*reader, rows.second))
          << "lost: " << one.operation;
      EXPECT_GE(reader->position(), one.position);
    }
    for (const std::string& operation : attempted_) {
      const Written rows = written(operation);
      EXPECT_EQ(is_there(*reader, rows.first), is_there(*reader, rows.second))
          << "half of an operation: " << operation;
    }
    for (auto& [row, name] : latest_) {
      const auto found = value(*reader, row);
      ASSERT_TRUE(found) << row;
      EXPECT_TRUE(*found == name || uncertain_[row].contains(*found)) << row << " is " << *found;
      name = *found;
    }
    uncertain_.clear();
    const auto faults = store_->check(true);
    ASSERT_TRUE(faults);
    EXPECT_THAT(*faults, testing::IsEmpty());
  }

  FaultVfs vfs_;
  test::ManualClock clock_;
  std::unique_ptr<test::TempFolder> folder_ = std::make_unique<test::TempFolder>();
  std::unique_ptr<Store> store_;
  std::mutex mutex_;
  std::vector<Acknowledged> acknowledged_;
  std::vector<std::string> attempted_;
  std::map<std::string, std::string> latest_;  // of each writer: what it wrote last
  std::map<std::string, std::set<std::string>> uncertain_;
};

TEST_F(PowerLoss, NothingAcknowledgedIsLost) {
  const std::uint64_t seed = number_of("GIMS_SEED", std::random_device{}() % 1'000'000);
  const std::uint64_t cuts = number_of("GIMS_POWER_CUTS", 50);
  std::printf("seed %llu (GIMS_SEED)\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  std::size_t all = 0;
  std::uint64_t within = 0;  // cuts that came before the run's end
  int steps = 0;             // of a run without a cut
  for (std::uint64_t cut = 0; cut < cuts && !HasFailure(); ++cut) {
    if (cut % cuts_of_file == 0) {
      folder_ = std::make_unique<test::TempFolder>();
      all += acknowledged_.size();
      acknowledged_.clear();
      attempted_.clear();
      latest_.clear();
      if (steps == 0) {
        run("whole");
        steps = vfs_.steps();
        ASSERT_EQ(acknowledged_.size(), std::size_t{writers} * operations);
      }
    }
    // Every fourth falls on the start: the migrations of a new file, or the log of the cut before.
    const int most = cut % 4 == 0 ? std::min(steps, 60) : steps;
    vfs_.cut_power_at(static_cast<int>(random() % static_cast<std::uint64_t>(most)) + 1);
    run(std::to_string(cut));
    if (!vfs_.has_power()) ++within;
    vfs_.cut_power();
    vfs_.restore_power(random() | 1);
    check();
    store_.reset();
  }
  all += acknowledged_.size();
  std::printf("%llu cuts of power, %llu of them amid the work: %zu operations acknowledged\n",
              static_cast<unsigned long long>(cuts), static_cast<unsigned long long>(within), all);
  EXPECT_GE(within * 10, cuts * 6);
  EXPECT_GE(all, cuts * 10);
}

}  // namespace
}  // namespace gims::store
