// What two persons are asked to decide, as the admin API writes it and as gims-keyd takes it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "hsm/proto/approval_messages.hpp"
#include "json/value.hpp"

namespace gims::service::console {

// {"action": "administrators_set_roles", "name": ..., "roles": [...]} and so on. M_BAD_JSON,
// M_MISSING_PARAM, M_INVALID_PARAM; GIMS_KEYD_STATE for an action that gims-keyd has yet to learn.
// `site`: of security keys.
[[nodiscard]] Result<hsm::ProposeRequest> decode_proposal(json::Value request,
                                                          std::string_view site);

// The same form of what is proposed, also by another way than the console; of a key its PEM.
[[nodiscard]] std::string proposal_json(hsm::Action action, hsm::BytesView body);
// "administrators_set_roles"; of change.hpp's three by its kind.
[[nodiscard]] std::string_view action_name(hsm::Action action, hsm::BytesView body) noexcept;

}  // namespace gims::service::console
