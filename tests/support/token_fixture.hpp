// A token of one's own, the module, and the vault over them; as a gims-pkcs11d.
#pragma once

#include <gtest/gtest.h>
#include <sodium.h>

#include <memory>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "hsm/proto/messages.hpp"
#include "support/p256.hpp"
#include "support/softhsm.hpp"

namespace gims::test {

// An HSM has its PIN, and takes no password of the site's.
inline const SecretBytes no_secret;

inline SecretBytes random_key() { return *SecretBytes::random(hsm::key_size); }

inline bool same(const SecretBytes& a, const SecretBytes& b) {
  return equal_in_constant_time(a.bytes(), b.bytes());
}

class TokenFixture : public testing::Test {
 protected:
  // Tests cause failures on purpose.
  TokenFixture() { log::set_level(static_cast<log::Level>(0)); }

  // As a process that ends and one that starts.
  hsm::Vault& start(hsm::pkcs11::TokenOptions options = SoftHsm::options(),
                    const char* path = SoftHsm::module) {
    stop();
    auto module = hsm::pkcs11::Module::load(path);
    EXPECT_TRUE(module) << module.error().text;
    module_ = std::move(*module);
    vault_ = hsm::pkcs11::make_token_vault(*module_, std::move(options));
    return *vault_;
  }
  hsm::Vault& start_faulty(hsm::pkcs11::TokenOptions options = SoftHsm::options()) {
    return start(std::move(options), GIMS_FAULTY_MODULE);
  }
  void stop() {
    vault_.reset();
    module_.reset();
  }
  hsm::Vault& vault() { return *vault_; }
  hsm::Vault::Sealed provisioned(const SecretBytes& root) {
    auto sealed = vault().provision(root, no_secret, false);
    EXPECT_TRUE(sealed) << sealed.error().text << sealed.error().detail;
    return std::move(*sealed);
  }

  SoftHsm hsm_;
  std::unique_ptr<hsm::pkcs11::Module> module_;
  std::unique_ptr<hsm::Vault> vault_;
};

// The blob opens to this root key, and both of its keys sign.
inline void expect_works(hsm::Vault& vault, const hsm::Vault::Sealed& sealed,
                         const SecretBytes& root) {
  const auto opened = vault.open(sealed.blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(same(opened->root_key, root));
  EXPECT_EQ(opened->ca_public, sealed.ca_public);
  EXPECT_EQ(opened->attestation_public, sealed.attestation_public);
  EXPECT_EQ(opened->server_public, sealed.server_public);
  const hsm::Digest digest{1, 2, 3};
  for (const hsm::KeyUse use : {hsm::KeyUse::issuing_ca, hsm::KeyUse::attestation}) {
    const auto signature = vault.sign(sealed.blob, use, digest);
    ASSERT_TRUE(signature) << signature.error().text;
    const bool ca = use == hsm::KeyUse::issuing_ca;
    EXPECT_TRUE(
        p256_verifies(ca ? sealed.ca_public : sealed.attestation_public, digest, *signature));
    EXPECT_FALSE(
        p256_verifies(ca ? sealed.attestation_public : sealed.ca_public, digest, *signature));
  }
  if (!sealed.server_public) return;
  const hsm::Bytes event{'{', '}'};
  const std::vector<hsm::BytesView> events{event, event};
  const auto signatures = vault.sign_events(sealed.blob, events);
  ASSERT_TRUE(signatures) << signatures.error().text;
  ASSERT_EQ(signatures->size(), 2U);
  for (const hsm::Signature& signature : *signatures) {
    EXPECT_EQ(crypto_sign_verify_detached(signature.data(), event.data(), event.size(),
                                          sealed.server_public->data()),
              0);
  }
}

}  // namespace gims::test
