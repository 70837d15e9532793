// How much of a room a user has not read (spec: client-server API, "Receiving notifications"):
// counted when the user syncs, from where the last count ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "matrix/push_rules.hpp"
#include "service/sync/feed.hpp"
#include "service/sync/reads.hpp"

namespace gims::service::sync {

// Events counted at most; where more are unread, the newest of them.
inline constexpr std::size_t most_unread = 1000;

struct PushUser {
  const std::string& user_id;
  std::shared_ptr<const UserData> data;
};

[[nodiscard]] Result<std::shared_ptr<const UserData>> user_data(Feed& feed, Reads& reads,
                                                                const std::string& user_id,
                                                                store::StreamId as_of);
// Events that the caller has read already, ascending: all of (above, up_to] are among them.
struct EventsAtHand {
  store::StreamId above;
  const std::vector<ItemPtr>& events;
};
// Counts of everything up to `up_to`. A message of the user's own is read, and what came before it
// in its thread; what was redacted does not count.
[[nodiscard]] Result<Unread> count_unread(Feed& feed, Reads& reads, const PushUser& user,
                                          const RoomNews& room, store::StreamId up_to,
                                          const EventsAtHand& at_hand);
// Whether an event counts is known of most without reading anything of the room; which of the
// default rules it is, and so its sound, is not.
enum class PushWanted : std::uint8_t { whether, actions };
// What the user's rules say of an event that another sent. Views in it last as long as user.data.
[[nodiscard]] Result<matrix::PushResult> evaluate_push(Feed& feed, Reads& reads,
                                                       const PushUser& user, store::RoomNid room,
                                                       const matrix::RoomVersion& version,
                                                       const matrix::Event& event,
                                                       store::StreamId as_of, PushWanted wanted);
[[nodiscard]] Result<std::shared_ptr<const Summary>> room_summary(Feed& feed, Reads& reads,
                                                                  store::RoomNid room,
                                                                  store::StreamId as_of);

}  // namespace gims::service::sync
