// Who has pushers, and who of a room's members.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "service/push/outbox.hpp"
#include "service/sync/reads.hpp"

namespace gims::service::push {

// Every pusher of an active account that is of this gateway; others, of a setting of before, are
// not served. `user_id`: of that user alone.
[[nodiscard]] Result<std::vector<Pusher>> read_pushers(sync::Reads& reads, std::string_view gateway,
                                                       std::optional<std::string_view> user_id);

// Remembers it of each room, so that an event in a room costs no statement. Thread: one.
class Audience {
 public:
  // Of all rooms together: beyond it all is forgotten, and read again.
  static constexpr std::size_t most_members = 200'000;
  static constexpr std::size_t most_rooms = 20'000;

  struct Member {
    std::string user_id;
    store::StreamId since;  // joined
  };
  using Members = std::shared_ptr<const std::vector<Member>>;

  // Reads the store the first time.
  [[nodiscard]] Result<Members> of_room(sync::Reads& reads, store::RoomNid room);
  void forget_room(store::RoomNid room);
  void forget_all();

 private:
  std::unordered_map<store::RoomNid, Members> rooms_;
  std::size_t members_ = 0;
};

}  // namespace gims::service::push
