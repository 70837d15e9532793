// gims-pkcs11d's configuration file.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "hsm/pkcs11/blob.hpp"
#include "hsm/pkcs11/session.hpp"
#include "sys/sandbox.hpp"

namespace gims::hsm::pkcs11 {

struct Settings {
  std::string socket;
  uid_t peer = 0;    // gims-keyd's user, the only one that is answered
  std::string user;  // to become at start; empty: stay
  std::string module;
  TokenName token;
  std::string pin_file;
  std::optional<Wrapping> wrapping;
  std::chrono::milliseconds call_limit{20'000};
  std::vector<sys::PathRule> paths;  // beside the module's own file
  // TCP ports of a network HSM; empty: no network at all.
  bool network = false;
  std::vector<std::uint16_t> ports;
};

// Fails (bad_input, GIMS_CONFIG) with every problem of the file: where it is and what is allowed.
[[nodiscard]] Result<Settings> load_settings(const std::string& path);

// The PIN, without the line's end. Read before privileges are dropped, so that the file may be
// root's.
[[nodiscard]] Result<SecretBytes> read_pin(const std::string& path);
inline constexpr std::size_t max_pin = 255;

}  // namespace gims::hsm::pkcs11
