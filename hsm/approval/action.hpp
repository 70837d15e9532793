// What two persons can decide: what each action's body must be, and what it is in words. Pure.
// Thread: any.
#pragma once

#include <string>

#include "hsm/approval/change.hpp"
#include "hsm/proto/approval_messages.hpp"

namespace gims::hsm::approval {

// What a person is shown before they say yes. Fails (bad_input, GIMS_KEYD_REQUEST or
// GIMS_KEYD_FRAME) for a body that is none of the action's, and for an action that is not there
// yet; as changed() does for one that could not be done with the administrators of now.
[[nodiscard]] Result<std::string> describe(Action action, BytesView body, const Registry& registry);

// It is gimsd's to carry out, which asks for it (RedeemRequest); all others are done at the second
// yes.
[[nodiscard]] bool is_redeemed(Action action) noexcept;

}  // namespace gims::hsm::approval
