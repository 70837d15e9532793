#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace gims {

void check_failed(const char* file, int line, const char* expression) noexcept {
  std::fprintf(stderr, "bug: %s:%d: %s does not hold\n", file, line, expression);
  std::abort();
}

}  // namespace gims
