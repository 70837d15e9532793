// The site's certificates (RFC 5280): the root, the issuing CA under it, and under that the leaves
// of TLS and the certificates of devices.
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
inline constexpr std::int64_t service_lifetime = std::int64_t{7} * 24 * 3600;
inline constexpr std::uint32_t least_device_lifetime = 24 * 3600;
inline constexpr std::uint32_t most_device_lifetime = std::uint32_t{366} * 24 * 3600;
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

// Signed by the issuing CA; for a TLS server of that one name, which lies below the site's. It is
// none of the site's own names, so that who has its key cannot pass for the site.
[[nodiscard]] Result<Bytes> make_service(const SiteParameters& site, const P256Point& ca_key,
                                         const P256Point& service_key, const std::string& name,
                                         std::int64_t not_before, std::int64_t not_after,
                                         const Signer& sign);

// Whose device a certificate is for: the user's Matrix id, and the device's.
struct DeviceName {
  std::string user;  // "@asha:gims.internal"
  std::string device;
};
// Refuses (bad_input, GIMS_KEYD_REQUEST) what is not of the site, or not printable ASCII: the text
// says what is allowed.
[[nodiscard]] Result<> check_device(const SiteParameters& site, const DeviceName& name);
// Signed by the issuing CA; for TLS clients. The subject is the organisation, the user id (UID, RFC
// 4519, section 2.39) and the device id (CN); it names no host.
[[nodiscard]] Result<Bytes> make_device(const SiteParameters& site, const P256Point& ca_key,
                                        const P256Point& device_key, const DeviceName& name,
                                        std::int64_t not_before, std::int64_t not_after,
                                        const Signer& sign);

// The end of a certificate's time (notAfter), in seconds since 1970 UTC. Fails (GIMS_KEYD_CUSTODY)
// for what is not as we write it.
[[nodiscard]] Result<std::int64_t> end_of(BytesView certificate);
// The content octets of its serial number, its subject's name, and its key. Fail as end_of() does.
inline constexpr std::size_t max_serial = 20;  // section 4.1.2.2
[[nodiscard]] Result<Bytes> serial_of(BytesView certificate);
[[nodiscard]] Result<Bytes> subject_of(BytesView certificate);
[[nodiscard]] Result<P256Point> key_of(BytesView certificate);
// "2031-11-26", in UTC, for a person.
[[nodiscard]] std::string date_of(std::int64_t seconds);

// RFC 7468.
[[nodiscard]] std::string certificate_to_pem(BytesView der);

}  // namespace gims::hsm
