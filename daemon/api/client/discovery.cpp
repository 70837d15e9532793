// Spec: client-server API, "API Versions", "Server Discovery", "Capabilities Negotiation".
#include <array>

#include "api/client/accounts.hpp"
#include "json/writer.hpp"

namespace gims::api::client {
namespace {

// Up to 1.13: a client that sees 1.15 asks for OAuth 2.0, which this server does not speak.
constexpr std::array versions = {"v1.1", "v1.2", "v1.3",  "v1.4",  "v1.5",  "v1.6", "v1.7",
                                 "v1.8", "v1.9", "v1.10", "v1.11", "v1.12", "v1.13"};
// What clients look for by a name of its own.
constexpr std::array unstable_features = {
    "org.matrix.e2e_cross_signing",
    "org.matrix.msc3916.stable",
    "uk.tcpip.msc4133.stable",
    "org.matrix.msc4222",
};
constexpr std::array room_versions = {"10", "11", "12"};

std::string versions_json() {
  json::Writer out;
  out.begin_object().key("versions").begin_array();
  for (const char* version : versions) out.value(version);
  out.end_array().key("unstable_features").begin_object();
  for (const char* feature : unstable_features) out.member(feature, true);
  out.end_object().end_object();
  return out.take();
}

std::string well_known_json(const service::Policy& policy) {
  json::Writer out;
  out.begin_object().key("m.homeserver").begin_object();
  out.member("base_url", policy.base_url).end_object().end_object();
  return out.take();
}

void enabled(json::Writer& out, std::string_view capability, bool yes) {
  out.key(capability).begin_object().member("enabled", yes).end_object();
}

std::string capabilities_json(const service::Policy& policy) {
  json::Writer out;
  out.begin_object().key("capabilities").begin_object();
  enabled(out, "m.change_password", true);
  enabled(out, "m.set_displayname", true);
  enabled(out, "m.set_avatar_url", true);
  enabled(out, "m.profile_fields", true);
  enabled(out, "m.3pid_changes", false);
  enabled(out, "m.get_login_token", false);
  out.key("m.room_versions").begin_object().member("default", policy.default_room_version);
  out.key("available").begin_object();
  for (const char* version : room_versions) out.member(version, "stable");
  out.end_object().end_object().end_object().end_object();
  return out.take();
}

Route fixed(std::string_view path, Auth auth, std::string json) {
  return {.method = http::Method::get,
          .door = http::Door::client,
          .path = path,
          .auth = auth,
          .rate = RateClass::read,
          .body = BodyKind::none,
          .body_limit = 0,
          .run = http::Run::on_loop,
          .handler = [json = std::move(json)](Call call) { std::move(call).reply(json); }};
}

}  // namespace

Routes discovery_routes(const service::Policy& policy) {
  Routes routes;
  routes.push_back(fixed("/_matrix/client/versions", Auth::none, versions_json()));
  routes.push_back(fixed("/.well-known/matrix/client", Auth::none, well_known_json(policy)));
  routes.push_back(
      fixed("/_matrix/client/v3/capabilities", Auth::token_choosing_ok, capabilities_json(policy)));
  return routes;
}

}  // namespace gims::api::client
