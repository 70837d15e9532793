// Spec: client-server API, "Server-side key backups".
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "api/client/encryption.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{8} * 1024 * 1024;

// A version that is no number of ours is of a backup that is not there.
Result<std::int64_t> version_from(std::string_view text) {
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size() || version < 1) {
    return service::not_found("There is no such key backup.");
  }
  return version;
}

Result<std::int64_t> version_of_query(const Call& call) {
  const auto text = call.query("version");
  if (!text) return std::unexpected(json::missing("version"));
  return version_from(*text);
}

struct Description {
  std::string algorithm;
  std::string auth_data;
};

Result<Description> decode_description(json::Value body) {
  GIMS_TRY_ASSIGN(const std::string_view algorithm, json::required_string(body, "algorithm"));
  GIMS_TRY_ASSIGN(const json::Value auth_data, json::required_object(body, "auth_data"));
  return Description{.algorithm = std::string(algorithm), .auth_data = auth_data.to_text()};
}

void create(service::KeyBackups& backups, Call call) {
  auto description = decode_description(call.body());
  if (!description) return std::move(call).error(description.error());
  std::string user_id = call.caller().user_id;
  backups.create(std::move(user_id), std::move(description->algorithm),
                 std::move(description->auth_data), answer_json(std::move(call)));
}

void describe_newest(service::KeyBackups& backups, Call call) {
  auto answer = backups.describe(call.caller().user_id, std::nullopt);
  std::move(call).result(std::move(answer));
}

void describe(service::KeyBackups& backups, Call call) {
  auto version = version_from(call.param("version"));
  if (!version) return std::move(call).error(version.error());
  auto answer = backups.describe(call.caller().user_id, *version);
  std::move(call).result(std::move(answer));
}

void update(service::KeyBackups& backups, Call call) {
  auto version = version_from(call.param("version"));
  if (!version) return std::move(call).error(version.error());
  auto description = decode_description(call.body());
  if (!description) return std::move(call).error(description.error());
  auto named = json::optional_string(call.body(), "version");
  if (!named) return std::move(call).error(named.error());
  if (*named && **named != call.param("version")) {
    return std::move(call).error(
        service::invalid_param("The version of the body is not that of the path.").error());
  }
  std::string user_id = call.caller().user_id;
  backups.update(std::move(user_id), *version, std::move(description->algorithm),
                 std::move(description->auth_data), answer_empty(std::move(call)));
}

void remove(service::KeyBackups& backups, Call call) {
  auto version = version_from(call.param("version"));
  if (!version) return std::move(call).error(version.error());
  std::string user_id = call.caller().user_id;
  backups.remove(std::move(user_id), *version, answer_empty(std::move(call)));
}

// How much of a backup a path is about.
enum class Scope : std::uint8_t { all, room, session };

service::BackupSelection selection_of(const Call& call, Scope scope) {
  service::BackupSelection selection;
  if (scope != Scope::all) selection.room_id = std::string(call.param("roomId"));
  if (scope == Scope::session) selection.session_id = std::string(call.param("sessionId"));
  return selection;
}

void put_keys(service::KeyBackups& backups, Scope scope, Call call) {
  auto version = version_of_query(call);
  if (!version) return std::move(call).error(version.error());
  auto sessions = service::KeyBackups::decode(call.body(), selection_of(call, scope));
  if (!sessions) return std::move(call).error(sessions.error());
  std::string user_id = call.caller().user_id;
  backups.put(std::move(user_id), *version, std::move(*sessions), answer_json(std::move(call)));
}

void get_keys(service::KeyBackups& backups, Scope scope, Call call) {
  auto version = version_of_query(call);
  if (!version) return std::move(call).error(version.error());
  auto answer = backups.get(call.caller().user_id, *version, selection_of(call, scope));
  std::move(call).result(std::move(answer));
}

void delete_keys(service::KeyBackups& backups, Scope scope, Call call) {
  auto version = version_of_query(call);
  if (!version) return std::move(call).error(version.error());
  std::string user_id = call.caller().user_id;
  service::BackupSelection selection = selection_of(call, scope);
  backups.erase(std::move(user_id), *version, std::move(selection), answer_json(std::move(call)));
}

Route route(http::Method method, std::string_view path, std::function<void(Call)> handler) {
  const bool reads = method == http::Method::get;
  const bool bare = reads || method == http::Method::del;
  return {.method = method,
          .door = http::Door::client,
          .path = path,
          .auth = Auth::token_choosing_ok,
          .rate = reads ? RateClass::read : RateClass::write,
          .body = bare ? BodyKind::none : BodyKind::json_object,
          .body_limit = bare ? 0 : body_limit,
          .run = reads ? http::Run::on_pool : http::Run::on_loop,
          .handler = std::move(handler)};
}

}  // namespace

Routes key_backup_routes(service::KeyBackups& backups) {
  using http::Method;
  using Handler = void (*)(service::KeyBackups&, Call);
  constexpr std::string_view versions = "/_matrix/client/v3/room_keys/version";
  constexpr std::string_view version = "/_matrix/client/v3/room_keys/version/{version}";
  const auto with = [&backups](Handler handler) {
    return [&backups, handler](Call call) { handler(backups, std::move(call)); };
  };
  Routes routes;
  routes.push_back(route(Method::post, versions, with(create)));
  routes.push_back(route(Method::get, versions, with(describe_newest)));
  routes.push_back(route(Method::get, version, with(describe)));
  routes.push_back(route(Method::put, version, with(update)));
  routes.push_back(route(Method::del, version, with(remove)));
  using ScopedHandler = void (*)(service::KeyBackups&, Scope, Call);
  constexpr std::array paths = {
      std::pair{Scope::all, "/_matrix/client/v3/room_keys/keys"},
      std::pair{Scope::room, "/_matrix/client/v3/room_keys/keys/{roomId}"},
      std::pair{Scope::session, "/_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}"},
  };
  for (const auto& [every, path] : paths) {
    const auto scoped = [&backups, scope = every](ScopedHandler handler) {
      return [&backups, scope, handler](Call call) { handler(backups, scope, std::move(call)); };
    };
    routes.push_back(route(Method::put, path, scoped(put_keys)));
    routes.push_back(route(Method::get, path, scoped(get_keys)));
    routes.push_back(route(Method::del, path, scoped(delete_keys)));
  }
  return routes;
}

}  // namespace gims::api::client
