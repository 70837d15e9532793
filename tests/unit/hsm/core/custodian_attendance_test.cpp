// A site that opens only when a person is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "hsm/core/attended_blob.hpp"
#include "hsm/core/custodian.hpp"
#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;

AddPersonRequest new_person(std::string name, std::uint8_t byte) {
  return {
      .person = {.name = std::move(name), .kind = FactorKind::passphrase, .parameters = {7, byte}},
      .key = *SecretBytes::copy_of(Bytes(key_size, byte))};
}

PersonKey key_of(std::string name, std::uint8_t byte) {
  return {.name = std::move(name), .key = *SecretBytes::copy_of(Bytes(key_size, byte))};
}

TEST(CustodianAttendance, WaitsForAPersonAfterARestart) {
  KeydSite site;
  Custodian& before = site.provisioned();
  EXPECT_TRUE(before.persons()->persons.empty());
  const auto server_key = before.server_key().public_key;
  ASSERT_TRUE(before.add_person(new_person("ritu", 1)));
  EXPECT_EQ(before.state(), State::operational) << "it goes on";

  Custodian& custodian = site.restart();
  EXPECT_EQ(custodian.state(), State::locked);
  EXPECT_NE(custodian.status().reason.find("waits for a person"), std::string::npos);
  EXPECT_EQ(custodian.next_try(), std::nullopt) << "nobody comes by waiting alone";
  const auto persons = custodian.persons();
  ASSERT_TRUE(persons) << persons.error().text;
  ASSERT_EQ(persons->persons.size(), 1U);
  EXPECT_EQ(persons->persons[0], new_person("ritu", 1).person);

  EXPECT_FALSE(custodian.unlock());
  EXPECT_FALSE(custodian.unlock_with(key_of("ritu", 2)));
  EXPECT_NE(custodian.status().reason.find("not opened by ritu"), std::string::npos);
  EXPECT_FALSE(custodian.unlock_with(key_of("arjun", 1)));
  EXPECT_EQ(custodian.state(), State::locked);
  const auto unlocked = custodian.unlock_with(key_of("ritu", 1));
  ASSERT_TRUE(unlocked) << unlocked.error().text;
  EXPECT_EQ(custodian.state(), State::operational);
  EXPECT_EQ(custodian.server_key().public_key, server_key);
  EXPECT_TRUE(custodian.status().reason.empty());
}

TEST(CustodianAttendance, PersonsComeAndGo) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  EXPECT_FALSE(site.custodian().add_person(new_person("ritu", 2)));
  EXPECT_FALSE(site.custodian().remove_person({.name = "ritu"})) << "the last one";
  ASSERT_TRUE(site.custodian().add_person(new_person("arjun", 2)));
  ASSERT_TRUE(site.custodian().remove_person({.name = "ritu"}));
  EXPECT_EQ(site.custodian().persons()->persons.size(), 1U);
  site.restart();
  EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1)));
  EXPECT_TRUE(site.custodian().unlock_with(key_of("arjun", 2)));
  // Who opened it can name others.
  ASSERT_TRUE(site.custodian().add_person(new_person("meera", 3)));
  site.restart();
  EXPECT_TRUE(site.custodian().unlock_with(key_of("meera", 3)));
}

TEST(CustodianAttendance, AChangeThatIsNotWrittenHasNotHappened) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  // A folder in the way of the new file.
  std::filesystem::rename(site.custody(), site / "kept");
  std::filesystem::create_directory(site.custody());
  ASSERT_FALSE(site.custodian().add_person(new_person("arjun", 2)));
  EXPECT_EQ(site.custodian().persons()->persons.size(), 1U);
  std::filesystem::remove(site.custody());
  std::filesystem::rename(site / "kept", site.custody());
  site.restart();
  EXPECT_FALSE(site.custodian().unlock_with(key_of("arjun", 2)));
  ASSERT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
  EXPECT_TRUE(site.custodian().add_person(new_person("arjun", 2)));
}

TEST(CustodianAttendance, HardwareThatComesBackStillWaitsForAPerson) {
  KeydSite site;
  site.hardware().removable = true;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  site.hardware().reachable = false;
  site.clock().advance(site.custodian().next_try()->count());
  site.custodian().tick();
  EXPECT_EQ(site.custodian().state(), State::locked);
  site.hardware().reachable = true;
  site.clock().advance(site.custodian().next_try()->count());
  site.custodian().tick();
  EXPECT_EQ(site.custodian().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("waits for a person"), std::string::npos);
  EXPECT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

TEST(CustodianAttendance, AKeyThatIsGivenWhileTheHardwareIsAwayIsNotKept) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  site.restart();
  site.hardware().reachable = false;
  EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1)));
  site.hardware().reachable = true;
  EXPECT_FALSE(site.custodian().unlock());
  EXPECT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

