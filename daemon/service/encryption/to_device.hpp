// Messages from device to device (spec: client-server API, "Send-to-Device messaging"), kept until
// the device has them. Reading and deleting them is part of sync.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"
#include "store/store.hpp"

namespace gims::service {

// Bytes of one message's content, as of an event.
inline constexpr std::size_t largest_to_device = std::size_t{64} * 1024;

struct ToDeviceMessage {
  std::string user_id;
  std::string device_id;  // "*": all of the user's
  std::string content;    // JSON object
};

struct ToDeviceRequest {
  std::string sender;
  std::string sender_device;
  std::string type;
  std::string txn_id;
  std::vector<ToDeviceMessage> messages;
};

// Thread: any.
class ToDevice {
 public:
  explicit ToDevice(store::Store& store) noexcept : store_(store) {}
  // The messages of the body of PUT /sendToDevice. M_BAD_JSON, M_TOO_LARGE.
  [[nodiscard]] static Result<std::vector<ToDeviceMessage>> decode(json::Value body);
  // A repeated transaction id sends nothing again. M_TOO_LARGE where it is too much, with all
  // devices of each "*" counted: nothing is sent then. A device whose queue is full gets nothing
  // more until it has fetched what waits: what was acknowledged stays, what comes is dropped, and
  // the device must ask for the keys again.
  void send(ToDeviceRequest request, std::move_only_function<void(Result<>)> done);

 private:
  store::Store& store_;
};

}  // namespace gims::service
