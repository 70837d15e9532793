#include "api/client/room_calls.hpp"

#include <charconv>
#include <system_error>
#include <utility>

#include "json/text.hpp"
#include "json/value.hpp"
#include "service/errors.hpp"
#include "service/filters.hpp"
#include "service/tokens.hpp"

namespace gims::api::client {

using service::invalid_param;

service::rooms::Actor actor_of(const Call& call) {
  return {.user_id = call.caller().user_id, .device_id = call.caller().device_id};
}

std::string param_of(const Call& call, std::string_view name) {
  return std::string(call.param(name));
}

std::string body_text(const Call& call) {
  const std::string& body = call.request().body;
  return body.empty() ? std::string("{}") : body;
}

Result<std::optional<std::int64_t>> query_number(const Call& call, std::string_view name) {
  const auto text = call.query(name);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stop != end || number < 0) {
    return invalid_param("The argument " + std::string(name) + " must be a number, 0 or more.");
  }
  return number;
}

Result<std::optional<bool>> query_bool(const Call& call, std::string_view name) {
  const auto text = call.query(name);
  if (!text) return std::nullopt;
  if (*text == "true") return true;
  if (*text == "false") return false;
  return invalid_param("The argument " + std::string(name) + " must be true or false.");
}

Result<std::optional<store::StreamId>> query_place(const Call& call, std::string_view name) {
  const auto text = call.query(name);
  if (!text) return std::nullopt;
  return service::parse_place(*text);
}

Result<std::optional<service::rooms::Direction>> query_direction(const Call& call) {
  const auto text = call.query("dir");
  if (!text) return std::nullopt;
  if (*text == "b") return service::rooms::Direction::backward;
  if (*text == "f") return service::rooms::Direction::forward;
  return invalid_param("The argument dir must be b or f.");
}

std::optional<std::string> query_text(const Call& call, std::string_view name) {
  const auto text = call.query(name);
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

Result<service::sync::RoomEventFilter> query_filter(const Call& call) {
  const auto text = call.query("filter");
  if (!text) return service::sync::RoomEventFilter();
  GIMS_TRY_ASSIGN(const json::Document parsed, json::Document::parse(*text));
  GIMS_TRY_ASSIGN(auto filter, service::sync::RoomEventFilter::parse(parsed.root()));
  GIMS_TRY(service::check_event_filter_ids(parsed.root()));
  return filter;
}

service::rooms::Done<std::string> answer_with(Call call, std::string_view key) {
  return [call = std::move(call), key](Result<std::string> value) mutable {
    if (!value) return std::move(call).error(value.error());
    std::string json = "{" + json::quoted(key) + ":" + json::quoted(*value) + "}";
    std::move(call).reply(std::move(json));
  };
}

service::rooms::Done<std::string> answer_empty(Call call) {
  return [call = std::move(call)](Result<std::string> value) mutable {
    if (!value) return std::move(call).error(value.error());
    std::move(call).reply_empty();
  };
}

service::rooms::Done<> answer_done(Call call) {
  return [call = std::move(call)](Result<> outcome) mutable {
    if (!outcome) return std::move(call).error(outcome.error());
    std::move(call).reply_empty();
  };
}

Route read_route(std::string_view path, std::function<Result<std::string>(const Call&)> read) {
  return {.method = http::Method::get,
          .door = http::Door::client,
          .path = path,
          .auth = Auth::token,
          .rate = RateClass::read,
          .body = BodyKind::none,
          .body_limit = 0,
          .run = http::Run::on_pool,
          .handler =
              [read = std::move(read)](Call call) {
                auto answer = read(call);
                std::move(call).result(std::move(answer));
              },
          .upload = nullptr};
}

Route write_route(http::Method method, std::string_view path, BodyKind body, std::size_t body_limit,
                  http::Run run, Handle handler) {
  return {.method = method,
          .door = http::Door::client,
          .path = path,
          .auth = Auth::token,
          .rate = RateClass::write,
          .body = body,
          .body_limit = body_limit,
          .run = run,
          .handler = std::move(handler),
          .upload = nullptr};
}

}  // namespace gims::api::client
