// Spec: client-server API, "Cross-signing".
#include <utility>
#include <vector>

#include "api/client/encryption.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{256} * 1024;
constexpr std::size_t most_signed = 1000;

struct Parts {
  service::CrossSigning& cross_signing;
  service::InteractiveAuth& auth;
};

void store_keys(service::CrossSigning& cross_signing, std::vector<service::CrossSigningKey> keys,
                bool with_password, Call call) {
  std::string user_id = call.caller().user_id;
  cross_signing.upload(std::move(user_id), std::move(keys), with_password,
                       answer_empty(std::move(call)));
}

void upload(const Parts& parts, Call call) {
  const std::string user_id = call.caller().user_id;
  auto keys = service::CrossSigning::decode_upload(call.body(), user_id);
  if (!keys) return std::move(call).error(keys.error());
  auto needs_password = parts.cross_signing.needs_password(user_id, *keys);
  if (!needs_password) return std::move(call).error(needs_password.error());
  if (!*needs_password) {
    return store_keys(parts.cross_signing, std::move(*keys), false, std::move(call));
  }
  const json::Value auth = call.body().get("auth");
  const std::string& address = call.request().peer.address;
  parts.auth.check(
      service::AuthStage::password, user_id, address, "POST /keys/device_signing/upload", auth,
      [parts, keys = std::move(*keys), call = std::move(call)](Result<> passed) mutable {
        if (!passed) return std::move(call).error(passed.error());
        store_keys(parts.cross_signing, std::move(keys), true, std::move(call));
      });
}

Result<std::vector<service::SignedKey>> decode_signed(json::Value body) {
  std::vector<service::SignedKey> keys;
  GIMS_TRY(json::each_nested(
      body, "signatures", most_signed,
      [&](std::string_view user_id, std::string_view key_id, json::Value object) -> Result<> {
        if (!object.is_object()) return service::bad_json("Each signed key must be an object.");
        keys.push_back({.user_id = std::string(user_id),
                        .key_id = std::string(key_id),
                        .content = object.to_text()});
        return {};
      }));
  return keys;
}

void add_signatures(service::CrossSigning& cross_signing, Call call) {
  auto keys = decode_signed(call.body());
  if (!keys) return std::move(call).error(keys.error());
  std::string user_id = call.caller().user_id;
  cross_signing.add_signatures(std::move(user_id), std::move(*keys), answer_json(std::move(call)));
}

Route route(std::string_view path, RateClass rate, std::function<void(Call)> handler) {
  return {.method = http::Method::post,
          .door = http::Door::client,
          .path = path,
          .auth = Auth::token_choosing_ok,
          .rate = rate,
          .body = BodyKind::json_object,
          .body_limit = body_limit,
          .run = http::Run::on_loop,
          .handler = std::move(handler)};
}

}  // namespace

Routes cross_signing_routes(service::CrossSigning& cross_signing, service::InteractiveAuth& auth) {
  const Parts parts{cross_signing, auth};
  Routes routes;
  routes.push_back(route("/_matrix/client/v3/keys/device_signing/upload", RateClass::login,
                         [parts](Call call) { upload(parts, std::move(call)); }));
  routes.push_back(
      route("/_matrix/client/v3/keys/signatures/upload", RateClass::write,
            [&cross_signing](Call call) { add_signatures(cross_signing, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::client
