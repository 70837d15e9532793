#include "api/gate.hpp"

#include <algorithm>
#include <utility>

#include "api/call_state.hpp"
#include "api/error.hpp"
#include "base/check.hpp"
#include "http/router.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"

namespace gims::api {
namespace {

constexpr std::string_view empty_object = "{}";

// The token of "Authorization: Bearer", or of the query: the spec still lists that form for every
// endpoint, though deprecated since v1.11. Nothing: neither. An empty text: a header of another
// form.
std::optional<std::string_view> token_of(const http::Request& request) {
  if (const auto header = request.header("Authorization")) {
    constexpr std::string_view scheme = "bearer ";
    const bool bearer =
        header->size() > scheme.size() &&
        std::ranges::equal(header->substr(0, scheme.size()), scheme, [](char a, char b) {
          return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
        });
    return bearer ? header->substr(scheme.size()) : std::string_view();
  }
  return request.query("access_token");
}

Result<json::Document> parse_body(const Route& route, std::string_view body) {
  if (route.body == BodyKind::none || route.body == BodyKind::stream ||
      route.body == BodyKind::bytes ||
      (route.body == BodyKind::json_object_or_empty && body.empty())) {
    return json::Document::parse(empty_object);
  }
  GIMS_TRY_ASSIGN(auto document, json::Document::parse(body, {.max_bytes = route.body_limit}));
  if (!document.root().is_object()) {
    return fail(ErrorKind::bad_input, "M_BAD_JSON", "The body must be a JSON object.");
  }
  return document;
}

void reply_error(http::Responder responder, const Error& error) {
  auto response = render_error(error);
  add_common_headers(responder.request(), response);
  std::move(responder).reply(std::move(response));
}

// An api::Upload as http/ takes it.
class UploadSink final : public http::BodySink {
 public:
  UploadSink(std::unique_ptr<Upload> upload, Caller caller)
      : upload_(std::move(upload)), caller_(std::move(caller)) {}
  [[nodiscard]] Result<> write(std::span<const char> piece) override {
    return upload_->write(piece);
  }
  void finish(http::Responder responder) override {
    auto body = json::Document::parse(empty_object);
    if (!body) return reply_error(std::move(responder), body.error());
    upload_->finish(Call(
        std::make_unique<Call::State>(std::move(responder), std::move(caller_), std::move(*body))));
  }

