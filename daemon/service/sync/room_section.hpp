// What a reply says about one room.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "service/rooms/visibility.hpp"
#include "service/sync/assembly.hpp"
#include "service/sync/body.hpp"
#include "service/sync/feed.hpp"
#include "service/sync/reads.hpp"
#include "service/sync/unread.hpp"

namespace gims::service::sync {

struct RoomSection {
  std::string room_id;
  std::vector<ItemPtr> state;
  std::vector<ItemPtr> timeline;
  bool limited = false;
  store::StreamId prev_batch = 0;
  std::vector<std::string> ephemeral;     // whole events as JSON
  std::vector<std::string> account_data;  // whole events as JSON
  std::string summary;                    // JSON, or empty
  std::optional<Unread> unread;
  std::vector<std::string> stripped;  // of invitations and knocks
  // What the user sees and was over time; nothing: joined all along, and all is theirs.
  std::optional<rooms::Visibility> visibility;
  // "m.relations":{...} of events of the timeline, by their position.
  std::map<store::StreamId, std::string> relations;
};

// What happened in the user's rooms, for device_lists.
struct Encounters {
  std::set<std::string> joined;           // others who came into a room of the user's
  std::set<std::string> left;             // others who left one
  std::vector<store::RoomNid> new_rooms;  // that the user came into
  std::vector<store::RoomNid> old_rooms;  // that the user left
};

// Makes the sections of one reply. One thread.
class RoomSections {
 public:
  RoomSections(Feed& feed, Reads& reads, const SyncRequest& request, const UserData& user_data,
               const PushUser& push_user, StreamToken to);

  // Nothing: there is nothing to say about the room.
  [[nodiscard]] Result<std::optional<RoomSection>> make(const RoomNews& news,
                                                        std::vector<std::string> account_data);
  [[nodiscard]] Result<> write_section(Body& body, const RoomSection& section, Membership kind);

  [[nodiscard]] const Encounters& encounters() const noexcept { return encounters_; }
  // Whose member events the reply has that were added for lazy loading.
  [[nodiscard]] const std::vector<std::pair<store::RoomNid, std::string>>& members_sent() const {
    return members_sent_;
  }

 private:
  struct Timeline {
    std::vector<ItemPtr> items;  // ascending
    bool limited = false;
    bool skipped = false;  // events of the range are not in it
    store::StreamId prev_batch = 0;
    std::set<std::string, std::less<>> related;  // events that one of the range relates to
    [[nodiscard]] bool has(store::StreamId position) const;
  };
  // What a room's reply covers.
  struct Range {
    store::StreamId above;
    store::StreamId up_to;
    bool whole_state;                     // of the room, not only what changed
    const rooms::Visibility* visibility;  // null: everything is visible
  };

  [[nodiscard]] Result<std::optional<RoomSection>> joined(const RoomNews& news,
                                                          std::vector<std::string> account_data);
  [[nodiscard]] Result<std::optional<RoomSection>> left(const RoomNews& news,
                                                        std::vector<std::string> account_data);
  [[nodiscard]] Result<std::optional<RoomSection>> stripped(const RoomNews& news);
  [[nodiscard]] Result<> meet(const RoomNews& news, const std::vector<ItemPtr>& changes);
  [[nodiscard]] Result<std::vector<ItemPtr>> state_changes(const RoomNews& news);
  [[nodiscard]] Result<Timeline> timeline(const RoomNews& news, const Range& range);
  [[nodiscard]] Result<> take_timeline(const RoomNews& news, Timeline& timeline,
                                       RoomSection& section);
  [[nodiscard]] Result<std::vector<ItemPtr>> state(const RoomNews& news, const Range& range,
                                                   const Timeline& timeline,
                                                   const std::vector<ItemPtr>& changes,
                                                   bool with_heroes);
  [[nodiscard]] Result<> add_members(const RoomNews& news, const Range& range,
                                     const Timeline& timeline, bool with_heroes,
                                     std::vector<ItemPtr>& state);
  [[nodiscard]] Result<ItemPtr> member_at(const RoomNews& news, const std::string& user_id,
                                          store::StreamId position);
  [[nodiscard]] Result<std::vector<std::string>> ephemeral(const RoomNews& news, bool was_joined);
  [[nodiscard]] Result<std::vector<Receipt>> receipts(const RoomNews& news, store::StreamId above);
  [[nodiscard]] static std::vector<std::string> receipt_events(
      const std::vector<Receipt>& receipts);
  [[nodiscard]] Result<std::string> summary(const RoomNews& news);
  [[nodiscard]] std::vector<std::string> heroes(const Summary& summary) const;
  [[nodiscard]] bool passes(const Item& item) const;
  [[nodiscard]] bool is_own_member(const Item& item) const {
    return item.event()->is_state("m.room.member", request_.user_id);
  }
  [[nodiscard]] bool sees(const rooms::Visibility& visibility, const matrix::Event& event,
                          store::StreamId position) const;
  [[nodiscard]] Result<> write_event(Body& body, const Item& item, const RoomSection& section,
                                     bool in_timeline);
  [[nodiscard]] bool lazy() const { return request_.filter->state.lazy_load_members; }

  Feed& feed_;
  Reads& reads_;
  const SyncRequest& request_;
  const UserData& user_data_;
  const PushUser& push_user_;
  const StreamToken to_;
  const store::StreamId since_;  // 0: from the beginning
  Encounters encounters_;
  std::vector<std::pair<store::RoomNid, std::string>> members_sent_;
};

}  // namespace gims::service::sync
