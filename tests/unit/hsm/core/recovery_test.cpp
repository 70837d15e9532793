#include "hsm/core/recovery.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include "hsm/ca/p256.hpp"
#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

SecretBytes filled(std::uint8_t byte) { return *SecretBytes::copy_of(Bytes(key_size, byte)); }
Bytes plain(const SecretBytes& secret) { return {secret.bytes().begin(), secret.bytes().end()}; }

class RecoveryFile : public ::testing::Test {
 protected:
  RecoveryFile() {
    P256Key root = *generate_p256();
    record_.generation = 3;
    record_.made_at = 1'700'000'000;
    record_.share_set = 0x1234;
    record_.scheme = {.group_threshold = 1, .groups = {{.threshold = 2, .count = 3}}};
    record_.site = test::site_parameters();
    record_.site_root = *make_root(record_.site, root.public_key, 1'700'000'000,
                                   [&](const Digest& digest) { return p256_sign(root, digest); });
    record_.issued = {{.serial = {1, 2, 3}, .end = 1'900'000'000}};
    record_.revoked = {{.serial = {4}, .at = 1'700'000'000}, {.serial = {5}, .at = 1}};
    record_.crl_number = 7;
    envelope_.root_key = filled(1);
    envelope_.server_seed = filled(2);
    envelope_.site_root = std::move(root.scalar);
    EXPECT_TRUE(seal_recovery(record_, secret_, envelope_));
  }

  RecoveryRecord record_;
  Envelope envelope_;
  const SecretBytes secret_ = filled(9);
};

TEST_F(RecoveryFile, OpensWithItsSecretAlone) {
  const auto file = encode_recovery(record_);
  ASSERT_TRUE(file) << file.error().text;
  const auto again = decode_recovery(*file);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again->generation, 3U);
  EXPECT_EQ(again->share_set, 0x1234);
  EXPECT_EQ(again->scheme, record_.scheme);
  EXPECT_EQ(again->site, record_.site);
  EXPECT_EQ(again->issued, record_.issued);
  EXPECT_EQ(again->revoked, record_.revoked);
  EXPECT_EQ(*encode_recovery(*again), *file);

  const auto opened = open_recovery(*again, secret_);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(plain(opened->root_key), plain(envelope_.root_key));
  EXPECT_EQ(plain(opened->site_root), plain(envelope_.site_root));
  EXPECT_EQ(plain(opened->server_seed), plain(envelope_.server_seed));

  const auto other = open_recovery(*again, filled(8));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, "GIMS_KEYD_SHARE");
  EXPECT_NE(other.error().text.find("generation 3 of gims.internal"), std::string::npos)
      << other.error().text;
}

TEST_F(RecoveryFile, HoldsNoneOfItsKeysInClear) {
  const Bytes file = *encode_recovery(record_);
  const std::array<const SecretBytes*, 4> keys{&envelope_.root_key, &envelope_.site_root,
                                               &envelope_.server_seed, &secret_};
  for (const SecretBytes* key : keys) {
    EXPECT_TRUE(std::ranges::search(file, key->bytes().first(8)).empty());
  }
}

TEST_F(RecoveryFile, OneBitChangedAnywhereDoesNotOpen) {
  const Bytes file = *encode_recovery(record_);
  for (std::size_t at = 0; at < file.size(); ++at) {
    Bytes changed = file;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (at % 8)));
    const auto record = decode_recovery(changed);
    if (!record) continue;
    EXPECT_FALSE(open_recovery(*record, secret_)) << "byte " << at;
    const auto again = encode_recovery(*record);
    ASSERT_TRUE(again) << at;
    EXPECT_EQ(*again, changed) << "another form, at " << at;
  }
}

TEST_F(RecoveryFile, CutOrLongerIsRefused) {
  Bytes file = *encode_recovery(record_);
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto cut = decode_recovery(BytesView(file).first(size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, "GIMS_KEYD_CUSTODY");
  }
  file.push_back(0);
  EXPECT_FALSE(decode_recovery(file));
}

