// What users have read: receipts that others see, private ones, and the marker of full reading.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "service/rooms/rooms.hpp"
#include "store/store.hpp"

namespace gims::service {

// Thread: any.
class Receipts {
 public:
  // Both outlive this object.
  Receipts(store::Store& store, rooms::Rooms& rooms) noexcept : store_(store), rooms_(rooms) {}

  struct Mark {
    std::string type;  // m.read, m.read.private, m.fully_read
    std::string event_id;
    std::optional<std::string> thread_id;
  };
  // All of the marks or none. A mark behind the one that is there changes nothing. Fails with
  // M_INVALID_PARAM (an unknown type, a thread that cannot be), M_FORBIDDEN (not in the room),
  // M_NOT_FOUND (no such event in the room).
  void set(std::string user_id, std::string room_id, std::vector<Mark> marks,
           std::move_only_function<void(Result<>)> done);

  // The room's number where the user is joined to it; M_FORBIDDEN otherwise. Reads the store.
  [[nodiscard]] Result<store::RoomNid> joined_room(std::string_view user_id,
                                                   std::string_view room_id);

 private:
  store::Store& store_;
  rooms::Rooms& rooms_;
};

}  // namespace gims::service
