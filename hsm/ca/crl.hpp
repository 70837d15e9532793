// Lists of revoked certificates (RFC 5280, section 5): the site root's, of issuing CAs, and an
// issuing CA's, of devices.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hsm/ca/certificate.hpp"

namespace gims::hsm {

// How long a list says that it lasts, in seconds. The root's key exists in ceremonies only, and the
// next one is due before the issuing CA ends.
inline constexpr std::int64_t root_list_lifetime = issuing_lifetime;
inline constexpr std::int64_t device_list_lifetime = std::int64_t{24} * 3600;

struct Revoked {
  Bytes serial;         // content octets, as serial_of() gives them
  std::int64_t at = 0;  // seconds since 1970 UTC

  bool operator==(const Revoked&) const = default;
};

// Signed by the CA of that certificate, which names the issuer. `number` goes up with each list.
// DER.
[[nodiscard]] Result<Bytes> make_crl(BytesView ca, std::uint64_t number,
                                     const std::vector<Revoked>& revoked, std::int64_t now,
                                     std::int64_t lifetime, const Signer& sign);
// The serial number as serial_of() gives it, of one that a person typed in hexadecimal digits, with
// colons or without. Fails (bad_input, GIMS_KEYD_REQUEST).
[[nodiscard]] Result<Bytes> serial_from(std::string_view typed);
// RFC 7468.
[[nodiscard]] std::string crl_to_pem(BytesView der);

}  // namespace gims::hsm
