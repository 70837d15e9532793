// ECDSA over P-256 in software (FIPS 186-5), by mbedTLS.
#pragma once

#include <array>
#include <cstdint>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "hsm/ca/sha256.hpp"

namespace gims::hsm {

using P256Point = std::array<std::uint8_t, 65>;  // 0x04, X, Y (SEC 1, section 2.3.3)
struct P256Signature {
  std::array<std::uint8_t, 32> r{};
  std::array<std::uint8_t, 32> s{};
};

// The private key: a number of 32 bytes, and its point.
struct P256Key {
  SecretBytes scalar;
  P256Point public_key{};
};
[[nodiscard]] Result<P256Key> generate_p256();
// Fails for a number that is no private key.
[[nodiscard]] Result<P256Key> p256_from_scalar(SecretBytes scalar);

// RFC 6979: the same digest gives the same signature.
[[nodiscard]] Result<P256Signature> p256_sign(const P256Key& key, const Digest& digest);
[[nodiscard]] bool p256_verify(const P256Point& public_key, const Digest& digest,
                               const P256Signature& signature);

// X of the point that both sides of a Diffie-Hellman agreement compute (SP 800-56A, section
// 5.7.1.2). Fails for a point that is not on the curve.
[[nodiscard]] Result<SecretBytes> p256_agree(const P256Key& own, const P256Point& other);

// SubjectPublicKeyInfo of RFC 5480 with a named curve and the point uncompressed. For P-256 it is a
// fixed start and the point, so reading it needs no parser: every other form is refused
// (bad_input, GIMS_KEYD_REQUEST), as is a point that is not on the curve.
[[nodiscard]] Bytes spki_of(const P256Point& public_key);
[[nodiscard]] Result<P256Point> point_of_spki(BytesView spki);

}  // namespace gims::hsm
