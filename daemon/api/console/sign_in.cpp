// Signing in at the console's door.
#include <memory>
#include <utility>

#include "api/console/asked.hpp"
#include "api/console/console.hpp"
#include "api/console/cookie.hpp"
#include "api/console/decode.hpp"
#include "api/console/encode.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"

namespace gims::api::console {
namespace {

using service::console::ConsoleSignedIn;
using service::console::SecondStep;

constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_passphrase = 256;
constexpr std::size_t longest_code = 24;
constexpr std::size_t longest_token = 64;

struct Parts {
  service::console::SignIn& sign_in;
  service::console::Sessions& sessions;
  std::string site;
};

// The first step's answer.
auto answer_step(const Parts& parts, Call call) {
  return answer<SecondStep>(std::move(call), [site = parts.site](const SecondStep& step) {
    return step_json(step, "signin", site);
  });
}

// The second step's: a session and its cookie.
auto answer_session(const Parts& parts, Call call) {
  return [&parts, call = std::move(call)](Result<ConsoleSignedIn> done) mutable {
    if (!done) return std::move(call).error(done.error());
    const Redacted csrf = parts.sessions.csrf_token(done->cookie.reveal());
    http::Response response;
    response.headers.emplace_back("Set-Cookie", set_cookie(done->cookie));
    response.body = session_json(done->is, csrf.reveal());
    std::move(call).send(std::move(response));
  };
}

void start(const Parts& parts, Call call) {
  const auto body = call.body();
  const auto read = [&]() -> Result<std::pair<std::string, Redacted>> {
    GIMS_TRY(only(body, {"name", "passphrase"}));
    GIMS_TRY_ASSIGN(const std::string_view name, text_of(body, "name", longest_name));
    GIMS_TRY_ASSIGN(const std::string_view passphrase,
                    text_of(body, "passphrase", longest_passphrase * 4));
    return std::pair(std::string(name), Redacted(std::string(passphrase)));
  };
  auto asked = read();
  if (!asked) return std::move(call).error(asked.error());
  auto where = where_of(call.request());
  parts.sign_in.start(std::move(asked->first), std::move(asked->second), std::move(where),
                      answer_step(parts, std::move(call)));
}

struct Accepting {
  std::string name;
  std::string code;
  Redacted passphrase;
};
Result<Accepting> decode_accepting(json::Value body) {
  GIMS_TRY(only(body, {"name", "code", "passphrase"}));
  GIMS_TRY_ASSIGN(const std::string_view name, text_of(body, "name", longest_name));
  GIMS_TRY_ASSIGN(const std::string_view code, text_of(body, "code", longest_code));
  GIMS_TRY_ASSIGN(const std::string_view passphrase,
                  text_of(body, "passphrase", longest_passphrase * 4));
  return Accepting{.name = std::string(name),
                   .code = std::string(code),
                   .passphrase = Redacted(std::string(passphrase))};
}

void accept(const Parts& parts, Call call) {
  auto asked = decode_accepting(call.body());
  if (!asked) return std::move(call).error(asked.error());
  auto where = where_of(call.request());
  parts.sign_in.accept(std::move(asked->name), std::move(asked->code), std::move(asked->passphrase),
                       std::move(where), answer_step(parts, std::move(call)));
}

template <class Made>
using Decode = Result<Made> (*)(json::Value);

// {"signin": token, "factor": ...}
template <class Made>
Result<std::pair<std::string, Made>> decode_second(json::Value body, Decode<Made> decode) {
  GIMS_TRY(only(body, {"signin", "factor"}));
  GIMS_TRY_ASSIGN(const std::string_view token, text_of(body, "signin", longest_token));
  GIMS_TRY_ASSIGN(const json::Value factor, json::required_object(body, "factor"));
  GIMS_TRY_ASSIGN(Made made, decode(factor));
  return std::pair(std::string(token), std::move(made));
}

void finish(const Parts& parts, Call call) {
  auto asked = decode_second(call.body(), &decode_factor);
  if (!asked) return std::move(call).error(asked.error());
  auto where = where_of(call.request());
  parts.sign_in.finish(std::move(asked->first), std::move(asked->second), std::move(where),
                       answer_session(parts, std::move(call)));
}

Result<std::string> begin_enrolment(const Parts& parts, const Call& call) {
  const json::Value body = call.body();
  GIMS_TRY(only(body, {"signin", "factor"}));
  GIMS_TRY_ASSIGN(const std::string_view token, text_of(body, "signin", longest_token));
  GIMS_TRY_ASSIGN(const auto kind, decode_factor_kind(body));
  GIMS_TRY_ASSIGN(const auto options,
                  parts.sign_in.begin_enrolment(token, kind, where_of(call.request())));
  return options_json(options, parts.site);
}

void enrol(const Parts& parts, Call call) {
  auto asked = decode_second(call.body(), &decode_new_factor);
  if (!asked) return std::move(call).error(asked.error());
  auto where = where_of(call.request());
  parts.sign_in.enrol(std::move(asked->first), std::move(asked->second), std::move(where),
                      answer_session(parts, std::move(call)));
}

}  // namespace

Routes sign_in_routes(service::console::SignIn& sign_in, service::console::Sessions& sessions,
                      std::string server_name) {
  // Shared by the handlers, and as long there as they are.
  const auto parts =
      std::make_shared<const Parts>(Parts{sign_in, sessions, std::move(server_name)});
  const auto with = [&parts](void (*run)(const Parts&, Call)) {
    return [parts, run](Call call) { run(*parts, std::move(call)); };
  };
  using http::Method;
  Routes routes;
  routes.push_back(open_route(Method::post, "/_gims/admin/v1/signin/start", BodyKind::json_object,
                              with(&start)));
  routes.push_back(open_route(Method::post, "/_gims/admin/v1/signin/finish", BodyKind::json_object,
                              with(&finish)));
  routes.push_back(open_route(Method::post, "/_gims/admin/v1/signin/invited", BodyKind::json_object,
                              with(&accept)));
  routes.push_back(open_route(Method::post, "/_gims/admin/v1/signin/register/start",
                              BodyKind::json_object, [parts](Call call) {
                                auto options = begin_enrolment(*parts, call);
                                std::move(call).result(std::move(options));
                              }));
  routes.push_back(open_route(Method::post, "/_gims/admin/v1/signin/register/finish",
                              BodyKind::json_object, with(&enrol)));
  return routes;
}

}  // namespace gims::api::console
