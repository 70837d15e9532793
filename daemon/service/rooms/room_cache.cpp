#include "service/rooms/room_cache.hpp"

#include <iterator>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "store/statements/events.hpp"
#include "store/statements/rooms.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

Room::Room(store::RoomNid nid, std::string id, const matrix::RoomVersion& version) noexcept
    : nid_(nid), id_(std::move(id)), version_(&version) {}

matrix::EventPtr Room::get(std::string_view type, std::string_view state_key) const {
  const Keys* keys = &members_;
  if (type != "m.room.member") {
    const auto of_type = state_.find(type);
    if (of_type == state_.end()) return nullptr;
    keys = &of_type->second;
  }
  const auto found = keys->find(state_key);
  return found == keys->end() ? nullptr : found->second;
}

void Room::put_state(const matrix::EventPtr& event) {
  GIMS_CHECK(event->is_state());
  Keys& keys = event->type() == "m.room.member" ? members_ : state_[std::string(event->type())];
  if (keys.insert_or_assign(std::string(*event->state_key()), event).second) ++size_;
}

void Room::forget_members() noexcept {
  size_ -= members_.size();
  members_.clear();
}

void Room::append(const matrix::EventPtr& event) {
  set_end(event->event_id(), event->depth());
  if (event->is_state()) put_state(event);
}

void Room::set_end(std::string event_id, std::int64_t depth) noexcept {
  latest_event_ = std::move(event_id);
  depth_ = depth;
}

namespace {

Result<RoomPtr> load(sql::Connection& connection, store::RoomNid nid, std::string room_id,
                     std::string_view version_id, bool is_shut) {
  const matrix::RoomVersion* version = matrix::find_room_version(version_id);
  if (version == nullptr) {
    return fail(ErrorKind::internal, "M_UNKNOWN", "This room cannot be read.",
                "room " + room_id + " has the unknown version " + std::string(version_id));
  }
  auto room = std::make_shared<Room>(nid, std::move(room_id), *version);
  if (is_shut) room->shut();
  GIMS_TRY_ASSIGN(auto last, sql::first(connection, sql_of::LatestEventOfRoom{.room_nid = nid}));
  if (last) room->set_end(std::move(last->event_id), last->depth);
  GIMS_TRY_ASSIGN(auto rows, sql::all(connection, sql_of::CurrentStateButMembers{.room_nid = nid}));
  for (auto& row : rows) {
    GIMS_TRY_ASSIGN(const matrix::EventPtr event,
                    matrix::Event::from_store(*version, row.event_id, std::move(row.pdu)));
    room->put_state(event);
  }
  return room;
}

}  // namespace

Result<RoomPtr> RoomCache::find(sql::Connection& connection, std::string_view room_id) {
  if (const auto known = by_id_.find(room_id); known != by_id_.end()) return touch(known->second);
  GIMS_TRY_ASSIGN(const auto row, sql::first(connection, sql_of::RoomById{.room_id = room_id}));
  if (!row) return RoomPtr();
  GIMS_TRY_ASSIGN(RoomPtr room, load(connection, row->room_nid, std::string(room_id), row->version,
                                     row->shut_ts.has_value()));
  add(room);
  return room;
}

Result<RoomPtr> RoomCache::find(sql::Connection& connection, store::RoomNid nid) {
  if (const auto known = by_nid_.find(nid); known != by_nid_.end()) return touch(known->second);
  GIMS_TRY_ASSIGN(auto row, sql::first(connection, sql_of::RoomByNid{.room_nid = nid}));
  if (!row) return RoomPtr();
  GIMS_TRY_ASSIGN(RoomPtr room, load(connection, nid, std::move(row->room_id), row->version,
                                     row->shut_ts.has_value()));
  add(room);
  return room;
}

Result<matrix::EventPtr> RoomCache::member(sql::Connection& connection, Room& room,
                                           std::string_view user_id) {
  if (const auto known = room.members_.find(user_id); known != room.members_.end()) {
    return known->second;
  }
  GIMS_TRY_ASSIGN(auto row,
                  sql::first(connection, sql_of::CurrentStateEvent{.room_nid = room.nid(),
                                                                   .type = "m.room.member",
                                                                   .state_key = user_id}));
  matrix::EventPtr event;
  if (row) {
    GIMS_TRY_ASSIGN(event,
                    matrix::Event::from_store(room.version(), row->event_id, std::move(row->pdu)));
  }
  if (room.members_.insert_or_assign(std::string(user_id), event).second) ++room.size_;
  return event;
}

void RoomCache::add(RoomPtr room) {
  drop(room->nid());
  rooms_.push_front(Entry{std::move(room), 0});
  const auto place = rooms_.begin();
  by_nid_.insert_or_assign(place->room->nid(), place);
  by_id_.insert_or_assign(place->room->id(), place);
  count(*place);
}

void RoomCache::drop(store::RoomNid nid) noexcept {
  if (const auto known = by_nid_.find(nid); known != by_nid_.end()) remove(known->second);
}

RoomPtr RoomCache::touch(Places::iterator place) noexcept {
  rooms_.splice(rooms_.begin(), rooms_, place);
  // At the start of an operation, where nobody counts on them yet.
  constexpr std::size_t most_members = 4096;
  if (place->room->members_.size() > most_members) place->room->forget_members();
  count(*place);
  return place->room;
}

void RoomCache::count(Entry& entry) noexcept {
  const std::size_t size = entry.room->size() + 1;
  total_ = total_ - entry.counted + size;
  entry.counted = size;
  while (total_ > limit_ && rooms_.size() > 1) remove(std::prev(rooms_.end()));
}

void RoomCache::remove(Places::iterator place) noexcept {
  total_ -= place->counted;
  by_id_.erase(place->room->id());
  by_nid_.erase(place->room->nid());
  rooms_.erase(place);
}

}  // namespace gims::service::rooms
