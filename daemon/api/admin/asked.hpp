// What the requests of administrators have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/route.hpp"
#include "json/writer.hpp"
#include "service/accounts/slips.hpp"
#include "service/accounts/users.hpp"
#include "service/officers/site_devices.hpp"

namespace gims::api::admin {

// A route of the admin socket. Its callers are few and known, so there is no limit on how often.
[[nodiscard]] Route admin_route(http::Method method, std::string_view path, BodyKind body,
                                std::function<void(Call)> handler);

// "gimsctl uid 0": the kernel's word, not the caller's.
[[nodiscard]] service::Actor actor_of(const Call& call);

// ?limit=: 1 to 500, 100 where there is none. M_INVALID_PARAM.
[[nodiscard]] Result<std::int64_t> limit_of(const Call& call);

// The account that the path names, by localpart or by whole id. M_INVALID_USERNAME, M_NOT_FOUND.
[[nodiscard]] Result<service::User> user_of(service::Users& users, const Call& call);

// The number that an id of the path, a body or a query stands for: those of units, designations and
// slips are written as texts. `what`: for the text of M_INVALID_PARAM.
[[nodiscard]] Result<std::int64_t> id_of(std::string_view text, std::string_view what);
// ?name=, where it is there.
[[nodiscard]] Result<std::optional<std::int64_t>> optional_id(const Call& call,
                                                              std::string_view name);
// M_BAD_JSON for a member of the body that the operation does not have.
[[nodiscard]] Result<> only_members(json::Value body, std::span<const std::string_view> known);
// {"reason"}, which may be empty or not there: for the audit log.
[[nodiscard]] Result<std::string> reason_of(json::Value body);

void write_device(json::Writer& out, const service::SiteDevice& device);
void write_slip(json::Writer& out, const service::Slip& slip);

}  // namespace gims::api::admin
