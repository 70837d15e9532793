#include "hsm/main/settings.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_folder.hpp"

namespace gims::hsm {
namespace {

constexpr std::string_view good =
    "socket = \"/run/gims/keyd.sock\"\n"
    "state_folder = \"/var/lib/gims-keyd\"\n"
    "[tpm]\n"
    "tcti = \"device:/dev/tpmrm0\"\n"
    "time_limit = \"20s\"\n"
    "release_policy = \"/usr/lib/gims/release.policy\"\n"
    "[peers]\n"
    "tlsd = \"1201\"\n"
    "gimsd = \"1202\"\n"
    "admins = [\"root\", \"1203\"]\n"
    "tamper = \"1204\"\n"
    "volume = \"1205\"\n"
    "services = \"1206\"\n";

Result<Settings> load(std::string_view toml) {
  const test::TempFolder folder;
  std::ofstream(folder / "keyd.toml") << toml;
  return load_settings((folder / "keyd.toml").string());
}

std::string changed(std::string_view from, std::string_view to) {
  std::string toml(good);
  const std::size_t at = toml.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return toml.replace(at, from.size(), to);
}

TEST(KeydSettings, AreReadFromTheFile) {
  const auto settings = load(good);
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->socket, "/run/gims/keyd.sock");
  EXPECT_EQ(settings->state_folder, "/var/lib/gims-keyd");
  EXPECT_EQ(settings->user, "");
  EXPECT_FALSE(settings->tpm->address.swtpm);
  EXPECT_EQ(settings->tpm->address.path, "/dev/tpmrm0");
  EXPECT_EQ(settings->tpm->time_limit, std::chrono::seconds(20));
  EXPECT_EQ(settings->policy_file, "/usr/lib/gims/release.policy");
  ASSERT_EQ(settings->users.size(), 7U);
  EXPECT_EQ(settings->users.at(1201).bits, (Roles{} | Role::tlsd).bits);
  EXPECT_EQ(settings->users.at(1202).bits, (Roles{} | Role::gimsd).bits);
  EXPECT_EQ(settings->users.at(1203).bits, (Roles{} | Role::admin).bits);
  EXPECT_EQ(settings->users.at(1204).bits, (Roles{} | Role::tamper).bits);
  EXPECT_EQ(settings->users.at(1205).bits, (Roles{} | Role::volume).bits);
  EXPECT_EQ(settings->users.at(1206).bits, (Roles{} | Role::services).bits);
  EXPECT_EQ(settings->users.at(0).bits, (Roles{} | Role::admin).bits);
}

TEST(KeydSettings, TheKeysAreInATpmOrInAnHsmOrInBoth) {
  const std::string hsm = "[pkcs11]\nsocket = \"/run/gims/pkcs11.sock\"\ntime_limit = \"5s\"\n";
  const auto tpm_alone = load(good);
  ASSERT_TRUE(tpm_alone);
  EXPECT_FALSE(tpm_alone->pkcs11);
  EXPECT_EQ((*vault_of(*tpm_alone))->kind(), "tpm2");
  EXPECT_EQ(time_limit_of(*tpm_alone), std::chrono::seconds(20));

  const auto both = load(std::string(good) + hsm);
  ASSERT_TRUE(both) << both.error().text;
  EXPECT_EQ(both->pkcs11->socket, "/run/gims/pkcs11.sock");
  EXPECT_EQ((*vault_of(*both))->kind(), "tpm2+pkcs11");
  EXPECT_EQ(time_limit_of(*both), std::chrono::seconds(25));

  const std::string tpm =
      std::string(good.substr(good.find("[tpm]"), good.find("[peers]") - good.find("[tpm]")));
  const auto hsm_alone = load(changed(tpm, hsm));
  ASSERT_TRUE(hsm_alone) << hsm_alone.error().text;
  EXPECT_FALSE(hsm_alone->tpm);
  EXPECT_EQ((*vault_of(*hsm_alone))->kind(), "pkcs11");

  const auto longer =
      load(std::string(good) + hsm.substr(0, hsm.find("time_limit")) + "time_limit = \"6s\"\n");
  ASSERT_FALSE(longer);
  EXPECT_NE(longer.error().text.find("pkcs11.time_limit: must be at most 25s together"),
            std::string::npos)
      << longer.error().text;

  const auto neither = load(changed(tpm, ""));
  ASSERT_FALSE(neither);
  EXPECT_NE(neither.error().text.find("tpm: is missing"), std::string::npos)
      << neither.error().text;
  EXPECT_NE(neither.error().text.find("[pkcs11]"), std::string::npos);
}

TEST(KeydSettings, ALineOfTheHardwareIsThereWhereItIsConfigured) {
  const auto settings = load(changed("tamper = \"1204\"\n", ""));
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->users.size(), 6U);
}

