// The list of the certificates that the site root revoked (RFC 5280, section 5).
#pragma once

#include <cstdint>
#include <vector>

#include "hsm/core/certificate.hpp"

namespace gims::hsm {

// How long a list says that it lasts. The root's key exists in ceremonies only, and the next one is
// due before the issuing CA ends.
inline constexpr std::int64_t crl_lifetime = issuing_lifetime;  // seconds

struct Revoked {
  Bytes serial;         // content octets, as serial_of() gives them
  std::int64_t at = 0;  // seconds since 1970 UTC

  bool operator==(const Revoked&) const = default;
};

// Signed by the site root, whose certificate names the issuer. `number` goes up with each list. DER.
[[nodiscard]] Result<Bytes> make_crl(BytesView site_root, std::uint64_t number,
                                     const std::vector<Revoked>& revoked, std::int64_t now,
                                     const Signer& sign);
// RFC 7468.
[[nodiscard]] std::string crl_to_pem(BytesView der);

}  // namespace gims::hsm
