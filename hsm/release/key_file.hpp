// Keys of P-256 in files, as openssl writes them (RFC 7468; RFC 5915, RFC 5958, RFC 5480).
#pragma once

#include "hsm/ca/p256.hpp"

namespace gims::hsm::release {

inline constexpr std::size_t max_key_file = std::size_t{4} * 1024;

// A public key, PEM ("BEGIN PUBLIC KEY"). Fails (bad_input, GIMS_RELEASE_KEY) for any other.
[[nodiscard]] Result<P256Point> public_key_from_pem(std::string_view pem);
[[nodiscard]] std::string public_key_to_pem(const P256Point& key);

// A private key without a passphrase, PEM; `pem` is wiped by whoever holds it.
[[nodiscard]] Result<P256Key> private_key_from_pem(BytesView pem);

}  // namespace gims::hsm::release
