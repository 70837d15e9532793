// The names of a site.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hsm/proto/messages.hpp"

namespace gims::hsm {

// "gims.internal": at least one label of letters, digits and inner hyphens, lower case
// (RFC 1123, section 2.1); not an address.
[[nodiscard]] bool is_dns_name(std::string_view name) noexcept;

// Refuses (bad_input, GIMS_KEYD_REQUEST) what a certificate should not hold: the text names the
// parameter and what is allowed. A site has at least one DNS name or address.
[[nodiscard]] Result<> check_site(const SiteParameters& site);

// The domains that the CAs may name: the server name and each DNS name, without those that lie
// below another of them.
[[nodiscard]] std::vector<std::string> domains_of(const SiteParameters& site);

}  // namespace gims::hsm
