#include "matrix/auth_member.hpp"

#include "crypto/ed25519.hpp"
#include "matrix/auth_rejected.hpp"
#include "matrix/signed_json.hpp"

namespace gims::matrix::detail {
namespace {

std::string join_rule_of(const StateView& state) {
  const EventPtr rules = state.get("m.room.join_rules", "");
  // Without one, a room is "invite" (spec: client-server API, "m.room.join_rules").
  return std::string(rules ? rules->content().get("join_rule").string_or("invite") : "invite");
}

bool is_creators_first_join(const Case& at, std::string_view target) {
  return at.event.prev_events().size() == 1 &&
         at.event.prev_events().front() == at.create.event_id() && target == creator_of(at.create);
}

// Rule 5.3.5.2: a member who could invite vouches for who joins.
bool may_vouch(const Case& at, json::Value via) {
  const auto user = via.as_string();
  return user && membership_of(at.state, *user) == "join" &&
         at.levels.of_user(*user) >= at.levels.to_invite();
}

// Rule 5.3.
Result<void> authorise_join(const Case& at, std::string_view target) {
  if (is_creators_first_join(at, target)) return {};
  if (at.event.sender() != target) return rejected("Nobody can join a room for somebody else.");
  const std::string current = membership_of(at.state, target);
  if (current == "ban") return rejected("You are banned from the room.");
  const std::string rule = join_rule_of(at.state);
  const bool welcome = current == "join" || current == "invite";
  if (rule == "public") return {};
  if (rule == "invite" || rule == "knock") {
    if (welcome) return {};
    return rejected("You are not invited to the room.");
  }
  if (rule == "restricted" || rule == "knock_restricted") {
    if (welcome) return {};
    if (may_vouch(at, at.event.content().get("join_authorised_via_users_server"))) return {};
    return rejected("You are not invited, and no member who may invite vouches for you.");
  }
  return rejected("The room's join rule lets nobody join.");
}

bool is_signed_by(json::Value signed_part, std::string_view key_text) {
  const auto key = crypto::public_key_from_base64(key_text);
  if (!key) return false;
  for (const auto [entity, signatures] : signed_part.get("signatures").object()) {
    for (const auto [key_id, signature] : signatures.object()) {
      if (verify_signed_json(signed_part, entity, key_id, *key)) return true;
    }
  }
  return false;
}

// Rule 5.4.1.
Result<void> authorise_third_party_invite(const Case& at, std::string_view target) {
  if (membership_of(at.state, target) == "ban") return rejected("The user is banned.");
  const json::Value proof = at.event.content().get("third_party_invite").get("signed");
  const auto mxid = proof.get("mxid").as_string();
  const auto token = proof.get("token").as_string();
  if (!mxid || !token) return rejected("The third-party invitation is not signed.");
  if (*mxid != target) return rejected("The third-party invitation is for another user.");
  const EventPtr invite = at.state.get("m.room.third_party_invite", *token);
  if (!invite) return rejected("The room has no such third-party invitation.");
  if (invite->sender() != at.event.sender()) {
    return rejected("The third-party invitation was made by another user.");
  }
  if (is_signed_by(proof, invite->content().get("public_key").string_or(""))) return {};
  for (const json::Value entry : invite->content().get("public_keys").array()) {
    if (is_signed_by(proof, entry.get("public_key").string_or(""))) return {};
  }
  return rejected("The third-party invitation's signature does not fit.");
}

// Rule 5.4.
Result<void> authorise_invite(const Case& at, std::string_view target) {
  if (at.event.content().get("third_party_invite")) return authorise_third_party_invite(at, target);
  if (membership_of(at.state, at.event.sender()) != "join") {
    return rejected("You are not a member of the room.");
  }
  const std::string current = membership_of(at.state, target);
  if (current == "join") return rejected("The user is in the room already.");
  if (current == "ban") return rejected("The user is banned from the room.");
  if (at.levels.of_user(at.event.sender()) >= at.levels.to_invite()) return {};
  return rejected("Your power level does not allow you to invite.");
}

// Rule 5.5.
Result<void> authorise_leave(const Case& at, std::string_view target) {
  const std::string current = membership_of(at.state, target);
  if (at.event.sender() == target) {
    if (current == "invite" || current == "join" || current == "knock") return {};
    return rejected("You are not in the room.");
  }
  if (membership_of(at.state, at.event.sender()) != "join") {
    return rejected("You are not a member of the room.");
  }
  const std::int64_t own = at.levels.of_user(at.event.sender());
  if (current == "ban" && own < at.levels.to_ban()) {
    return rejected("Your power level does not allow you to lift a ban.");
  }
  if (own >= at.levels.to_kick() && at.levels.of_user(target) < own) return {};
  return rejected("Your power level does not allow you to remove this user.");
}

// Rule 5.6.
Result<void> authorise_ban(const Case& at, std::string_view target) {
  if (membership_of(at.state, at.event.sender()) != "join") {
    return rejected("You are not a member of the room.");
  }
  const std::int64_t own = at.levels.of_user(at.event.sender());
  if (own >= at.levels.to_ban() && at.levels.of_user(target) < own) return {};
  return rejected("Your power level does not allow you to ban this user.");
}

// Rule 5.7.
Result<void> authorise_knock(const Case& at, std::string_view target) {
  const std::string rule = join_rule_of(at.state);
  if (rule != "knock" && rule != "knock_restricted") {
    return rejected("The room cannot be knocked on.");
  }
  if (at.event.sender() != target) return rejected("Nobody can knock for somebody else.");
  const std::string current = membership_of(at.state, target);
  if (current == "ban") return rejected("You are banned from the room.");
  if (current == "invite" || current == "join") {
    return rejected("You are invited to the room or in it already.");
  }
  return {};
}

}  // namespace

std::string membership_of(const StateView& state, std::string_view user_id) {
  const EventPtr member = state.get("m.room.member", user_id);
  return std::string(member ? member->membership() : "leave");
}

Result<void> authorise_member(const Case& at) {
  const auto target = at.event.state_key();
  const auto membership = at.event.content().get("membership").as_string();
  if (!target || !membership) {
    return rejected("A membership event must have a state_key and a membership.");
  }
  if (*membership == "join") return authorise_join(at, *target);
  if (*membership == "invite") return authorise_invite(at, *target);
  if (*membership == "leave") return authorise_leave(at, *target);
  if (*membership == "ban") return authorise_ban(at, *target);
  if (*membership == "knock") return authorise_knock(at, *target);
  return rejected("The membership is not one that is known.");
}

}  // namespace gims::matrix::detail
