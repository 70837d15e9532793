#include "hsm/tpm2/policy.hpp"

#include <algorithm>
#include <array>

#include "hsm/core/sha256.hpp"

namespace gims::hsm::tpm2 {

void PolicyDigest::auth_value() { extend(TPM2_CC_PolicyAuthValue); }

TPM2B_DIGEST PolicyDigest::get() const {
  TPM2B_DIGEST digest{};
  digest.size = static_cast<UINT16>(digest_.size());
  std::ranges::copy(digest_, digest.buffer);
  return digest;
}

// PolicyUpdate of part 3, section 23.2.3, for a term without arguments.
void PolicyDigest::extend(TPM2_CC command) {
  std::array<std::uint8_t, sizeof command> code{};
  for (std::size_t i = 0; i < code.size(); ++i) {
    code[i] = static_cast<std::uint8_t>(command >> (8 * (code.size() - 1 - i)));
  }
  digest_ = sha256({digest_, code});
}

}  // namespace gims::hsm::tpm2
