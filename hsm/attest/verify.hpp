// Whether a unit's evidence holds, in words: each thing that does not has a sentence of its own.
// Pure: no clock, no file, no TPM.
#pragma once

#include <optional>
#include <vector>

#include "hsm/attest/evidence.hpp"
#include "hsm/attest/report.hpp"
#include "hsm/attest/structures.hpp"
#include "hsm/release/manifest.hpp"

namespace gims::hsm::attest {

// What a TPM answered to make_credential().
struct Activation {
  Bytes attestation_key_name;  // for which, and for whose
  Bytes endorsement_key_name;  // keys the challenge was made
  SecretBytes secret;
  SecretBytes answer;
};

// What the verifier knows beforehand; each may be missing, and then a note says so.
struct Known {
  std::optional<AttestNonce> nonce{};
  const release::Manifest* manifest = nullptr;
  std::optional<P256Point> release_key{};
  const std::vector<Bytes>* maker_roots = nullptr;
  const Activation* activation = nullptr;
};

// What the statements prove of a unit; what a client remembers of it.
struct Unit {
  Bytes attestation_key_name;
  Bytes endorsement_key_name;
  std::uint64_t counter = 0;
  std::uint64_t told_release = 0;
  Bytes release_index_name;  // which the release key made
  AuditHead audit_head;
  bool operator==(const Unit&) const = default;
};

struct Verified {
  Report report;
  std::optional<Unit> unit;  // nothing: the statements themselves do not hold
};
[[nodiscard]] Verified verify(const Evidence& evidence, const Known& known);

// What was pinned of a unit against what it proves now: another key, or less of what only grows.
void compare_with_pinned(const Unit& pinned, const Unit& now, Report& report);

// A certificate of the audit log's head by the attestation key in it: its counter. Fails
// (bad_input, GIMS_ATTEST) where it does not hold.
[[nodiscard]] Result<std::uint64_t> verify_certificate(const AuditCertificate& certificate);

// The name of the unit's counter (gims-keyd's NV index 0x01814D02) once it was advanced.
[[nodiscard]] Bytes counter_index_name();

}  // namespace gims::hsm::attest
