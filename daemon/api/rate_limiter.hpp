// How often a user, and an address, may ask. docs/limits.md has the figures.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/route.hpp"
#include "base/clock.hpp"

namespace gims::api {

// `burst` requests at once, then one every `interval`.
struct Rate {
  std::chrono::microseconds interval;
  unsigned burst;
};
struct ClassRates {
  Rate user;
  // Many officers share an address where phones come through one access point or relay.
  Rate address;
};
inline constexpr std::size_t most_limited_keys = 65536;
[[nodiscard]] ClassRates default_rates(RateClass rate) noexcept;

// What the rates of default_rates() are multiplied by.
struct RateFactors {
  unsigned user = 1;
  unsigned address = 1;
  unsigned refill_time = 1;  // of both
};

// A token bucket a key, kept as the one time at which it is full again. Bounded: a table that is
// full drops the buckets that are full again, and after them any (a bucket that is dropped is a
// full one, so that a flood of addresses makes the limits milder, never harder, for others).
// Thread: any.
class RateLimiter {
 public:
  using Rates = ClassRates (*)(RateClass) noexcept;
  explicit RateLimiter(const Clock& clock, std::size_t most_keys = most_limited_keys,
                       Rates rates = &default_rates, RateFactors factors = {}) noexcept
      : clock_(clock), most_keys_(most_keys / shard_count), rates_(rates), factors_(factors) {}

  // Nothing: take it. Else how long to wait. An empty user or address is not counted; IPv6 counts
  // by /64. A request that is refused for one key takes nothing from the other.
  [[nodiscard]] std::optional<std::chrono::milliseconds> take(RateClass rate, std::string_view user,
                                                              std::string_view address);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Time> full_at;
  };
  static constexpr std::size_t shard_count = 16;

  [[nodiscard]] std::optional<std::chrono::milliseconds> take_one(std::string key, const Rate& rate,
                                                                  Time now);
  void give_back(const std::string& key, const Rate& rate);
  [[nodiscard]] Shard& shard_of(const std::string& key);
  void make_room(Shard& shard, Time now) const;

  const Clock& clock_;
  const std::size_t most_keys_;
  const Rates rates_;
  const RateFactors factors_;
  std::array<Shard, shard_count> shards_;
};

}  // namespace gims::api
