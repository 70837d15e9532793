// The Landlock half of the sandbox. Used by sandbox.cpp alone.
#pragma once

#include "sys/sandbox.hpp"

namespace gims::sys {

// Binds the calling thread to the sandbox's paths and ports with what ABI `abi` (1 or more) can
// express.
[[nodiscard]] Result<> restrict_with_landlock(const Sandbox& sandbox, int abi);

}  // namespace gims::sys
