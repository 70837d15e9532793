// The list of a user's devices, as the user sees it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/accounts/device_removal.hpp"
#include "service/accounts/users.hpp"
#include "store/store.hpp"

namespace gims::service {

struct Device {
  std::string device_id;
  std::optional<std::string> display_name;
  Millis created_ts = 0;
  std::optional<Millis> last_seen_ts;
  std::optional<std::string> last_seen_ip;
  std::optional<std::string> last_seen_agent;
};

// Thread: any.
class Devices {
 public:
  Devices(store::Store& store, DeviceRemoval& removal) noexcept
      : store_(store), removal_(removal) {}
  [[nodiscard]] Result<std::vector<Device>> list(std::string_view user_id);
  // M_NOT_FOUND
  [[nodiscard]] Result<Device> find(std::string_view user_id, std::string_view device_id);
  // M_NOT_FOUND; M_TOO_LARGE for a name of more than 255 bytes.
  void rename(std::string user_id, std::string device_id, std::optional<std::string> name,
              std::move_only_function<void(Result<>)> done);
  // Devices that are not there are passed over (spec, "POST /delete_devices").
  void remove(std::string user_id, std::vector<std::string> device_ids,
              std::move_only_function<void(Result<>)> done);

 private:
  store::Store& store_;
  DeviceRemoval& removal_;
};

}  // namespace gims::service
