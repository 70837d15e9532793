// Access and refresh tokens: made at random, stored and looked up as a keyed hash only, so that a
// copy of the database signs nobody in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "sql/statement.hpp"

namespace gims::service {

using TokenHash = std::array<std::uint8_t, 32>;

[[nodiscard]] inline sql::Blob as_blob(const TokenHash& hash) noexcept {
  return {std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size())};
}

// Thread: any.
class Tokens {
 public:
  // `key`: 32 bytes, the token-hash key that gims-keyd derives.
  explicit Tokens(SecretBytes key) noexcept : key_(std::move(key)) {}
  // 256 random bits as URL-safe base64 behind a prefix that secret scanners can know.
  [[nodiscard]] static Redacted make_access_token();
  [[nodiscard]] static Redacted make_refresh_token();
  [[nodiscard]] TokenHash hash(std::string_view token) const noexcept;

 private:
  SecretBytes key_;
};

}  // namespace gims::service
