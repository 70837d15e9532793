// POST /createRoom (spec: client-server API, "Creation": the order of events is binding).
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "crypto/random.hpp"
#include "json/edit.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"
#include "matrix/auth_rules.hpp"
#include "matrix/event_builder.hpp"
#include "matrix/ids.hpp"
#include "service/errors.hpp"
#include "service/rooms/core.hpp"
#include "service/rooms/encryption_rule.hpp"
#include "store/statements/aliases.hpp"
#include "store/statements/rooms.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

constexpr std::size_t most_initial_state = 200;
constexpr std::size_t most_invitees = 256;

struct Preset {
  std::string_view name;
  std::string_view join_rule;
  std::string_view guest_access;
  bool invitees_are_equal;
  int invite_level;
};
constexpr std::array presets = {
    Preset{"private_chat", "invite", "can_join", false, 0},
    Preset{"trusted_private_chat", "invite", "can_join", true, 0},
    Preset{"public_chat", "public", "forbidden", false, 50},
};

Result<Preset> preset_of(const NewRoom& request) {
  const std::string_view name =
      !request.preset.empty() ? std::string_view(request.preset)
                              : std::string_view(request.listed ? "public_chat" : "private_chat");
  const auto* found = std::ranges::find(presets, name, &Preset::name);
  if (found == presets.end()) {
    return invalid_param("preset is one of private_chat, trusted_private_chat, public_chat.");
  }
  return *found;
}

// What a room starts with, unless the request says otherwise.
std::string power_levels(const matrix::RoomVersion& version, const Preset& preset,
                         std::string_view creator, const std::vector<std::string>& invitees) {
  json::Writer out;
  out.begin_object().key("users").begin_object();
  if (!version.privileged_creators) {
    out.member(creator, 100);
    if (preset.invitees_are_equal) {
      for (const std::string& user : invitees) {
        if (user != creator) out.member(user, 100);
      }
    }
  }
  out.end_object()
      .member("users_default", 0)
      .key("events")
      .begin_object()
      .member("m.room.avatar", 50)
      .member("m.room.canonical_alias", 50)
      .member(encryption_event, 100)
      .member("m.room.history_visibility", 100)
      .member("m.room.name", 50)
      .member("m.room.power_levels", 100)
      .member("m.room.server_acl", 100)
      .member("m.room.tombstone", version.privileged_creators ? 150 : 100)
      .end_object()
      .member("events_default", 0)
      .member("state_default", 50)
      .member("ban", 50)
      .member("kick", 50)
      .member("redact", 50)
      .member("invite", preset.invite_level)
      .member("historical", 100)
      .end_object();
  return out.take();
}

std::string single(std::string_view key, std::string_view value) {
  json::Writer out;
  out.begin_object().member(key, value).end_object();
  return out.take();
}

std::string topic_content(std::string_view topic) {
  json::Writer out;
  out.begin_object()
      .member("topic", topic)
      .key("m.topic")
      .begin_object()
      .key("m.text")
      .begin_array()
      .begin_object()
      .member("body", topic)
      .end_object()
      .end_array()
      .end_object()
      .end_object();
  return out.take();
}

const StateInput* find_state(const NewRoom& request, std::string_view type) {
  const auto found = std::ranges::find_if(request.initial_state, [&](const StateInput& state) {
    return state.type == type && state.state_key.empty();
  });
  return found == request.initial_state.end() ? nullptr : &*found;
}

Result<> check_limits(const NewRoom& request) {
  if (request.initial_state.size() > most_initial_state) {
    return invalid_param("initial_state has more than 200 events.");
  }
  if (request.invite.size() > most_invitees) {
    return invalid_param("More than 256 users are invited at once.");
  }
  return {};
}

Result<const matrix::RoomVersion*> version_of(std::string_view id) {
  const matrix::RoomVersion* version = matrix::find_room_version(id);
  if (version == nullptr) {
    return fail(ErrorKind::bad_input, "M_UNSUPPORTED_ROOM_VERSION",
                "This server makes rooms of version 10, 11 and 12.");
  }
  return version;
}

