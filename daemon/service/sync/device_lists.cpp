#include "service/sync/device_lists.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "store/statements/sync.hpp"

namespace gims::service::sync {
namespace {

namespace statements = store::statements;

bool intersect(const std::vector<store::RoomNid>& a, const std::vector<store::RoomNid>& b) {
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() && right != b.end()) {
    if (*left == *right) return true;
    if (*left < *right) {
      ++left;
    } else {
      ++right;
    }
  }
  return false;
}

Result<std::vector<store::RoomNid>> rooms_of(store::Store& store, Feed& feed,
                                             const std::string& user_id) {
  GIMS_TRY(feed.ensure_user(store, user_id));
  return feed.joined_rooms(user_id).value_or(std::vector<store::RoomNid>());
}

}  // namespace

Result<DeviceLists> device_lists(store::Store& store, Feed& feed, Reads& reads,
                                 const std::string& user_id, store::StreamId since,
                                 const News& news, const Encounters& encounters) {
  std::set<std::string> candidates = encounters.joined;
  std::set<std::string> gone = encounters.left;
  if (news.device_changes_complete) {
    candidates.insert(news.device_changes.begin(), news.device_changes.end());
  } else {
    GIMS_TRY_ASSIGN(auto* connection, reads.sql());
    GIMS_TRY(sql::for_each(*connection, statements::SyncDeviceListChanges{.above = since},
                           [&](const auto& row) { candidates.emplace(row.user_id); }));
  }
  const auto members_of = [&](const std::vector<store::RoomNid>& rooms,
                              std::set<std::string>& into) -> Result<> {
    for (const store::RoomNid room : rooms) {
      GIMS_TRY_ASSIGN(auto* connection, reads.sql());
      GIMS_TRY(sql::for_each(*connection, statements::SyncJoinedMembers{.room_nid = room},
                             [&](const auto& row) {
                               if (row.user_id != user_id) into.emplace(row.user_id);
                             }));
    }
    return {};
  };
  // Members of a room that the user is in now share it: they need no proof.
  std::set<std::string> sharing;
  GIMS_TRY(members_of(encounters.new_rooms, sharing));
  GIMS_TRY(members_of(encounters.old_rooms, gone));

  DeviceLists lists;
  if (candidates.empty() && gone.empty() && sharing.empty()) return lists;
  GIMS_TRY_ASSIGN(const auto own_rooms, rooms_of(store, feed, user_id));
  for (const std::string& other : candidates) {
    if (other == user_id) {
      sharing.insert(other);
      continue;
    }
    GIMS_TRY_ASSIGN(const auto rooms, rooms_of(store, feed, other));
    if (intersect(own_rooms, rooms)) sharing.insert(other);
  }
  for (const std::string& other : gone) {
    if (sharing.contains(other) || other == user_id) continue;
    GIMS_TRY_ASSIGN(const auto rooms, rooms_of(store, feed, other));
    if (!intersect(own_rooms, rooms)) lists.left.push_back(other);
  }
  lists.changed.assign(sharing.begin(), sharing.end());
  return lists;
}

}  // namespace gims::service::sync
