// What the requests of administrators have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "api/route.hpp"
#include "json/writer.hpp"
#include "service/accounts/devices.hpp"
#include "service/accounts/users.hpp"

namespace gims::api::admin {

// A route of the admin socket, and at the console's door for whom `console` says. The socket's
// callers are few and known, so there is no limit on how often.
[[nodiscard]] Route admin_route(http::Method method, std::string_view path, BodyKind body,
                                ConsoleAccess console, std::function<void(Call)> handler);
// Of the admin socket alone.
inline constexpr ConsoleAccess at_socket_alone{};

// "gimsctl uid 0": the kernel's word, not the caller's; "administrator Asha" of a session.
[[nodiscard]] service::Actor actor_of(const Call& call);

// ?limit=: 1 to 500, 100 where there is none. M_INVALID_PARAM.
[[nodiscard]] Result<std::int64_t> limit_of(const Call& call);

// The account that the path names, by localpart or by whole id. M_INVALID_USERNAME, M_NOT_FOUND.
[[nodiscard]] Result<service::User> user_of(service::Users& users, const Call& call);

void write_device(json::Writer& out, const service::Device& device);

}  // namespace gims::api::admin
