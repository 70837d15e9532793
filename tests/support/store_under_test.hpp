// A Store in a folder of its own, for the tests of what stands on it.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "sql/sqlite/connection.hpp"
#include "store/store.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_folder.hpp"

namespace gims::test {

// Submits and waits. The value of `work`, or its error.
template <class Work>
auto write_and_wait(store::Writer& writer, Work work) {
  using Outcome = std::invoke_result_t<Work&, store::Transaction&>;
  std::promise<Outcome> promise;
  auto future = promise.get_future();
  writer.submit(std::move(work),
                [&promise](Outcome outcome) { promise.set_value(std::move(outcome)); });
  return future.get();
}

// Holds the writer in an operation of its own, so that what is submitted meanwhile is one batch.
class HeldWriter {
 public:
  explicit HeldWriter(store::Writer& writer) {
    std::promise<void> started;
    writer.submit(
        [&started, release = release_.get_future().share()](store::Transaction&) -> Result<> {
          started.set_value();
          release.wait();
          return {};
        },
        [](const Result<>&) {});
    started.get_future().wait();
  }
  HeldWriter(const HeldWriter&) = delete;
  HeldWriter& operator=(const HeldWriter&) = delete;
  ~HeldWriter() { release(); }
  void release() {
    if (!std::exchange(released_, true)) release_.set_value();
  }

 private:
  std::promise<void> release_;
  bool released_ = false;
};

class StoreUnderTest {
 public:
  explicit StoreUnderTest(std::vector<store::ChangeListener*> listeners = {},
                          store::StoreOptions options = {})
      : listeners_(std::move(listeners)), options_(std::move(options)) {
    options_.database = folder_ / "gims.db";
    reopen();
  }
  // Closes and opens again, as a restart does.
  void reopen() {
    store_.reset();
    auto opened = store::Store::open(options_, clock_, listeners_);
    if (!opened) std::fprintf(stderr, "store: %s\n", opened.error().detail.c_str());
    GIMS_CHECK(opened);
    store_ = std::move(*opened);
  }
  store::Store& operator*() noexcept { return *store_; }
  store::Store* operator->() noexcept { return store_.get(); }
  template <class Work>
  auto write(Work work) {
    return write_and_wait(store_->writer(), std::move(work));
  }
  void close() { store_.reset(); }
  // A read connection that knows nothing of the file yet. Fails as the disk does.
  static Result<std::unique_ptr<sql::sqlite::Connection>> fresh_reader(
      const store::StoreOptions& options) {
    sql::sqlite::OpenOptions opening;
    opening.file = options.database;
    opening.access = sql::sqlite::Access::read;
    opening.vfs = options.vfs;
    return sql::sqlite::Connection::open(opening);
  }
  [[nodiscard]] const TempFolder& folder() const noexcept { return folder_; }
  [[nodiscard]] const store::StoreOptions& options() const noexcept { return options_; }
  [[nodiscard]] ManualClock& clock() noexcept { return clock_; }

 private:
  TempFolder folder_;
  ManualClock clock_;
  std::vector<store::ChangeListener*> listeners_;
  store::StoreOptions options_;
  std::unique_ptr<store::Store> store_;
};

}  // namespace gims::test
