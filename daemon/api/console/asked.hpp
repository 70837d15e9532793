// What the routes at the console's door have in common.
#pragma once

#include <functional>
#include <string_view>

#include "api/route.hpp"

namespace gims::api::console {

// Before a session: a step of signing in.
[[nodiscard]] Route open_route(http::Method method, std::string_view path, BodyKind body,
                               std::function<void(Call)> handler);
// Of who is signed in, by a session.
[[nodiscard]] Route session_route(http::Method method, std::string_view path, BodyKind body,
                                  ConsoleAccess access, std::function<void(Call)> handler);

// Of a route that a session came to.
[[nodiscard]] const service::console::Session& session_of(const Call& call);

}  // namespace gims::api::console
