// Time-based one-time passwords (RFC 6238): six digits, steps of 30 s, HMAC-SHA-1, which is what
// the applications on people's phones know. Pure. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"

namespace gims::service::console {

inline constexpr std::size_t totp_secret_size = 20;  // as long as the hash (RFC 4226, section 4)
inline constexpr unsigned totp_digits = 6;

[[nodiscard]] std::int64_t totp_step_of(Millis now) noexcept;
// HOTP of the step (RFC 4226, section 5.3), with leading zeros.
[[nodiscard]] Redacted totp_code(const SecretBytes& secret, std::int64_t step,
                                 unsigned digits = totp_digits);

// The step whose code this is: that of now, or the one before or after it, for clocks that differ
// a little; never one up to `last`, whose codes were taken. Nothing: it is none of these.
[[nodiscard]] std::optional<std::int64_t> totp_accepts(const SecretBytes& secret,
                                                       std::string_view code, Millis now,
                                                       std::int64_t last);

// Base32 without padding (RFC 4648, section 6), as people type it.
[[nodiscard]] Redacted base32(const SecretBytes& bytes);

}  // namespace gims::service::console
