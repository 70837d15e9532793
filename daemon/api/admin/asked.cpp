#include "api/admin/asked.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "json/fields.hpp"
#include "service/errors.hpp"
#include "service/officers/names.hpp"

namespace gims::api::admin {
namespace {

constexpr std::size_t body_limit = std::size_t{16} * 1024;
constexpr std::int64_t usual_page = 100;
constexpr std::int64_t longest_page = 500;
constexpr std::size_t longest_reason = 256;

}  // namespace

Route admin_route(http::Method method, std::string_view path, BodyKind body,
                  std::function<void(Call)> handler) {
  return {.method = method,
          .door = http::Door::admin,
          .path = path,
          .auth = Auth::admin_socket,
          .rate = RateClass::unlimited,
          .body = body,
          .body_limit = body == BodyKind::none ? 0 : body_limit,
          .run = http::Run::on_pool,
          .handler = std::move(handler)};
}

service::Actor actor_of(const Call& call) {
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

Result<std::int64_t> id_of(std::string_view text, std::string_view what) {
  std::int64_t id = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, id);
  if (error == std::errc{} && end == last && id > 0) return id;
  return service::invalid_param(std::string(what) + " is an id that a list here gave.");
}

Result<std::optional<std::int64_t>> optional_id(const Call& call, std::string_view name) {
  const auto text = call.query(name);
  if (!text) return std::optional<std::int64_t>();
  GIMS_TRY_ASSIGN(const std::int64_t id, id_of(*text, name));
  return std::optional(id);
}

Result<> only_members(json::Value body, std::span<const std::string_view> known) {
  for (const auto [key, value] : body.object()) {
    if (!std::ranges::contains(known, key)) {
      return service::bad_json("There is no member \"" + std::string(key) + "\" here.");
    }
  }
  return {};
}

Result<std::string> reason_of(json::Value body) {
  GIMS_TRY_ASSIGN(const auto reason, json::optional_string(body, "reason"));
  if (!reason || reason->empty()) return std::string();
  GIMS_TRY(service::check_name(*reason, "reason", longest_reason));
  return std::string(*reason);
}

void write_device(json::Writer& out, const service::SiteDevice& site_device) {
  const service::Device& device = site_device.device;
  out.begin_object().member("device_id", device.device_id);
  if (device.display_name) out.member("display_name", *device.display_name);
  out.member("created_ts", device.created_ts);
  if (device.last_seen_ts) out.member("last_seen_ts", *device.last_seen_ts);
  if (device.last_seen_ip) out.member("last_seen_ip", *device.last_seen_ip);
  if (device.last_seen_agent) out.member("last_seen_agent", *device.last_seen_agent);
  out.member("state", service::name_of(site_device.state)).end_object();
}

void write_slip(json::Writer& out, const service::Slip& slip) {
  out.begin_object().member("slip_id", std::to_string(slip.slip_id));
  out.member("user_id", slip.user_id).member("state", service::name_of(slip.state));
  out.member("made_by", slip.made_by).member("made_ts", slip.made_ts);
  out.member("expires_ts", slip.expires_ts);
  if (slip.display_name) out.member("display_name", *slip.display_name);
  out.end_object();
}

}  // namespace gims::api::admin
