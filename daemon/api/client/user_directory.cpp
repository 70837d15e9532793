// Spec: client-server API, "User Directory". Everyone of the site is in it: officers find
// colleagues by name without having met them in a room.
#include <algorithm>
#include <utility>

#include "api/client/accounts.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{16} * 1024;
constexpr std::int64_t default_count = 10;
constexpr std::int64_t most = 100;
constexpr std::size_t longest_term = 255;

void search(service::Users& users, Call call) {
  auto term = json::required_string(call.body(), "search_term");
  if (!term) return std::move(call).error(term.error());
  if (term->size() > longest_term) {
    return std::move(call).error(
        service::invalid_param("A search term has at most 255 bytes.").error());
  }
  auto limit = json::optional_int(call.body(), "limit");
  if (!limit) return std::move(call).error(limit.error());
  const std::int64_t count = std::clamp(limit->value_or(default_count), std::int64_t{1}, most);
  auto found = users.search(*term, call.caller().user_id, count);
  if (!found) return std::move(call).error(found.error());
  json::Writer out;
  out.begin_object().member("limited", found->limited).key("results").begin_array();
  for (const auto& user : found->users) {
    out.begin_object().member("user_id", user.user_id);
    if (user.display_name) out.member("display_name", *user.display_name);
    if (user.avatar_url) out.member("avatar_url", *user.avatar_url);
    out.end_object();
  }
  out.end_array().end_object();
  std::move(call).reply(out.take());
}

}  // namespace

Routes user_directory_routes(service::Users& users) {
  Routes routes;
  routes.push_back({.method = http::Method::post,
                    .door = http::Door::client,
                    .path = "/_matrix/client/v3/user_directory/search",
                    .auth = Auth::token_suspended_ok,
                    .rate = RateClass::read,
                    .body = BodyKind::json_object,
                    .body_limit = body_limit,
                    .run = http::Run::on_pool,
                    .handler = [&users](Call call) { search(users, std::move(call)); }});
  return routes;
}

}  // namespace gims::api::client
