// What the objects of the TPM are: their public areas, before the TPM has filled them in.
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "hsm/core/vault.hpp"

namespace gims::hsm::tpm2 {

// The storage root key of the TCG's TPM 2.0 Provisioning Guidance: a restricted decryption key, so
// that it protects objects and salts and does nothing else.
[[nodiscard]] TPM2B_PUBLIC storage_template();
// Data that opens under `policy`, and a signing key that signs under it.
[[nodiscard]] TPM2B_PUBLIC sealed_template(const Digest& policy);
[[nodiscard]] TPM2B_PUBLIC signing_template(const Digest& policy);
// A restricted signing key: it signs what the TPM itself states, and nothing that was made outside.
[[nodiscard]] TPM2B_PUBLIC attestation_template();
// The endorsement key by which the TPM's maker knows it: template L-2 of the TCG's EK Credential
// Profile (ECC P-256), so that it is the key in the maker's certificate.
[[nodiscard]] TPM2B_PUBLIC endorsement_template();

// Fails (GIMS_KEYD_CUSTODY) for another curve.
[[nodiscard]] Result<P256Point> point_of(const TPM2B_PUBLIC& key);
[[nodiscard]] Result<P256Signature> signature_of(const TPMT_SIGNATURE& signature);
[[nodiscard]] TPMT_SIGNATURE to_tpm(const P256Signature& signature);
[[nodiscard]] TPM2B_DIGEST to_tpm(const Digest& digest);

}  // namespace gims::hsm::tpm2