// Whoever has the public key of a file, and not its secret, cannot put another of their own in its
// place.
TEST_F(RecoveryFile, WhoeverKnowsNoSecretMakesNone) {
  RecoveryRecord forged = record_;
  forged.site.server_name = "evil.internal";
  Bytes keys(3 * key_size, 7);
  std::ranges::copy(envelope_.site_root.bytes(), keys.begin() + key_size);
  // The hash, under the best key that a stranger has.
  Bytes hash(crypto_generichash_BYTES);
  crypto_generichash(hash.data(), hash.size(), keys.data(), keys.size(), forged.public_key.data(),
                     forged.public_key.size());
  keys.insert(keys.end(), hash.begin(), hash.end());
  forged.sealed.resize(keys.size() + crypto_box_SEALBYTES);
  ASSERT_EQ(
      crypto_box_seal(forged.sealed.data(), keys.data(), keys.size(), forged.public_key.data()), 0);
  ASSERT_TRUE(decode_recovery(*encode_recovery(forged)));
  const auto refused = open_recovery(forged, secret_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_CUSTODY");
}

TEST_F(RecoveryFile, ARootThatIsNotOfItsCertificateIsRefused) {
  envelope_.site_root = std::move(generate_p256()->scalar);
  ASSERT_TRUE(seal_recovery(record_, secret_, envelope_));
  const auto refused = open_recovery(record_, secret_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("not that of its certificate"), std::string::npos);
}

TEST_F(RecoveryFile, RevokingTakesAllThatDidNotEnd) {
  record_.issued.push_back({.serial = {8}, .end = 1'800'000'000});
  revoke_issued(record_, 1'850'000'000);
  EXPECT_TRUE(record_.issued.empty());
  EXPECT_EQ(record_.revoked.back(), (Revoked{.serial = {1, 2, 3}, .at = 1'850'000'000}));
  EXPECT_EQ(record_.revoked.size(), 3U);
  // As many as there may be, and the newest of them.
  for (std::size_t i = 0; i < 2 * max_revoked; ++i) {
    record_.issued = {{.serial = {static_cast<std::uint8_t>(i)}, .end = 2'000'000'000}};
    revoke_issued(record_, 1'900'000'000);
  }
  EXPECT_EQ(record_.revoked.size(), max_revoked);
  EXPECT_EQ(record_.revoked.back().serial, Bytes{2 * max_revoked - 1});
  EXPECT_TRUE(encode_recovery(record_));
}

TEST_F(RecoveryFile, ASecretOfAnotherSizeSealsAndOpensNothing) {
  const Bytes sealed = record_.sealed;
  for (const std::size_t size : {std::size_t{0}, key_size - 1, key_size + 1}) {
    const SecretBytes other = *SecretBytes::copy_of(Bytes(size, 9));
    const auto made = seal_recovery(record_, other, envelope_);
    const auto opened = open_recovery(record_, other);
    ASSERT_FALSE(made) << size;
    ASSERT_FALSE(opened) << size;
    for (const Error& error : {made.error(), opened.error()}) {
      EXPECT_EQ(error.kind, ErrorKind::internal);
      EXPECT_EQ(error.code, "GIMS_KEYD_INTERNAL");
    }
  }
  EXPECT_EQ(record_.sealed, sealed);
  EXPECT_TRUE(open_recovery(record_, secret_));
}

TEST_F(RecoveryFile, AsManyIssuingCasAreNotedAsItHolds) {
  const std::int64_t before_they_end = 1'700'000'000;
  record_.issued.assign(max_issuing_cas, {.serial = {1}, .end = before_they_end + 1});
  const auto refused = note_issued(record_, record_.site_root, before_they_end);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_REQUEST");
  EXPECT_EQ(record_.issued.size(), max_issuing_cas);
  EXPECT_TRUE(note_issued(record_, record_.site_root, before_they_end + 1));
  ASSERT_EQ(record_.issued.size(), 1U) << "those that ended made room";
  EXPECT_EQ(record_.issued[0].serial, *serial_of(record_.site_root));
}

TEST_F(RecoveryFile, TheLargestSiteFits) {
  record_.site.server_name = std::string(max_name, 'a');
  record_.site.dns_names.assign(max_dns_names, std::string(max_name, 'b'));
  record_.site.addresses.assign(max_addresses, Bytes(16, 1));
  record_.scheme = {.group_threshold = 16, .groups = std::vector<ShareGroup>(16, {16, 16})};
  record_.issued.assign(max_issuing_cas, {.serial = Bytes(max_serial, 1), .end = 1});
  record_.revoked.assign(max_revoked, {.serial = Bytes(max_serial, 1), .at = 1});
  record_.site_root.resize(max_certificate);
  const auto file = encode_recovery(record_);
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_LE(file->size(), max_recovery_file);
}

}  // namespace
}  // namespace gims::hsm
