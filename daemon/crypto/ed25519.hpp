// Ed25519 signatures (RFC 8032). Signed JSON is in matrix/signed_json.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "crypto/bytes.hpp"

namespace gims::crypto {

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

[[nodiscard]] std::optional<PublicKey> public_key_from_base64(std::string_view text);

[[nodiscard]] bool verify(const PublicKey& key, ByteView message, ByteView signature) noexcept;

// A key pair from its 32-byte seed. For the test site and tests: the server's own key never leaves
// gims-keyd.
class SigningKey {
 public:
  [[nodiscard]] static Result<SigningKey> from_seed(ByteView seed);
  [[nodiscard]] Signature sign(ByteView message) const noexcept;
  [[nodiscard]] const PublicKey& public_key() const noexcept { return public_key_; }

 private:
  SecretBytes secret_;
  PublicKey public_key_{};
};

}  // namespace gims::crypto
