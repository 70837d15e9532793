// Which server is measured, and how it is reached.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::bench {

struct Url {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
};
// "https://127.0.0.1:8448", "http://localhost:8008": no path but "/".
[[nodiscard]] Result<Url> parse_url(std::string_view text);

class TlsClient;

// Shared by all connections; never changed while there are any.
struct Target {
  Url url;
  sockaddr_in address{};
  // Clients of a server at 127.0.0.1 come from this many addresses (127.0.1.1 and up), as limits by
  // address would else take them for one. 0: from the one that the kernel takes.
  unsigned spread = 0;
  std::shared_ptr<TlsClient> tls;  // with url.tls
};
// `ca`: a file of certificates in PEM that the server's must lead to; empty: any certificate will
// do.
[[nodiscard]] Result<Target> make_target(std::string_view url, const std::string& ca,
                                         unsigned spread);

}  // namespace gims::bench
