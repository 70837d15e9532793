#include "api/rate_limiter.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "sys/address.hpp"

namespace gims::api {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string key_of(RateClass rate, char kind, std::string_view name) {
  std::string key{static_cast<char>('0' + static_cast<int>(rate)), kind};
  return key.append(name);
}

// An address that is none (the test site's own socket) counts as it is written.
std::string address_key(std::string_view address) {
  const auto parsed = sys::IpAddress::parse(address);
  return parsed ? parsed->limit_key().to_string() : std::string(address);
}

Rate times(Rate rate, unsigned factor, unsigned refill_time) {
  return {.interval = rate.interval * refill_time / factor, .burst = rate.burst * factor};
}

}  // namespace

ClassRates default_rates(RateClass rate) noexcept {
  switch (rate) {
    case RateClass::unlimited:
      break;
    case RateClass::read:
      return {.user = {milliseconds(20), 300}, .address = {milliseconds(2), 3000}};
    case RateClass::sync:
      return {.user = {milliseconds(100), 50}, .address = {milliseconds(2), 3000}};
    case RateClass::send:
    case RateClass::write:
      return {.user = {milliseconds(100), 100}, .address = {milliseconds(2), 2000}};
    case RateClass::room:
      // Making and entering rooms: each is many events, and a line in everything that lists rooms.
      // A new officer enters those of a whole ministry at once.
      return {.user = {seconds(1), 200}, .address = {milliseconds(5), 2000}};
    case RateClass::login:
      // Before there is a user; the morning of a whole office behind one address is the burst.
      return {.user = {seconds(2), 20}, .address = {seconds(1), 100}};
    case RateClass::upload:
      return {.user = {milliseconds(500), 30}, .address = {milliseconds(20), 500}};
    case RateClass::attest:
      // Each may be a question to the TPM, which takes seconds: service/attestation.hpp bounds them
      // over all, and this keeps one address from taking what all may have.
      return {.user = {seconds(30), 2}, .address = {seconds(30), 2}};
    case RateClass::console_sign_in:
      // Few people, each with a few steps.
      return {.user = {seconds(6), 30}, .address = {seconds(6), 30}};
  }
  return {.user = {microseconds(0), 0}, .address = {microseconds(0), 0}};
}

std::optional<milliseconds> RateLimiter::take(RateClass rate, std::string_view user,
                                              std::string_view address) {
  if (rate == RateClass::unlimited) return std::nullopt;
  ClassRates rates = rates_(rate);
  rates.user = times(rates.user, factors_.user, factors_.refill_time);
  rates.address = times(rates.address, factors_.address, factors_.refill_time);
  const Time now = clock_.steady();
  std::string user_key;
  if (!user.empty()) {
    user_key = key_of(rate, 'u', user);
    if (auto wait = take_one(user_key, rates.user, now)) return wait;
  }
  if (!address.empty()) {
    if (auto wait = take_one(key_of(rate, 'a', address_key(address)), rates.address, now)) {
      if (!user.empty()) give_back(user_key, rates.user);
      return wait;
    }
  }
  return std::nullopt;
}

std::optional<milliseconds> RateLimiter::take_one(std::string key, const Rate& rate, Time now) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  auto found = shard.full_at.find(key);
  const Time full_at = found == shard.full_at.end() ? now : std::max(found->second, now);
  const Time next = full_at + rate.interval;
  const auto over = next - now - rate.interval * static_cast<std::int64_t>(rate.burst);
  if (over > Time::duration::zero()) return std::chrono::ceil<milliseconds>(over);
  if (found != shard.full_at.end()) {
    found->second = next;
    return std::nullopt;
  }
  if (shard.full_at.size() >= most_keys_) make_room(shard, now);
  shard.full_at.emplace(std::move(key), next);
  return std::nullopt;
}

void RateLimiter::give_back(const std::string& key, const Rate& rate) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (auto found = shard.full_at.find(key); found != shard.full_at.end()) {
    found->second -= rate.interval;
  }
}

RateLimiter::Shard& RateLimiter::shard_of(const std::string& key) {
  return shards_[std::hash<std::string>{}(key) % shard_count];
}

void RateLimiter::make_room(Shard& shard, Time now) const {
  std::erase_if(shard.full_at, [&](const auto& entry) { return entry.second <= now; });
  // A quarter, so that the walk is paid for by as many requests.
  for (std::size_t left = most_keys_ - most_keys_ / 4;
       shard.full_at.size() > left && !shard.full_at.empty();) {
    shard.full_at.erase(shard.full_at.begin());
  }
}

}  // namespace gims::api
