// What the vault keeps outside of the TPM.
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "hsm/core/vault.hpp"
#include "hsm/tpm2/boot_terms.hpp"

namespace gims::hsm::tpm2 {

// The two halves of an object that is kept outside of the TPM. The private half is encrypted and
// authenticated by the TPM, under its parent (TPM 2.0 library part 1, section 23).
struct StoredObject {
  TPM2B_PUBLIC public_area{};
  TPM2B_PRIVATE private_area{};
};

// Where the value lies without which a blob's objects are of no use: one of two indices, so that a
// new blob can be made beside the one in use.
enum class Slot : std::uint8_t { a = 0, b = 1 };

// What the custody file holds for this vault.
struct Blob {
  Bytes storage_name;  // the pin: the name of the storage key at provisioning
  Slot slot = Slot::a;
  P256Point release_key{};  // whose releases open it
  OwnPcrs own{};            // what the unit's own PCRs held when it was made
  StoredObject sealed;
  StoredObject ca_key;
  StoredObject attestation_key;
};
[[nodiscard]] Result<Bytes> encode_blob(const Blob& blob);
// Fails (GIMS_KEYD_CUSTODY) for anything but a whole blob of this version.
[[nodiscard]] Result<Blob> decode_blob(BytesView bytes);

// The objects' authorisation value.
inline constexpr std::size_t auth_size = 32;

}  // namespace gims::hsm::tpm2
