// The end of a site: that nothing of it opens, and that what the power cut off is finished.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string_view>

#include "hsm/proto/bytes.hpp"
#include "support/decided_site.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;

void mark(KeydSite& site, std::string_view text) {
  test::write_bytes(site.state() / StateFolder::zeroized, bytes_of(text));
}
bool is_there(KeydSite& site, const char* name) {
  return std::filesystem::exists(site.state() / name);
}

TEST(Zeroize, WhatIsCutOffAfterTheHardwareIsFinishedAtTheNextStart) {
  struct Case {
    const char* name;
    const char* mark;  // that the power left
    bool certain;      // whether it can be said then that the keys were these
    std::function<void(KeydSite&)> removed;
  };
  const auto nothing = [](KeydSite&) {};
  const auto custody = [](KeydSite& site) { std::filesystem::remove(site.custody()); };
  const Case cases[] = {
      {"before its mark", "zeroizing", false, nothing},
      {"with its mark", "zeroized", true, nothing},
      {"without custody.bin", "zeroized", true, custody},
      {"without custody.bin, in doubt", "files removed", false, custody},
  };
  for (const Case& one : cases) {
    test::DecidedSite site;
    site.propose({.action = Action::zeroize, .body = {0}});  // acts.bin is there
    ASSERT_TRUE(is_there(site, StateFolder::acts));
    site.hardware().seal = SecretBytes();
    mark(site, one.mark);
    one.removed(site);
    EXPECT_EQ(site.restart().state(), State::zeroized) << one.name;
    EXPECT_EQ(site.custodian().status().reason.empty(), one.certain) << one.name;
    for (const char* file : {StateFolder::custody, StateFolder::state, StateFolder::acts}) {
      EXPECT_FALSE(is_there(site, file)) << one.name << ": " << file;
    }
    EXPECT_EQ(site.restart().state(), State::zeroized) << one.name;
    EXPECT_TRUE(is_there(site, StateFolder::recovery)) << "the quorum's";
  }
}

TEST(Zeroize, WhatIsCutOffBetweenTwoVaultsIsFinishedAtTheNextStart) {
  const auto hsm = std::make_shared<test::FakeHardware>();
  KeydSite site(hsm);
  site.provisioned();
  site.hardware().seal = SecretBytes();
  mark(site, "zeroizing");
  hsm->reachable = false;
  EXPECT_EQ(site.restart().state(), State::locked) << "its half may still be there";
  EXPECT_TRUE(is_there(site, StateFolder::custody));
  hsm->reachable = true;
  EXPECT_EQ(site.restart().state(), State::zeroized);
  EXPECT_TRUE(hsm->seal.empty());
  EXPECT_FALSE(is_there(site, StateFolder::custody));
}

TEST(Zeroize, WhatIsCutOffBeforeTheHardwareNeverWas) {
  KeydSite site;
  site.provisioned();
  mark(site, "zeroizing");
  EXPECT_EQ(site.restart().state(), State::operational);
  EXPECT_FALSE(is_there(site, StateFolder::zeroized));
}

TEST(Zeroize, HardwareThatBreaksOffIsFoundOutAboutAtTheNextStart) {
  for (const bool did_its_part : {false, true}) {
    KeydSite site;
    site.provisioned();
    site.hardware().reachable = false;
    const auto broken = site.custodian().zeroize({});
    ASSERT_FALSE(broken);
    EXPECT_TRUE(broken.error().text.contains("is not known")) << broken.error().text;
    site.hardware().reachable = true;
    if (did_its_part) site.hardware().seal = SecretBytes();
    EXPECT_EQ(site.restart().state(), did_its_part ? State::zeroized : State::operational);
    EXPECT_EQ(is_there(site, StateFolder::custody), !did_its_part);
  }
}

TEST(Zeroize, NothingIsRemovedForAnotherReason) {
  struct Case {
    const char* name;
    const char* mark;
    std::function<void(test::FakeHardware&)> changed;
  };
  const Case cases[] = {
      {"nobody zeroized", nullptr, [](test::FakeHardware& it) { it.seal = SecretBytes(); }},
      {"other hardware", "zeroizing", [](test::FakeHardware& it) { it.name = 2; }},
      {"hardware that is away", "zeroizing", [](test::FakeHardware& it) { it.reachable = false; }},
  };
  for (const Case& one : cases) {
    KeydSite site;
    site.provisioned();
    if (one.mark != nullptr) mark(site, one.mark);
    one.changed(site.hardware());
    EXPECT_EQ(site.restart().state(), State::locked) << one.name;
    EXPECT_TRUE(is_there(site, StateFolder::custody)) << one.name;
    EXPECT_TRUE(is_there(site, StateFolder::state)) << one.name;
  }
}

// Also where a file of before was changed: what is no custody.bin names no hardware.
TEST(Zeroize, ADamagedFileBesideABegunMarkIsKept) {
  KeydSite site;
  site.provisioned();
  site.hardware().seal = SecretBytes();
  mark(site, "zeroizing");
  Bytes file = test::read_bytes(site.custody());
  file.resize(file.size() / 2);
  test::write_bytes(site.custody(), file);
  EXPECT_EQ(site.restart().state(), State::locked);
  EXPECT_TRUE(is_there(site, StateFolder::custody));
}

TEST(Zeroize, AMarkThatCannotBeReadOrWrittenKeepsNoKey) {
  KeydSite site;
  site.provisioned();
  // A folder in its place, with something in it.
  std::filesystem::create_directories(site.state() / StateFolder::zeroized / "x");
  EXPECT_FALSE(site.custodian().zeroize({}));
  EXPECT_TRUE(site.hardware().seal.empty());
  EXPECT_EQ(site.custodian().state(), State::locked);
  std::filesystem::remove_all(site.state() / StateFolder::zeroized);
  EXPECT_EQ(site.restart().state(), State::locked) << "without a mark nothing is removed";
  mark(site, "zeroizing");
  EXPECT_EQ(site.restart().state(), State::zeroized);
}

TEST(Zeroize, NoPlaceOfTheOldDiskIsAKey) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().extend_audit({.sequence = 1, .hash = {1}}));
  Bytes disk;
  for (const auto& entry : std::filesystem::directory_iterator(site.state())) {
    const Bytes file = test::read_bytes(entry.path());
    disk.insert(disk.end(), file.begin(), file.end());
  }
  const CustodyRecord record = *decode_custody(test::read_bytes(site.custody()));
  const Bytes custody = test::read_bytes(site.custody());
  const Bytes kept = test::read_bytes(site.kept());
  const auto vault = site.vault();
  // What the trial below would find, if it were on the disk.
  const auto opened = vault->open(record.vault_blob);
  ASSERT_TRUE(opened);
  ASSERT_TRUE(check_custody(custody, opened->root_key));
  ASSERT_TRUE(decode_state(kept, opened->root_key));
  ASSERT_TRUE(site.custodian().zeroize({}));

  std::size_t places = 0;
  for (std::size_t at = 0; at + key_size <= disk.size(); ++at) {
    const SecretBytes key = *SecretBytes::copy_of(BytesView(disk).subspan(at, key_size));
    // As what the hardware held, and as the root key.
    site.hardware().seal = *key.clone();
    ASSERT_FALSE(vault->open(record.vault_blob)) << at;
    ASSERT_FALSE(check_custody(custody, key)) << at;
    ASSERT_FALSE(decode_state(kept, key)) << at;
    ++places;
  }
  EXPECT_GT(places, 1'000U);
}

}  // namespace
}  // namespace gims::hsm
