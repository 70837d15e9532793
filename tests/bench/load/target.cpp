#include "bench/load/target.hpp"

#include <netdb.h>

#include <charconv>
#include <cstring>

#include "bench/load/tls_client.hpp"

namespace gims::bench {
namespace {

std::unexpected<Error> wrong(std::string_view what, std::string_view detail = {}) {
  return fail(ErrorKind::bad_input, "BENCH_URL", what, detail);
}

Result<sockaddr_in> resolve(const Url& url) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(url.host.c_str(), nullptr, &hints, &found);
  if (failed != 0) return wrong("The host is not known.", ::gai_strerror(failed));
  sockaddr_in address{};
  std::memcpy(&address, found->ai_addr, sizeof address);
  ::freeaddrinfo(found);
  address.sin_port = htons(url.port);
  return address;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  constexpr std::string_view tls = "https://";
  constexpr std::string_view plain = "http://";
  url.tls = text.starts_with(tls);
  if (!url.tls && !text.starts_with(plain)) return wrong("The URL has no http:// or https://.");
  text.remove_prefix(url.tls ? tls.size() : plain.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  const std::size_t colon = text.find(':');
  url.host = text.substr(0, colon);
  url.port = url.tls ? 443 : 80;
  if (colon != std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (port.empty() || error != std::errc{} || end != port.data() + port.size()) {
      return wrong("The URL's port is not a number below 65536.");
    }
  }
  if (url.host.empty() || url.host.find_first_of("/?#@[] ") != std::string::npos) {
    return wrong("The URL has more than a host and a port.");
  }
  return url;
}

Result<Target> make_target(std::string_view url, const std::string& ca, unsigned spread) {
  Target target;
  target.spread = spread;
  GIMS_TRY_ASSIGN(target.url, parse_url(url));
  GIMS_TRY_ASSIGN(target.address, resolve(target.url));
  if (target.url.tls) {
    GIMS_TRY_ASSIGN(target.tls, TlsClient::create(target.url.host, ca));
  }
  return target;
}

}  // namespace gims::bench
