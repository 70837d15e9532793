// Failed system calls as Error values.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace gims::sys {

// An Error of kind `internal` whose code is the symbolic name of `number` ("ENOENT") and whose
// detail is "<what>: <text of the number>". `what` names the call and its object; never a secret.
[[nodiscard]] std::unexpected<Error> fail_with_errno(std::string_view what, int number);
// The same for the calling thread's errno.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what);

}  // namespace gims::sys