// The content of m.room.create as the request and the preset want it.
Result<std::string> creation_content(const matrix::RoomVersion& version, const NewRoom& request,
                                     const Preset& preset, std::string_view creator) {
  const std::string_view given = request.creation_content.empty()
                                     ? std::string_view("{}")
                                     : std::string_view(request.creation_content);
  GIMS_TRY_ASSIGN(const json::Document parsed, json::Document::parse(given));
  if (!version.privileged_creators || !preset.invitees_are_equal) return std::string(given);
  std::vector<std::string_view> creators;
  const auto add = [&](std::string_view user) {
    if (user != creator && !std::ranges::contains(creators, user)) creators.push_back(user);
  };
  const json::Value named = parsed.root().get("additional_creators");
  if (named.valid() && !named.is_array()) {
    return bad_json("additional_creators must be a list of user ids.");
  }
  for (const json::Value user : named.array()) add(user.string_or(""));
  for (const std::string& user : request.invite) add(user);
  if (creators.empty()) return std::string(given);
  json::Writer list;
  list.begin_array();
  for (const std::string_view user : creators) list.value(user);
  list.end_array();
  return json::with_member(parsed.root(), "additional_creators", list.text());
}

// What the rules refuse while a room is made is a fault of the request.
Result<> as_room_state(Result<matrix::EventPtr> appended) {
  if (appended) return {};
  Error error = std::move(appended).error();
  if (error.kind == ErrorKind::forbidden || error.code == "M_BAD_JSON") {
    error.kind = ErrorKind::bad_input;
    error.code = "M_INVALID_ROOM_STATE";
  }
  return std::unexpected(std::move(error));
}

}  // namespace

Result<RoomPtr> Core::found(store::Transaction& transaction, const matrix::RoomVersion& version,
                            std::string_view creator, std::string_view content, bool is_listed) {
  GIMS_TRY_ASSIGN(const json::Document given, json::Document::parse(content));
  const std::string creator_json = json::quoted(creator);
  const std::string version_json = json::quoted(version.id);
  const std::array changes = {
      json::Change{.key = "creator",
                   .json = version.creator_in_content
                               ? std::optional<std::string_view>(creator_json)
                               : std::nullopt},
      json::Change{.key = "room_version", .json = version_json}};
  const std::string whole = json::changed(given.root(), changes);
  const std::string random_id =
      version.room_id_is_create_hash ? std::string() : crypto::random_room_id(policy.server_name);
  Millis ts = transaction.now_ms();
  matrix::EventPtr event;
  // In version 12 two rooms of one person made in one millisecond would be one room.
  for (bool taken = true; taken; ++ts) {
    GIMS_TRY_ASSIGN(event, matrix::build_event(version, {.room_id = random_id,
                                                         .type = "m.room.create",
                                                         .state_key = "",
                                                         .sender = creator,
                                                         .content = whole,
                                                         .depth = 1,
                                                         .origin_server_ts = ts}));
    GIMS_TRY_ASSIGN(const auto row,
                    sql::first(transaction.sql(), sql_of::RoomById{.room_id = event->room_id()}));
    taken = row.has_value();
  }
  GIMS_TRY_ASSIGN(const auto row, sql::first(transaction.sql(),
                                             sql_of::InsertRoom{.room_id = event->room_id(),
                                                                .version = version.id,
                                                                .created_ts = transaction.now_ms(),
                                                                .is_listed = is_listed ? 1 : 0}));
  GIMS_CHECK(row);  // an INSERT that succeeds returns its row
  auto room = std::make_shared<Room>(row->room_nid, std::string(event->room_id()), version);
  if (auto allowed = matrix::authorise(version, *event, *room); !allowed) {
    GIMS_TRY(as_room_state(std::unexpected(std::move(allowed).error())));
  }
  transaction.on_failure([this, nid = room->nid()] { timeline_.cache().drop(nid); });
  timeline_.cache().add(room);
  GIMS_TRY(timeline_.store(transaction, *room, event, {}, {}));
  return room;
}

