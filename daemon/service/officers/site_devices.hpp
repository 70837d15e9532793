// The devices of all officers, as administrators see, lock and end them.
//
// A device is pending until its owner's self-signing key signed it: until then other officers'
// devices are not told of it (Policy::withhold_unverified_devices). Nobody but its owner can
// approve one. Locked: its sessions are refused (M_USER_LOCKED), a long poll that waits is answered
// at once, and its keys are withheld as a pending one's are, until it is unlocked. Revoked: it is
// gone with its sessions, keys, pushers and what waited for it. Wiping: the same, of a device that
// was lost; its client is told to forget everything as soon as it shows a token of it, and it is
// wiped from then on.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/accounts/actor.hpp"
#include "service/accounts/device_removal.hpp"
#include "service/accounts/devices.hpp"
#include "store/store.hpp"

namespace gims::service {

enum class DeviceState : std::uint8_t { pending, approved, locked, revoked, wiping, wiped };
[[nodiscard]] std::string_view name_of(DeviceState state) noexcept;
// M_INVALID_PARAM
[[nodiscard]] Result<DeviceState> device_state_named(std::string_view name);

struct SiteDevice {
  std::string user_id;
  Device device;
  DeviceState state = DeviceState::pending;
};

struct DeviceQuery {
  std::string after = {};  // `next` of the page before
  std::string text = {};   // finds its owner, as OfficerQuery::text
  std::optional<DeviceState> state = {};
  std::optional<std::int64_t> unit_id = {};
  std::int64_t count = 100;
};

// Thread: any.
class SiteDevices {
 public:
  // How long a list shows what was ended.
  static constexpr Millis remembered = Millis{400} * 24 * 3600 * 1000;

  // Both outlive this.
  SiteDevices(store::Store& store, DeviceRemoval& removal) noexcept
      : store_(store), removal_(removal) {}

  // Those seen last first. M_INVALID_PARAM for an `after` that is not of this list.
  struct Page {
    std::vector<SiteDevice> devices;
    std::string next;  // empty: it was the last
  };
  [[nodiscard]] Result<Page> page(const DeviceQuery& query);
  // Of one account, those that are there.
  [[nodiscard]] Result<std::vector<SiteDevice>> of_user(std::string_view user_id);

  // M_NOT_FOUND; GIMS_STATE where it is locked, or not locked, already.
  void set_locked(std::string user_id, std::string device_id, bool locked, std::string reason,
                  Actor actor, std::move_only_function<void(Result<>)> done);
  // `lost`: it is wiped. M_NOT_FOUND.
  void end(std::string user_id, std::string device_id, bool lost, std::string reason, Actor actor,
           std::move_only_function<void(Result<>)> done);

  // Maintenance: forgets what was ended long ago. True: there is more.
  [[nodiscard]] static Result<bool> forget_some(store::Transaction& transaction);

 private:
  store::Store& store_;
  DeviceRemoval& removal_;
};

}  // namespace gims::service
