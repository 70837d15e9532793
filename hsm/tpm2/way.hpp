// How the bytes of tpm2-tss get to the TPM and back, as a connection sees it.
#pragma once

#include <tss2/tss2_tcti.h>

#include <cstdint>

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

// What ESYS's blocking calls need of a TCTI (TCG TSS 2.0 TCTI, version 2); its owner closes what it
// holds itself.
void set_up(TSS2_TCTI_CONTEXT_COMMON_V2& tcti, std::uint64_t magic, TSS2_TCTI_TRANSMIT_FCN transmit,
            TSS2_TCTI_RECEIVE_FCN receive) noexcept;

}  // namespace gims::hsm::tpm2
