// Digests of TPM 2.0 policies, computed in software (TPM 2.0 library part 3, section 23): what a
// release signs without a TPM at hand, and what gims-keyd seals to without asking the TPM whose
// word it would have to take for it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "hsm/ca/sha256.hpp"

namespace gims::hsm::release {

using Sha256 = Digest;

// How PolicyNV compares the index with the operand (part 2, TPM_EO).
enum class Comparison : std::uint16_t { unsigned_less = 5, unsigned_less_or_equal = 9 };

// The digest of one policy session, as it grows by each command. SHA-256 throughout. Thread: one.
class PolicyDigest {
 public:
  [[nodiscard]] const Sha256& value() const noexcept { return value_; }

  // PolicyPCR: `pcrs` are numbers below 24 in rising order, `values` what the SHA-256 bank holds of
  // each, in that order.
  void pcr(std::span<const std::uint8_t> pcrs, std::span<const Sha256> values);
  // PolicyNV over the whole index.
  void nv(BytesView index_name, BytesView operand, Comparison comparison);
  // PolicyCpHash: the one command that may follow.
  void command(const Sha256& command_parameters);
  // PolicyAuthorize: forgets what came before, and stands for whatever the key signs.
  void authorize(BytesView key_name, BytesView policy_ref);
  // PolicyAuthValue.
  void auth_value();

 private:
  void extend(std::uint32_t command, BytesView arguments);
  Sha256 value_{};
};

// What the holder of the key signs so that PolicyAuthorize takes `approved` (part 3,
// section 23.16).
[[nodiscard]] Sha256 approval_digest(const Sha256& approved, BytesView policy_ref);

// cpHash of TPM2_NV_Write at the index's start, authorised by the index itself (part 1,
// section 16.7).
[[nodiscard]] Sha256 nv_write_parameters(BytesView index_name, BytesView data);

}  // namespace gims::hsm::release
