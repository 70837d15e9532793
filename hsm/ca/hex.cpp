#include "hsm/ca/hex.hpp"

#include <sodium.h>

namespace gims::hsm {

std::string hex(BytesView bytes) {
  // With room for the zero that sodium_bin2hex() writes at the end.
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

}  // namespace gims::hsm
