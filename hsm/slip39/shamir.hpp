// Shamir's scheme as SLIP-0039 has it ("Sharing a secret", "Shamir's secret sharing"): the secret
// is the polynomial's value at 255, and at 254 there is a digest of it, so that shares that do not
// belong together are found out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gims::hsm::slip39 {

// `count` rows of the secret's length; row i is the share at x = i. 1 <= threshold <= count <= 16,
// and a threshold of 1 gives rows that are the secret itself.
[[nodiscard]] Result<SecretBytes> split_secret(std::span<const std::uint8_t> secret,
                                               std::size_t threshold, std::size_t count);

// The secret of `size` bytes from as many rows as the threshold is, at distinct xs. Fails
// (bad_input, GIMS_SLIP39_DIGEST) when the digest is not the secret's.
[[nodiscard]] Result<SecretBytes> recover_secret(std::span<const std::uint8_t> xs,
                                                 std::span<const std::uint8_t> rows,
                                                 std::size_t size);

}  // namespace gims::hsm::slip39
