// The terms under which an object of the TPM may be used.
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "hsm/core/vault.hpp"

namespace gims::hsm::tpm2 {

// The digest of a policy, computed here: what a TPM, or whoever speaks in its place, says of a
// trial session is not asked, since an object made with a digest of theirs would open on their
// terms. Each function states one term, as the command of the same name does to a session (TPM 2.0
// library part 3, section 23); the order counts.
class PolicyDigest {
 public:
  // TPM2_PolicyAuthValue: the object's authorisation value is proved in the HMAC of the session.
  void auth_value();

  [[nodiscard]] TPM2B_DIGEST get() const;

 private:
  void extend(TPM2_CC command);
  Digest digest_{};
};

}  // namespace gims::hsm::tpm2
