#include "hsm/core/keys.hpp"

#include <sodium.h>

#include <algorithm>

#include "base/wipe.hpp"
#include "hsm/ca/hex.hpp"
#include "hsm/ca/sha256.hpp"
#include "hsm/proto/bytes.hpp"

namespace gims::hsm {
namespace {

// libsodium wants exactly eight characters.
constexpr char context_of_keys[crypto_kdf_CONTEXTBYTES + 1] = "gimskeyd";
constexpr char context_of_hardware[crypto_kdf_CONTEXTBYTES + 1] = "gimshard";
constexpr char context_of_masks[crypto_kdf_CONTEXTBYTES + 1] = "gimsmask";
constexpr char context_of_wifi[crypto_kdf_CONTEXTBYTES + 1] = "gimswifi";
static_assert(crypto_kdf_KEYBYTES == key_size);

// More than libsodium has on the stack for BLAKE2b.
constexpr std::size_t deriving_depth = std::size_t{8} * 1024;

Result<SecretBytes> subkey(const SecretBytes& secret, std::uint64_t number,
                           const char (&context)[crypto_kdf_CONTEXTBYTES + 1],
                           std::size_t size = key_size) {
  GIMS_TRY_ASSIGN(SecretBytes key, SecretBytes::zeroed(size));
  const bool made = secret.size() == key_size &&
                    crypto_kdf_derive_from_key(key.writable().data(), key.size(), number, context,
                                               secret.bytes().data()) == 0;
  // libsodium copies the derived key out of an array there, and leaves that as it is.
  wipe_stack(deriving_depth);
  if (!made) {
    return fail(ErrorKind::internal, "GIMS_KEYD_INTERNAL", "A key could not be derived.");
  }
  return key;
}

std::unexpected<Error> damaged() {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
              "It does not match the root key: it is damaged or from another site.");
}

Bytes mac_of(const SecretBytes& key, BytesView bytes) {
  Bytes mac(mac_size);
  crypto_generichash(mac.data(), mac.size(), bytes.data(), bytes.size(), key.bytes().data(),
                     key.size());
  return mac;
}

std::string id_of(const std::array<std::uint8_t, 32>& public_key) {
  return "ed25519:" + hex(BytesView(sha256({public_key})).first(4));
}

}  // namespace

Result<SecretBytes> derive(const SecretBytes& root_key, Purpose purpose) {
  return subkey(root_key, static_cast<std::uint64_t>(purpose), context_of_keys);
}

Result<SecretBytes> derive_for_hardware(const SecretBytes& hardware_secret, std::uint64_t number) {
  return subkey(hardware_secret, number, context_of_hardware);
}

Result<SecretBytes> derive_mask(const SecretBytes& person_key, std::uint64_t number) {
  return subkey(person_key, number, context_of_masks);
}

Result<SecretBytes> derive_volume_key(const SecretBytes& root_key) {
  return subkey(root_key, static_cast<std::uint64_t>(Purpose::volume), context_of_keys,
                volume_key_size);
}

Result<DataKeys> derive_data_keys(const SecretBytes& root_key) {
  DataKeys keys;
  GIMS_TRY_ASSIGN(keys.data, derive(root_key, Purpose::data));
  GIMS_TRY_ASSIGN(keys.media, derive(root_key, Purpose::media));
  GIMS_TRY_ASSIGN(keys.token_hash, derive(root_key, Purpose::token_hash));
  GIMS_TRY_ASSIGN(keys.audit, derive(root_key, Purpose::audit));
  GIMS_TRY_ASSIGN(keys.backup, derive(root_key, Purpose::backup));
  GIMS_TRY_ASSIGN(keys.pepper, derive(root_key, Purpose::pepper));
  return keys;
}

