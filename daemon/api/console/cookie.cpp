#include "api/console/cookie.hpp"

namespace gims::api::console {
namespace {

// RFC 6265bis: __Host- wants Secure, Path=/ and no Domain. Without an age it ends with the browser;
// the session ends before.
constexpr std::string_view attributes = "; Path=/; Secure; HttpOnly; SameSite=Strict";

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::string_view> cookie_of(const http::Request& request) {
  std::optional<std::string_view> found;
  for (std::string_view header : request.header_all("Cookie")) {
    while (!header.empty()) {
      const auto end = header.find(';');
      const std::string_view pair = without_blanks(header.substr(0, end));
      header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != cookie_name) continue;
      if (found) return std::nullopt;
      found = pair.substr(equals + 1);
    }
  }
  return found;
}

std::string set_cookie(const Redacted& value) {
  return std::string(cookie_name).append("=").append(value.reveal()).append(attributes);
}

std::string drop_cookie() {
  return std::string(cookie_name).append("=; Max-Age=0").append(attributes);
}

}  // namespace gims::api::console
