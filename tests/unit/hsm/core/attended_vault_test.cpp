#include "hsm/core/attended_vault.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "hsm/core/attended_blob.hpp"
#include "support/fake_vault.hpp"

namespace gims::hsm {
namespace {

const SecretBytes secret = *SecretBytes::copy_of(Bytes(key_size, 9));

SecretBytes random_key() { return *SecretBytes::random(key_size); }
SecretBytes key_of(std::uint8_t byte) { return *SecretBytes::copy_of(Bytes(key_size, byte)); }

bool same(const SecretBytes& a, const SecretBytes& b) {
  return equal_in_constant_time(a.bytes(), b.bytes());
}

Person person(std::string name) {
  return {.name = std::move(name), .kind = FactorKind::passphrase, .parameters = {1, 2}};
}

// A site that is open, with nobody named yet.
struct Site {
  Site() {
    log::set_level(static_cast<log::Level>(0));
    auto sealed = vault->provision(root, secret, false);
    EXPECT_TRUE(sealed) << sealed.error().text;
    blob = sealed->blob;
    EXPECT_TRUE(vault->open(blob));
  }
  Attendance& attendance() { return *vault->attendance(); }
  // The person's key is `byte` over and over.
  void add(const std::string& name, std::uint8_t byte) {
    auto added = attendance().add(blob, person(name), key_of(byte));
    ASSERT_TRUE(added) << added.error().text;
    blob = *added;
  }
  Result<Vault::Opened> open_by(const std::string& name, std::uint8_t byte) {
    attendance().give({.name = name, .key = key_of(byte)});
    return vault->open(blob);
  }