 private:
  std::unique_ptr<Upload> upload_;
  Caller caller_;
};

bool has_header(const http::Response& response, std::string_view name) {
  return std::ranges::any_of(response.headers,
                             [&](const auto& field) { return field.first == name; });
}
void add_header(http::Response& response, std::string_view name, std::string_view value) {
  if (!has_header(response, name)) response.headers.emplace_back(name, value);
}

std::string_view name_of(http::Door door) noexcept {
  switch (door) {
    case http::Door::client:
      return "client";
    case http::Door::console:
      return "console";
    case http::Door::admin:
      return "admin";
  }
  return "";
}
std::string_view name_of(Auth auth) noexcept {
  switch (auth) {
    case Auth::none:
      return "none";
    case Auth::token:
      return "token";
    case Auth::token_optional:
      return "token_optional";
    case Auth::token_suspended_ok:
      return "token_suspended_ok";
    case Auth::token_choosing_ok:
      return "token_choosing_ok";
    case Auth::token_locked_ok:
      return "token_locked_ok";
    case Auth::admin_socket:
      return "admin_socket";
  }
  return "";
}
std::string_view name_of(RateClass rate) noexcept {
  switch (rate) {
    case RateClass::unlimited:
      return "unlimited";
    case RateClass::read:
      return "read";
    case RateClass::sync:
      return "sync";
    case RateClass::send:
      return "send";
    case RateClass::write:
      return "write";
    case RateClass::room:
      return "room";
    case RateClass::login:
      return "login";
    case RateClass::upload:
      return "upload";
    case RateClass::attest:
      return "attest";
  }
  return "";
}
std::string_view name_of(BodyKind body) noexcept {
  switch (body) {
    case BodyKind::none:
      return "none";
    case BodyKind::json_object:
      return "json_object";
    case BodyKind::json_object_or_empty:
      return "json_object_or_empty";
    case BodyKind::bytes:
      return "bytes";
    case BodyKind::stream:
      return "stream";
  }
  return "";
}

}  // namespace

Gate::Gate(GateOptions options, Authenticator& authenticator, const Clock& clock)
    : options_(std::move(options)),
      authenticator_(authenticator),
      limiter_(clock, most_limited_keys, &default_rates, options_.rates) {}

std::vector<http::Route> Gate::routes(Routes table) {
  std::vector<http::Route> made;
  made.reserve(table.size());
  for (Route& entry : table) {
    const bool streams = entry.body == BodyKind::stream;
    GIMS_CHECK(streams ? entry.upload != nullptr : entry.handler != nullptr);
    auto route = std::make_shared<const Route>(std::move(entry));
    http::Route& out = made.emplace_back(http::Route{.method = route->method,
                                                     .door = route->door,
                                                     .path = route->path,
                                                     .body_limit = route->body_limit,
                                                     .run = route->run,
                                                     .handler = nullptr,
                                                     .sink = nullptr});
    if (streams) {
      out.sink = [this,
                  route](const http::Request& request) -> Result<std::unique_ptr<http::BodySink>> {
        GIMS_TRY_ASSIGN(Caller caller, admit(*route, request));
        GIMS_TRY_ASSIGN(auto upload, route->upload(request, caller));
        return std::make_unique<UploadSink>(std::move(upload), std::move(caller));
      };
    } else {
      out.handler = [this, route](http::Responder responder) {
        enter(*route, std::move(responder));
      };
    }
  }
  return made;
}

Result<Caller> Gate::identify(const Route& route, const http::Request& request) {
  switch (route.auth) {
    case Auth::none:
      return Caller{};
    case Auth::admin_socket: {
      const auto uid = request.peer.uid;
      if (uid && (*uid == 0 || std::ranges::contains(options_.admin_uids, *uid))) return Caller{};
      return fail(ErrorKind::forbidden, "M_FORBIDDEN",
                  "Only administrators of this machine may use the admin socket.");
    }
    case Auth::token:
    case Auth::token_optional:
    case Auth::token_suspended_ok:
    case Auth::token_choosing_ok:
    case Auth::token_locked_ok:
      break;
  }
  const auto token = token_of(request);
  if (!token && route.auth == Auth::token_optional) return Caller{};
  if (!token || token->empty()) {
    return fail(ErrorKind::unauthenticated, "M_MISSING_TOKEN",
                "An access token is needed: sign in, then send it as \"Authorization: Bearer\".");
  }
  return authenticator_.authenticate(*token, route.auth, request);
}

Result<Caller> Gate::admit(const Route& route, const http::Request& request) {
  auto caller = identify(route, request);
  if (!options_.rate_limits || route.auth == Auth::admin_socket) return caller;
  // Counted for the address also when nobody could be identified: guessing tokens is limited too.
  const std::string_view user = caller ? std::string_view(caller->user_id) : std::string_view();
  if (const auto wait = limiter_.take(route.rate, user, request.peer.address)) {
    auto limited = fail(ErrorKind::rate_limited, "M_LIMIT_EXCEEDED",
                        "Too many requests. Wait a moment, then try again.");
    limited.error().retry_after = *wait;
    return limited;
  }
  return caller;
}

void Gate::enter(const Route& route, http::Responder responder) {
  auto caller = admit(route, responder.request());
  if (!caller) return reply_error(std::move(responder), caller.error());
  auto body = parse_body(route, responder.request().body);
  if (!body) return reply_error(std::move(responder), body.error());
  route.handler(Call(
      std::make_unique<Call::State>(std::move(responder), std::move(*caller), std::move(*body))));
}

http::Renderer Gate::renderer() const {
  return {.error =
              [](const http::Request& request, const Error& error) {
                auto response = render_error(error);
                add_common_headers(request, response);
                return response;
              },
          .options =
              [](const http::Request& request) {
                http::Response response;
                response.status = 204;
                add_common_headers(request, response);
                return response;
              }};
}

void add_common_headers(const http::Request& request, http::Response& response) {
  if (request.peer.door == http::Door::client) {
    add_header(response, "Access-Control-Allow-Origin", "*");
    add_header(response, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS");
    add_header(response, "Access-Control-Allow-Headers",
               "X-Requested-With, Content-Type, Authorization");
    // Without it a browser hides from the client how long a limit lasts.
    add_header(response, "Access-Control-Expose-Headers", "Retry-After");
    if (request.method == http::Method::options) {
      add_header(response, "Access-Control-Max-Age", "86400");
    }
  }
  if (response.status == 204) return;
  add_header(response, "Content-Type", "application/json");
  add_header(response, "Cache-Control", "no-store");
  add_header(response, "X-Content-Type-Options", "nosniff");
}

std::string describe(const Routes& table) {
  json::Writer out;
  out.begin_array();
  for (const Route& route : table) {
    out.begin_object()
        .member("method", http::name_of(route.method))
        .member("path", route.path)
        .member("door", name_of(route.door))
        .member("auth", name_of(route.auth))
        .member("rate", name_of(route.rate))
        .member("body", name_of(route.body))
        .member("body_limit", route.body_limit)
        .end_object();
  }
  out.end_array();
  return out.take();
}

}  // namespace gims::api