TEST(KeydSettings, WhoOpensADataVolumeIsThereWhereItIsConfigured) {
  const auto settings = load(changed("volume = \"1205\"\n", ""));
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->users.size(), 6U);
}

TEST(KeydSettings, ServicesAreThereWhereTheyAreConfigured) {
  const auto settings = load(changed("services = \"1206\"\n", ""));
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->users.size(), 6U);
}

TEST(KeydSettings, AProblemNamesItsLineAndWhatIsAllowed) {
  struct Case {
    std::string toml;
    const char* told;
  };
  const Case cases[] = {
      {changed("device:/dev/tpmrm0", "device:/dev/tpm0"),
       ":4:8: tpm.tcti: must be \"device:/dev/tpmrm0\" or \"swtpm:path=/…\""},
      {changed("\"20s\"", "\"20m\""), ":5:14: tpm.time_limit: must be a duration from 1s to 25s"},
      {changed("\"1201\"", "\"no-such-user\""), ":8:8: peers.tlsd: must be a user of this system"},
      {changed("\"20s\"", "\"26s\""), ":5:14: tpm.time_limit: must be a duration from 1s to 25s"},
      {changed("\"1202\"", "\"1201\""),
       ":9:9: peers.gimsd: must be another user than that of peers.tlsd"},
      {changed("\"1203\"", "\"1202\""),
       ":10:10: peers.admins: must be other users than those of the other peers"},
      {changed("\"1203\"", "\"1201\""),
       ":10:10: peers.admins: must be other users than those of the other peers"},
      {changed("\"1204\"", "\"1202\""),
       ":11:10: peers.tamper: must be another user than those of peers.tlsd and peers.gimsd"},
      {changed("\"1204\"", "\"1203\""),
       ":10:10: peers.admins: must be other users than those of the other peers"},
      {changed("\"1205\"", "\"1204\""),
       ":12:10: peers.volume: must be another user than those of the other peers"},
      {changed("\"1206\"", "\"1205\""),
       ":13:12: peers.services: must be another user than those of the other peers"},
      {changed("[\"root\", \"1203\"]", "[]"), ":10:10: peers.admins: must be an array of 1 to 16"},
      {changed("/run/gims/keyd.sock", "keyd.sock"), ":1:10: socket: must be an absolute path"},
      {changed("/run/gims/keyd.sock", "/" + std::string(107, 'a')),
       ":1:10: socket: must be a path of at most 107 bytes"},
      {changed("state_folder", "state_foldr"), ": state_folder: is missing"},
      {changed("state_folder", "state_foldr"), ":2:15: state_foldr: is not known"},
  };
  for (const Case& wrong : cases) {
    const auto settings = load(wrong.toml);
    ASSERT_FALSE(settings) << wrong.told;
    EXPECT_NE(settings.error().text.find(std::string("keyd.toml") + wrong.told), std::string::npos)
        << settings.error().text << "\nis not\n"
        << wrong.told;
  }
}

}  // namespace
}  // namespace gims::hsm