  std::shared_ptr<test::FakeHardware> hardware = std::make_shared<test::FakeHardware>();
  std::unique_ptr<Vault> vault = make_attended_vault(std::make_unique<test::FakeVault>(hardware));
  SecretBytes root = random_key();
  Bytes blob;
};

TEST(AttendedVault, WithNobodyNamedItOpensByItself) {
  Site site;
  EXPECT_EQ(site.vault->kind(), "fake");
  EXPECT_TRUE(site.attendance().persons(site.blob)->empty());
  const auto opened = site.vault->open(site.blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(same(opened->root_key, site.root));
  // The hardware alone holds something else.
  const auto blob = decode_attended(site.blob);
  ASSERT_TRUE(blob);
  EXPECT_FALSE(same(test::FakeVault(site.hardware).open(blob->inner)->root_key, site.root));
}

TEST(AttendedVault, WaitsForAPersonOnceOneIsNamed) {
  Site site;
  site.add("ritu", 1);
  ASSERT_EQ(site.attendance().persons(site.blob)->size(), 1U);
  EXPECT_EQ(site.attendance().persons(site.blob)->front(), person("ritu"));
  const int opened_before = site.hardware->opened;
  site.vault->forget();
  const auto waits = site.vault->open(site.blob);
  ASSERT_FALSE(waits);
  EXPECT_NE(waits.error().text.find("waits for a person"), std::string::npos);
  EXPECT_NE(waits.error().code, away_code) << "time does not help";
  EXPECT_EQ(site.hardware->opened, opened_before) << "the hardware is not asked for nothing";
  const auto opened = site.open_by("ritu", 1);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(same(opened->root_key, site.root));
  // As long as it is not locked in between, nobody is asked once more.
  EXPECT_TRUE(site.vault->open(site.blob));
  site.vault->forget();
  EXPECT_FALSE(site.vault->open(site.blob));
}

TEST(AttendedVault, AnotherKeyOrPersonDoesNotOpen) {
  Site site;
  site.add("ritu", 1);
  site.add("arjun", 2);
  EXPECT_TRUE(site.open_by("ritu", 1));
  EXPECT_TRUE(site.open_by("arjun", 2));
  for (const auto& [name, byte] :
       {std::pair{"ritu", 2}, std::pair{"arjun", 1}, std::pair{"ritu", 3}, std::pair{"meera", 1}}) {
    const auto refused = site.open_by(name, static_cast<std::uint8_t>(byte));
    ASSERT_FALSE(refused) << name << byte;
    EXPECT_NE(refused.error().text.find(name), std::string::npos);
    EXPECT_EQ(refused.error().code, person_code);
  }
  EXPECT_TRUE(site.open_by("ritu", 1));
}

TEST(AttendedVault, WhatTheBlobSaysOfAPersonFitsEveryKey) {
  // Without the hardware nothing tells a right key from a wrong one: each makes a factor of 32
  // bytes, and nothing in the blob says which is the one.
  Site site;
  site.add("ritu", 1);
  const auto blob = decode_attended(site.blob);
  ASSERT_TRUE(blob);
  const Slot& slot = blob->slots.front();
  std::vector<Bytes> factors;
  for (std::uint8_t byte = 1; byte < 20; ++byte) {
    const auto factor = factor_in(slot, key_of(byte));
    ASSERT_TRUE(factor);
    factors.emplace_back(factor->bytes().begin(), factor->bytes().end());
  }
  std::ranges::sort(factors);
  EXPECT_EQ(std::ranges::adjacent_find(factors), factors.end());
}

TEST(AttendedVault, WhatSignsAloneOpensNothing) {
  Site site;
  const auto signs = site.vault->for_signing(site.blob);
  ASSERT_TRUE(signs) << signs.error().text;
  const auto blob = decode_attended(site.blob);
  ASSERT_TRUE(blob);
  EXPECT_TRUE(std::ranges::search(*signs, blob->factor.bytes()).empty());
  EXPECT_FALSE(site.vault->open(*signs));
  const auto signature = site.vault->sign(*signs, KeyUse::issuing_ca, Digest{1});
  ASSERT_TRUE(signature) << signature.error().text;
  EXPECT_TRUE(p256_verify(site.vault->open(site.blob)->ca_public, Digest{1}, *signature));
  // Once more is no other, and cut off or with more behind it is none.
  EXPECT_EQ(site.vault->for_signing(*signs).value_or(Bytes()), *signs);
  for (std::size_t size = 0; size < signs->size(); ++size) {
    EXPECT_FALSE(inner_of(BytesView(*signs).first(size))) << size;
  }
  Bytes longer = *signs;
  longer.push_back(0);
  EXPECT_FALSE(inner_of(longer));
}

TEST(AttendedVault, TheLastPersonStays) {
  Site site;
  site.add("ritu", 1);
  const auto refused = site.attendance().remove(site.blob, "ritu");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  site.add("arjun", 2);
  EXPECT_EQ(site.attendance().remove(site.blob, "meera").error().kind, ErrorKind::not_found);
  const auto removed = site.attendance().remove(site.blob, "ritu");
  ASSERT_TRUE(removed);
  site.blob = *removed;
  EXPECT_FALSE(site.open_by("ritu", 1));
  EXPECT_TRUE(site.open_by("arjun", 2));
}

TEST(AttendedVault, PersonsHaveNamesOfTheirOwnAndABound) {
  Site site;
  for (std::uint8_t i = 0; i < max_persons; ++i) site.add("person " + std::to_string(i), i);
  EXPECT_EQ(site.attendance().add(site.blob, person("person 3"), key_of(9)).error().kind,
            ErrorKind::conflict);
  EXPECT_EQ(site.attendance().add(site.blob, person("one more"), key_of(9)).error().kind,
            ErrorKind::too_large);
  EXPECT_TRUE(site.open_by("person 7", 7));
}

TEST(AttendedVault, WhoIsAddedOrRemovedIsOfAnOpenBlobAlone) {
  Site site;
  site.add("ritu", 1);
  site.vault->forget();
  EXPECT_FALSE(site.attendance().add(site.blob, person("arjun"), key_of(2)));
  EXPECT_FALSE(site.vault->renew_ca(site.blob));
  ASSERT_TRUE(site.open_by("ritu", 1));
  site.add("arjun", 2);
}

TEST(AttendedVault, ForgettingTakesAlsoWhatWasGiven) {
  Site site;
  site.add("ritu", 1);
  site.attendance().give({.name = "ritu", .key = key_of(1)});
  site.vault->forget();
  EXPECT_FALSE(site.vault->open(site.blob));
}

TEST(AttendedVault, ANewSealingHasAnotherFactorAndNobodyNamed) {
  // By the recovery quorum: also where all persons forgot, so the blob need not be open.
  Site site;
  site.add("ritu", 1);
  site.vault->forget();
  const auto anew = site.vault->reseal(site.blob, site.root);
  ASSERT_TRUE(anew) << anew.error().text;
  EXPECT_TRUE(site.attendance().persons(anew->blob)->empty());
  ASSERT_TRUE(site.vault->settle(anew->blob, secret));
  const auto opened = site.vault->open(anew->blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(same(opened->root_key, site.root));
  // Who was a person of the old one and kept it has nothing of the new one.
  EXPECT_FALSE(site.open_by("ritu", 1));
  const auto before = decode_attended(site.blob);
  const auto after = decode_attended(anew->blob);
  ASSERT_TRUE(before && after);
  EXPECT_FALSE(same(*factor_in(before->slots[0], key_of(1)), after->factor));
}

TEST(AttendedVault, ARenewedCaKeepsThePersons) {
  Site site;
  site.add("ritu", 1);
  ASSERT_TRUE(site.open_by("ritu", 1));
  const auto renewed = site.vault->renew_ca(site.blob);
  ASSERT_TRUE(renewed) << renewed.error().text;
  site.blob = renewed->blob;
  EXPECT_TRUE(site.vault->open(site.blob)) << "what follows at once needs nobody";
  site.vault->forget();
  EXPECT_FALSE(site.vault->open(site.blob));
  const auto opened = site.open_by("ritu", 1);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(same(opened->root_key, site.root));
  EXPECT_EQ(opened->ca_public, renewed->ca_public);
}

TEST(AttendedVault, OneBitChangedIsRefused) {
  for (const bool attended : {false, true}) {
    Site site;
    if (attended) site.add("ritu", 1);
    for (std::size_t at = 0; at < site.blob.size(); ++at) {
      Bytes changed = site.blob;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (at % 8)));
      site.attendance().give({.name = "ritu", .key = key_of(1)});
      ASSERT_FALSE(site.vault->open(changed)) << at;
    }
    for (std::size_t size = 0; size < site.blob.size(); ++size) {
      site.attendance().give({.name = "ritu", .key = key_of(1)});
      ASSERT_FALSE(site.vault->open(BytesView(site.blob).first(size))) << size;
    }
    EXPECT_TRUE(site.open_by("ritu", 1));
  }
}

TEST(AttendedVault, DoesTheRestAsTheHardwareDoes) {
  Site site;
  site.add("ritu", 1);
  const auto opened = site.open_by("ritu", 1);
  ASSERT_TRUE(opened);
  const Digest digest{1};
  const auto signature = site.vault->sign(site.blob, KeyUse::issuing_ca, digest);
  ASSERT_TRUE(signature);
  EXPECT_TRUE(p256_verify(opened->ca_public, digest, *signature));
  const auto value = site.vault->advance(site.blob, secret);
  ASSERT_TRUE(value);
  EXPECT_EQ(*site.vault->counter(site.blob, secret), *value);
  EXPECT_TRUE(site.vault->probe());
  EXPECT_FALSE(site.vault->removable());
  site.hardware->reachable = false;
  EXPECT_EQ(site.open_by("ritu", 1).error().code, away_code);
  site.hardware->reachable = true;
  EXPECT_EQ(site.vault->holds(site.blob), true);
  EXPECT_EQ(site.vault->destroy(site.blob, nullptr), Vault::Destruction::done);
  EXPECT_EQ(site.vault->holds(site.blob), false);
  EXPECT_FALSE(site.open_by("ritu", 1));
}

TEST(AttendedVault, AProvisioningIsAttendedByNobody) {
  Site site;
  site.add("ritu", 1);
  const auto sealed = site.vault->provision(site.root, secret, true);
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(site.attendance().persons(sealed->blob)->empty());
  EXPECT_TRUE(site.vault->open(sealed->blob));
}

}  // namespace
}  // namespace gims::hsm
