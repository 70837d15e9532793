// What the vault keeps outside of the TPM, and the value in it without which that opens nothing.
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "hsm/core/vault.hpp"

namespace gims::hsm::tpm2 {

// The two halves of an object that is kept outside of the TPM. The private half is encrypted and
// authenticated by the TPM, under its parent (TPM 2.0 library part 1, section 23).
struct StoredObject {
  TPM2B_PUBLIC public_area{};
  TPM2B_PRIVATE private_area{};
};

// What the custody file holds for this vault.
struct Blob {
  Bytes storage_name;  // the pin: the name of the storage key at provisioning
  StoredObject sealed;
  StoredObject ca_key;
};
[[nodiscard]] Result<Bytes> encode_blob(const Blob& blob);
// Fails (GIMS_KEYD_CUSTODY) for anything but a whole blob of this version.
[[nodiscard]] Result<Blob> decode_blob(BytesView bytes);

// The objects' authorisation value.
inline constexpr std::size_t auth_size = 32;
// What the TPM's index holds, which fails unless it is one such value and nothing more.
[[nodiscard]] Result<SecretBytes> auth_value_of(const TPM2B_MAX_NV_BUFFER& read);

}  // namespace gims::hsm::tpm2