Result<SecretBytes> derive_wifi_passphrase(const SecretBytes& wifi_key, std::uint64_t number) {
  // 32 of them: five bits each. Without l and o, 0 and 1.
  constexpr std::string_view signs = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(signs.size() == 32);
  constexpr std::size_t group = 4;
  constexpr std::size_t groups = 4;
  GIMS_TRY_ASSIGN(const SecretBytes bytes, subkey(wifi_key, number, context_of_wifi));
  static_assert(wifi_passphrase_size == groups * (group + 1) - 1);
  GIMS_TRY_ASSIGN(SecretBytes text, SecretBytes::zeroed(wifi_passphrase_size));
  std::size_t at = 0;
  for (std::size_t sign = 0; sign < groups * group; ++sign) {
    if (sign != 0 && sign % group == 0) text.writable()[at++] = '-';
    text.writable()[at++] = static_cast<std::uint8_t>(signs[bytes.bytes()[sign] & 31U]);
  }
  return text;
}

Result<SecretBytes> exclusive_or(const SecretBytes& a, const SecretBytes& b) {
  if (a.size() != key_size || b.size() != key_size) return damaged();
  GIMS_TRY_ASSIGN(SecretBytes sum, SecretBytes::zeroed(key_size));
  for (std::size_t i = 0; i < key_size; ++i) {
    sum.writable()[i] = static_cast<std::uint8_t>(a.bytes()[i] ^ b.bytes()[i]);
  }
  return sum;
}

Bytes wrap(const SecretBytes& wrapping_key, std::string_view label, const SecretBytes& secret) {
  constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  Bytes wrapped(nonce_size + secret.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES);
  randombytes_buf(wrapped.data(), nonce_size);
  const BytesView extra = bytes_of(label);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      wrapped.data() + nonce_size, nullptr, secret.bytes().data(), secret.size(), extra.data(),
      extra.size(), nullptr, wrapped.data(), wrapping_key.bytes().data());
  return wrapped;
}

Result<SecretBytes> unwrap(const SecretBytes& wrapping_key, std::string_view label,
                           BytesView wrapped) {
  constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  constexpr std::size_t overhead = nonce_size + crypto_aead_xchacha20poly1305_ietf_ABYTES;
  if (wrapped.size() <= overhead) return damaged();
  GIMS_TRY_ASSIGN(SecretBytes secret, SecretBytes::zeroed(wrapped.size() - overhead));
  const BytesView ciphertext = wrapped.subspan(nonce_size);
  const BytesView extra = bytes_of(label);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          secret.writable().data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
          extra.data(), extra.size(), wrapped.data(), wrapping_key.bytes().data()) != 0) {
    return damaged();
  }
  return secret;
}

void append_mac(const SecretBytes& key, Bytes& bytes) {
  const Bytes mac = mac_of(key, bytes);
  bytes.insert(bytes.end(), mac.begin(), mac.end());
}

Result<BytesView> checked_by_mac(const SecretBytes& key, BytesView bytes) {
  if (bytes.size() < mac_size) return damaged();
  const BytesView body = bytes.first(bytes.size() - mac_size);
  if (!equal_in_constant_time(mac_of(key, body), bytes.last(mac_size))) return damaged();
  return body;
}

Result<ServerKey> server_key_from_seed(const SecretBytes& seed) {
  if (seed.size() != crypto_sign_SEEDBYTES) return damaged();
  ServerKey key;
  GIMS_TRY_ASSIGN(key.secret, SecretBytes::zeroed(crypto_sign_SECRETKEYBYTES));
  auto& public_key = key.published.public_key;
  crypto_sign_seed_keypair(public_key.data(), key.secret.writable().data(), seed.bytes().data());
  key.published.key_id = id_of(public_key);
  return key;
}

ServerKey server_key_in_hardware(const std::array<std::uint8_t, 32>& public_key) {
  return {.secret = {}, .published = {.public_key = public_key, .key_id = id_of(public_key)}};
}

bool server_key_verifies(const std::array<std::uint8_t, 32>& public_key, BytesView message,
                         const Signature& signature) {
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     public_key.data()) == 0;
}

Signature sign_with(const ServerKey& key, BytesView message) {
  Signature signature{};
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                       key.secret.bytes().data());
  return signature;
}

}  // namespace gims::hsm
