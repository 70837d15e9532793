// The terms of measured boot under which this unit's keys may be used, and how they are met.
#pragma once

#include <vector>

#include "hsm/release/release_policy.hpp"
#include "hsm/tpm2/connection.hpp"

namespace gims::hsm::tpm2 {

// Of a unit's own start: the keys and state of Secure Boot, and what systemd measured of this
// machine's volumes and identity.
inline constexpr std::array<std::uint8_t, 2> own_pcrs{7, 15};

// What those held when the keys were sealed: kept to say later what differs.
using OwnPcrs = std::array<Digest, own_pcrs.size()>;

// PCRs of the SHA-256 bank, by their numbers (below 24).
[[nodiscard]] TPML_PCR_SELECTION selection_of(std::span<const std::uint8_t> pcrs) noexcept;
// The value of PCRs of the SHA-256 bank, proved by `session` to be the TPM's word.
[[nodiscard]] Result<std::vector<Digest>> read_pcrs(const Connection& tpm, ESYS_TR session,
                                                    std::span<const std::uint8_t> pcrs);

// The policy of an object: whatever boots the release key signs for (PolicyAuthorize), on a unit
// whose own PCRs are these (PolicyPCR), to who has the objects' value (PolicyAuthValue).
[[nodiscard]] Digest object_policy(const P256Point& release_key, const OwnPcrs& own);

// A policy session in which that policy was stated. `session` is the use's HMAC session. Fails with
// what differs, in words: GIMS_KEYD_BOOT where something else was started than the release, or the
// unit's own PCRs are others than `own`; GIMS_KEYD_OLDER where the TPM was told of a later release.
[[nodiscard]] Result<Loaded> start_boot_session(const Connection& tpm, ESYS_TR storage_key,
                                                ESYS_TR session,
                                                const release::ReleasePolicy& policy,
                                                const OwnPcrs& own);

// ---- the index of the release ----

// What the TPM was told; 0: nothing yet, or there is no index.
[[nodiscard]] Result<std::uint64_t> told_release(const Connection& tpm, ESYS_TR session);
// Makes the index where there is none, and tells it the policy's release where it was told nothing.
[[nodiscard]] Result<> begin_release_index(const Connection& tpm, ESYS_TR storage_key,
                                           ESYS_TR session, const release::ReleasePolicy& policy);
// Tells the policy's release. A lower one is refused by the TPM; the same is a success.
[[nodiscard]] Result<> raise_release(const Connection& tpm, ESYS_TR storage_key, ESYS_TR session,
                                     const release::ReleasePolicy& policy);

}  // namespace gims::hsm::tpm2
