// Who may do what in a room (spec: rooms/v10, v11, v12, "Authorization rules").
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"
#include "matrix/event.hpp"
#include "matrix/room_version.hpp"
#include "matrix/state_view.hpp"

namespace gims::matrix {

struct StateKey {
  std::string type;
  std::string state_key;
  bool operator==(const StateKey&) const = default;
};

// The state that must be named among the auth events of such an event, where the room has it
// (spec: server-server API, "Auth events selection"). No key is there twice.
[[nodiscard]] std::vector<StateKey> auth_state_keys(const RoomVersion& version,
                                                    std::string_view type, std::string_view sender,
                                                    std::optional<std::string_view> state_key,
                                                    json::Value content);

// Whether the state allows the event: every rule but the one on the event's auth_events, which
// check_auth_events has. Otherwise M_FORBIDDEN with a text for the sender, or M_BAD_JSON for power
// levels of a form that no state would allow (rules 10.1 to 10.4).
//
// Not asked here, as only the receiver of the PDU can know: the signatures of the sender's server
// and of the server of join_authorised_via_users_server. An event made by this server has the
// first by itself, and the second only for users of this server.
[[nodiscard]] Result<void> authorise(const RoomVersion& version, const Event& event,
                                     const StateView& state);

// The rule on auth_events (2 in version 10 and 11, 3 in 12): `auth_events` are the events named by
// the event, all of them known and none rejected.
[[nodiscard]] Result<void> check_auth_events(const RoomVersion& version, const Event& event,
                                             std::span<const EventPtr> auth_events);

// Whether a redaction that was authorised is to be carried out, too (spec: rooms/v3, "Handling
// redactions"): the sender has the redact level, or both events are of one server's users. The
// client-server API asks of a user of ours, beyond that, the redact level or one's own event; that
// is may_redact.
[[nodiscard]] bool redaction_applies(const Event& redaction, const Event& target,
                                     const StateView& state);
[[nodiscard]] bool may_redact(std::string_view user_id, const Event& target,
                              const StateView& state);

}  // namespace gims::matrix
