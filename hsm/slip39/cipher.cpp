#include "hsm/slip39/cipher.hpp"

#include <mbedtls/pkcs5.h>

#include <algorithm>
#include <array>

#include "hsm/slip39/masks.hpp"

namespace gims::hsm::slip39 {
namespace {

using Bytes = std::span<std::uint8_t>;
using View = std::span<const std::uint8_t>;

constexpr unsigned iterations_of_a_round = 2500;
constexpr std::array<std::uint8_t, 4> forward{0, 1, 2, 3};
constexpr std::array<std::uint8_t, 4> backward{3, 2, 1, 0};
constexpr std::string_view salt_label = "shamir";

Result<> check(const SecretBytes& passphrase) {
  Mask strange = 0;
  for (const std::uint8_t c : passphrase.bytes()) strange |= if_below(c, 0x20) | if_below(0x7e, c);
  if (passphrase.size() > max_passphrase || strange != 0) {
    return fail(ErrorKind::bad_input, "GIMS_SLIP39_PASSPHRASE",
                "The passphrase may hold at most " + std::to_string(max_passphrase) +
                    " characters: letters without accents, digits, signs and spaces of ASCII.");
  }
  return {};
}

// What comes before the half in the salt: empty for an extendable set.
std::vector<std::uint8_t> salt_start(const SetParameters& set) {
  if (set.extendable) return {};
  std::vector<std::uint8_t> salt(salt_label.begin(), salt_label.end());
  salt.push_back(static_cast<std::uint8_t>(set.identifier >> 8U));
  salt.push_back(static_cast<std::uint8_t>(set.identifier));
  return salt;
}

// left ^= F(round, right), with the round's number in front of the passphrase.
Result<> mix(View password, View salt, unsigned iterations, Bytes left) {
  GIMS_TRY_ASSIGN(SecretBytes stream, SecretBytes::zeroed(left.size()));
  if (mbedtls_pkcs5_pbkdf2_hmac_ext(
          MBEDTLS_MD_SHA256, password.data(), password.size(), salt.data(), salt.size(), iterations,
          static_cast<std::uint32_t>(stream.size()), stream.writable().data()) != 0) {
    return fail(ErrorKind::internal, "GIMS_SLIP39_INTERNAL", "PBKDF2 failed.");
  }
  for (std::size_t i = 0; i < left.size(); ++i) left[i] ^= stream.bytes()[i];
  return {};
}

Result<SecretBytes> run(const SecretBytes& input, const SecretBytes& passphrase,
                        const SetParameters& set, std::span<const std::uint8_t, 4> rounds) {
  GIMS_TRY(check(passphrase));
  const std::size_t half = input.size() / 2;
  GIMS_TRY_ASSIGN(SecretBytes password, SecretBytes::zeroed(1 + passphrase.size()));
  std::ranges::copy(passphrase.bytes(), password.writable().subspan(1).begin());
  const std::vector<std::uint8_t> start = salt_start(set);
  GIMS_TRY_ASSIGN(SecretBytes salt, SecretBytes::zeroed(start.size() + half));
  std::ranges::copy(start, salt.writable().begin());

  GIMS_TRY_ASSIGN(SecretBytes state, input.clone());
  Bytes left = state.writable().first(half);
  Bytes right = state.writable().subspan(half);
  for (const std::uint8_t round : rounds) {
    password.writable()[0] = round;
    std::ranges::copy(right, salt.writable().last(half).begin());
    GIMS_TRY(
        mix(password.bytes(), salt.bytes(), iterations_of_a_round << set.iteration_exponent, left));
    std::swap(left, right);
  }
  // The halves change places once more, which makes the way back the same with the rounds reversed.
  GIMS_TRY_ASSIGN(SecretBytes output, SecretBytes::zeroed(input.size()));
  std::ranges::copy(right, output.writable().begin());
  std::ranges::copy(left, output.writable().subspan(half).begin());
  return output;
}

}  // namespace

Result<SecretBytes> encrypt(const SecretBytes& master_secret, const SecretBytes& passphrase,
                            const SetParameters& set) {
  return run(master_secret, passphrase, set, forward);
}

Result<SecretBytes> decrypt(const SecretBytes& encrypted, const SecretBytes& passphrase,
                            const SetParameters& set) {
  return run(encrypted, passphrase, set, backward);
}

}  // namespace gims::hsm::slip39
