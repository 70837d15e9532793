// What certificates and lists of revoked ones have in common (RFC 5280).
#pragma once

#include <array>
#include <string_view>

#include "hsm/ca/certificate.hpp"

namespace gims::hsm::x509 {

enum class Critical : bool { no, yes };

// id-ce, 2.5.29, and `number`.
[[nodiscard]] Bytes extension(std::uint8_t number, Critical critical, BytesView value);
// Method 1 of RFC 7093: the left 160 bits of the SHA-256 of the key.
[[nodiscard]] std::array<std::uint8_t, 20> key_identifier(const P256Point& key);
[[nodiscard]] Bytes authority_key_identifier(const P256Point& issuer_key);
// The AlgorithmIdentifier of every signature here.
[[nodiscard]] Bytes ecdsa_with_sha256();

// The part to be signed, its algorithm, and the signature, which is checked against the issuer's
// key: a fault of the hardware does not leave this process (GIMS_KEYD_CUSTODY).
[[nodiscard]] Result<Bytes> with_signature(BytesView to_be_signed, const P256Point& issuer_key,
                                           const Signer& sign);

// RFC 7468: "CERTIFICATE", "X509 CRL".
[[nodiscard]] std::string to_pem(std::string_view label, BytesView der);

}  // namespace gims::hsm::x509
