// What the TPM keeps by itself: its non-volatile indices.
#pragma once

#include "hsm/tpm2/connection.hpp"

namespace gims::hsm::tpm2 {

// One index, in one use of the TPM. `session` is an HMAC session: by it commands are authorised,
// answers are proved, and secret contents encrypted on the way. Thread: one.
class NvIndex {
 public:
  NvIndex(const Connection& tpm, ESYS_TR session, TPM2_HANDLE number) noexcept
      : tpm_(&tpm), session_(session), number_(number) {}

  struct Shape {
    TPMA_NV attributes = 0;
    std::uint16_t size = 0;
    Digest policy{};  // with TPMA_NV_POLICYWRITE
  };
  [[nodiscard]] Result<bool> exists() const;
  // Of one that exists: whether it holds anything yet.
  [[nodiscard]] Result<bool> written() const;
  [[nodiscard]] Result<std::uint16_t> size() const;
  // Zeros where it has none.
  [[nodiscard]] Result<Digest> policy() const;
  // The owner's authorisation is Connection's.
  [[nodiscard]] Result<> define(const Shape& shape, BytesView auth) const;
  [[nodiscard]] Result<> undefine() const;

  // By the index's own authorisation value.
  [[nodiscard]] Result<> write(BytesView content, BytesView auth) const;
  [[nodiscard]] Result<> increment(BytesView auth) const;
  [[nodiscard]] Result<SecretBytes> read(std::uint16_t size, BytesView auth,
                                         std::uint16_t offset = 0) const;
  // By a policy session in which the index's policy was stated.
  [[nodiscard]] Result<> write_by(ESYS_TR policy_session, BytesView content) const;

  // For other commands; with the authorisation value set.
  [[nodiscard]] Result<ESYS_TR> handle(BytesView auth) const;

 private:
  [[nodiscard]] Result<TPMS_NV_PUBLIC> area() const;
  const Connection* tpm_;
  ESYS_TR session_;
  TPM2_HANDLE number_;
};

}  // namespace gims::hsm::tpm2
