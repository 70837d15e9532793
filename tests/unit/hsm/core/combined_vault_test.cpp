#include "hsm/core/combined_vault.hpp"

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "support/fake_vault.hpp"

namespace gims::hsm {
namespace {

// A unit with two pieces of hardware.
struct Unit {
  Unit() { log::set_level(static_cast<log::Level>(0)); }
  std::shared_ptr<test::FakeHardware> tpm = std::make_shared<test::FakeHardware>();
  std::shared_ptr<test::FakeHardware> hsm = std::make_shared<test::FakeHardware>();
  std::unique_ptr<Vault> vault = make_combined_vault(std::make_unique<test::FakeVault>(tpm),
                                                     std::make_unique<test::FakeVault>(hsm));
};

// What the hardware's passwords follow from.
const SecretBytes secret = *SecretBytes::copy_of(Bytes(key_size, 9));

SecretBytes random_key() { return *SecretBytes::random(key_size); }

bool same(const SecretBytes& a, const SecretBytes& b) {
  return equal_in_constant_time(a.bytes(), b.bytes());
}

// The two blobs in a combined one.
std::pair<Bytes, Bytes> halves_of(BytesView blob) {
  Reader reader(blob);
  EXPECT_EQ(reader.u8(), 1);
  const BytesView first = reader.bytes(8192);
  const BytesView second = reader.bytes(8192);
  return {Bytes(first.begin(), first.end()), Bytes(second.begin(), second.end())};
}

TEST(CombinedVault, OpensWhatItSealed) {
  Unit unit;
  EXPECT_EQ(unit.vault->kind(), "fake+fake");
  const SecretBytes root = random_key();
  const auto sealed = unit.vault->provision(root, secret, false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  const auto opened = unit.vault->open(sealed->blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(same(opened->root_key, root));
  EXPECT_EQ(opened->ca_public, sealed->ca_public);
  EXPECT_EQ(opened->attestation_public, sealed->attestation_public);
}

TEST(CombinedVault, EachAloneOpensNothing) {
  Unit unit;
  const SecretBytes root = random_key();
  const auto sealed = unit.vault->provision(root, secret, false);
  ASSERT_TRUE(sealed);
  const auto [first, second] = halves_of(sealed->blob);
  const auto pad = test::FakeVault(unit.tpm).open(first);
  const auto rest = test::FakeVault(unit.hsm).open(second);
  ASSERT_TRUE(pad && rest);
  EXPECT_FALSE(same(pad->root_key, root));
  EXPECT_FALSE(same(rest->root_key, root));
  EXPECT_FALSE(same(pad->root_key, rest->root_key));

  for (const auto& away : {unit.tpm, unit.hsm}) {
    away->reachable = false;
    EXPECT_FALSE(unit.vault->open(sealed->blob));
    away->reachable = true;
  }
  EXPECT_TRUE(unit.vault->open(sealed->blob));

  // Two sites of the same root key have nothing in common in either.
  Unit other;
  const auto again = other.vault->provision(root, secret, false);
  ASSERT_TRUE(again);
  const auto other_pad = test::FakeVault(other.tpm).open(halves_of(again->blob).first);
  ASSERT_TRUE(other_pad);
  EXPECT_FALSE(same(pad->root_key, other_pad->root_key));
}

TEST(CombinedVault, HalvesOfTwoTimesAreRefused) {
  // The same hardware, whose blobs of before stay readable: each half opens for itself.
  Unit unit;
  const auto one = unit.vault->provision(random_key(), secret, false);
  ASSERT_TRUE(one);
  Unit copy;
  copy.tpm->seal = *unit.tpm->seal.clone();
  const SecretBytes other_root = random_key();
  const auto tpm_half = test::FakeVault(copy.tpm).provision(other_root, secret, true);
  ASSERT_TRUE(tpm_half);
  unit.tpm->seal = *copy.tpm->seal.clone();
  const auto [first, second] = halves_of(one->blob);
  Bytes room(4096);
  Writer writer(room);
  writer.u8(1);
  writer.bytes(tpm_half->blob);
  writer.bytes(second);
  writer.raw(BytesView(one->blob).last(32));
  ASSERT_TRUE(test::FakeVault(unit.tpm).open(tpm_half->blob));
  ASSERT_TRUE(test::FakeVault(unit.hsm).open(second));
  const auto refused = unit.vault->open(writer.body());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("not of one site"), std::string::npos);
}

TEST(CombinedVault, ABlobOfAnotherSiteOrWithOneBitChangedIsRefused) {
  Unit unit;
  Unit other;
  const auto sealed = unit.vault->provision(random_key(), secret, false);
  const auto theirs = other.vault->provision(random_key(), secret, false);
  ASSERT_TRUE(sealed && theirs);
  EXPECT_FALSE(unit.vault->open(theirs->blob));
  for (std::size_t at = 0; at < sealed->blob.size(); ++at) {
    Bytes changed = sealed->blob;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (at % 8)));
    ASSERT_FALSE(unit.vault->open(changed)) << at;
  }
  for (std::size_t size = 0; size < sealed->blob.size(); ++size) {
    ASSERT_FALSE(unit.vault->open(BytesView(sealed->blob).first(size))) << size;
  }
}

TEST(CombinedVault, TheCaIsTheHsmsAndTheRestTheTpms) {
  Unit unit;
  const auto sealed = unit.vault->provision(random_key(), secret, false);
  ASSERT_TRUE(sealed);
  const Digest digest{7};
  const auto by_ca = unit.vault->sign(sealed->blob, KeyUse::issuing_ca, digest);
  ASSERT_TRUE(by_ca);
  EXPECT_TRUE(p256_verify(sealed->ca_public, digest, *by_ca));
  EXPECT_EQ(unit.hsm->signatures, 1);
  const auto by_unit = unit.vault->sign(sealed->blob, KeyUse::attestation, digest);
  ASSERT_TRUE(by_unit);
  EXPECT_TRUE(p256_verify(sealed->attestation_public, digest, *by_unit));
  EXPECT_EQ(unit.tpm->signatures, 1);
  EXPECT_EQ(*unit.vault->counter(sealed->blob, secret), 1U);
  EXPECT_EQ(*unit.vault->advance(sealed->blob, secret), 2U);
  EXPECT_EQ(unit.tpm->counter, 2U);
  EXPECT_EQ(unit.hsm->counter, 1U);
}

TEST(CombinedVault, StatesAboutItselfWhatTheTpmStatesOfItsOwnHalf) {
  Unit unit;
  unit.tpm->name = 2;  // so that the TPM knows its own half from the HSM's
  const auto sealed = unit.vault->provision(random_key(), secret, false);
  ASSERT_TRUE(sealed);
  Attestor* const attestor = unit.vault->attestor();
  ASSERT_NE(attestor, nullptr);
  const Digest about{7};
  EXPECT_EQ(attestor->identity(sealed->blob, secret)->attestation_key, Bytes{1});
  EXPECT_EQ(attestor->quote(sealed->blob, about)->statement.attest.front(), 'q');
  EXPECT_EQ(attestor->certify_counter(sealed->blob, secret, about)->attest.front(), 'c');
  EXPECT_EQ(attestor->certify_release(sealed->blob, about)->attest.front(), 'r');
  const Bytes credential{4};
  EXPECT_TRUE(attestor->activate(sealed->blob, secret, credential, credential));
  EXPECT_EQ(unit.tpm->identities, 1);
  EXPECT_EQ(unit.hsm->identities, 0);

  const Bytes of_another_form{1, 2};
  EXPECT_FALSE(attestor->identity(of_another_form, secret));
  EXPECT_FALSE(attestor->quote(of_another_form, about));
  EXPECT_FALSE(attestor->certify_counter(of_another_form, secret, about));
  EXPECT_FALSE(attestor->certify_release(of_another_form, about));
  EXPECT_FALSE(attestor->activate(of_another_form, secret, credential, credential));
  EXPECT_EQ(unit.tpm->identities, 1);
}

TEST(CombinedVault, StatesNothingAboutItselfWhereTheFirstDoesNot) {
  const auto silent = std::make_shared<test::FakeHardware>();
  silent->attests = false;
  const auto vault = make_combined_vault(
      std::make_unique<test::FakeVault>(silent),
      std::make_unique<test::FakeVault>(std::make_shared<test::FakeHardware>()));
  EXPECT_EQ(vault->attestor(), nullptr);
}

TEST(CombinedVault, EventsAreSignedInTheHsmWhereItCan) {
  Unit unit;
  unit.tpm->eddsa = true;
  EXPECT_FALSE(unit.vault->provision(random_key(), secret, false)->server_public);
  unit.hsm->eddsa = true;
  const auto sealed = unit.vault->provision(random_key(), secret, true);
  ASSERT_TRUE(sealed);
  ASSERT_TRUE(sealed->server_public);
  EXPECT_EQ(unit.vault->open(sealed->blob)->server_public, sealed->server_public);
  const Bytes event{'{', '}'};
  const std::vector<BytesView> events{event};
  const auto signatures = unit.vault->sign_events(sealed->blob, events);
  ASSERT_TRUE(signatures);
  EXPECT_TRUE(server_key_verifies(*sealed->server_public, event, signatures->front()));
  EXPECT_EQ(unit.hsm->signatures, 1);
}

TEST(CombinedVault, ARenewedCaComesInANewBlobAndTheOldOneStays) {
  Unit unit;
  const SecretBytes root = random_key();
  const auto old = unit.vault->provision(root, secret, false);
  ASSERT_TRUE(old);
  const auto renewed = unit.vault->renew_ca(old->blob);
  ASSERT_TRUE(renewed) << renewed.error().text;
  EXPECT_NE(renewed->ca_public, old->ca_public);
  EXPECT_EQ(renewed->attestation_public, old->attestation_public);
  for (const auto& sealed : {old, renewed}) {
    const auto opened = unit.vault->open(sealed->blob);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(same(opened->root_key, root));
    EXPECT_EQ(opened->ca_public, sealed->ca_public);
  }
}

TEST(CombinedVault, AnotherRootKeyIsInBothUntilOneBlobIsSettled) {
  Unit unit;
  const SecretBytes old_root = random_key();
  const SecretBytes new_root = random_key();
  const auto old = unit.vault->provision(old_root, secret, false);
  ASSERT_TRUE(old);
  const auto anew = unit.vault->reseal(old->blob, new_root);
  ASSERT_TRUE(anew) << anew.error().text;
  EXPECT_TRUE(same(unit.vault->open(old->blob)->root_key, old_root));
  EXPECT_TRUE(same(unit.vault->open(anew->blob)->root_key, new_root));
  ASSERT_TRUE(unit.vault->settle(anew->blob, secret));
  EXPECT_TRUE(same(unit.tpm->password, secret));
  EXPECT_TRUE(same(unit.hsm->password, secret));
  EXPECT_TRUE(unit.vault->open(anew->blob));
  EXPECT_FALSE(unit.vault->open(old->blob));
}

TEST(CombinedVault, AProvisioningThatFailsInTheSecondLeavesTheFirstEmpty) {
  Unit unit;
  unit.hsm->reachable = false;
  EXPECT_FALSE(unit.vault->provision(random_key(), secret, false));
  EXPECT_TRUE(unit.tpm->seal.empty());
}

TEST(CombinedVault, DestroyingOneHalfIsEnough) {
  using enum Vault::Destruction;
  for (const bool tpm_away : {true, false}) {
    Unit unit;
    const auto sealed = unit.vault->provision(random_key(), secret, false);
    ASSERT_TRUE(sealed);
    auto& away = tpm_away ? unit.tpm : unit.hsm;
    away->reachable = false;
    EXPECT_EQ(unit.vault->destroy(sealed->blob, &secret), done);
    // The other half alone is no proof, as long as it cannot be asked.
    const auto again = unit.vault->destroy(sealed->blob, &secret);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, away_code);
    away->reachable = true;
    EXPECT_FALSE(unit.vault->open(sealed->blob));
    EXPECT_EQ(unit.vault->destroy(sealed->blob, &secret), done);
    EXPECT_EQ(unit.vault->destroy(sealed->blob, &secret), nothing_there);
  }
}

