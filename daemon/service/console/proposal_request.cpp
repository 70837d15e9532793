#include "service/console/proposal_request.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "hsm/approval/change.hpp"
#include "hsm/approval/key_file.hpp"
#include "hsm/approval/webauthn_file.hpp"
#include "hsm/proto/messages.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "service/console/role.hpp"
#include "service/errors.hpp"

namespace gims::service::console {
namespace {

using hsm::Action;
using hsm::approval::Change;

// Of the contract, and not of gims-keyd's yet.
constexpr std::array<std::string_view, 6> to_come{"backup_export",       "device_wipe",
                                                  "clearance_change",    "room_label_change",
                                                  "label_scheme_change", "backup_restore"};

Result<> only(json::Value request, std::initializer_list<std::string_view> members) {
  for (const auto [key, value] : request.object()) {
    if (key == "action" || std::ranges::contains(members, key)) continue;
    return bad_json("There is no member \"" + std::string(key.substr(0, 64)) +
                    "\" in this proposal.");
  }
  return {};
}

template <class Message>
hsm::Bytes encoded(const Message& message) {
  hsm::Bytes room(hsm::header_size + hsm::max_action_body);
  hsm::Writer writer(room);
  encode(writer, message);
  return {writer.body().begin(), writer.body().end()};
}

hsm::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

Result<std::string> name_in(json::Value request) {
  GIMS_TRY_ASSIGN(const std::string_view name, json::required_string(request, "name"));
  if (!hsm::approval::is_name(name)) {
    return invalid_param("A name has 1 to 64 bytes of UTF-8, without control characters.");
  }
  return std::string(name);
}

Result<Roles> roles_in(json::Value request) {
  GIMS_TRY_ASSIGN(const auto names, json::required_strings(request, "roles"));
  Roles roles;
  for (const std::string_view name : names) {
    const auto role = role_named(name);
    if (!role) return invalid_param("A role is administrator, security_officer or auditor.");
    roles.bits = static_cast<std::uint8_t>(roles.bits | static_cast<unsigned>(*role));
  }
  if (roles.bits == 0) return invalid_param("An administrator has one of the roles at least.");
  return roles;
}

// A key of a file, or the security key that a registration is of. What is read is not trusted: two
// persons look at it.
Result<> key_in(json::Value request, std::string_view site, hsm::approval::Administrator& one) {
  GIMS_TRY_ASSIGN(const json::Value key, json::required_object(request, "key"));
  if (const json::Value registration = key.get("webauthn")) {
    GIMS_TRY_ASSIGN(auto credential, hsm::approval::credential_of_json(registration.to_text()));
    one.kind = credential.key.kind;
    one.public_key = std::move(credential.key.bytes);
    one.credential_id = std::move(credential.id);
    one.rp_id = site;
    return {};
  }
  GIMS_TRY_ASSIGN(const std::string_view pem, json::required_string(key, "pem"));
  GIMS_TRY_ASSIGN(auto read, hsm::approval::public_key_of_pem(pem));
  one.kind = read.kind;
  one.public_key = std::move(read.bytes);
  return {};
}

Result<hsm::Bytes> added(json::Value request, std::string_view site) {
  GIMS_TRY(only(request, {"name", "roles", "key"}));
  Change change{.kind = Change::Kind::add, .added = {}, .name = {}, .roles = {}};
  GIMS_TRY_ASSIGN(change.added.name, name_in(request));
  GIMS_TRY_ASSIGN(change.added.roles, roles_in(request));
  auto key = key_in(request, site, change.added);
  if (key) key = hsm::approval::check(change.added);
  if (!key) return invalid_param(key.error().text);
  return encoded(change);
}

void write_change(json::Writer& out, const Change& change) {
  const bool adds = change.kind == Change::Kind::add;
  out.member("name", adds ? change.added.name : change.name);
  if (change.kind != Change::Kind::remove) {
    const Roles roles = adds ? change.added.roles : change.roles;
    out.key("roles").begin_array();
    for (const auto& [role, name] : role_names) {
      if (roles.any_of({role})) out.value(name);
    }
    out.end_array();
  }
  if (adds) {
    out.key("key").begin_object();
    out.member("pem", hsm::approval::pem_of_key(change.added)).end_object();
  }
}

}  // namespace

Result<hsm::ProposeRequest> decode_proposal(json::Value request, std::string_view site) {
  GIMS_TRY_ASSIGN(const std::string_view action, json::required_string(request, "action"));
  if (action == "zeroize") {
    GIMS_TRY(only(request, {"files_only"}));
    GIMS_TRY_ASSIGN(const bool files_only, json::required_bool(request, "files_only"));
    return hsm::ProposeRequest{.action = Action::zeroize,
                               .body = encoded(hsm::ZeroizeRequest{.files_only = files_only})};
  }
  if (action == "administrators_add") {
    GIMS_TRY_ASSIGN(hsm::Bytes body, added(request, site));
    return hsm::ProposeRequest{.action = Action::administrators, .body = std::move(body)};
  }
  if (action == "administrators_remove") {
    GIMS_TRY(only(request, {"name"}));
    Change change{.kind = Change::Kind::remove, .added = {}, .name = {}, .roles = {}};
    GIMS_TRY_ASSIGN(change.name, name_in(request));
    return hsm::ProposeRequest{.action = Action::administrators, .body = encoded(change)};
  }
  if (action == "administrators_set_roles") {
    GIMS_TRY(only(request, {"name", "roles"}));
    Change change{.kind = Change::Kind::set_roles, .added = {}, .name = {}, .roles = {}};
    GIMS_TRY_ASSIGN(change.name, name_in(request));
    GIMS_TRY_ASSIGN(change.roles, roles_in(request));
    return hsm::ProposeRequest{.action = Action::administrators, .body = encoded(change)};
  }
  if (action == "identity_reset") {
    GIMS_TRY(only(request, {"user_id"}));
    GIMS_TRY_ASSIGN(const std::string_view user_id, json::required_string(request, "user_id"));
    return hsm::ProposeRequest{.action = Action::identity_reset, .body = bytes_of(user_id)};
  }
  if (action == "person_remove") {
    GIMS_TRY(only(request, {"name"}));
    GIMS_TRY_ASSIGN(const std::string name, name_in(request));
    return hsm::ProposeRequest{.action = Action::remove_person, .body = bytes_of(name)};
  }
  if (std::ranges::contains(to_come, action)) {
    return fail(ErrorKind::conflict, "GIMS_KEYD_STATE", "gims-keyd does not know this act yet.");
  }
  return invalid_param("There is no such act for two persons.");
}

std::string_view action_name(Action action, hsm::BytesView body) noexcept {
  switch (action) {
    case Action::zeroize:
      return "zeroize";
    case Action::administrators:
      if (body.empty()) return "administrators_remove";
      switch (static_cast<Change::Kind>(body.front())) {
        case Change::Kind::add:
          return "administrators_add";
        case Change::Kind::set_roles:
          return "administrators_set_roles";
        case Change::Kind::remove:
          return "administrators_remove";
      }
      return "administrators_remove";
    case Action::identity_reset:
      return "identity_reset";
    case Action::backup_export:
      return "backup_export";
    case Action::add_person:
      return "person_add";
    case Action::remove_person:
      return "person_remove";
  }
  return "";
}

std::string proposal_json(Action action, hsm::BytesView body) {
  const std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
  json::Writer out;
  out.begin_object().member("action", action_name(action, body));
  if (action == Action::zeroize) {
    const auto request = hsm::decode_zeroize_request(body);
    out.member("files_only", request && request->files_only);
  } else if (action == Action::administrators) {
    if (const auto change = hsm::approval::decode_change(body)) write_change(out, *change);
  } else if (action == Action::identity_reset) {
    out.member("user_id", text);
  } else {
    out.member("name", text);
  }
  out.end_object();
  return out.take();
}

}  // namespace gims::service::console
