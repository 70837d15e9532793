// Hashes. None of these is for passwords (password.hpp is).
#pragma once

#include <array>
#include <cstdint>

#include "base/secret.hpp"
#include "crypto/bytes.hpp"

namespace gims::crypto {

using Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] Digest sha256(ByteView bytes) noexcept;

// BLAKE2b-256 under a key of 16 to 64 bytes: e.g. what is stored of an access token.
[[nodiscard]] Digest keyed_hash(const SecretBytes& key, ByteView bytes) noexcept;
// The same over several parts, each preceded by its length, so that no two lists of parts meet.
[[nodiscard]] Digest keyed_hash(const SecretBytes& key, std::span<const ByteView> parts) noexcept;

// A 32-byte key for one purpose from another key: the keyed hash of the purpose and the salt.
[[nodiscard]] Result<SecretBytes> derive_key(const SecretBytes& key, std::string_view purpose,
                                             ByteView salt = {});

}  // namespace gims::crypto
