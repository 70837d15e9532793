#include "api/admin/asked.hpp"

#include <charconv>
#include <utility>

#include "service/console/audit.hpp"
#include "service/errors.hpp"

namespace gims::api::admin {
namespace {

constexpr std::size_t body_limit = std::size_t{16} * 1024;
constexpr std::int64_t usual_page = 100;
constexpr std::int64_t longest_page = 500;

}  // namespace

Route admin_route(http::Method method, std::string_view path, BodyKind body, ConsoleAccess console,
                  std::function<void(Call)> handler) {
  return {.method = method,
          .door = http::Door::admin,
          .path = path,
          .auth = Auth::admin_socket,
          .rate = RateClass::unlimited,
          .body = body,
          .body_limit = body == BodyKind::none ? 0 : body_limit,
          .run = http::Run::on_pool,
          .handler = std::move(handler),
          .upload = nullptr,
          .console = console};
}

service::Actor actor_of(const Call& call) {
  if (const auto& session = call.caller().session) return service::console::actor_of(*session);
  // The gate lets nobody in without a uid.
  const std::uint32_t uid = call.request().peer.uid.value_or(UINT32_MAX);
  return {.name = "gimsctl uid " + std::to_string(uid), .origin = "admin socket"};
}

Result<std::int64_t> limit_of(const Call& call) {
  const auto text = call.query("limit");
  if (!text) return usual_page;
  std::int64_t limit = 0;
  const char* const last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, limit);
  if (error != std::errc{} || end != last || limit < 1 || limit > longest_page) {
    return service::invalid_param("A limit is a number from 1 to 500.");
  }
  return limit;
}

Result<service::User> user_of(service::Users& users, const Call& call) {
  GIMS_TRY_ASSIGN(const std::string id, users.full_id(call.param("userId")));
  GIMS_TRY_ASSIGN(auto user, users.find(id));
  if (!user) return service::not_found("There is no such account.");
  return std::move(*user);
}

void write_device(json::Writer& out, const service::Device& device) {
  out.begin_object().member("device_id", device.device_id);
  if (device.display_name) out.member("display_name", *device.display_name);
  out.member("created_ts", device.created_ts);
  if (device.last_seen_ts) out.member("last_seen_ts", *device.last_seen_ts);
  if (device.last_seen_ip) out.member("last_seen_ip", *device.last_seen_ip);
  if (device.last_seen_agent) out.member("last_seen_agent", *device.last_seen_agent);
  out.end_object();
}

}  // namespace gims::api::admin
