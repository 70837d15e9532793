#include "hsm/main/service_settings.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "support/temp_folder.hpp"

namespace gims::hsm {
namespace {

Result<ServiceSettings> load(std::string_view toml) {
  const test::TempFolder folder;
  std::ofstream(folder / "services.toml") << toml;
  return load_service_settings((folder / "services.toml").string());
}

TEST(ServiceSettings, NeedNotBeThere) {
  const test::TempFolder folder;
  for (const std::string& path : {std::string(), (folder / "none.toml").string()}) {
    const auto settings = load_service_settings(path);
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->relay_address, "");
    EXPECT_EQ(settings->wifi_name, "");
    EXPECT_EQ(settings->wifi_passphrase, 1U);
  }
}

TEST(ServiceSettings, AreReadFromTheFile) {
  const auto settings =
      load("[relay]\naddress = \"10.73.2.1\"\n[wifi]\nname = \"PMO North\"\npassphrase = 7\n");
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->relay_address, "10.73.2.1");
  EXPECT_EQ(settings->wifi_name, "PMO North");
  EXPECT_EQ(settings->wifi_passphrase, 7U);
}

TEST(ServiceSettings, NothingOfThemIsASecondLineOfAnotherProgramsFile) {
  for (const char* toml :
       {"[wifi]\nname = \"a\\nsae_password=easy\"", "[wifi]\nname = \"\"", "[wifi]\nname = \" a\"",
        "[wifi]\nname = \"a \"", "[wifi]\nname = \"caf\\u00e9\"",
        "[wifi]\nname = \"1234567890123456789012345\"", "[wifi]\npassphrase = 0",
        "[wifi]\npassphrase = \"twelve or more\"", "[relay]\naddress = \"10.73.2.1\\nno-auth\"",
        "[relay]\naddress = \"2001:db8::1\"", "[relay]\nadress = \"10.73.2.1\""}) {
    const auto settings = load(toml);
    ASSERT_FALSE(settings) << toml;
    EXPECT_EQ(settings.error().code, "GIMS_CONFIG");
  }
}

}  // namespace
}  // namespace gims::hsm
