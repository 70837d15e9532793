// CHECK stops the process on a bug of ours. Never for input, never for a failed system call.
#pragma once

namespace gims {

[[noreturn]] void check_failed(const char* file, int line, const char* expression) noexcept;

}  // namespace gims

#define GIMS_CHECK(expression) \
  (static_cast<bool>(expression) ? void(0) : ::gims::check_failed(__FILE__, __LINE__, #expression))
