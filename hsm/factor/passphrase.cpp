#include "hsm/factor/passphrase.hpp"

#include <sodium.h>

#include <algorithm>
#include <string>

namespace gims::hsm::factor {
namespace {

constexpr std::uint8_t parameters_version = 1;
constexpr std::uint32_t passes = 3;
constexpr std::uint32_t memory_kib = 256 * 1024;
constexpr std::uint32_t least_memory_kib = 64 * 1024;
constexpr std::uint32_t most_memory_kib = 1024 * 1024;
constexpr std::uint32_t most_passes = 16;
static_assert(crypto_pwhash_argon2id_SALTBYTES == 16);

std::unexpected<Error> refused(ErrorKind kind, std::string_view text) {
  return fail(kind, "GIMS_KEYD_REQUEST", text);
}

}  // namespace

Result<PassphraseParameters> new_passphrase_parameters() {
  PassphraseParameters parameters{.salt = {}, .passes = passes, .memory_kib = memory_kib};
  GIMS_TRY_ASSIGN(const SecretBytes salt, SecretBytes::random(parameters.salt.size()));
  std::ranges::copy(salt.bytes(), parameters.salt.begin());
  return parameters;
}

Bytes encode(const PassphraseParameters& parameters) {
  std::array<std::uint8_t, header_size + 32> room{};
  Writer writer(room);
  writer.u8(parameters_version);
  writer.u32(parameters.passes);
  writer.u32(parameters.memory_kib);
  writer.raw(parameters.salt);
  return {writer.body().begin(), writer.body().end()};
}

Result<PassphraseParameters> decode_passphrase(BytesView bytes) {
  Reader reader(bytes);
  PassphraseParameters parameters;
  if (reader.u8() != parameters_version) reader.refuse();
  parameters.passes = reader.u32();
  parameters.memory_kib = reader.u32();
  std::ranges::copy(reader.raw(parameters.salt.size()), parameters.salt.begin());
  if (!reader.finish() || parameters.passes < passes || parameters.passes > most_passes ||
      parameters.memory_kib < least_memory_kib || parameters.memory_kib > most_memory_kib) {
    return refused(ErrorKind::bad_input, "What custody.bin says of the passphrase is damaged.");
  }
  return parameters;
}

Result<> check_new_passphrase(const SecretBytes& passphrase) {
  if (passphrase.size() < least_passphrase || passphrase.size() > most_passphrase) {
    return refused(ErrorKind::bad_input, "A passphrase must have " +
                                             std::to_string(least_passphrase) + " to " +
                                             std::to_string(most_passphrase) + " characters.");
  }
  return {};
}

Result<SecretBytes> passphrase_key(const SecretBytes& passphrase,
                                   const PassphraseParameters& parameters) {
  GIMS_TRY_ASSIGN(SecretBytes key, SecretBytes::zeroed(key_size));
  const auto* text = reinterpret_cast<const char*>(passphrase.bytes().data());
  if (crypto_pwhash_argon2id(key.writable().data(), key.size(), text, passphrase.size(),
                             parameters.salt.data(), parameters.passes,
                             std::size_t{parameters.memory_kib} * 1024,
                             crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
    return refused(ErrorKind::unavailable, "There is too little memory for the passphrase: " +
                                               std::to_string(parameters.memory_kib / 1024) +
                                               " MiB are needed.");
  }
  return key;
}

}  // namespace gims::hsm::factor
