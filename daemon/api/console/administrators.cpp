// The administrators, and how they sign in: at the console's door and, for who is at the unit, at
// the admin socket.
#include <utility>

#include "api/admin/asked.hpp"
#include "api/console/console.hpp"
#include "api/console/decode.hpp"
#include "api/console/encode.hpp"
#include "api/finish.hpp"
#include "crypto/bytes.hpp"
#include "json/fields.hpp"

namespace gims::api::console {
namespace {

using hsm::approval::KeyKind;
using service::console::Administrators;
using service::console::AdministratorShown;
using service::console::every_role;
using service::console::Invitation;
using service::console::Role;

constexpr std::size_t longest_reason = 256;

std::string_view name_of(KeyKind kind) noexcept {
  switch (kind) {
    case KeyKind::webauthn_es256:
      return "webauthn_es256";
    case KeyKind::webauthn_eddsa:
      return "webauthn_eddsa";
    case KeyKind::key_es256:
      return "key_es256";
    case KeyKind::key_ed25519:
      return "key_ed25519";
  }
  return "";
}

Result<std::string> list(Administrators& administrators) {
  GIMS_TRY_ASSIGN(const auto found, administrators.list());
  json::Writer out;
  out.begin_object().key("administrators").begin_array();
  for (const AdministratorShown& one : found) {
    out.begin_object().member("name", one.person.name).key("roles");
    write_roles(out, one.person.roles);
    out.member("key", name_of(one.person.kind)).member("fingerprint", one.fingerprint);
    out.member("approves", one.approves);
    out.member("console", service::console::name_of(one.state)).key("factors");
    write_factors(out, one.factors);
    out.member("sessions", one.sessions);
    if (one.last_sign_in_ts) out.member("last_signin_ts", *one.last_sign_in_ts);
    if (!one.person.credential_id.empty()) {
      out.member("credential_id",
                 crypto::base64(one.person.credential_id, crypto::Alphabet::url_safe));
    }
    out.end_object();
  }
  out.end_array().end_object();
  return out.take();
}

std::string invitation_json(const Invitation& invitation) {
  json::Writer out;
  out.begin_object().member("name", invitation.name).member("code", invitation.code.reveal());
  out.member("expires_ts", invitation.expires_ts).end_object();
  return out.take();
}

void invite(Administrators& administrators, Call call) {
  std::string name(call.param("name"));
  service::Actor actor = admin::actor_of(call);
  administrators.invite(std::move(name), std::move(actor),
                        answer<Invitation>(std::move(call), invitation_json));
}

Result<std::string> decode_reason(json::Value body) {
  GIMS_TRY(only(body, {"reason"}));
  GIMS_TRY_ASSIGN(const auto reason, json::optional_string(body, "reason"));
  return std::string(reason.value_or("").substr(0, longest_reason));
}

void set_locked(Administrators& administrators, bool locked, Call call) {
  auto reason = decode_reason(call.body());
  if (!reason) return std::move(call).error(reason.error());
  std::string name(call.param("name"));
  service::Actor actor = admin::actor_of(call);
  administrators.set_locked(std::move(name), locked, std::move(*reason), std::move(actor),
                            answer_empty(std::move(call)));
}

}  // namespace

Routes administrator_routes(Administrators& administrators) {
  using http::Method;
  const auto to_locked = [&administrators](bool locked) {
    return [&administrators, locked](Call call) {
      set_locked(administrators, locked, std::move(call));
    };
  };
  Routes routes;
  routes.push_back(admin::admin_route(Method::get, "/_gims/admin/v1/administrators", BodyKind::none,
                                      for_roles(every_role), [&administrators](Call call) {
                                        auto found = list(administrators);
                                        std::move(call).result(std::move(found));
                                      }));
  routes.push_back(admin::admin_route(
      Method::post, "/_gims/admin/v1/administrators/{name}/invite", BodyKind::none,
      for_fresh({Role::administrator}),
      [&administrators](Call call) { invite(administrators, std::move(call)); }));
  routes.push_back(admin::admin_route(
      Method::post, "/_gims/admin/v1/administrators/{name}/lock", BodyKind::json_object_or_empty,
      for_fresh({Role::administrator, Role::security_officer}), to_locked(true)));
  routes.push_back(admin::admin_route(Method::post, "/_gims/admin/v1/administrators/{name}/unlock",
                                      BodyKind::json_object_or_empty,
                                      for_fresh({Role::administrator}), to_locked(false)));
  return routes;
}

}  // namespace gims::api::console
