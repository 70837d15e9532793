#include "tls/address_limits.hpp"

#include "base/check.hpp"

namespace gims::tls {

AddressLimits::Slot::~Slot() {
  if (limits_ != nullptr) limits_->give_back(key_);
}

std::optional<AddressLimits::Slot> AddressLimits::take(const sys::IpAddress& address) {
  const sys::IpAddress key = address.limit_key();
  const std::scoped_lock lock(mutex_);
  if (taken_ >= in_all_) return std::nullopt;
  const auto [place, made] = by_address_.try_emplace(key, 0);
  if (place->second >= per_address_) {
    if (made) by_address_.erase(place);
    return std::nullopt;
  }
  ++place->second;
  ++taken_;
  return Slot(*this, key);
}

std::size_t AddressLimits::taken() const {
  const std::scoped_lock lock(mutex_);
  return taken_;
}

void AddressLimits::give_back(const sys::IpAddress& key) noexcept {
  const std::scoped_lock lock(mutex_);
  const auto place = by_address_.find(key);
  GIMS_CHECK(place != by_address_.end() && taken_ > 0);
  --taken_;
  if (--place->second == 0) by_address_.erase(place);
}

}  // namespace gims::tls