TEST(CombinedVault, HoldsABlobAsLongAsBothHoldTheirHalf) {
  for (const bool tpm_empty : {true, false}) {
    Unit unit;
    const auto sealed = unit.vault->provision(random_key(), secret, false);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(unit.vault->holds(sealed->blob), true);
    auto& empty = tpm_empty ? unit.tpm : unit.hsm;
    empty->seal = SecretBytes();
    EXPECT_EQ(unit.vault->holds(sealed->blob), false);
    empty->reachable = false;
    EXPECT_FALSE(unit.vault->holds(sealed->blob).has_value()) << "that it is away says nothing";
  }
}

TEST(CombinedVault, WhatCanBeDestroyedInNeitherStays) {
  Unit unit;
  Unit other;
  const auto sealed = unit.vault->provision(random_key(), secret, false);
  ASSERT_TRUE(sealed);
  unit.tpm->reachable = unit.hsm->reachable = false;
  EXPECT_FALSE(unit.vault->destroy(sealed->blob, &secret));
  unit.tpm->reachable = unit.hsm->reachable = true;
  // Of other hardware it destroys nothing.
  other.tpm->name = other.hsm->name = 2;
  ASSERT_TRUE(other.vault->provision(random_key(), secret, false));
  EXPECT_FALSE(other.vault->destroy(sealed->blob, &secret));
  EXPECT_FALSE(other.tpm->seal.empty());
  EXPECT_FALSE(other.hsm->seal.empty());
  EXPECT_TRUE(unit.vault->open(sealed->blob));
}

TEST(CombinedVault, LooksAfterTheHalfThatCanBeUnplugged) {
  Unit unit;
  unit.hsm->removable = true;
  ASSERT_TRUE(unit.vault->provision(random_key(), secret, false));
  EXPECT_TRUE(unit.vault->removable());
  EXPECT_TRUE(unit.vault->probe());
  EXPECT_EQ(unit.tpm->probes, 0);
  unit.hsm->reachable = false;
  EXPECT_FALSE(unit.vault->probe());
}

TEST(CombinedVault, IsSoftwareWhenBothAre) {
  Unit unit;
  EXPECT_TRUE(unit.vault->info()->software);
  unit.hsm->software = false;
  EXPECT_FALSE(unit.vault->info()->software);
  EXPECT_EQ(unit.vault->info()->description, "fake and fake");
}

}  // namespace
}  // namespace gims::hsm
