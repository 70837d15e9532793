// The field of 256 elements in which secrets are shared: polynomials over GF(2) modulo
// x^8 + x^4 + x^3 + x + 1 (SLIP-0039, "Shamir's secret sharing"; FIPS 197, section 4.2). Addition
// is XOR. No table, branch or address depends on an element.
#pragma once

#include <cstdint>
#include <span>

namespace gims::hsm::slip39 {

[[nodiscard]] std::uint8_t multiply(std::uint8_t a, std::uint8_t b) noexcept;
// Zero for zero.
[[nodiscard]] std::uint8_t invert(std::uint8_t a) noexcept;

// Each byte of a row is a value of a polynomial of its own: row i, of out.size() bytes, holds the
// values at xs[i]. Gives the row at x of the polynomials of the lowest degree through all rows. The
// xs are distinct and public. `out` is none of the rows.
void interpolate(std::span<const std::uint8_t> xs, std::span<const std::uint8_t> rows,
                 std::uint8_t x, std::span<std::uint8_t> out) noexcept;

}  // namespace gims::hsm::slip39
