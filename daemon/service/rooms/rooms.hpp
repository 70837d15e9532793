// Rooms: everything that makes an event. Each call is one operation on the store's writer, whose
// thread is the sequencer of all rooms: there the event is built on the room's newest state,
// authorised and stored, so that a ban and a send cannot race.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/accounts/actor.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::service::rooms {

// Who acts. The device and its transaction ids make a retry harmless.
struct Actor {
  std::string user_id;
  std::string device_id;
};

// Called once: after the commit, on the writer's thread; or at once where the request is refused
// before that. Must not block.
template <class T = void>
using Done = std::move_only_function<void(Result<T>)>;

// One state event to be. `content` is a JSON object.
struct StateInput {
  std::string type;
  std::string state_key;
  std::string content;
};

// POST /createRoom, decoded. JSON objects as text; "" where the request has none.
struct NewRoom {
  std::string version = {};  // "": the policy's default
  std::string preset = {};   // "": by `listed`
  bool listed = false;       // visibility: public
  std::string alias_localpart = {};
  std::optional<std::string> name = {};
  std::optional<std::string> topic = {};
  std::vector<std::string> invite = {};
  bool is_direct = false;
  std::string creation_content = {};
  std::string power_levels = {};  // power_level_content_override
  std::vector<StateInput> initial_state = {};
};

// What a change of membership says beside it. `more`: a JSON object, or "": further members that
// the client wants in the event of a join.
struct MembershipDetails {
  std::optional<std::string> reason = {};
  std::string more = {};
};

enum class Act : std::uint8_t { invite, join, leave, kick, ban, unban, knock };

class Core;

class Rooms {
 public:
  // All outlive this object; stop the store before this object goes.
  Rooms(store::Store& store, const Policy& policy, const Clock& clock);
  Rooms(const Rooms&) = delete;
  Rooms& operator=(const Rooms&) = delete;
  ~Rooms();

  // Gives the room id.
  void create(Actor actor, NewRoom request, Done<std::string> done);
  // Each gives the event id. An empty txn_id is none. `content` is a JSON object.
  void send_message(Actor actor, std::string room_id, std::string type, std::string content,
                    std::string txn_id, Done<std::string> done);
  void send_state(Actor actor, std::string room_id, StateInput state, Done<std::string> done);
  void redact(Actor actor, std::string room_id, std::string event_id, std::string content,
              std::string txn_id, Done<std::string> done);
  // `target` is the actor for join, leave and knock. Joining where one is joined already, and
  // inviting who is invited already, succeed and change nothing. Gives the room id.
  void set_membership(Actor actor, Act act, std::string room_id, std::string target,
                      MembershipDetails details, Done<std::string> done);
  void forget(Actor actor, std::string room_id, Done<> done);
  // A name of this server for a room that the actor is in; `conflict` (409) where it is taken.
  void add_alias(Actor actor, std::string alias, std::string room_id, Done<> done);
  // By who made it, or may set the room's canonical alias.
  void remove_alias(Actor actor, std::string alias, Done<> done);
  // Into the room directory or out of it, by who may set the canonical alias.
  void set_listed(Actor actor, std::string room_id, bool listed, Done<> done);
  // What the administrators are to look at. Never tells whether the room or the user is there; an
  // event must be one that the actor may see.
  struct Report {
    std::optional<std::string> room_id = {};
    std::optional<std::string> event_id = {};
    std::optional<std::string> user_id = {};
    std::string reason = {};
  };
  void report(Actor actor, Report report, Done<> done);
  // An administrator's: all members leave, with the reason, and nobody comes in again or does
  // anything in it; it is in no directory, and its aliases are free. Done when the last one has
  // left. M_NOT_FOUND; GIMS_STATE where it is shut already.
  void shut_down(std::string room_id, std::string reason, service::Actor administrator,
                 Done<> done);
  // Maintenance: goes on where a stop of the server left members in a room that was shut. True:
  // there may be more.
  [[nodiscard]] Result<bool> empty_shut_rooms(store::Transaction& transaction);
  // Gives the id of the new room.
  void upgrade(Actor actor, std::string room_id, std::string new_version,
               std::vector<std::string> additional_creators, Done<std::string> done);

  // Parts of other services' operations: on the writer's thread, inside `transaction`.
  //
  // A new m.room.member event in each room the user is joined to. JSON strings, or nothing for a
  // field that the profile does not have. A room that refuses the event keeps the old one.
  [[nodiscard]] Result<> profile_changed(store::Transaction& transaction, std::string_view user_id,
                                         std::optional<std::string_view> displayname,
                                         std::optional<std::string_view> avatar_url);
  // Leaves every room, and refuses every invitation (deactivation).
  [[nodiscard]] Result<> leave_all_rooms(store::Transaction& transaction, std::string_view user_id);

  // Reads, any thread but not a loop's: they take a lease of the store.
  [[nodiscard]] Result<std::vector<std::string>> joined_rooms(std::string_view user_id);
  // The room's number, from a bounded cache; nothing: no such room. Cheap.
  [[nodiscard]] Result<std::optional<store::RoomNid>> room_nid(std::string_view room_id);
  // Resolves an alias of this server, or gives a room id as it is. M_NOT_FOUND, M_INVALID_PARAM.
  [[nodiscard]] Result<std::string> resolve(std::string_view room_id_or_alias);

 private:
  void empty(store::RoomNid nid, std::string reason, Done<> done);
  std::unique_ptr<Core> core_;
};

}  // namespace gims::service::rooms
