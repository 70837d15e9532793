#include "api/console/asked.hpp"

#include <utility>

#include "base/check.hpp"

namespace gims::api::console {
namespace {

constexpr std::size_t body_limit = std::size_t{16} * 1024;

Route route(http::Method method, std::string_view path, BodyKind body, ConsoleAccess access,
            RateClass rate, std::function<void(Call)> handler) {
  return {.method = method,
          .door = http::Door::console,
          .path = path,
          .auth = Auth::console,
          .rate = rate,
          .body = body,
          .body_limit = body == BodyKind::none ? 0 : body_limit,
          .run = http::Run::on_pool,
          .handler = std::move(handler),
          .upload = nullptr,
          .console = access};
}

}  // namespace

Route open_route(http::Method method, std::string_view path, BodyKind body,
                 std::function<void(Call)> handler) {
  return route(method, path, body, {.to = ConsoleAccess::To::anybody, .roles = {}, .fresh = false},
               method == http::Method::get ? RateClass::read : RateClass::console_sign_in,
               std::move(handler));
}

Route session_route(http::Method method, std::string_view path, BodyKind body, ConsoleAccess access,
                    std::function<void(Call)> handler) {
  return route(method, path, body, access,
               method == http::Method::get ? RateClass::read : RateClass::write,
               std::move(handler));
}

const service::console::Session& session_of(const Call& call) {
  GIMS_CHECK(call.caller().session.has_value());  // the gate lets nobody else in
  return *call.caller().session;
}

}  // namespace gims::api::console
