// The TPM's structures that a verifier reads (TPM 2.0 library part 2), from bytes of strangers.
// Errors: bad_input, GIMS_ATTEST, with a text for a person.
#pragma once

#include <cstdint>

#include "hsm/ca/p256.hpp"

namespace gims::hsm::attest {

// What is taken of TPMT_PUBLIC (section 12.2.4): name algorithm SHA-256; ECC P-256 or RSA 2048;
// every other form is refused, as is a point that is not on the curve.
struct PublicKey {
  enum class Kind : std::uint8_t { p256, rsa2048 };
  Kind kind = Kind::p256;
  std::uint32_t attributes = 0;  // TPMA_OBJECT
  bool aes = false;              // its symmetric part is AES-128-CFB; else none
  bool ecdsa = false;            // its scheme is ECDSA with SHA-256; else none
  P256Point point{};
  Bytes modulus;  // 256 bytes, big-endian
  std::uint32_t exponent = 0;
};
[[nodiscard]] Result<PublicKey> parse_public(BytesView area);

// Part 1, section 16: the name algorithm, and the hash of the public area.
[[nodiscard]] Bytes name_of(BytesView area);

// Whether it signs what the TPM itself states and nothing else, and cannot leave the TPM that made
// it; whether it opens credentials and nothing else, and cannot leave either.
[[nodiscard]] bool is_attestation_key(const PublicKey& key) noexcept;
[[nodiscard]] bool is_endorsement_key(const PublicKey& key) noexcept;

// TPMS_ATTEST (section 10.12.8) of TPM2_Quote over the SHA-256 bank alone, or of TPM2_NV_Certify.
struct Attested {
  enum class Kind : std::uint8_t { quote, nv };
  Kind kind = Kind::quote;
  Bytes signer;                // the qualified name of the key that signed
  Bytes qualifying;            // what the caller gave
  std::uint64_t clock = 0;     // milliseconds that the TPM was on, in all
  std::uint32_t resets = 0;    // starts of the unit since its TPM was cleared
  std::uint64_t firmware = 0;  // the TPM's own
  std::uint32_t pcrs = 0;      // quote: bit n for PCR n
  Bytes pcr_digest;            // quote: over the values of those PCRs
  Bytes index_name;            // nv: which says what index it is, and by which terms
  Bytes contents;              // nv: from the index's start on
};
[[nodiscard]] Result<Attested> parse_attest(BytesView bytes);

}  // namespace gims::hsm::attest
