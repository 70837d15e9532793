// An Attestor for blobs of which its own are a part.
#pragma once

#include "hsm/core/vault.hpp"

namespace gims::hsm {

class AttestorOfPart final : public Attestor {
 public:
  // Gives the part of a blob that the attestor knows, or fails for a blob of another form.
  using Part = Result<BytesView> (*)(BytesView blob);
  // `attestor` outlives it.
  AttestorOfPart(Attestor& attestor, Part part) : attestor_(attestor), part_(part) {}

  Result<Identity> identity(BytesView blob, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const BytesView own, part_(blob));
    return attestor_.identity(own, hardware_secret);
  }
  Result<Quote> quote(BytesView blob, const Digest& nonce) override {
    GIMS_TRY_ASSIGN(const BytesView own, part_(blob));
    return attestor_.quote(own, nonce);
  }
  Result<Statement> certify_counter(BytesView blob, const SecretBytes& hardware_secret,
                                    const Digest& statement) override {
    GIMS_TRY_ASSIGN(const BytesView own, part_(blob));
    return attestor_.certify_counter(own, hardware_secret, statement);
  }
  Result<Statement> certify_release(BytesView blob, const Digest& statement) override {
    GIMS_TRY_ASSIGN(const BytesView own, part_(blob));
    return attestor_.certify_release(own, statement);
  }
  Result<SecretBytes> activate(BytesView blob, const SecretBytes& hardware_secret,
                               BytesView credential, BytesView encrypted_secret) override {
    GIMS_TRY_ASSIGN(const BytesView own, part_(blob));
    return attestor_.activate(own, hardware_secret, credential, encrypted_secret);
  }

 private:
  Attestor& attestor_;
  Part part_;
};

}  // namespace gims::hsm
