// What ends with a device: its tokens and pushers here, its keys and waiting messages elsewhere.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "store/writer.hpp"

namespace gims::service {

// Implemented by the end-to-end encryption services: deletes the device's keys, one-time keys and
// undelivered messages, and publishes DeviceListChanged. Called on the writer's thread, within the
// transaction that removes the device.
class DeviceKeyRemoval {
 public:
  DeviceKeyRemoval() = default;
  DeviceKeyRemoval(const DeviceKeyRemoval&) = delete;
  DeviceKeyRemoval& operator=(const DeviceKeyRemoval&) = delete;
  virtual ~DeviceKeyRemoval() = default;
  [[nodiscard]] virtual Result<> device_removed(store::Transaction& transaction,
                                                std::string_view user_id,
                                                std::string_view device_id) = 0;
};

// Removes a device with all that hangs on it. Thread: the writer's.
class DeviceRemoval {
 public:
  explicit DeviceRemoval(DeviceKeyRemoval& keys) noexcept : keys_(keys) {}
  [[nodiscard]] Result<> remove(store::Transaction& transaction, std::string_view user_id,
                                std::string_view device_id);
  [[nodiscard]] Result<> remove_all(store::Transaction& transaction, std::string_view user_id,
                                    std::string_view except_device);

 private:
  DeviceKeyRemoval& keys_;
};

}  // namespace gims::service
