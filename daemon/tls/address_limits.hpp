// How many of something there may be, in all and for one address; and who gives way to a newcomer.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "sys/address.hpp"

namespace gims::tls {

// Counts sockets by IpAddress::limit_key(). When all places are taken, a newcomer gets one of those
// that are quiet (Slot::spoke() was never called), the oldest of the address that has the most of
// them; where none is quiet, the one that spoke the longest time ago, of the address that has the
// most. It gets it only if that address keeps as many as the newcomer's own has then: so however
// many places a few addresses take, who comes from another gets in, and who is in stays in, also
// behind an address that many share. To an address that has none yet, a quiet one gives way even
// where each has only one. The socket of what gives way is shut down, which its owner hears of as
// of any end, and finds evicted(). Each call takes the time of a search in a tree. Thread: any.
// Outlives its slots.
class AddressLimits {
  struct Address;
  struct Entry {
    int socket = -1;
    std::uint64_t at = 0;  // in the order of spoke(), or of take()
    Address* address = nullptr;
    bool quiet = true;
    std::atomic<bool> evicted = false;
  };
  using Place = std::list<Entry>::iterator;

 public:
  // Holds one place; gives it back when it goes, which is before its socket is closed. Thread: one
  // at a time.
  class Slot {
   public:
    Slot(Slot&& other) noexcept
        : limits_(std::exchange(other.limits_, nullptr)), place_(other.place_) {}
    Slot& operator=(Slot&&) = delete;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot();

    // The peer has done its part just now.
    void spoke() const;
    // The socket by which the owner hears of it is another from here on; it stays open as the
    // first did.
    void moved_to(int socket) const;
    // The place was given to another.
    [[nodiscard]] bool evicted() const noexcept {
      return limits_ != nullptr && place_->evicted.load(std::memory_order_relaxed);
    }

   private:
    friend class AddressLimits;
    Slot(AddressLimits& limits, Place place) noexcept : limits_(&limits), place_(place) {}
    AddressLimits* limits_;
    Place place_;
  };

  // How many may have given way and not be closed yet: a descriptor each beside those that have a
  // place.
  static constexpr std::size_t most_leaving = 64;

  AddressLimits(std::size_t in_all, std::size_t per_address)
      : in_all_(in_all), per_address_(per_address) {}

  // All places are taken, and so many who gave way are not closed yet that nobody else may: who
  // comes now is to wait until they are, which is soon, and not to be refused.
  [[nodiscard]] bool crowded() const;
  // `socket` stays open as long as the slot is held, or until moved_to(). Nothing when the places
  // of the address are taken, or all are and none gives way.
  [[nodiscard]] std::optional<Slot> take(const sys::IpAddress& address, int socket);
  [[nodiscard]] std::size_t taken() const;
  // Since the start.
  [[nodiscard]] std::uint64_t evicted() const;

 private:
  struct Order {
    bool operator()(const sys::IpAddress& a, const sys::IpAddress& b) const noexcept {
      return a.family != b.family ? a.family < b.family : a.bytes < b.bytes;
    }
  };
  // Who gives way is the greatest: one that is quiet; of the address with the most of its kind; the
  // oldest.
  struct Rank {
    bool quiet = false;
    std::size_t count = 0;
    std::uint64_t age = 0;
    Address* address = nullptr;
    auto operator<=>(const Rank&) const noexcept = default;
  };
  struct Address {
    sys::IpAddress key;
    std::list<Entry> quiet;
    std::list<Entry> spoken;  // who spoke last is last
    Rank rank;                // as it is in ranks_
    [[nodiscard]] std::size_t count() const noexcept { return quiet.size() + spoken.size(); }
  };

  void spoke(Place place);
  void moved_to(Place place, int socket);
  void give_back(Place place) noexcept;
  // For an address that has so many places, and of them so many that are quiet.
  [[nodiscard]] bool make_room(std::size_t own, std::size_t own_quiet);
  // After a change of the address; drops one that has no place any more.
  void rank(Address& address);

  const std::size_t in_all_;
  const std::size_t per_address_;
  mutable std::mutex mutex_;
  std::size_t taken_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t order_ = 0;
  // A tree and not a hash: a peer chooses its address, and with it could choose its bucket.
  std::map<sys::IpAddress, Address, Order> addresses_;
  std::set<Rank> ranks_;
  std::list<Entry> leaving_;
};

}  // namespace gims::tls
