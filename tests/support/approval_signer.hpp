// Persons who approve, with keys that a test holds.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "hsm/approval/assertion.hpp"
#include "hsm/approval/registry.hpp"
#include "hsm/ca/p256.hpp"

namespace gims::test {

inline hsm::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

inline hsm::Bytes operator+(hsm::Bytes first, const hsm::Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

inline hsm::Digest sha256_of(const hsm::Bytes& bytes) {
  hsm::Digest digest{};
  crypto_hash_sha256(digest.data(), bytes.data(), bytes.size());
  return digest;
}

// ASN.1 by hand, so that a test writes what DER forbids as well.
inline hsm::Bytes tagged(std::uint8_t tag, const hsm::Bytes& content) {
  return hsm::Bytes{tag, static_cast<std::uint8_t>(content.size())} + content;
}
inline hsm::Bytes der_number(std::span<const std::uint8_t> magnitude) {
  hsm::Bytes number(magnitude.begin(), magnitude.end());
  while (number.size() > 1 && number[0] == 0) number.erase(number.begin());
  if ((number[0] & 0x80U) != 0) number.insert(number.begin(), 0);
  return tagged(0x02, number);
}
inline hsm::Bytes der_signature(const hsm::P256Signature& signature) {
  return tagged(0x30, der_number(signature.r) + der_number(signature.s));
}

inline std::string base64url(std::span<const std::uint8_t> bytes) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();
  return text;
}

// What an authenticator and its client make; a test changes it before it is signed.
struct Ceremony {
  std::string rp_id = "gims.internal";
  std::uint8_t flags = 0x05;  // present and verified
  std::uint32_t counter = 0;
  hsm::Bytes more_data;  // behind the authenticator data
  std::string client_data;

  [[nodiscard]] hsm::Bytes authenticator_data() const {
    const hsm::Digest hash = sha256_of(bytes_of(rp_id));
    hsm::Bytes data(hash.begin(), hash.end());
    data.push_back(flags);
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
      data.push_back(static_cast<std::uint8_t>(counter >> shift));
    }
    return data + more_data;
  }
};

inline std::string client_data_of(const hsm::approval::Challenge& challenge,
                                  std::string_view origin = "https://gims.internal") {
  return R"({"type":"webauthn.get","challenge":")" + base64url(challenge) + R"(","origin":")" +
         std::string(origin) + R"(","crossOrigin":false})";
}

class Signer {
 public:
  Signer(std::string name, hsm::approval::KeyKind kind,
         hsm::approval::Roles roles = {hsm::approval::Role::administrator}) {
    using namespace hsm::approval;  // NOLINT(google-build-using-namespace)
    GIMS_CHECK(sodium_init() >= 0);
    about_.name = std::move(name);
    about_.roles = roles;
    about_.kind = kind;
    if (is_es256(kind)) {
      p256_ = *hsm::generate_p256();
      about_.public_key.assign(p256_.public_key.begin(), p256_.public_key.end());
    } else {
      about_.public_key.resize(crypto_sign_PUBLICKEYBYTES);
      ed25519_ = *SecretBytes::zeroed(crypto_sign_SECRETKEYBYTES);
      crypto_sign_keypair(about_.public_key.data(), ed25519_.writable().data());
    }
    if (is_webauthn(kind)) {
      about_.credential_id.resize(32);
      randombytes_buf(about_.credential_id.data(), about_.credential_id.size());
      about_.rp_id = "gims.internal";
    }
  }

  [[nodiscard]] const hsm::approval::Administrator& about() const { return about_; }

  [[nodiscard]] hsm::Bytes sign(const hsm::Bytes& message) const {
    if (is_es256(about_.kind)) return der_signature(p256(message));
    hsm::Bytes signature(crypto_sign_BYTES);
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                         ed25519_.bytes().data());
    return signature;
  }
  [[nodiscard]] hsm::P256Signature p256(const hsm::Bytes& message) const {
    return *hsm::p256_sign(p256_, sha256_of(message));
  }

  [[nodiscard]] hsm::approval::Assertion assert_with(const Ceremony& ceremony) const {
    hsm::approval::Assertion assertion{.who = about_.name,
                                       .signature = {},
                                       .authenticator_data = ceremony.authenticator_data(),
                                       .client_data_json = bytes_of(ceremony.client_data)};
    assertion.signature = sign(signed_part(assertion));
    return assertion;
  }
  // As it should be.
  [[nodiscard]] hsm::approval::Assertion approve(const hsm::approval::Challenge& challenge,
                                                 std::uint32_t counter = 0) const {
    if (is_webauthn(about_.kind)) {
      return assert_with(
          {.counter = counter, .more_data = {}, .client_data = client_data_of(challenge)});
    }
    return {.who = about_.name,
            .signature = sign(bytes_of("gims approval 1\n") +
                              hsm::Bytes(challenge.begin(), challenge.end())),
            .authenticator_data = {},
            .client_data_json = {}};
  }
  [[nodiscard]] static hsm::Bytes signed_part(const hsm::approval::Assertion& assertion) {
    const hsm::Digest hash = sha256_of(assertion.client_data_json);
    return assertion.authenticator_data + hsm::Bytes(hash.begin(), hash.end());
  }

 private:
  hsm::approval::Administrator about_;
  hsm::P256Key p256_;
  SecretBytes ed25519_;
};

// The administrators of the sites that tests make.
inline const Signer& asha() {
  static const Signer signer("Asha", hsm::approval::KeyKind::key_ed25519);
  return signer;
}
inline const Signer& bimal() {
  static const Signer signer("Bimal", hsm::approval::KeyKind::key_es256,
                             {hsm::approval::Role::security_officer});
  return signer;
}
// As a ceremony's request has it.
inline hsm::Bytes list_of(std::initializer_list<const Signer*> signers) {
  hsm::approval::Registry registry;
  for (const Signer* signer : signers) GIMS_CHECK(registry.add(signer->about()).has_value());
  hsm::Bytes room(hsm::max_administrators_list);
  hsm::Writer writer(room);
  encode(writer, registry);
  return {writer.body().begin(), writer.body().end()};
}

}  // namespace gims::test
