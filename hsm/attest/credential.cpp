#include "hsm/attest/credential.hpp"

#include <mbedtls/aes.h>
#include <mbedtls/rsa.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

#include "hsm/proto/bytes.hpp"

namespace gims::hsm::attest {
namespace {

// With the zero at their end (part 1, section 11.4.10.2 and B.4, C.6.1).
constexpr std::string_view identity{"IDENTITY\0", 9};
constexpr std::string_view storage{"STORAGE\0", 8};
constexpr std::string_view integrity{"INTEGRITY\0", 10};

constexpr std::size_t seed_size = 32;
constexpr std::size_t aes_key_size = 16;

std::unexpected<Error> failed() {
  return fail(ErrorKind::internal, "GIMS_ATTEST", "A computation for the challenge failed.");
}

std::array<std::uint8_t, 4> big_endian(std::uint32_t number) {
  return {static_cast<std::uint8_t>(number >> 24U), static_cast<std::uint8_t>(number >> 16U),
          static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
}

void append(Bytes& to, BytesView more) { to.insert(to.end(), more.begin(), more.end()); }
void append_sized(Bytes& to, BytesView more) {
  to.push_back(static_cast<std::uint8_t>(more.size() >> 8U));
  to.push_back(static_cast<std::uint8_t>(more.size()));
  append(to, more);
}

void hmac(std::span<std::uint8_t> out, const SecretBytes& key,
          std::initializer_list<BytesView> parts) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.bytes().data(), key.size());
  for (const BytesView part : parts) {
    crypto_auth_hmacsha256_update(&state, part.data(), part.size());
  }
  crypto_auth_hmacsha256_final(&state, out.data());
  sodium_memzero(&state, sizeof state);
}

// KDFa (section 11.4.10.2), up to one digest.
Result<SecretBytes> derive(const SecretBytes& key, std::string_view label, BytesView context,
                           std::size_t size) {
  GIMS_TRY_ASSIGN(SecretBytes whole, SecretBytes::zeroed(crypto_auth_hmacsha256_BYTES));
  hmac(whole.writable(), key,
       {big_endian(1), bytes_of(label), context, big_endian(static_cast<std::uint32_t>(8 * size))});
  return SecretBytes::copy_of(whole.bytes().first(size));
}

struct Seed {
  SecretBytes value;
  Bytes encrypted;
};

// Section C.6.1: agreed with a key that is used once; KDFe over what both compute.
Result<Seed> seed_for_ecc(const PublicKey& endorsement_key) {
  GIMS_TRY_ASSIGN(const P256Key once, generate_p256());
  GIMS_TRY_ASSIGN(const SecretBytes shared, p256_agree(once, endorsement_key.point));
  const BytesView x = BytesView(once.public_key).subspan(1, 32);
  const BytesView y = BytesView(once.public_key).subspan(33, 32);
  const BytesView other_x = BytesView(endorsement_key.point).subspan(1, 32);
  Seed seed;
  GIMS_TRY_ASSIGN(seed.value, SecretBytes::zeroed(seed_size));
  const auto counter = big_endian(1);
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  for (const BytesView part :
       {BytesView(counter), BytesView(shared.bytes()), bytes_of(identity), x, other_x}) {
    crypto_hash_sha256_update(&state, part.data(), part.size());
  }
  crypto_hash_sha256_final(&state, seed.value.writable().data());
  sodium_memzero(&state, sizeof state);
  append_sized(seed.encrypted, x);
  append_sized(seed.encrypted, y);
  return seed;
}

struct RsaKey {
  mbedtls_rsa_context context;
  RsaKey() { mbedtls_rsa_init(&context); }
  RsaKey(const RsaKey&) = delete;
  RsaKey& operator=(const RsaKey&) = delete;
  ~RsaKey() { mbedtls_rsa_free(&context); }
};

int random_bytes(void* /*context*/, unsigned char* out, size_t size) {
  randombytes_buf(out, size);
  return 0;
}

// Section B.10.4: random, by RSAES-OAEP with the name algorithm.
Result<Seed> seed_for_rsa(const PublicKey& endorsement_key) {
  Seed seed;
  GIMS_TRY_ASSIGN(seed.value, SecretBytes::random(seed_size));
  seed.encrypted.resize(endorsement_key.modulus.size());
  const auto exponent = big_endian(endorsement_key.exponent);
  RsaKey key;
  if (mbedtls_rsa_import_raw(&key.context, endorsement_key.modulus.data(),
                             endorsement_key.modulus.size(), nullptr, 0, nullptr, 0, nullptr, 0,
                             exponent.data(), exponent.size()) != 0 ||
      mbedtls_rsa_complete(&key.context) != 0 || mbedtls_rsa_check_pubkey(&key.context) != 0 ||
      mbedtls_rsa_set_padding(&key.context, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256) != 0 ||
      mbedtls_rsa_rsaes_oaep_encrypt(&key.context, random_bytes, nullptr, bytes_of(identity).data(),
                                     identity.size(), seed.value.size(), seed.value.bytes().data(),
                                     seed.encrypted.data()) != 0) {
    return failed();
  }
  return seed;
}

struct Cipher {
  mbedtls_aes_context context;
  Cipher() { mbedtls_aes_init(&context); }
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;
  ~Cipher() { mbedtls_aes_free(&context); }
};

// AES-128-CFB with a vector of zeros: the key is used once. The credential is a TPM2B.
Result<Bytes> encrypt(const SecretBytes& key, const SecretBytes& secret) {
  GIMS_TRY_ASSIGN(SecretBytes plain, SecretBytes::zeroed(2 + secret.size()));
  plain.writable()[1] = static_cast<std::uint8_t>(secret.size());
  std::ranges::copy(secret.bytes(), plain.writable().subspan(2).begin());
  std::array<std::uint8_t, 16> vector{};
  std::size_t offset = 0;
  Bytes encrypted(plain.size());
  Cipher cipher;
  if (mbedtls_aes_setkey_enc(&cipher.context, key.bytes().data(), 8 * aes_key_size) != 0 ||
      mbedtls_aes_crypt_cfb128(&cipher.context, MBEDTLS_AES_ENCRYPT, plain.size(), &offset,
                               vector.data(), plain.bytes().data(), encrypted.data()) != 0) {
    return failed();
  }
  return encrypted;
}

}  // namespace

Result<ActivateRequest> make_credential(const PublicKey& endorsement_key,
                                        BytesView attestation_key_name, const SecretBytes& secret) {
  if (!is_endorsement_key(endorsement_key) || secret.size() != challenge_secret_size) {
    return fail(ErrorKind::bad_input, "GIMS_ATTEST",
                "A challenge needs a TPM's endorsement key and 32 bytes to keep.");
  }
  GIMS_TRY_ASSIGN(Seed seed, endorsement_key.kind == PublicKey::Kind::p256
                                 ? seed_for_ecc(endorsement_key)
                                 : seed_for_rsa(endorsement_key));
  GIMS_TRY_ASSIGN(const SecretBytes aes,
                  derive(seed.value, storage, attestation_key_name, aes_key_size));
  GIMS_TRY_ASSIGN(const Bytes encrypted, encrypt(aes, secret));
  GIMS_TRY_ASSIGN(const SecretBytes hmac_key,
                  derive(seed.value, integrity, {}, crypto_auth_hmacsha256_BYTES));
  Digest outer{};
  hmac(outer, hmac_key, {encrypted, attestation_key_name});

  ActivateRequest made;
  append_sized(made.credential, outer);
  append(made.credential, encrypted);
  made.encrypted_secret = std::move(seed.encrypted);
  return made;
}

}  // namespace gims::hsm::attest
