#include "tls/address_limits.hpp"

#include <sys/socket.h>

#include <limits>

#include "base/check.hpp"

namespace gims::tls {

AddressLimits::Slot::~Slot() {
  if (limits_ != nullptr) limits_->give_back(place_);
}

void AddressLimits::Slot::spoke() const {
  if (limits_ != nullptr) limits_->spoke(place_);
}

void AddressLimits::Slot::moved_to(int socket) const {
  if (limits_ != nullptr) limits_->moved_to(place_, socket);
}

bool AddressLimits::crowded() const {
  const std::scoped_lock lock(mutex_);
  return taken_ >= in_all_ && leaving_.size() >= most_leaving;
}

std::optional<AddressLimits::Slot> AddressLimits::take(const sys::IpAddress& address, int socket) {
  const sys::IpAddress key = address.limit_key();
  const std::scoped_lock lock(mutex_);
  const auto found = addresses_.find(key);
  const std::size_t own = found == addresses_.end() ? 0 : found->second.count();
  const std::size_t own_quiet = found == addresses_.end() ? 0 : found->second.quiet.size();
  if (own >= per_address_ || (taken_ >= in_all_ && !make_room(own, own_quiet))) return std::nullopt;
  Address& place = addresses_.try_emplace(key).first->second;
  place.key = key;
  Entry& entry = place.quiet.emplace_back();
  entry.socket = socket;
  entry.at = ++order_;
  entry.address = &place;
  ++taken_;
  rank(place);
  return Slot(*this, std::prev(place.quiet.end()));
}

bool AddressLimits::make_room(std::size_t own, std::size_t own_quiet) {
  if (ranks_.empty() || leaving_.size() >= most_leaving) return false;
  const Rank most = *ranks_.rbegin();
  const bool has_more = most.count >= (most.quiet ? own_quiet : own) + 2;
  if (!has_more && !(most.quiet && own == 0)) return false;
  Address& address = *most.address;
  std::list<Entry>& from = most.quiet ? address.quiet : address.spoken;
  Entry& entry = from.front();
  ::shutdown(entry.socket, SHUT_RDWR);
  entry.evicted.store(true, std::memory_order_relaxed);
  entry.address = nullptr;
  leaving_.splice(leaving_.end(), from, from.begin());
  --taken_;
  ++evicted_;
  rank(address);
  return true;
}

void AddressLimits::rank(Address& address) {
  ranks_.erase(address.rank);
  if (address.count() == 0) {
    addresses_.erase(sys::IpAddress(address.key));
    return;
  }
  const bool quiet = !address.quiet.empty();
  const Entry& first = quiet ? address.quiet.front() : address.spoken.front();
  address.rank = {.quiet = quiet,
                  .count = quiet ? address.quiet.size() : address.count(),
                  .age = std::numeric_limits<std::uint64_t>::max() - first.at,
                  .address = &address};
  ranks_.insert(address.rank);
}

void AddressLimits::spoke(Place place) {
  const std::scoped_lock lock(mutex_);
  if (place->address == nullptr) return;  // it is leaving
  Address& address = *place->address;
  std::list<Entry>& from = place->quiet ? address.quiet : address.spoken;
  place->quiet = false;
  place->at = ++order_;
  address.spoken.splice(address.spoken.end(), from, place);
  rank(address);
}

void AddressLimits::moved_to(Place place, int socket) {
  const std::scoped_lock lock(mutex_);
  place->socket = socket;
  // It gave way to another just before.
  if (place->address == nullptr) ::shutdown(socket, SHUT_RDWR);
}

std::size_t AddressLimits::taken() const {
  const std::scoped_lock lock(mutex_);
  return taken_;
}

std::uint64_t AddressLimits::evicted() const {
  const std::scoped_lock lock(mutex_);
  return evicted_;
}

void AddressLimits::give_back(Place place) noexcept {
  const std::scoped_lock lock(mutex_);
  if (place->address == nullptr) {
    leaving_.erase(place);
    return;
  }
  GIMS_CHECK(taken_ > 0);
  --taken_;
  Address& address = *place->address;
  (place->quiet ? address.quiet : address.spoken).erase(place);
  rank(address);
}

}  // namespace gims::tls
