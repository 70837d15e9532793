// Rooms as the writer's thread knows them, so that a send reads nothing from the database. Internal
// to service/rooms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.hpp"
#include "matrix/event.hpp"
#include "matrix/room_version.hpp"
#include "matrix/state_view.hpp"
#include "sql/connection.hpp"
#include "store/changes.hpp"

namespace gims::service::rooms {

// The newest state of one room and the end of its chain of events. Its members are here only as far
// as somebody asked for them (RoomCache::member), since a room may have thousands.
class Room final : public matrix::StateView {
 public:
  Room(store::RoomNid nid, std::string id, const matrix::RoomVersion& version) noexcept;

  [[nodiscard]] store::RoomNid nid() const noexcept { return nid_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const matrix::RoomVersion& version() const noexcept { return *version_; }
  // The event that the next one follows; empty before the first.
  [[nodiscard]] const std::string& latest_event() const noexcept { return latest_event_; }
  [[nodiscard]] std::int64_t depth() const noexcept { return depth_; }

  [[nodiscard]] matrix::EventPtr get(std::string_view type,
                                     std::string_view state_key) const override;
  [[nodiscard]] const auto& state_but_members() const noexcept { return state_; }
  // An administrator shut it: members leave, and nothing else happens in it (shutdown.cpp).
  [[nodiscard]] bool is_shut() const noexcept { return is_shut_; }
  void shut() noexcept { is_shut_ = true; }
  // State events held here.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // The event is the newest of the room; if it is state, it is in force.
  void append(const matrix::EventPtr& event);
  // Takes a state event in, without a change of the chain's end.
  void put_state(const matrix::EventPtr& event);
  void set_end(std::string event_id, std::int64_t depth) noexcept;

 private:
  friend class RoomCache;
  using Keys = std::map<std::string, matrix::EventPtr, std::less<>>;

  void forget_members() noexcept;

  store::RoomNid nid_;
  std::string id_;
  const matrix::RoomVersion* version_;
  std::string latest_event_;
  std::int64_t depth_ = 0;
  bool is_shut_ = false;
  std::map<std::string, Keys, std::less<>> state_;
  Keys members_;  // null: known to have no member event
  std::size_t size_ = 0;
};

using RoomPtr = std::shared_ptr<Room>;

// Bounded by the number of state events in it; the room unused for longest goes first. Thread: the
// writer's alone.
class RoomCache {
 public:
  explicit RoomCache(std::size_t events) noexcept : limit_(events) {}
  RoomCache(const RoomCache&) = delete;
  RoomCache& operator=(const RoomCache&) = delete;
  ~RoomCache() = default;

  // Null: no such room.
  [[nodiscard]] Result<RoomPtr> find(sql::Connection& connection, std::string_view room_id);
  [[nodiscard]] Result<RoomPtr> find(sql::Connection& connection, store::RoomNid nid);
  // The user's member event in force, kept with the room; null: there is none.
  [[nodiscard]] static Result<matrix::EventPtr> member(sql::Connection& connection, Room& room,
                                                       std::string_view user_id);
  void add(RoomPtr room);
  void drop(store::RoomNid nid) noexcept;

 private:
  struct Entry {
    RoomPtr room;
    std::size_t counted;  // of the room's size, in total_
  };
  using Places = std::list<Entry>;

  [[nodiscard]] RoomPtr touch(Places::iterator place) noexcept;
  void count(Entry& entry) noexcept;
  void remove(Places::iterator place) noexcept;

  std::size_t limit_;
  std::size_t total_ = 0;
  Places rooms_;  // the latest used in front
  std::unordered_map<store::RoomNid, Places::iterator> by_nid_;
  // Views of the rooms' own ids.
  std::unordered_map<std::string_view, Places::iterator> by_id_;
};

}  // namespace gims::service::rooms
