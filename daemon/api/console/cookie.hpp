// The cookie of a session at the console's door.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "http/request.hpp"

namespace gims::api::console {

inline constexpr std::string_view cookie_name = "__Host-gims-console";

// Its value; nothing where there is none, or two, of which one is not ours. Good as long as the
// request.
[[nodiscard]] std::optional<std::string_view> cookie_of(const http::Request& request);
// "Set-Cookie" that gives it, and that takes it back.
[[nodiscard]] std::string set_cookie(const Redacted& value);
[[nodiscard]] std::string drop_cookie();

}  // namespace gims::api::console
