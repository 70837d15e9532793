#include "api/same_site.hpp"

#include <algorithm>

#include "service/console/refusals.hpp"

namespace gims::api {
namespace {

using service::console::origin_refused;

// The name before the port. Browsers write it in small letters.
bool is_of(std::string_view host, std::string_view site) {
  if (!host.starts_with(site)) return false;
  const std::string_view rest = host.substr(site.size());
  return rest.empty() ||
         (rest.size() > 1 && rest.front() == ':' &&
          std::ranges::all_of(rest.substr(1), [](char c) { return c >= '0' && c <= '9'; }));
}

}  // namespace

Result<> check_site(const http::Request& request, std::string_view site, bool changes) {
  const auto host = request.header("Host");
  if (!host || !is_of(*host, site)) {
    return origin_refused("The console is reached by the site's name alone.");
  }
  const auto fetch = request.header("Sec-Fetch-Site");
  if (fetch && *fetch != "same-origin" && (changes || *fetch != "none")) {
    return origin_refused("The request comes from a page of another site.");
  }
  const auto origin = request.header("Origin");
  if (origin) {
    constexpr std::string_view scheme = "https://";
    if (!origin->starts_with(scheme) || origin->substr(scheme.size()) != *host) {
      return origin_refused("The request comes from a page of another site.");
    }
  }
  if (changes && !fetch && !origin) {
    return origin_refused(
        "The request does not say which page it comes from: send Origin or Sec-Fetch-Site.");
  }
  return {};
}

}  // namespace gims::api
