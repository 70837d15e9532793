// What hangs from the root key.
#pragma once

#include <string_view>

#include "hsm/proto/messages.hpp"
#include "hsm/proto/service_messages.hpp"
#include "hsm/proto/unit_messages.hpp"

namespace gims::hsm {

// A 32-byte key of its own for one purpose (crypto_kdf of libsodium: BLAKE2b). The numbers are
// written into no file, yet every stored byte depends on them: they never change.
enum class Purpose : std::uint8_t {
  data = 1,
  media = 2,
  token_hash = 3,
  audit = 4,
  backup = 5,
  pepper = 6,
  custody_file = 7,    // authenticates custody.bin
  wrapping = 8,        // encrypts the private keys in it
  state_file = 9,      // authenticates state.bin
  hardware = 10,       // the hardware's passwords follow from it
  acts_file = 11,      // authenticates acts.bin
  volume = 12,         // encrypts the unit's data volume; 64 bytes
  relay = 13,          // what the relay for calls knows gimsd's users by
  wifi = 14,           // the Wi-Fi's passphrases follow from it
  combined_blob = 32,  // authenticates what two vaults hold together
  attended_blob = 33,  // authenticates who opens it
};
[[nodiscard]] Result<SecretBytes> derive(const SecretBytes& root_key, Purpose purpose);
// A password of the hardware, by its number, of the site's hardware secret.
[[nodiscard]] Result<SecretBytes> derive_for_hardware(const SecretBytes& hardware_secret,
                                                      std::uint64_t number);
// What masks a factor, of the key of a person who has a share in opening.
[[nodiscard]] Result<SecretBytes> derive_mask(const SecretBytes& person_key, std::uint64_t number);
[[nodiscard]] Result<DataKeys> derive_data_keys(const SecretBytes& root_key);
// volume_key_size bytes.
[[nodiscard]] Result<SecretBytes> derive_volume_key(const SecretBytes& root_key);
// The Wi-Fi's passphrase with this number, of the key of Purpose::wifi: "wxyz-wxyz-wxyz-wxyz", 80
// bits in letters and digits that are not taken for one another.
[[nodiscard]] Result<SecretBytes> derive_wifi_passphrase(const SecretBytes& wifi_key,
                                                         std::uint64_t number);

// Two of key_size bytes added bit by bit: with a random one, either says nothing of the other.
// Fails (GIMS_KEYD_CUSTODY) for other sizes.
[[nodiscard]] Result<SecretBytes> exclusive_or(const SecretBytes& a, const SecretBytes& b);

// XChaCha20-Poly1305 with a random nonce in front; `label` says what is wrapped, so that one cannot
// stand in for another. unwrap() fails (GIMS_KEYD_CUSTODY) for another key, label or byte.
[[nodiscard]] Bytes wrap(const SecretBytes& wrapping_key, std::string_view label,
                         const SecretBytes& secret);
[[nodiscard]] Result<SecretBytes> unwrap(const SecretBytes& wrapping_key, std::string_view label,
                                         BytesView wrapped);

// Keyed BLAKE2b-256 at the end of a file.
inline constexpr std::size_t mac_size = 32;
void append_mac(const SecretBytes& key, Bytes& bytes);
// Gives what precedes the MAC. Fails (GIMS_KEYD_CUSTODY) when it is not that of `bytes`.
[[nodiscard]] Result<BytesView> checked_by_mac(const SecretBytes& key, BytesView bytes);

// The server's signing key (Ed25519), with the id that Matrix gives it: "ed25519:" and eight digits
// of its own hash, so that a new key has a new id.
struct ServerKey {
  SecretBytes secret;  // seed and public key, as libsodium signs with
  ServerKeyReply published;
};
[[nodiscard]] Result<ServerKey> server_key_from_seed(const SecretBytes& seed);
// Of a key that the hardware holds: without its secret.
[[nodiscard]] ServerKey server_key_in_hardware(const std::array<std::uint8_t, 32>& public_key);
[[nodiscard]] Signature sign_with(const ServerKey& key, BytesView message);
[[nodiscard]] bool server_key_verifies(const std::array<std::uint8_t, 32>& public_key,
                                       BytesView message, const Signature& signature);

}  // namespace gims::hsm
