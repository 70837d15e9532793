// What the handlers of rooms have in common: who asks, the arguments of a query, the usual answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "api/route.hpp"
#include "base/result.hpp"
#include "service/rooms/room_reads.hpp"
#include "service/rooms/rooms.hpp"
#include "service/sync/filter.hpp"

namespace gims::api::client {

[[nodiscard]] service::rooms::Actor actor_of(const Call& call);
[[nodiscard]] std::string param_of(const Call& call, std::string_view name);
// The body as it came, an empty one as {}.
[[nodiscard]] std::string body_text(const Call& call);

// Nothing where the argument is absent. M_INVALID_PARAM for what it cannot be.
[[nodiscard]] Result<std::optional<std::int64_t>> query_number(const Call& call,
                                                               std::string_view name);
[[nodiscard]] Result<std::optional<bool>> query_bool(const Call& call, std::string_view name);
[[nodiscard]] Result<std::optional<store::StreamId>> query_place(const Call& call,
                                                                 std::string_view name);
[[nodiscard]] Result<std::optional<service::rooms::Direction>> query_direction(const Call& call);
[[nodiscard]] std::optional<std::string> query_text(const Call& call, std::string_view name);
// A RoomEventFilter as JSON in the argument `filter`; all passes where there is none.
[[nodiscard]] Result<service::sync::RoomEventFilter> query_filter(const Call& call);

// Answers {"<key>":"<value>"}.
[[nodiscard]] service::rooms::Done<std::string> answer_with(Call call, std::string_view key);
[[nodiscard]] service::rooms::Done<std::string> answer_empty(Call call);
[[nodiscard]] service::rooms::Done<> answer_done(Call call);

// A route of the ordinary kind: at the client's door, by token.
[[nodiscard]] Route read_route(std::string_view path,
                               std::function<Result<std::string>(const Call&)> read);
using Handle = std::function<void(Call)>;
[[nodiscard]] Route write_route(http::Method method, std::string_view path, BodyKind body,
                                std::size_t body_limit, http::Run run, Handle handler);

inline constexpr std::size_t small_body = 16384;
// Above the limit of an event, which its builder checks: escapes and white space take room here.
inline constexpr std::size_t event_body = 196608;

}  // namespace gims::api::client
