// All rooms as administrators see them: what the server knows about a room, and nothing that was
// said in it. Thread: any but a loop's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/rooms/summary.hpp"
#include "store/store.hpp"

namespace gims::service::rooms {

struct SiteRoom {
  RoomSummary summary;
  std::string creator;
  Millis created_ts = 0;
  std::optional<Millis> last_event_ts;
  std::int64_t classification = 0;
  std::optional<Millis> shut_ts;
};

struct SiteRoomMember {
  std::string user_id;
  std::string membership;
  std::optional<std::string> display_name;
  std::int64_t power_level = 0;
  std::optional<Millis> since_ts;
};

class SiteRooms {
 public:
  // Looked at for one page where a text is looked for; with `next` the search goes on.
  static constexpr std::int64_t most_looked_at = 1000;

  explicit SiteRooms(store::Store& store) noexcept : store_(store) {}

  struct Query {
    std::string after = {};
    std::string text =
        {};  // part of name, topic, alias or id, letters compared without case (ASCII)
    std::optional<std::int64_t> classification = {};
    std::int64_t count = 100;
  };
  // In order of id. A page may have fewer than asked for, or none, and `next` all the same.
  struct Page {
    std::vector<SiteRoom> rooms;
    std::string next;
  };
  [[nodiscard]] Result<Page> page(const Query& query);
  // M_NOT_FOUND
  [[nodiscard]] Result<SiteRoom> find(std::string_view room_id);
  // Who is in it, in order of id; M_NOT_FOUND.
  struct Members {
    std::vector<SiteRoomMember> members;
    std::string next;
  };
  [[nodiscard]] Result<Members> members(std::string_view room_id, std::string_view after,
                                        std::int64_t count);

 private:
  store::Store& store_;
};

}  // namespace gims::service::rooms
