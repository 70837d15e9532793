// One HTTP request by libcurl.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::ctl {

struct Transfer {
  std::string verb = "GET";
  std::string url;
  std::string unix_socket{};  // instead of the host's name and port
  std::string ca_file{};      // who vouches for an https server; empty: whom the system trusts
  // Of a POST, PUT or PATCH: sent from where it lies, so that it can be wiped there.
  std::string_view body{};
  std::string content_type = "application/json";
  std::chrono::seconds patience{60};  // zero: as long as it takes
  std::size_t most = std::size_t{16} << 20U;
};

struct Transferred {
  int status = 0;
  std::string body;
};

// Fails (unavailable): the code is "ENOENT", "ECONNREFUSED" or the like where the system said so
// while connecting, else "CURL"; the text is libcurl's. Redirections are not followed, and no proxy
// is used.
[[nodiscard]] Result<Transferred> transfer(const Transfer& request);

}  // namespace gims::ctl
