// A person's key out of a passphrase: Argon2id (RFC 9106), in the process of whoever types it.
#pragma once

#include <array>

#include "hsm/proto/attendance_messages.hpp"

namespace gims::hsm::factor {

// What is kept of it: Person::parameters. None of it is secret.
struct PassphraseParameters {
  std::array<std::uint8_t, 16> salt{};
  std::uint32_t passes = 0;
  std::uint32_t memory_kib = 0;
};

// Of a new passphrase: three passes over 256 MiB, and a random salt.
[[nodiscard]] Result<PassphraseParameters> new_passphrase_parameters();
[[nodiscard]] Bytes encode(const PassphraseParameters& parameters);
// They come from the disk. Fails (bad_input, GIMS_KEYD_REQUEST) for less work than is worth
// anything, and for more than a machine can do.
[[nodiscard]] Result<PassphraseParameters> decode_passphrase(BytesView bytes);

inline constexpr std::size_t least_passphrase = 12;  // bytes, of a new one
inline constexpr std::size_t most_passphrase = 256;
// Fails (bad_input, GIMS_KEYD_REQUEST), saying what is wanted.
[[nodiscard]] Result<> check_new_passphrase(const SecretBytes& passphrase);

// Takes about a second. Fails (unavailable, GIMS_KEYD_REQUEST) where there is not enough memory.
[[nodiscard]] Result<SecretBytes> passphrase_key(const SecretBytes& passphrase,
                                                 const PassphraseParameters& parameters);

}  // namespace gims::hsm::factor
