// The site's certificates (RFC 5280): the root, the issuing CA under it, and the leaves of TLS.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hsm/ca/p256.hpp"
#include "hsm/proto/messages.hpp"

namespace gims::hsm {

inline constexpr std::int64_t root_lifetime = std::int64_t{20} * 365 * 24 * 3600;  // seconds
inline constexpr std::int64_t issuing_lifetime = std::int64_t{5} * 365 * 24 * 3600;
inline constexpr std::uint32_t least_leaf_lifetime = 60;
inline constexpr std::uint32_t most_leaf_lifetime = 24 * 3600;
// From when on it is told that the issuing CA ends.
inline constexpr std::int64_t issuing_end_warning = std::int64_t{90} * 24 * 3600;
// How far certificates reach back, for phones whose clocks are late.
inline constexpr std::int64_t clock_slack = 300;

using Signer = std::function<Result<P256Signature>(const Digest&)>;

// Each function makes the part to be signed, has `sign` sign it and checks the signature against
// the issuer's key, so that a fault of the hardware does not leave this process. `now` is seconds
// since 1970 UTC. DER.
//
// Both CAs are limited to the site by critical name constraints: the DNS domains of domains_of(),
// exactly the addresses of the site, and no other address of either family.
[[nodiscard]] Result<Bytes> make_root(const SiteParameters& site, const P256Point& root_key,
                                      std::int64_t now, const Signer& sign);
// Signed by the root. Path length 0: it issues leaves alone.
[[nodiscard]] Result<Bytes> make_issuing_ca(const SiteParameters& site, const P256Point& root_key,
                                            const P256Point& ca_key, std::int64_t now,
                                            const Signer& sign);
// Signed by the issuing CA; for TLS servers, with every DNS name and address of the site.
[[nodiscard]] Result<Bytes> make_leaf(const SiteParameters& site, const P256Point& ca_key,
                                      const P256Point& leaf_key, std::int64_t not_before,
                                      std::int64_t not_after, const Signer& sign);

// The end of a certificate's time (notAfter), in seconds since 1970 UTC. Fails (GIMS_KEYD_CUSTODY)
// for what is not as we write it.
[[nodiscard]] Result<std::int64_t> end_of(BytesView certificate);
// "2031-11-26", in UTC, for a person.
[[nodiscard]] std::string date_of(std::int64_t seconds);

// RFC 7468.
[[nodiscard]] std::string certificate_to_pem(BytesView der);

}  // namespace gims::hsm
