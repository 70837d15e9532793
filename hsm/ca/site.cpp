#include "hsm/ca/site.hpp"

#include <algorithm>
#include <set>

namespace gims::hsm {
namespace {

// RFC 5280, appendix A.1: ub-organization-name.
constexpr std::size_t max_organisation = 64;
constexpr std::size_t max_label = 63;

bool is_label(std::string_view label) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !label.empty() && label.size() <= max_label && std::ranges::all_of(label, good) &&
         label.front() != '-' && label.back() != '-';
}

bool lies_below(std::string_view name, std::string_view domain) {
  return name.size() > domain.size() && name.ends_with(domain) &&
         name[name.size() - domain.size() - 1] == '.';
}

std::unexpected<Error> refused(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", text);
}

}  // namespace

bool is_dns_name(std::string_view name) noexcept {
  if (name.size() > max_name) return false;
  std::string_view rest = name;
  std::string_view label;
  while (true) {
    const std::size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  // An address in dotted form has digits alone in its last label; no top-level domain has.
  return !std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
}

Result<> check_site(const SiteParameters& site) {
  if (!is_dns_name(site.server_name)) {
    return refused("The server name must be a DNS name in lower case such as \"gims.internal\".");
  }
  if (site.organisation.empty() || site.organisation.size() > max_organisation) {
    return refused("The organisation must be a text of 1 to 64 bytes.");
  }
  if (site.dns_names.empty() && site.addresses.empty()) {
    return refused("The site must have at least one DNS name or IP address.");
  }
  if (site.dns_names.size() > max_dns_names || site.addresses.size() > max_addresses) {
    return refused("The site may have at most 32 DNS names and 32 IP addresses.");
  }
  for (const std::string& name : site.dns_names) {
    if (!is_dns_name(name)) {
      return refused("\"" + name +
                     "\" must be a DNS name in lower case such as \"chat.gims.internal\".");
    }
  }
  for (const Bytes& address : site.addresses) {
    if (address.size() != 4 && address.size() != 16) return refused("An IP address is malformed.");
  }
  if (std::set(site.dns_names.begin(), site.dns_names.end()).size() != site.dns_names.size() ||
      std::set(site.addresses.begin(), site.addresses.end()).size() != site.addresses.size()) {
    return refused("No DNS name and no IP address may be there twice.");
  }
  return {};
}

std::vector<std::string> domains_of(const SiteParameters& site) {
  std::vector<std::string> names = site.dns_names;
  if (!std::ranges::contains(names, site.server_name)) names.push_back(site.server_name);
  std::vector<std::string> domains;
  for (const std::string& name : names) {
    const bool covered = std::ranges::any_of(
        names, [&](const std::string& other) { return lies_below(name, other); });
    if (!covered) domains.push_back(name);
  }
  return domains;
}

}  // namespace gims::hsm
