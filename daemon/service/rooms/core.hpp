// The operations behind Rooms, on the writer's thread inside one transaction each. Internal to
// service/rooms; each group of functions has a .cpp file of its name.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "json/value.hpp"
#include "service/rooms/rooms.hpp"
#include "service/rooms/timeline.hpp"

namespace gims::service::rooms {

class Core {
 public:
  Core(store::Store& store, const Policy& policy, const Clock& clock) noexcept;

  store::Store& store;
  const Policy& policy;
  const Clock& clock;

  // send.cpp
  [[nodiscard]] Result<std::string> send_message(store::Transaction& transaction,
                                                 const Actor& actor, std::string_view room_id,
                                                 std::string_view type, std::string_view content,
                                                 std::string_view txn_id);
  [[nodiscard]] Result<std::string> send_state(store::Transaction& transaction, const Actor& actor,
                                               std::string_view room_id, const StateInput& state);
  [[nodiscard]] Result<std::string> redact(store::Transaction& transaction, const Actor& actor,
                                           std::string_view room_id, std::string_view event_id,
                                           std::string_view content, std::string_view txn_id);

  // membership.cpp
  struct MembershipRequest {
    Act act;
    std::string room_id;
    std::string target;
    MembershipDetails details;
  };
  [[nodiscard]] Result<std::string> set_membership(store::Transaction& transaction,
                                                   const Actor& actor,
                                                   const MembershipRequest& request);
  [[nodiscard]] Result<> forget(store::Transaction& transaction, const Actor& actor,
                                std::string_view room_id);
  [[nodiscard]] Result<> profile_changed(store::Transaction& transaction, std::string_view user_id,
                                         std::optional<std::string_view> displayname,
                                         std::optional<std::string_view> avatar_url);
  [[nodiscard]] Result<> leave_all(store::Transaction& transaction, std::string_view user_id);
  // Whether the server can bring an invitation to this user: one of its own, and there.
  [[nodiscard]] Result<> check_invitee(store::Transaction& transaction, std::string_view user_id);
  // Whether the user may come into one more room.
  [[nodiscard]] Result<> check_joined_rooms(store::Transaction& transaction,
                                            std::string_view user_id);
  // {"membership":...} with the names of the user's profile. Of `more` only what is none of the
  // members that a server or the request gives a meaning to.
  struct MemberContent {
    std::string_view membership;
    std::optional<std::string_view> reason = std::nullopt;
    bool is_direct = false;
    std::string_view authorised_by = {};  // join_authorised_via_users_server
    bool with_names = true;
    json::Value more = {};
  };
  [[nodiscard]] Result<std::string> member_content(store::Transaction& transaction,
                                                   std::string_view user_id,
                                                   const MemberContent& what);

  // succession.cpp: of a user who has just come into the room; nothing for most rooms.
  [[nodiscard]] Result<> take_settings_along(store::Transaction& transaction, const Room& room,
                                             std::string_view user_id);

  // shutdown.cpp: of Rooms::shut_down().
  [[nodiscard]] Result<store::RoomNid> shut(store::Transaction& transaction,
                                            std::string_view room_id, std::string_view reason,
                                            const service::Actor& actor);
  // Takes some of a shut room's members out. True: there may be more.
  [[nodiscard]] Result<bool> empty_some(store::Transaction& transaction, store::RoomNid nid,
                                        std::string_view reason);

  // create.cpp
  [[nodiscard]] Result<std::string> create(store::Transaction& transaction, const Actor& actor,
                                           const NewRoom& request);
  // A room with its create event alone. `content` without the members that the version sets.
  [[nodiscard]] Result<RoomPtr> found(store::Transaction& transaction,
                                      const matrix::RoomVersion& version, std::string_view creator,
                                      std::string_view content, bool is_listed);

  // aliases.cpp
  [[nodiscard]] Result<> add_alias(store::Transaction& transaction, const Actor& actor,
                                   std::string_view alias, std::string_view room_id);
  [[nodiscard]] Result<> remove_alias(store::Transaction& transaction, const Actor& actor,
                                      std::string_view alias);
  [[nodiscard]] Result<> set_listed(store::Transaction& transaction, const Actor& actor,
                                    std::string_view room_id, bool listed);
  // M_INVALID_PARAM unless it is a well-formed alias of this server.
  [[nodiscard]] Result<> check_own_alias(std::string_view alias) const;

  // upgrade.cpp
  [[nodiscard]] Result<std::string> upgrade(store::Transaction& transaction, const Actor& actor,
                                            std::string_view room_id, std::string_view new_version,
                                            const std::vector<std::string>& additional_creators);

  [[nodiscard]] Result<std::optional<store::RoomNid>> room_nid(std::string_view room_id);

  [[nodiscard]] Timeline& timeline() noexcept { return timeline_; }

 private:
  // The room, where the user is joined to it; otherwise the same M_FORBIDDEN for all.
  [[nodiscard]] Result<RoomPtr> joined_room(store::Transaction& transaction,
                                            std::string_view user_id, std::string_view room_id);
  [[nodiscard]] Result<std::string> append_once(store::Transaction& transaction, Room& room,
                                                const NewEvent& event, std::string_view endpoint);
  [[nodiscard]] Result<> check_state(store::Transaction& transaction, const Room& room,
                                     const StateInput& state, json::Value content);
  // The content of an m.room.member event that a client wrote itself, without what only the server
  // may say. M_FORBIDDEN, M_NOT_FOUND, M_INVALID_PARAM as check_invitee.
  [[nodiscard]] Result<std::string> checked_member(store::Transaction& transaction,
                                                   const Actor& actor, Room& room,
                                                   const StateInput& state, json::Value content);
  [[nodiscard]] Result<> check_aliases(store::Transaction& transaction, const Room& room,
                                       json::Value content);
  // Where encryption is forced: whether a message that is not encrypted may go in.
  [[nodiscard]] Result<> check_readable(store::Transaction& transaction, const Actor& actor,
                                        Room& room, std::string_view type,
                                        std::string_view content);
  [[nodiscard]] Result<> check_redaction(store::Transaction& transaction, const Actor& actor,
                                         const Room& room, std::string_view event_id);
  // Who lets the user into a restricted room; empty where nobody needs to.
  [[nodiscard]] Result<std::string> authoriser_of_join(store::Transaction& transaction, Room& room,
                                                       std::string_view user_id);
  [[nodiscard]] Result<std::string> join(store::Transaction& transaction, const Actor& actor,
                                         const MembershipRequest& request);

  Timeline timeline_;
  std::mutex nids_mutex_;
  std::unordered_map<std::string, store::RoomNid> nids_;
};

}  // namespace gims::service::rooms
