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

// Who carries it out, once two have approved it.
enum class DoneBy : std::uint8_t {
  us,             // gims-keyd itself, at the second yes
  gimsd,          // which redeems it (RedeemRequest)
  administrator,  // whose request names it (AddPersonRequest)
};
[[nodiscard]] DoneBy done_by(Action action) noexcept;

}  // namespace gims::hsm::approval
