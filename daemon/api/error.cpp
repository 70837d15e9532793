#include "api/error.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "base/log.hpp"
#include "json/writer.hpp"

namespace gims::api {
namespace {

// The codes of http/ (http::Renderer) in the words of the spec.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> of_http{{
    {"BAD_HEAD", "M_UNKNOWN"},
    {"BAD_TARGET", "M_INVALID_PARAM"},
    {"NO_ROUTE", "M_UNRECOGNIZED"},
    {"WRONG_METHOD", "M_UNRECOGNIZED"},
    {"TOO_LARGE", "M_TOO_LARGE"},
    {"HEAD_TOO_LARGE", "M_TOO_LARGE"},
    {"BUSY", "M_UNKNOWN"},
    {"STOPPING", "M_UNKNOWN"},
    {"DROPPED", "M_UNKNOWN"},
}};

}  // namespace

std::string_view errcode_of(const Error& error) noexcept {
  // Codes of inner layers ("EIO", "SQLITE_FULL") mean nothing to a client.
  if (error.kind == ErrorKind::internal && !error.code.starts_with("M_")) return "M_UNKNOWN";
  for (const auto& [code, errcode] : of_http) {
    if (error.code == code) return errcode;
  }
  return error.code.empty() ? std::string_view("M_UNKNOWN") : std::string_view(error.code);
}

http::Response render_error(const Error& error) {
  if (error.kind == ErrorKind::internal)
    log::failure(log::id::request_failed, "A request failed.", error);
  http::Response response;
  // 410 is the console's alone, and no kind of error has it.
  response.status = error.code == "GIMS_EXPIRED" ? 410 : http::status_of(error.kind);

  // Authentication that is only asked for has flows and is no error yet (spec: client-server API,
  // "User-Interactive API in the REST API").
  const bool only_asks =
      error.kind == ErrorKind::unauthenticated && error.code.empty() && !error.extra_json.empty();
  if (only_asks) {
    response.body = "{" + error.extra_json + "}";
    return response;
  }
  json::Writer body;
  body.begin_object().member("errcode", errcode_of(error));
  body.member("error", error.text.empty() ? std::string_view("The server failed to answer.")
                                          : std::string_view(error.text));
  if (error.retry_after) {
    body.member("retry_after_ms", error.retry_after->count());
    // Whole seconds (RFC 9110, section 10.2.3), rounded up: not before the limit lets it through.
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*error.retry_after);
    response.headers.emplace_back("Retry-After", std::to_string(seconds.count()));
  }
  std::string text = body.take();
  if (!error.extra_json.empty()) text.append(",").append(error.extra_json);
  text.push_back('}');
  response.body = std::move(text);
  return response;
}

}  // namespace gims::api