Result<std::string> Core::create(store::Transaction& transaction, const Actor& actor,
                                 const NewRoom& request) {
  GIMS_TRY(check_limits(request));
  GIMS_TRY(check_joined_rooms(transaction, actor.user_id));
  GIMS_TRY_ASSIGN(
      const matrix::RoomVersion* version,
      version_of(request.version.empty() ? policy.default_room_version : request.version));
  GIMS_TRY_ASSIGN(const Preset preset, preset_of(request));
  std::vector<std::string> invitees;
  for (const std::string& user : request.invite) {
    if (std::ranges::contains(invitees, user)) continue;
    GIMS_TRY(check_invitee(transaction, user));
    invitees.push_back(user);
  }
  const StateInput* encryption = find_state(request, encryption_event);
  if (policy.forced_encryption && encryption != nullptr) {
    GIMS_TRY_ASSIGN(const json::Document content, json::Document::parse(encryption->content));
    GIMS_TRY(check_initial_encryption(content.root()));
  }
  const StateInput* levels = find_state(request, "m.room.power_levels");

  GIMS_TRY_ASSIGN(const std::string creation,
                  creation_content(*version, request, preset, actor.user_id));
  GIMS_TRY_ASSIGN(const RoomPtr room,
                  found(transaction, *version, actor.user_id, creation, request.listed));
  const auto put = [&](std::string_view type, std::string_view state_key,
                       std::string_view content) -> Result<> {
    return as_room_state(timeline_.append(
        transaction, *room,
        {.type = type, .state_key = state_key, .sender = actor.user_id, .content = content}));
  };
  const auto put_default = [&](std::string_view type, std::string_view content) -> Result<> {
    if (find_state(request, type) != nullptr) return {};
    return put(type, "", content);
  };

  GIMS_TRY_ASSIGN(const std::string member,
                  member_content(transaction, actor.user_id, {.membership = "join"}));
  GIMS_TRY(put("m.room.member", actor.user_id, member));
  GIMS_TRY(take_settings_along(transaction, *room, actor.user_id));

  std::string level_content =
      levels != nullptr ? levels->content : power_levels(*version, preset, actor.user_id, invitees);
  if (!request.power_levels.empty()) {
    GIMS_TRY_ASSIGN(const json::Document base, json::Document::parse(level_content));
    GIMS_TRY_ASSIGN(const json::Document above, json::Document::parse(request.power_levels));
    std::vector<std::string> texts;
    texts.reserve(above.root().size());
    std::vector<json::Change> changes;
    for (const auto& [key, value] : above.root().object()) {
      changes.push_back({.key = key, .json = texts.emplace_back(value.to_text())});
    }
    level_content = json::changed(base.root(), changes);
  }
  GIMS_TRY(put("m.room.power_levels", "", level_content));

  if (!request.alias_localpart.empty()) {
    const std::string alias = "#" + request.alias_localpart + ":" + policy.server_name;
    if (!matrix::is_room_alias(alias)) return invalid_param("The room alias is not well-formed.");
    GIMS_TRY(sql::run(transaction.sql(), sql_of::InsertAlias{.alias = alias,
                                                             .room_nid = room->nid(),
                                                             .creator = actor.user_id,
                                                             .created_ts = transaction.now_ms()}));
    if (transaction.sql().changes() == 0) {
      return fail(ErrorKind::bad_input, "M_ROOM_IN_USE",
                  "The alias " + alias + " leads to another room already.");
    }
    GIMS_TRY(put_default("m.room.canonical_alias", single("alias", alias)));
  }

  GIMS_TRY(put_default("m.room.join_rules", single("join_rule", preset.join_rule)));
  GIMS_TRY(put_default("m.room.history_visibility", single("history_visibility", "shared")));
  GIMS_TRY(put_default("m.room.guest_access", single("guest_access", preset.guest_access)));
  if (policy.forced_encryption) GIMS_TRY(put_default(encryption_event, encryption_content));

  for (const StateInput& state : request.initial_state) {
    const bool is_overridden =
        state.state_key.empty() &&
        ((state.type == "m.room.name" && request.name) ||
         (state.type == "m.room.topic" && request.topic) || &state == levels);
    if (is_overridden) continue;
    GIMS_TRY_ASSIGN(const json::Document content, json::Document::parse(state.content));
    if (state.type == "m.room.canonical_alias" && state.state_key.empty()) {
      GIMS_TRY(check_aliases(transaction, *room, content.root()));
    }
    if (policy.forced_encryption && state.type == encryption_event && &state != encryption) {
      return encryption_is_fixed();
    }
    if (state.type == "m.room.member") {
      GIMS_TRY_ASSIGN(const std::string member_content,
                      checked_member(transaction, actor, *room, state, content.root()));
      GIMS_TRY(put(state.type, state.state_key, member_content));
      continue;
    }
    GIMS_TRY(put(state.type, state.state_key, state.content));
  }

  if (request.name) GIMS_TRY(put("m.room.name", "", single("name", *request.name)));
  if (request.topic) GIMS_TRY(put("m.room.topic", "", topic_content(*request.topic)));

  for (const std::string& user : invitees) {
    GIMS_TRY_ASSIGN(const std::string content,
                    member_content(transaction, user,
                                   {.membership = "invite", .is_direct = request.is_direct}));
    GIMS_TRY(put("m.room.member", user, content));
  }
  return room->id();
}

}  // namespace gims::service::rooms
