// Password hashing: Argon2id over a keyed hash of the password.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace gims::crypto {

struct PasswordCost {
  std::uint64_t passes = 3;
  std::size_t memory_bytes = std::size_t{64} << 20;
};
// For test sites alone.
inline constexpr PasswordCost lowest_password_cost{1, 8192};

inline constexpr std::size_t max_password_bytes = 4096;

// Blocks for as long as the cost says: tens of milliseconds; call it on the worker pool. `pepper`
// is the site's key (16 to 64 bytes), so that a stolen database alone cannot be guessed at. The
// result is libsodium's encoding, which holds salt and cost. Fails with too_large or, without
// memory, unavailable.
[[nodiscard]] Result<std::string> hash_password(const Redacted& password, const SecretBytes& pepper,
                                                PasswordCost cost = {});

// Takes the time of the cost in `encoded`, right or wrong. Without memory for it: unavailable.
[[nodiscard]] Result<bool> password_fits(const Redacted& password, const SecretBytes& pepper,
                                         std::string_view encoded);

// Whether `encoded` was made with another cost and should be made anew at the next login.
[[nodiscard]] bool needs_rehash(std::string_view encoded, PasswordCost cost) noexcept;

}  // namespace gims::crypto
