// What encode(), decode() and combine() ask of every share.
#pragma once

#include "hsm/slip39/slip39.hpp"

namespace gims::hsm::slip39 {

// Fails (bad_input, GIMS_SLIP39_SHARE) unless the standard knows such a share and its iterations
// are within the limit.
[[nodiscard]] Result<> check(const Share& share);

}  // namespace gims::hsm::slip39