// Whether a wrong key is looked at, rather than refused for the pause alone.
bool wrong_key_is_tried(KeydSite& site) {
  const int before = site.hardware().opened;
  const auto refused = site.custodian().unlock_with(key_of("ritu", 2));
  EXPECT_FALSE(refused);
  const bool tried = site.hardware().opened > before;
  EXPECT_EQ(refused.error().text.find("Too many wrong") == std::string::npos, tried);
  return tried;
}

TEST(CustodianAttendance, SeveralWrongKeysAreSlowed) {
  constexpr std::int64_t second = 1000;
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  site.restart();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(wrong_key_is_tried(site));
  // Each wrong one that is tried doubles the pause; those refused for it do not.
  for (const std::int64_t pause : {60, 120, 240, 480, 900, 900}) {
    EXPECT_FALSE(wrong_key_is_tried(site));
    site.clock().advance(pause * second - 1);
    EXPECT_FALSE(wrong_key_is_tried(site)) << pause;
    EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1))) << "nor is the right one taken";
    site.clock().advance(1);
    EXPECT_TRUE(wrong_key_is_tried(site)) << pause;
  }
  site.clock().advance(900 * second);
  ASSERT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

TEST(CustodianAttendance, TheRightKeyEndsTheRowOfWrongOnes) {
  KeydSite site;
  site.hardware().removable = true;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  site.restart();
  for (int time = 0; time < 3; ++time) {
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(wrong_key_is_tried(site));
    ASSERT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
    site.hardware().reachable = false;
    site.clock().advance(site.custodian().next_try()->count());
    site.custodian().tick();
    ASSERT_EQ(site.custodian().state(), State::locked);
    // Hardware that is away says nothing of the key.
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1)));
    site.hardware().reachable = true;
  }
  EXPECT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

CeremonyRequest ceremony(CeremonyKind kind) {
  CeremonyRequest request;
  request.kind = kind;
  request.replace = true;
  return request;
}

TEST(CustodianAttendance, ACeremonyAsksNobodyOnceMore) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  const auto renewed =
      test::hold(site.custodian(), ceremony(CeremonyKind::renew_ca), site.shares());
  ASSERT_TRUE(renewed) << renewed.error().text;
  EXPECT_EQ(site.custodian().state(), State::operational) << site.custodian().status().reason;
  EXPECT_EQ(site.restart().state(), State::locked);
  EXPECT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

TEST(CustodianAttendance, NothingOfTheFileOpensWithoutAPersonThoughTheCaWasRenewedBefore) {
  KeydSite site;
  site.provisioned();
  const auto before = decode_custody(test::read_bytes(site.custody()));
  ASSERT_TRUE(before) << before.error().text;
  const auto unattended = decode_attended(before->vault_blob);
  ASSERT_TRUE(unattended) << unattended.error().text;
  const auto renewed =
      test::hold(site.custodian(), ceremony(CeremonyKind::renew_ca), site.shares());
  ASSERT_TRUE(renewed) << renewed.error().text;
  const auto holds_factor = [&] {
    const Bytes file = test::read_bytes(site.custody());
    return !std::ranges::search(file, unattended->factor.bytes()).empty();
  };
  EXPECT_TRUE(holds_factor()) << "nobody is named yet";
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  EXPECT_FALSE(holds_factor());
  site.restart();
  ASSERT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
  const auto list = site.custodian().crl({.which = 2});
  EXPECT_TRUE(list) << "of the CA of before: " << list.error().text;
}

TEST(CustodianAttendance, AnOlderCopyIsForThePersonAndThenForTheQuorum) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  site.restart();
  std::filesystem::remove(site.kept());
  EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1)));
  ASSERT_EQ(site.custodian().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("state.bin"), std::string::npos)
      << site.custodian().status().reason;
  const auto accepted = test::hold(site.custodian(), ceremony(CeremonyKind::accept), site.shares());
  ASSERT_TRUE(accepted) << accepted.error().text;
  EXPECT_EQ(site.custodian().state(), State::operational) << site.custodian().status().reason;
}

TEST(CustodianAttendance, TheQuorumRestoresASiteWhosePersonsForgot) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  ASSERT_EQ(site.restart().state(), State::locked);
  const auto restored =
      test::hold(site.custodian(), ceremony(CeremonyKind::restore), site.shares());
  ASSERT_TRUE(restored) << restored.error().text;
  EXPECT_EQ(site.restart().state(), State::operational) << site.custodian().status().reason;
  EXPECT_TRUE(site.custodian().persons()->persons.empty());
}

TEST(CustodianAttendance, ZeroizingNeedsNoPerson) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().add_person(new_person("ritu", 1)));
  site.restart();
  const auto zeroized = site.custodian().zeroize({});
  ASSERT_TRUE(zeroized) << zeroized.error().text;
  EXPECT_EQ(site.custodian().state(), State::zeroized);
  EXPECT_TRUE(site.hardware().seal.empty());
}

}  // namespace
}  // namespace gims::hsm
