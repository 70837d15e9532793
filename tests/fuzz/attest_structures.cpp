// What a TPM signs and what its keys are (TPMS_ATTEST, TPMT_PUBLIC), as a verifier reads it from
// another machine.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "hsm/attest/structures.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::hsm;          // NOLINT(google-build-using-namespace)
  using namespace gims::hsm::attest;  // NOLINT(google-build-using-namespace)
  const BytesView bytes(data, size);
  if (const auto attested = parse_attest(bytes); attested) {
    GIMS_CHECK(attested->qualifying.size() <= 64 && attested->contents.size() <= 64);
    const bool quote = attested->kind == Attested::Kind::quote;
    GIMS_CHECK(quote ? attested->contents.empty() : attested->pcr_digest.empty());
  }
  if (const auto key = parse_public(bytes); key) {
    GIMS_CHECK(!(is_attestation_key(*key) && is_endorsement_key(*key)));
    if (key->kind == PublicKey::Kind::p256) {
      GIMS_CHECK(point_of_spki(spki_of(key->point)).has_value());
    } else {
      GIMS_CHECK(key->modulus.size() == 256 && !is_attestation_key(*key));
    }
  }
  return 0;
}
