// How fast the store takes events, each acknowledged after its fsync: events a second, CPU an event
// and the time to the answer, with 1, 16, 64 and 256 operations in flight.
//
//   bench_store FOLDER [SECONDS]        FOLDER: on the disk that is to be measured, not a tmpfs
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "store/statements/events.hpp"
#include "store/store.hpp"
#include "store/transactions.hpp"

namespace gims::store {
namespace {

using Time = std::chrono::steady_clock::time_point;
constexpr int rooms = 256;
constexpr std::size_t event_bytes = 700;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void tell(const char* text, const Error& error) {
  std::fprintf(stderr, "%s: %s (%s)\n", text, error.text.c_str(), error.detail.c_str());
}

// What a send writes: the event and the answer to a retry.
Result<> add_event(Transaction& transaction, std::int64_t number, const std::string& pdu) {
  const StreamId position = transaction.next_position();
  // A hash in base64 comes in no order, and neither must this: it decides which pages are touched.
  const auto scattered = static_cast<std::uint64_t>(number) * 0x9e3779b97f4a7c15U;
  const std::string id = "$" + std::to_string(scattered) + std::string(24, 'x');
  const std::string txn = "m" + std::to_string(number);
  const std::string sender = "@officer" + std::to_string(number % rooms) + ":gims.internal";
  GIMS_TRY(sql::run(transaction.sql(), statements::InsertEvent{.stream_id = position,
                                                               .event_id = id,
                                                               .room_nid = number % rooms,
                                                               .type = "m.room.encrypted",
                                                               .state_key = std::nullopt,
                                                               .sender = sender,
                                                               .depth = number,
                                                               .origin_ts = transaction.now_ms(),
                                                               .relates_to = std::nullopt,
                                                               .rel_type = std::nullopt,
                                                               .replaces_state = std::nullopt,
                                                               .device_id = "PHONE",
                                                               .txn_id = txn,
                                                               .pdu = {pdu}}));
  GIMS_TRY(remember(transaction,
                    {.user_id = sender, .device_id = "PHONE", .txn_id = txn, .endpoint = "/send"},
                    id));
  transaction.publish(DeviceListChanged{.position = position, .user_id = {}});
  return {};
}

// Keeps `in_flight` operations at the writer, each answer submitting the next.
class Load {
 public:
  Load(Store& store, int in_flight, std::int64_t first, Time until)
      : store_(store), next_(first), until_(until), running_(in_flight) {}

  std::vector<std::chrono::nanoseconds> run() {
    const int in_flight = running_;
    for (int i = 0; i < in_flight; ++i) submit();
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_ == 0; });
    return std::move(times_);
  }

 private:
  void submit() {
    std::int64_t number = 0;
    {
      const std::scoped_lock lock(mutex_);
      number = next_++;
    }
    const Time start = std::chrono::steady_clock::now();
    store_.writer().submit([this, number](Transaction& t) { return add_event(t, number, pdu_); },
                           [this, start](const Result<>& outcome) { answered(start, outcome); });
  }
  void answered(Time start, const Result<>& outcome) {
    if (!outcome) {
      tell("an event was not stored", outcome.error());
      std::exit(1);
    }
    const Time now = std::chrono::steady_clock::now();
    {
      const std::scoped_lock lock(mutex_);
      times_.push_back(now - start);
      if (now >= until_) {
        --running_;
        idle_.notify_one();
        return;
      }
    }
    submit();
  }

  Store& store_;
  const std::string pdu_ = std::string(event_bytes, 'p');
  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<std::chrono::nanoseconds> times_;
  std::int64_t next_;
  const Time until_;
  int running_;
};

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

int measure(const std::filesystem::path& folder, std::chrono::milliseconds each) {
  const std::filesystem::path file = folder / "bench_store.db";
  const auto remove_files = [&file] {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + suffix);
  };
  remove_files();
  const SystemClock clock;
  auto store = Store::open({.database = file}, clock, {});
  if (!store) {
    tell("the store cannot be opened", store.error());
    return 1;
  }
  std::printf("%10s %12s %14s %10s %10s %10s\n", "in flight", "events/s", "CPU us/event", "p50 ms",
              "p99 ms", "max ms");
  std::int64_t first = 1;
  for (const int in_flight : {1, 16, 64, 256}) {
    const double cpu = cpu_seconds();
    const Time start = std::chrono::steady_clock::now();
    auto times = Load(**store, in_flight, first, start + each).run();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto count = static_cast<double>(times.size());
    first += static_cast<std::int64_t>(times.size()) + 256;
    std::ranges::sort(times);
    std::printf("%10d %12.0f %14.1f %10.3f %10.3f %10.3f\n", in_flight, count / seconds,
                (cpu_seconds() - cpu) * 1e6 / count, milliseconds(times[times.size() / 2]),
                milliseconds(times[times.size() * 99 / 100]), milliseconds(times.back()));
  }
  store->reset();
  std::printf("file: %.1f MB\n", static_cast<double>(std::filesystem::file_size(file)) / 1e6);
  remove_files();
  return 0;
}

}  // namespace
}  // namespace gims::store

int main(int count, char** arguments) {
  if (count < 2 || count > 3) {
    std::fprintf(stderr, "usage: bench_store FOLDER [SECONDS]\n");
    return 2;
  }
  const int seconds = count == 3 ? std::atoi(arguments[2]) : 5;
  gims::log::set_level(gims::log::Level::warning);
  return gims::store::measure(arguments[1], std::chrono::seconds(std::max(1, seconds)));
}
