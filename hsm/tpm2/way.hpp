// How the bytes of tpm2-tss get to the TPM and back, as a connection sees it.
#pragma once

#include <tss2/tss2_tcti.h>

namespace gims::hsm::tpm2 {

// One connection. Transport is the way of the product; a test may put another one before it, which
// fails on demand (Options::detour). Thread: one.
class Way {
 public:
  Way() = default;
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
  virtual ~Way() = default;

  // There as long as the way is.
  [[nodiscard]] virtual TSS2_TCTI_CONTEXT* tcti() noexcept = 0;
  // Whether a transfer failed for want of time.
  [[nodiscard]] virtual bool timed_out() const noexcept = 0;
};

}  // namespace gims::hsm::tpm2
