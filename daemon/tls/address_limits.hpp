// How many of something there may be, in all and for one address.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "sys/address.hpp"

namespace gims::tls {

// Counts by IpAddress::limit_key(). Thread: any. Outlives its slots.
class AddressLimits {
 public:
  // Holds one place; gives it back when it goes.
  class Slot {
   public:
    Slot(Slot&& other) noexcept
        : limits_(std::exchange(other.limits_, nullptr)), key_(other.key_) {}
    Slot& operator=(Slot&&) = delete;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot();

   private:
    friend class AddressLimits;
    Slot(AddressLimits& limits, const sys::IpAddress& key) noexcept : limits_(&limits), key_(key) {}
    AddressLimits* limits_;
    sys::IpAddress key_;
  };

  AddressLimits(std::size_t in_all, std::size_t per_address)
      : in_all_(in_all), per_address_(per_address) {}

  // Nothing when all places, or those of the address, are taken.
  [[nodiscard]] std::optional<Slot> take(const sys::IpAddress& address);
  [[nodiscard]] std::size_t taken() const;

 private:
  struct Order {
    bool operator()(const sys::IpAddress& a, const sys::IpAddress& b) const noexcept {
      return a.family != b.family ? a.family < b.family : a.bytes < b.bytes;
    }
  };
  void give_back(const sys::IpAddress& key) noexcept;

  const std::size_t in_all_;
  const std::size_t per_address_;
  mutable std::mutex mutex_;
  std::size_t taken_ = 0;
  // A tree and not a hash: a peer chooses its address, and with it could choose its bucket.
  std::map<sys::IpAddress, std::size_t, Order> by_address_;
};

}  // namespace gims::tls
